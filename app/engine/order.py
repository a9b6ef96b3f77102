"""The canonical order of a problem's axes (rule 30).

Rows are put in order by their content, refined by the content of what they are linked with, and by code
only where they are equal in everything: so neither the order of the input nor the names decide between
tied plans.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.engine.problem import Activities, Demands, FloatArray, IntArray, Problem, Resources, Stocks

Hashes: TypeAlias = NDArray[np.uint64]

DIGITS = 9  # significant digits of content that count when rows are put in order


@dataclass(frozen=True, slots=True, eq=False)
class Orders:
    """Canonical sequence of each axis."""

    stocks: IntArray
    activities: IntArray
    resources: IntArray
    demands: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Colours:
    """A hash per row of each axis, equal for rows alike in content and in what surrounds them."""

    stocks: Hashes
    activities: Hashes
    resources: Hashes
    demands: Hashes


def canonical_order(problem: Problem) -> Orders:
    """Order each axis by colour, then by code."""
    colours = colour(problem)
    return Orders(
        _sequence(colours.stocks, problem.stocks.codes),
        _sequence(colours.activities, problem.activities.codes),
        _sequence(colours.resources, problem.resources.codes),
        _sequence(colours.demands, problem.demands.codes),
    )


def colour(problem: Problem, rounds: int = 3) -> Colours:
    """Hash each row by its content, refined by the content of its neighbours `rounds` times."""
    stocks, acts, resources, demands = problem.stocks, problem.activities, problem.resources, problem.demands
    inputs, uses = problem.inputs, problem.uses
    colour_n = _content(stocks)
    colour_a, colour_r, colour_d = _content(acts), _content(resources), _content(demands)
    colour_n, colour_a = _optional(problem, colour_n, colour_a)
    edge_in, edge_use = _hash_rows(inputs.quantity), _hash_rows(uses.hours)
    for _ in range(rounds):
        spread_a = _sum_at(colour_a, inputs.activity, _mix(edge_in, colour_n[inputs.stock]))
        spread_a = _sum_at(spread_a, uses.activity, _mix(edge_use, colour_r[uses.resource]))
        spread_a = _mix(spread_a, colour_n[acts.stock])
        spread_n = _sum_at(colour_n, acts.stock, _mix(colour_a, 1))
        spread_n = _sum_at(spread_n, inputs.stock, _mix(edge_in, colour_a[inputs.activity]))
        spread_n = _sum_at(spread_n, demands.stock, _mix(colour_d, 2))
        spread_r = _sum_at(colour_r, uses.resource, _mix(edge_use, colour_a[uses.activity]))
        spread_d = _mix(colour_d, colour_n[demands.stock])
        colour_a, colour_n, colour_r, colour_d = (
            _mix(c, 3) for c in (spread_a, spread_n, spread_r, spread_d)
        )
    return Colours(colour_n, colour_a, colour_r, colour_d)


def _optional(problem: Problem, colour_n: Hashes, colour_a: Hashes) -> tuple[Hashes, Hashes]:
    """Mix lots, set-ups and shared storage into the colours of activities and stocks, where there are any."""
    lots, storages = problem.lots, problem.storages
    if len(lots):
        content = [_hash_rows(getattr(lots, item.name)) for item in fields(lots) if item.name != "activity"]
        for number, hashes in enumerate(content):
            colour_a = _sum_at(colour_a, lots.activity, _mix(hashes, number))
        drawn, used = problem.setup_inputs, problem.setup_uses
        colour_a = _sum_at(colour_a, drawn.activity, _hash_rows(drawn.quantity))
        colour_a = _sum_at(colour_a, used.activity, _hash_rows(used.hours))
    if len(storages.codes):
        room = _hash_rows(storages.capacity)[storages.storage]
        colour_n = _sum_at(colour_n, storages.stock, _mix(_hash_rows(storages.space), room))
    return colour_n, colour_a


def _sequence(colour: Hashes, codes: tuple[str, ...]) -> IntArray:
    if not codes:
        return np.zeros(0, dtype=np.int64)
    return np.lexsort((np.array(codes, dtype=np.str_), colour))


def _content(block: Stocks | Activities | Resources | Demands) -> Hashes:
    """Hash each row's numbers; names, group numbers and indices do not count."""
    skip = {"codes", "stock", "quota_group", "fill_group"}
    colour = np.zeros(len(block.codes), dtype=np.uint64)
    for item in fields(block):
        if item.name not in skip:
            colour = _mix(colour, _hash_rows(getattr(block, item.name)))
    return colour


def _hash_rows(values: NDArray[Any]) -> Hashes:
    """Hash each row of numbers, rounded to DIGITS significant digits, [rows]."""
    if not len(values):
        return np.zeros(0, dtype=np.uint64)
    numbers: FloatArray = np.asarray(values, dtype=np.float64).reshape(len(values), -1)
    present = np.isfinite(numbers) & (numbers != 0.0)
    finite = np.where(present, numbers, 1.0)
    scale = 10.0 ** (DIGITS - 1 - np.floor(np.log10(np.abs(finite))))
    rounded = np.where(present, np.round(finite * scale) / scale, numbers) + 0.0
    bits = np.ascontiguousarray(np.where(np.isnan(rounded), np.nan, rounded)).view(np.uint64)
    cells = _mix(bits, np.arange(bits.shape[1], dtype=np.uint64)[None, :])
    return _mix(cells.sum(axis=1, dtype=np.uint64), 13)


def _mix(left: Hashes, right: Hashes | int) -> Hashes:
    """Combine two hashes into one (the finaliser of splitmix64)."""
    with np.errstate(over="ignore"):
        z = left * np.uint64(0x9E3779B97F4A7C15) + np.asarray(right, dtype=np.uint64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(z ^ (z >> np.uint64(31)), dtype=np.uint64)


def _sum_at(base: Hashes, index: IntArray, values: Hashes) -> Hashes:
    """Add hashes of neighbours: a sum does not depend on their order."""
    total = _mix(base, 5)
    with np.errstate(over="ignore"):
        np.add.at(total, index, values)
    return total


def tie_keys(colours: Hashes, label: IntArray) -> Hashes:
    """Tell rows of equal colour apart by their place within their component `label`, [rows].

    The key of a row is the same whether its component is taken alone or together with others.
    """
    order = np.lexsort((np.arange(len(label)), colours, label))
    first = np.ones(len(order), dtype=bool)
    first[1:] = (colours[order][1:] != colours[order][:-1]) | (label[order][1:] != label[order][:-1])
    position = np.arange(len(order))
    place = np.zeros(len(order), dtype=np.uint64)
    place[order] = position - np.maximum.accumulate(np.where(first, position, 0))
    return _mix(_mix(colours, 11), place)


def noise(keys: Hashes, block: int, periods: int) -> FloatArray:
    """Pseudo-random weights in [0, 1) for the cells of an axis, [rows, T]: a tie-break without pattern."""
    cells = np.arange(periods, dtype=np.uint64) + np.uint64(1000 * block)
    bits = _mix(_mix(keys[:, None], cells[None, :]), 7) >> np.uint64(11)
    return np.asarray(bits.astype(np.float64) / 2.0**53)
