"""A plan after a change: only the components that a change touches are cut out and solved again (rule 32).

`plan` keeps, beside the solution, which rows each component has and what it contributes to objective, bound
and certificate; `replan` compares the new problem with the old one row by row, solves what differs and puts
it into a copy of the answer. The result is that of `solve` on the new problem.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.cache import Cache
from app.engine.certificate import combine
from app.engine.checks import require_valid
from app.engine.component import Result, solve_component
from app.engine.limits import binding_limits
from app.engine.network import Part, Rows, components, cut, labels, nested, rows_of
from app.engine.problem import FloatArray, IntArray, Problem
from app.engine.runner import Executor, Runner
from app.engine.solution import ELEMENTS, BindingLimit, Decisions, Solution
from app.engine.solve import AXES, joined, named, solve, status_of, worst_status

AXIS_BLOCKS = ("stocks", "activities", "resources", "demands")
LINKS = ("inputs", "uses", "lots", "setup_inputs", "setup_uses", "storages")
LINKING = {"codes", "stock", "activity", "resource", "storage", "quota_group", "fill_group"}
"""Fields that say what is linked with what: where one of them changes, everything is planned anew."""


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """A solution with what is needed to plan again after a change."""

    problem: Problem
    solution: Solution
    label: Rows  # component of each row of each block
    shares: dict[int, list[Result]]  # by component: results without decisions and prices


def plan(
    problem: Problem, *, cache: Cache[Result] | None = None, executor: Executor | None = None
) -> Planned:
    """Solve a problem and keep what `replan` needs; raises as `solve` does."""
    require_valid(problem)
    runner = Runner(problem.parameters.time_limit, cache, executor)
    parts = components(problem)
    results = runner.run(solve_component, parts)
    label = labels(problem)
    if worst_status(results) is not None:
        return Planned(problem, solve(problem, cache=cache), label, {})
    shares: dict[int, list[Result]] = {}
    for part, result in zip(parts, results, strict=True):
        shares.setdefault(int(label.stocks[part.stocks[0]]), []).append(_share(result))
    return Planned(problem, joined(problem, parts, results, runner.cached), label, shares)


def replan(
    before: Planned,
    problem: Problem,
    *,
    cache: Cache[Result] | None = None,
    executor: Executor | None = None,
) -> Planned:
    """Plan a changed problem from the plan before: solves only the components that differ.

    Where the network itself differs, or there was no plan before, everything is planned.
    """
    touched = changed_components(before, problem)
    if touched is None or before.solution.decisions is None or problem.parameters.rounding:
        return plan(problem, cache=cache, executor=executor)
    if not len(touched):
        return replace(before, problem=problem)
    piece = cut(problem, rows_of(before.label, touched))
    require_valid(piece.problem)
    runner = Runner(problem.parameters.time_limit, cache, executor)
    inner = components(piece.problem)
    results = runner.run(solve_component, inner)
    if worst_status(results) is not None:
        return plan(problem, cache=cache, executor=executor)
    parts = [nested(part, piece) for part in inner]
    shares = {name: kept for name, kept in before.shares.items() if name not in set(touched.tolist())}
    for part, result in zip(parts, results, strict=True):
        shares.setdefault(int(before.label.stocks[part.stocks[0]]), []).append(_share(result))
    solution = _patched(before.solution, problem, parts, results, shares)
    return Planned(problem, solution, before.label, shares)


def changed_components(before: Planned, problem: Problem) -> IntArray | None:
    """Labels of the components whose content differs; None where the network or the frame does."""
    old, found = before.problem, [np.zeros(0, dtype=np.int64)]
    frame = (problem.buckets, problem.published, problem.parameters)
    if frame != (old.buckets, old.published, old.parameters) or not _equal(problem.days, old.days):
        return None
    for name in (*AXIS_BLOCKS, *LINKS):
        block, was, label = getattr(problem, name), getattr(old, name), getattr(before.label, name)
        for item in fields(block):
            now, then = getattr(block, item.name), getattr(was, item.name)
            if now is then or (item.name == "codes" and now == then):
                continue
            if item.name in LINKING or name == "storages":
                if item.name == "codes" or not _equal(now, then):
                    return None
                continue
            if now.shape != then.shape:
                return None
            found.append(label[_differing(now, then)])
    touched = np.unique(np.concatenate(found))
    return touched[touched >= 0]


def _differing(now: NDArray[Any], then: NDArray[Any]) -> NDArray[np.bool_]:
    """Say which rows differ, [rows]; no number is no number on both sides."""
    differs = (now != then) & ~(np.isnan(now) & np.isnan(then))
    return np.asarray(differs if differs.ndim == 1 else differs.any(axis=1))


def _equal(now: NDArray[Any], then: NDArray[Any]) -> bool:
    return now is then or (now.shape == then.shape and bool((now == then).all()))


def _share(result: Result) -> Result:
    return replace(result, decisions=None, prices=None)


def _patched(
    before: Solution,
    problem: Problem,
    parts: Sequence[Part],
    results: Sequence[Result],
    shares: dict[int, list[Result]],
) -> Solution:
    """Put the new answers of some components into a copy of a solution."""
    every = [result for kept in shares.values() for result in kept]
    rows = ((result.certificate, result.objective) for result in every if result.certificate is not None)
    certificate = combine(rows, problem.parameters.accept)
    pieces = [result.decisions for result in results]
    old = before.decisions
    names = [item.name for item in fields(Decisions)]
    decisions = Decisions(**{name: _put(getattr(old, name), parts, pieces, name) for name in names})
    prices = [result.prices for result in results]
    material, capacity = before.material_value, before.capacity_value
    return replace(
        before,
        status=status_of(every, certificate.accepted),
        objective=sum(result.objective for result in every),
        bound=sum(result.bound for result in every),
        gap=certificate.gap,
        decisions=decisions,
        elements=named(sum((result.elements for result in every), start=np.zeros(len(ELEMENTS)))),
        material_value=material if material is None else _put(material, parts, prices, "material"),
        capacity_value=capacity if capacity is None else _put(capacity, parts, prices, "regular"),
        certificate=certificate,
        binding=_binding(before, problem, parts, results),
        cached=0,
    )


def _put(values: FloatArray, parts: Sequence[Part], pieces: Sequence[object], name: str) -> FloatArray:
    """Copy values and put in those of the parts; what is nothing but zeros and stays so is not copied."""
    new = [getattr(piece, name) for piece in pieces]
    if values.strides[0] == 0 and not any(piece.any() for piece in new):
        return values
    copied = np.array(values)
    for part, piece in zip(parts, new, strict=True):
        copied[getattr(part, AXES[name])] = piece
    return copied


def _binding(
    before: Solution, problem: Problem, parts: Sequence[Part], results: Sequence[Result]
) -> tuple[BindingLimit, ...]:
    """Keep the binding limits of all other components, with those of the parts in their place."""
    gone = {
        code
        for part in parts
        for block in (part.problem.stocks, part.problem.activities, part.problem.resources)
        for code in block.codes
    }
    kept = [limit for limit in before.binding if limit.code not in gone]
    for part, result in zip(parts, results, strict=True):
        if result.prices is not None:
            kept += binding_limits(part.problem, result.prices)
    return tuple(sorted(kept, key=lambda limit: (-limit.value, limit.kind, limit.code, limit.bucket)))
