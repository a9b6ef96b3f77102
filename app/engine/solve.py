"""Solve a problem: check, split, solve each component (or take it from the cache), join, round.

The optimum of the whole is the sum of the optima of its components, and so are bound and certificate (rule
32).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from time import monotonic
from typing import Any, Protocol

import numpy as np

from app.engine.cache import Cache
from app.engine.certificate import combine
from app.engine.checks import require_valid
from app.engine.component import Prices, Result, solve_component
from app.engine.elastic import conflicts
from app.engine.limits import binding_limits
from app.engine.network import Part, components, digest
from app.engine.problem import FloatArray, Problem
from app.engine.rounding import rounded_plan
from app.engine.solution import ELEMENTS, Decisions, Solution, Status
from app.errors import PlanCancelled

Progress = Callable[[int, int, str], None]
Cancelled = Callable[[], bool]


class Executor(Protocol):
    """What is needed of an executor: the `map` of `concurrent.futures`."""

    def map(self, fn: Callable[..., Any], *iterables: Iterable[Any]) -> Iterator[Any]:
        """Apply `fn` to the items in order."""


@dataclass(slots=True)
class Watch:
    """Time limit, cancellation and progress of one call."""

    limit: float
    progress: Progress | None = None
    cancelled: Cancelled | None = None
    _start: float = 0.0

    def __post_init__(self) -> None:
        """Start the clock."""
        self._start = monotonic()

    @property
    def left(self) -> float:
        """Seconds left."""
        return max(self.limit - (monotonic() - self._start), 0.0)

    def report(self, done: int, total: int, text: str) -> None:
        """Say how far the call is; raises PlanCancelled when it is no longer wanted."""
        if self.cancelled is not None and self.cancelled():
            raise PlanCancelled
        if self.progress is not None:
            self.progress(done, total, text)


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
    watch = Watch(problem.parameters.time_limit, progress, cancelled)
    parts = components(problem)
    results, cached = solve_parts(parts, watch, cache, executor)
    failed = worst_status(results)
    if failed is not None:
        return _without_plan(failed, parts, results, watch, cached)
    return joined(problem, parts, results, cached)


def solve_parts(
    parts: Sequence[Part], watch: Watch, cache: Cache[Result] | None, executor: Executor | None
) -> tuple[list[Result], int]:
    """Solve the components not in the cache; returns all results and how many came from the cache."""
    keys = [digest(part.problem, "solve") for part in parts]
    known: dict[bytes, Result] = {}
    if cache is not None:
        known = {key: answer for key in set(keys) if (answer := cache.get(key)) is not None}
    cached = sum(key in known for key in keys)
    fresh = {key: part.problem for key, part in zip(keys, parts, strict=True) if key not in known}
    run = executor.map if executor is not None else map
    answers = run(solve_component, fresh.values(), [watch.left] * len(fresh))
    watch.report(0, len(fresh), "solving")
    for done, (key, answer) in enumerate(zip(fresh, answers, strict=True), start=1):
        known[key] = answer
        if cache is not None and answer.verdict == "optimal":
            cache.put(key, answer)
        watch.report(done, len(fresh), "solving")
    return [known[key] for key in keys], cached


def worst_status(results: Sequence[Result]) -> Status | None:
    """Return the status that keeps the whole from having a plan; None where every component has one."""
    verdicts = {result.verdict for result in results}
    for verdict in ("infeasible", "unbounded"):
        if verdict in verdicts:
            return verdict
    return "limit" if verdicts - {"optimal"} else None


def _without_plan(
    status: Status, parts: Sequence[Part], results: Sequence[Result], watch: Watch, cached: int
) -> Solution:
    why = tuple(
        conflict
        for part, result in zip(parts, results, strict=True)
        if result.verdict == "infeasible"
        for conflict in conflicts(part.problem, watch.left)
    )
    bound = -np.inf if status != "infeasible" else np.inf
    return Solution(status, np.inf, bound, np.inf, conflicts=why, components=len(parts), cached=cached)


def joined(problem: Problem, parts: Sequence[Part], results: Sequence[Result], cached: int = 0) -> Solution:
    """Put the answers of the components together on the axes of the whole problem."""
    decisions, prices = join_decisions(problem, parts, results), join_prices(problem, parts, results)
    objective = sum(result.objective for result in results)
    bound = sum(result.bound for result in results)
    rows = ((r.certificate, r.objective) for r in results if r.certificate is not None)
    certificate = combine(rows, problem.parameters.accept)
    elements = np.sum([result.elements for result in results], axis=0) if results else np.zeros(len(ELEMENTS))
    return Solution(
        status="optimal" if certificate.accepted else "feasible",
        objective=objective,
        bound=bound,
        gap=certificate.gap,
        decisions=decisions,
        elements=named(elements),
        material_value=prices.material,
        capacity_value=prices.regular,
        certificate=certificate,
        binding=binding_limits(problem, prices),
        rounded=rounded_plan(problem, decisions, objective) if problem.parameters.rounding else None,
        components=len(parts),
        cached=cached,
    )


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
    target = np.zeros(count if name == "below_final" else (count, problem.periods))
    for part, piece in zip(parts, pieces, strict=True):
        if piece is not None:
            target[getattr(part, axis)] = getattr(piece, name)
    return target
