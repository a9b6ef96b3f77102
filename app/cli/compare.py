"""`scenarios`, `frontier`, `attribute`: plans side by side, what departments trade, what made a change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer

from app.access import HOST
from app.cli.output import Json, answer, command, say
from app.cli.session import Rule, operator, with_database
from app.engine.trade import Price
from app.errors import PlanningError
from app.services.explaining.attribution import GROUPS, Attributed
from app.services.explaining.attribution import attribute as attribute_change
from app.services.explaining.trade import CLOSE_ENOUGH, FrontierView, trade_prices
from app.services.explaining.trade import frontier as find_frontier
from app.services.reconcile import DEFAULT_RULE, request
from app.services.summary import PlanSummary, summarise
from app.store.branches import At
from app.store.database import Database
from app.store.runs import run as read_run
from app.worker import work_off

COLUMNS = ("margin", "revenue", "overtime", "holding", "lateness", "shortfall")


@dataclass(frozen=True)
class Scenario:
    """A scenario's branch, the commit of its plan, and the plan in short."""

    branch: str
    commit: int
    summary: PlanSummary


@command
def scenarios(
    branches: Annotated[list[str], typer.Argument(help="Branches of inputs, such as main and scenarios.")],
    rule: Rule = DEFAULT_RULE,
    json: Json = False,
) -> None:
    """Reconcile several scenarios in one go and show them side by side; they share what they have in common.

    Example: python -m app scenarios main "more overtime" "second supplier"
    """

    async def work(database: Database) -> list[Scenario]:
        caller = operator()
        runs = [await request(database, caller, branch_name=name, rule=rule) for name in branches]
        await work_off(database)
        return [await _ended(database, name, run.id) for name, run in zip(branches, runs, strict=True)]

    found = with_database(work)
    data = {
        "rule": rule,
        "scenarios": [
            {"branch": one.branch, "commit": one.commit, "summary": one.summary.data()} for one in found
        ],
    }
    answer(data, json=json, text=lambda: _tell_scenarios(found))


async def _ended(database: Database, branch: str, number: Any) -> Scenario:
    async with database.read(HOST) as tx:
        ended = await read_run(tx, number)
    if ended.result_commit_id is None:
        raise PlanningError(reason=f"the run of {branch} ended {ended.state} ({ended.error_code})")
    summary = await summarise(database, HOST, At(commit=ended.result_commit_id))
    return Scenario(branch, ended.result_commit_id, summary)


def _tell_scenarios(found: Sequence[Scenario]) -> None:
    names = [one.branch for one in found]
    rows: list[tuple[str, list[float]]] = [
        (name, [one.summary.totals.get(name, 0.0) for one in found]) for name in COLUMNS
    ]
    rows += [
        (f"{part.stakeholder} gives up, %", [100 * _conceded(one, part.stakeholder) for one in found])
        for part in found[0].summary.departments
    ]
    rows.append(("on time, %", [100 * one.summary.volume.on_time for one in found]))
    width = max(16, *(len(name) + 2 for name in names))
    say(" " * 26 + "".join(name.rjust(width) for name in names))
    for name, values in rows:
        say(name.ljust(26) + "".join(f"{value:,.1f}".rjust(width) for value in values))


def _conceded(one: Scenario, stakeholder: str) -> float:
    return next((part.concession for part in one.summary.departments if part.stakeholder == stakeholder), 0.0)


@command
def frontier(
    first: Annotated[str, typer.Argument(help="A department: sales, operations or finance.")],
    second: Annotated[str, typer.Argument(help="Another one.")],
    plan: Annotated[
        str | None, typer.Option(help="Plan: a commit's number or a version; the published one unless given.")
    ] = None,
    tolerance: Annotated[
        float, typer.Option(min=0.0, help="Share of the range to which it is found; 0 = exactly.")
    ] = CLOSE_ENOUGH,
    json: Json = False,
) -> None:
    """Show what two departments can have of each other, and what service, overtime and stock cost.

    Example: python -m app frontier sales operations --tolerance 0
    """

    async def work(database: Database) -> tuple[FrontierView, tuple[Price, ...]]:
        async with database.read(HOST) as tx:
            found = await find_frontier(database, tx, _plan(plan), (first, second), tolerance)
            return found, await trade_prices(database, tx, _plan(plan))

    found, prices = with_database(work)
    data = {"frontier": asdict(found), "prices": [asdict(one) for one in prices]}
    answer(data, json=json, text=lambda: _tell_frontier(found, prices))


def _tell_frontier(found: FrontierView, prices: Sequence[Price]) -> None:
    say(f"{found.first:>16}  {found.second:>16}  gain per unit given up")
    for point in found.points:
        rate = "" if point.rate is None else f"{point.rate:,.4f}"
        say(f"{point.first:16,.2f}  {point.second:16,.2f}  {rate}")
    say(f"No plan lies beyond it by more than {found.gap:,.2f}.")
    for price in prices:
        more, less = (_change(one) for one in (price.more, price.less))
        say(f"{price.name} is {price.value:,.2f}: a unit more {more}, a unit less {less}")


def _change(money: float | None) -> str:
    return "cannot be" if money is None else f"costs {money:+,.2f}"


@command
def attribute(
    base: Annotated[str, typer.Argument(help="A plan: a commit's number or a published version.")],
    target: Annotated[str, typer.Argument(help="The plan to compare with it.")],
    json: Json = False,
) -> None:
    """Split the change of every total between two plans over the groups of inputs that changed.

    Example: python -m app attribute "2025-09 final" "2025-10 final"
    """

    async def work(database: Database) -> list[Attributed]:
        return await attribute_change(database, HOST, At(**_named(base)), At(**_named(target)))

    found = with_database(work)
    answer({"totals": [asdict(one) for one in found]}, json=json, text=lambda: _tell_parts(found))


def _tell_parts(found: Sequence[Attributed]) -> None:
    say("total".ljust(20) + "".join(name.rjust(14) for name in ("base", "target", *GROUPS)))
    for one in found:
        values = [one.base, one.target, *(one.parts[group] for group in GROUPS)]
        say(one.total.ljust(20) + "".join(f"{value + 0.0:,.1f}".rjust(14) for value in values))


def _plan(name: str | None) -> At:
    return At() if name is None else At(**_named(name))


def _named(name: str) -> dict[str, Any]:
    """Return the address of a plan: digits are a commit, anything else is a version's name."""
    return {"commit": int(name)} if name.isdigit() else {"version": name}
