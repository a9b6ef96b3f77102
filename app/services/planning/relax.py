"""Requirements that cannot all hold: the least that must give way gives way, and is said (rule P28)."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from app.engine.problem import Problem
from app.engine.solution import Conflict
from app.services.planning.notes import Notes

MARGIN = 1e-5


def relaxed(problem: Problem, conflicts: Iterable[Conflict], notes: Notes) -> Problem | None:
    """Return the problem with every requirement reduced by what the engine found it must give way.

    None where nothing among the conflicts can give way. Each reduction is noted in words.
    """
    amounts: dict[str, list[Conflict]] = {}
    for conflict in conflicts:
        if conflict.amount > 0 and conflict.kind in _GIVE_WAY:
            amounts.setdefault(conflict.kind, []).append(conflict)
            notes.add("given-way", f"{conflict.kind}|{conflict.code}|{conflict.bucket}", conflict.text)
    for kind, found in amounts.items():
        problem = _GIVE_WAY[kind](problem, found)
    return problem if amounts else None


def _demand(problem: Problem, conflicts: list[Conflict]) -> Problem:
    """Reduce what must be supplied of a request; a floor of everything becomes one request by request."""
    demands = problem.demands
    row_of = {code: row for row, code in enumerate(demands.codes)}
    minimum, floor = demands.minimum.copy(), demands.floor.copy()
    for conflict in conflicts:
        row = row_of[conflict.code]
        if floor[row] >= 1.0:
            minimum[row], floor[row] = demands.quantity[row], 0.0
        if conflict.bucket is not None:
            least = minimum[row, conflict.bucket] - conflict.amount - MARGIN
            minimum[row, conflict.bucket] = max(least, 0.0)
    return replace(problem, demands=replace(demands, minimum=minimum, floor=floor))


def _floor(problem: Problem, conflicts: list[Conflict]) -> Problem:
    demands = problem.demands
    row_of = {code: row for row, code in enumerate(demands.codes)}
    asked = demands.quantity[:, : problem.published].sum(axis=1)
    floor = demands.floor.copy()
    for conflict in conflicts:
        row = row_of[conflict.code]
        floor[row] = max(floor[row] - (conflict.amount + MARGIN) / max(asked[row], MARGIN), 0.0)
    return replace(problem, demands=replace(demands, floor=floor))


def _minimum(problem: Problem, conflicts: list[Conflict]) -> Problem:
    acts = problem.activities
    row_of = {code: row for row, code in enumerate(acts.codes)}
    lower = acts.lower.copy()
    for conflict in conflicts:
        cell = row_of[conflict.code], conflict.bucket
        lower[cell] = np.maximum(lower[cell] - conflict.amount - MARGIN, 0.0)
    return replace(problem, activities=replace(acts, lower=lower))


def _stock_maximum(problem: Problem, conflicts: list[Conflict]) -> Problem:
    stocks = problem.stocks
    row_of = {code: row for row, code in enumerate(stocks.codes)}
    maximum = stocks.maximum.copy()
    for conflict in conflicts:
        maximum[row_of[conflict.code], conflict.bucket] += conflict.amount + MARGIN
    return replace(problem, stocks=replace(stocks, maximum=maximum))


_GIVE_WAY = {"demand": _demand, "floor": _floor, "minimum": _minimum, "stock_maximum": _stock_maximum}
