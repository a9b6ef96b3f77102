"""The frontier between two departments, and what service, overtime and stock cost (rules 46 and 47)."""

import asyncio
from dataclasses import dataclass

from app.engine.frontier import Frontier
from app.engine.frontier import frontier as find_frontier
from app.engine.problem import Problem
from app.engine.solution import Stakeholder
from app.engine.trade import Price, prices
from app.errors import BadValue
from app.services.explaining.attribution import MONEY_TABLE
from app.services.explaining.state import PlanState, plan_state
from app.services.grants import require_table
from app.services.planning.departments import departments_of
from app.store.branches import At
from app.store.database import Database, Transaction

CLOSE_ENOUGH = 1e-3


@dataclass(frozen=True, slots=True)
class FrontierPoint:
    """Values of both departments; `rate`: what the second gains per unit that the first gives up."""

    first: float
    second: float
    rate: float | None


@dataclass(frozen=True, slots=True)
class FrontierView:
    """Breakpoints from the first department's optimum to the second's; `gap` in currency."""

    first: str
    second: str
    points: tuple[FrontierPoint, ...]
    gap: float


async def frontier(
    database: Database,
    tx: Transaction,
    at: At | None,
    departments: tuple[str, str],
    tolerance: float = CLOSE_ENOUGH,
) -> FrontierView:
    """Return the frontier between two departments over the inputs of a reconciled plan.

    Raises NotGranted for who does not read the payoff table, BadValue for an unknown department or twice the
    same, Conflict for a state that is no reconciled plan.
    """
    require_table(tx.scope, MONEY_TABLE)
    state = await plan_state(database, at)
    first, second = _two(state, departments)
    found = await asyncio.to_thread(find_frontier, state.model.problem, first, second, tolerance)
    return frontier_view(found)


def frontier_view(found: Frontier) -> FrontierView:
    """Return a frontier point by point."""
    rates = [*found.rate.tolist(), None]
    rows = zip(found.values.tolist(), rates, strict=True)
    points = tuple(FrontierPoint(first, second, rate) for (first, second), rate in rows)
    return FrontierView(found.first, found.second, points, found.gap)


async def trade_prices(database: Database, tx: Transaction, at: At | None) -> tuple[Price, ...]:
    """Return what a point of service, an hour of overtime and a day of stock cost, in the plan's own eyes."""
    require_table(tx.scope, MONEY_TABLE)
    state = await plan_state(database, at)
    return await asyncio.to_thread(_prices, state.model.problem, state.working.weights)


def _prices(problem: Problem, weights: dict[str, float]) -> tuple[Price, ...]:
    return prices(problem, weights or None)


def _two(state: PlanState, names: tuple[str, str]) -> tuple[Stakeholder, Stakeholder]:
    known = {one.name: one for one in departments_of(state.model.facts.parameters)}
    for name in names:
        if name not in known:
            raise BadValue(field=["departments"], expected="one of " + ", ".join(known), found=name)
    if names[0] == names[1]:
        raise BadValue(field=["departments"], expected="two departments", found=names[0])
    return known[names[0]], known[names[1]]
