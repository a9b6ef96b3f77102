"""Requirements that cannot hold together, none of which can be left out: a smallest explanation (rule 39).

Found by dividing and testing (QuickXplain: U. Junker, AAAI 2004): whether a set of requirements alone is
impossible is asked of the solver, with all other requirements taken away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.engine.arrays import INFINITE, FloatArray
from app.engine.component import options_of
from app.engine.formulation import formulate
from app.engine.highs import minimise
from app.engine.lots import Lots
from app.engine.problem import Inputs, Problem, Uses
from app.engine.solution import Conflict

FIELDS: dict[str, tuple[str, str, float]] = {
    "demand": ("demands", "minimum", 0.0),
    "floor": ("demands", "floor", 0.0),
    "minimum": ("activities", "lower", 0.0),
    "stock_maximum": ("stocks", "maximum", INFINITE),
    "target": ("stocks", "target", 0.0),
    "final": ("stocks", "final_target", 0.0),
    "activity_upper": ("activities", "upper", INFINITE),
    "regular": ("resources", "regular", INFINITE),
    "overtime": ("resources", "overtime", INFINITE),
}
"""Where each kind of requirement stands in a problem, and the value that takes it away."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement: its kind, the code of its row, its bucket (None: the whole horizon) and its figure."""

    kind: str
    row: int
    code: str
    bucket: int | None
    value: float

    @property
    def cell(self) -> tuple[int, ...]:
        """Place in the field of its kind."""
        return (self.row,) if self.bucket is None else (self.row, self.bucket)


def irreducible(problem: Problem) -> tuple[Requirement, ...]:
    """Find requirements that are impossible together and possible without any one of them.

    Lots are left aside, since their greatest levels depend on the requirements themselves: empty where only
    they make the problem impossible, where it can be fulfilled, or where the limit of time ends the search.
    """
    stated = _stated(replace(problem, lots=Lots.of(), setup_inputs=Inputs.of(), setup_uses=Uses.of()))
    candidates = _candidates(stated)

    def impossible(kept: Sequence[Requirement]) -> bool:
        return _impossible(_with_only(stated, candidates, kept))

    if not impossible(candidates):
        return ()
    return tuple(_explain(impossible, [], candidates, grown=False))


def given_way(problem: Problem, conflicts: Sequence[Conflict]) -> Problem:
    """Return the problem with every requirement reduced by what it must give way (rule 34)."""
    stated = _stated(problem)
    for conflict in conflicts:
        if conflict.amount > 0 and conflict.kind in FIELDS:
            block, name, free = FIELDS[conflict.kind]
            axis = getattr(stated, block)
            row = axis.codes.index(conflict.code)
            values = getattr(axis, name).copy()
            cell = (row,) if values.ndim == 1 else (row, conflict.bucket)
            amount = conflict.amount * (1.0 + 1e-9) + 1e-9
            values[cell] = values[cell] + amount if free else max(values[cell] - amount, 0.0)
            stated = _replaced(stated, block, name, values)
    return stated


def _explain(
    impossible: Callable[[Sequence[Requirement]], bool],
    ground: list[Requirement],
    candidates: list[Requirement],
    *,
    grown: bool,
) -> list[Requirement]:
    """Return the candidates needed to make the ground impossible; `grown`: the ground is new and untested."""
    if grown and impossible(ground):
        return []
    if len(candidates) == 1:
        return candidates
    first, second = candidates[: len(candidates) // 2], candidates[len(candidates) // 2 :]
    later = _explain(impossible, ground + first, second, grown=True)
    earlier = _explain(impossible, ground + later, first, grown=bool(later))
    return earlier + later


def _stated(problem: Problem) -> Problem:
    """Write a floor of everything as what it is: each request must be supplied."""
    demands = problem.demands
    everything = demands.floor >= 1.0
    minimum = np.where(everything[:, None], demands.quantity, demands.minimum)
    floor = np.where(everything, 0.0, demands.floor)
    return replace(problem, demands=replace(demands, minimum=minimum, floor=floor))


def _candidates(problem: Problem) -> list[Requirement]:
    stocks = problem.stocks
    hard: dict[str, FloatArray | NDArray[np.bool_]] = {
        "target": np.isinf(stocks.target_cost),
        "final": np.isinf(stocks.final_cost),
    }
    found = []
    for kind, (block, name, _) in FIELDS.items():
        axis = getattr(problem, block)
        values = getattr(axis, name)
        # a limit of zero says what cannot be at all, not what was asked for
        there = (values > 0) & np.isfinite(values) & hard.get(kind, np.True_)
        for cell in np.argwhere(there).tolist():
            bucket = cell[1] if len(cell) > 1 else None
            found.append(Requirement(kind, cell[0], axis.codes[cell[0]], bucket, float(values[tuple(cell)])))
    return found


def _with_only(problem: Problem, candidates: Sequence[Requirement], kept: Sequence[Requirement]) -> Problem:
    """Take away every candidate that is not kept."""
    left = set(kept)
    gone: dict[str, list[tuple[int, ...]]] = {}
    for one in candidates:
        if one not in left:
            gone.setdefault(one.kind, []).append(one.cell)
    for kind, cells in gone.items():
        block, name, free = FIELDS[kind]
        values = getattr(getattr(problem, block), name).copy()
        values[tuple(np.array(cells).T)] = free
        problem = _replaced(problem, block, name, values)
    return problem


def _replaced(problem: Problem, block: str, name: str, values: FloatArray) -> Problem:
    changes = {block: replace(getattr(problem, block), **{name: values})}
    return replace(problem, **changes)


def _impossible(problem: Problem) -> bool:
    program = formulate(problem).program
    asked = program.with_cost(np.zeros_like(program.cost))
    return minimise(asked, options_of(problem, problem.parameters.time_limit)).verdict == "infeasible"
