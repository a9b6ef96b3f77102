"""Solve a problem: check, split, solve each component (or take it from the cache), join, round.

The optimum of the whole is the sum of the optima of its components, and so are bound and certificate (rule
32).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from app.engine.cache import Cache
from app.engine.certificate import combine
from app.engine.checks import require_valid
from app.engine.component import Prices, Result, solve_component
from app.engine.elastic import conflicts
from app.engine.limits import binding_limits
from app.engine.network import Part, components
from app.engine.problem import FloatArray, Problem
from app.engine.rounding import rounded_plan
from app.engine.runner import Cancelled, Executor, Progress, Runner
from app.engine.solution import ELEMENTS, Conflict, Decisions, Solution, Status


def solve(
    problem: Problem,
    *,
    cache: Cache[Result] | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> Solution:
    """Find the least-cost plan (most margin) with its proof.

    Raises ProblemInvalid where the checks find errors, PlanCancelled when cancelled between two components.
    """
    require_valid(problem)
    runner = Runner(problem.parameters.time_limit, cache, executor, progress, cancelled)
    parts = components(problem)
    results = runner.run(solve_component, parts)
    failed = worst_status(results)
    if failed is None:
        return joined(problem, parts, results, runner.cached)
    bounds = {"infeasible": np.inf, "limit": sum(result.bound for result in results)}
    bound = bounds.get(failed, -np.inf)
    return Solution(
        failed, np.inf, bound, np.inf, conflicts=why(parts, results, runner), components=len(parts)
    )


def worst_status(results: Sequence[Result]) -> Status | None:
    """Return the status that keeps the whole from having a plan; None where every component has one."""
    without = (result.verdict for result in results if result.decisions is None)
    verdicts = {verdict for verdict in without if verdict != "optimal"}
    for verdict in ("infeasible", "unbounded"):
        if verdict in verdicts:
            return verdict
    return "limit" if verdicts else None


def status_of(results: Sequence[Result], accepted: bool) -> Status:
    """Return the status of a plan: optimal only with its proof; a limit that was hit is never hidden."""
    if accepted:
        return "optimal"
    return "limit" if any(result.verdict == "limit" for result in results) else "feasible"


def why(parts: Sequence[Part], results: Sequence[Result], runner: Runner) -> tuple[Conflict, ...]:
    """Explain the components that have no plan: which requirements conflict (rule 34)."""
    return tuple(
        conflict
        for part, result in zip(parts, results, strict=True)
        if result.verdict == "infeasible"
        for conflict in conflicts(part.problem, runner.left)
    )


@dataclass(frozen=True, slots=True)
class Frame:
    """How the components' objectives read: objective = sum / unit + constant; `money` = currency per sum."""

    unit: float = 1.0
    constant: float = 0.0
    money: float = 1.0


def joined(
    problem: Problem,
    parts: Sequence[Part],
    results: Sequence[Result],
    cached: int = 0,
    frame: Frame = Frame(),
) -> Solution:
    """Put the answers of the components together on the axes of the whole problem."""
    decisions = join_decisions(problem, parts, results)
    prices = join_prices(problem, parts, results).scaled(frame.money)
    rows = ((r.certificate, r.objective) for r in results if r.certificate is not None)
    certificate = combine(rows, problem.parameters.accept)
    elements = sum((result.elements for result in results), start=np.zeros(len(ELEMENTS)))
    return Solution(
        status=status_of(results, certificate.accepted),
        objective=sum(result.objective for result in results) / frame.unit + frame.constant,
        bound=sum(result.bound for result in results) / frame.unit + frame.constant,
        gap=certificate.gap,
        decisions=decisions,
        elements=named(elements),
        material_value=prices.material,
        capacity_value=prices.regular,
        certificate=certificate,
        binding=binding_limits(problem, prices),
        rounded=rounded_plan(problem, decisions) if roundable(problem) else None,
        components=len(parts),
        cached=cached,
    )


def roundable(problem: Problem) -> bool:
    """Whether rule 31 applies: lots and shared storage are decided in the plan itself."""
    return problem.parameters.rounding and not problem.whole and not problem.storages.codes


def named(elements: FloatArray) -> dict[str, float]:
    """Elements [E] by name, revenue as earned (positive)."""
    values = dict(zip(ELEMENTS, (float(value) + 0.0 for value in elements), strict=True))
    values["revenue"] = -values["revenue"] + 0.0
    return values


AXES = {
    "level": "activities",
    "level_upper": "activities",
    "level_lower": "activities",
    "stock": "stocks",
    "stock_maximum": "stocks",
    "material": "stocks",
    "below_target": "stocks",
    "below_final": "stocks",
    "deliver": "demands",
    "short": "demands",
    "backlog": "demands",
    "regular": "resources",
    "overtime": "resources",
}


def join_decisions(problem: Problem, parts: Sequence[Part], results: Sequence[Result]) -> Decisions:
    """Scatter the components' decisions over the whole axes; what no component holds is zero."""
    pieces = [result.decisions for result in results]
    return Decisions(**{item.name: _scatter(problem, parts, pieces, item.name) for item in fields(Decisions)})


def join_prices(problem: Problem, parts: Sequence[Part], results: Sequence[Result]) -> Prices:
    """Scatter the components' prices over the whole axes."""
    pieces = [result.prices for result in results]
    return Prices(**{item.name: _scatter(problem, parts, pieces, item.name) for item in fields(Prices)})


def _scatter(problem: Problem, parts: Sequence[Part], pieces: Sequence[object], name: str) -> FloatArray:
    axis = AXES[name]
    count = len(getattr(problem, axis).codes)
    shape = (count,) if name == "below_final" else (count, problem.periods)
    target, empty = np.zeros(shape), True
    for part, piece in zip(parts, pieces, strict=True):
        values = getattr(piece, name, None)
        if values is not None and values.any():  # pages of nothing but zeros are never touched
            target[getattr(part, axis)] = values
            empty = False
    return np.broadcast_to(0.0, shape) if empty else target
