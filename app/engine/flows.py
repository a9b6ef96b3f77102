"""What goes into and out of every stock of a plan, in order, as intervals of a running total (rule 60).

A stock's inflows (lots) and outflows (withdrawals) are laid end to end on one axis, oldest first: the k-th
unit in is the k-th unit out. Which lot serves which withdrawal is then the overlap of intervals, and what the
overlaps of an interval add up to is its length, whatever the plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.problem import FloatArray, IntArray, Problem
from app.engine.solution import Decisions

SAME = 1e-11  # points of an axis closer than this, relative, are one: running totals carry rounding noise


class Origin(IntEnum):
    """Where a lot comes from; the order in which lots of one bucket lie."""

    OPENING = 0
    RECEIPT = 1  # under way when the plan was made
    START = 2  # output of an activity
    BYPRODUCT = 3  # landed beside the output of an activity that bears all inputs


class Use(IntEnum):
    """What a withdrawal is for; the order in which withdrawals of one bucket lie."""

    DELIVERY = 0
    DRAW = 1  # input of an activity
    SAFETY = 2  # held at the end of the horizon, up to the stock wanted there
    STOCK = 3  # held at the end beyond that
    BEYOND = 4  # lands after the last bucket


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """Movements of the stocks, sorted by stock and place: `[lower, upper)` on the axis of `stock`.

    Stocks from `n` on are no stocks: `n + a` takes what activity a lands after the last bucket.
    """

    stock: IntArray  # [k]
    kind: IntArray  # [k] Origin of a lot, Use of a withdrawal
    row: IntArray  # [k] activity (START, BYPRODUCT, DRAW, BEYOND) or demand (DELIVERY); -1 = neither
    bucket: IntArray  # [k] bucket in which it moves
    start: IntArray  # [k] bucket in which the activity is started; the bucket itself for all others
    lower: FloatArray  # [k] units of the stock
    upper: FloatArray  # [k]
    level: FloatArray  # [k] level of the activity that the whole movement belongs to; 0 for all others

    @property
    def quantity(self) -> FloatArray:
        """Units moved, [k]."""
        return self.upper - self.lower


@dataclass(frozen=True, slots=True, eq=False)
class Flows:
    """Every movement of a plan, both ways."""

    problem: Problem
    lots: Intervals
    withdrawals: Intervals


@dataclass(frozen=True, slots=True, eq=False)
class _Moves:
    """Movements before they are laid on the axes."""

    stock: IntArray
    kind: IntArray
    row: IntArray
    bucket: IntArray
    start: IntArray
    quantity: FloatArray
    level: FloatArray


def flows(problem: Problem, plan: Decisions) -> Flows:
    """Lay the movements of a plan in order: by bucket, kind, class of demand, then code."""
    lots = _laid(_join(*_given(problem), _landings(problem, plan), _draws(problem, plan, by_product=True)))
    beyond = _landings(problem, plan, beyond=True)
    out = _join(_deliveries(problem, plan), _draws(problem, plan), beyond)
    return Flows(problem, lots, _laid(_join(out, _ends(problem, lots, out))))


def _given(problem: Problem) -> tuple[_Moves, _Moves]:
    """List stock on hand and receipts under way."""
    stocks = problem.stocks
    every = np.arange(len(stocks.codes))
    first = np.zeros(len(every), dtype=np.int64)
    stock, bucket = np.nonzero(stocks.receipts)
    return (
        _moves(every, Origin.OPENING, -1, first, first, quantity=stocks.opening),
        _moves(stock, Origin.RECEIPT, -1, bucket, bucket, quantity=stocks.receipts[stock, bucket]),
    )


def _landings(problem: Problem, plan: Decisions, *, beyond: bool = False) -> _Moves:
    """List the output of activities, by code; with `beyond` what lands after the last bucket leaves again."""
    acts, periods = problem.activities, problem.periods
    order = np.argsort(np.array(acts.codes, dtype=np.str_), kind="stable")
    place, start = np.nonzero(plan.level[order] > 0)
    activity = order[place]
    arrival = acts.arrival[activity, start]
    late = arrival >= periods
    stock = np.where(late, len(problem.stocks.codes) + activity, acts.stock[activity])
    level = plan.level[activity, start]
    kind = Use.BEYOND if beyond else Origin.START
    made = acts.output[activity] * level
    moves = _moves(stock, kind, activity, arrival, start, quantity=made, level=level)
    return _picked(moves, late) if beyond else moves


def _draws(problem: Problem, plan: Decisions, *, by_product: bool = False) -> _Moves:
    """List what activities draw, set-ups included, or what they land besides (negative inputs)."""
    inputs, setups = problem.inputs, problem.setup_inputs
    run = (plan.level > 0).astype(np.float64)
    activity = np.concatenate((inputs.activity, setups.activity))
    stock = np.concatenate((inputs.stock, setups.stock))
    drawn = np.concatenate(
        (inputs.quantity * plan.level[inputs.activity], setups.quantity * run[setups.activity])
    ).reshape(-1, problem.periods)
    codes = np.array(problem.activities.codes, dtype=np.str_)[activity]
    order = np.argsort(codes, kind="stable")
    place, bucket = np.nonzero(drawn[order] < 0 if by_product else drawn[order] > 0)
    rows = order[place]
    kind = Origin.BYPRODUCT if by_product else Use.DRAW
    return _moves(
        stock[rows],
        kind,
        activity[rows],
        bucket,
        bucket,
        quantity=np.abs(drawn[rows, bucket]),
        level=plan.level[activity[rows], bucket],
    )


def _deliveries(problem: Problem, plan: Decisions) -> _Moves:
    demands = problem.demands
    order = np.lexsort((np.array(demands.codes, dtype=np.str_), demands.rank))
    place, bucket = np.nonzero(plan.deliver[order] > 0)
    demand = order[place]
    stock = demands.stock[demand]
    return _moves(stock, Use.DELIVERY, demand, bucket, bucket, quantity=plan.deliver[demand, bucket])


def _ends(problem: Problem, lots: Intervals, out: _Moves) -> _Moves:
    """List what is left of each stock: first the stock wanted at the end, then the rest."""
    count, last = len(problem.stocks.codes), problem.periods - 1
    real = lots.stock < count
    came = np.bincount(lots.stock[real], lots.quantity[real], minlength=count)
    kept = out.stock < count
    left = np.maximum(came - np.bincount(out.stock[kept], out.quantity[kept], minlength=count), 0.0)
    left = np.where(left > SAME * (1.0 + came), left, 0.0)
    wanted = np.maximum(problem.stocks.target[:, last], problem.stocks.final_target)
    safety = np.minimum(left, wanted)
    every, at = np.arange(count), np.full(count, last)
    return _join(
        _moves(every, Use.SAFETY, -1, at, at, quantity=safety),
        _moves(every, Use.STOCK, -1, at, at, quantity=left - safety),
    )


def _moves(
    stock: IntArray,
    kind: int,
    row: IntArray | int,
    bucket: IntArray,
    start: IntArray,
    *,
    quantity: FloatArray,
    level: FloatArray | float = 0.0,
) -> _Moves:
    count = len(stock)
    return _Moves(
        np.asarray(stock, dtype=np.int64),
        np.full(count, int(kind)),
        np.broadcast_to(np.asarray(row, dtype=np.int64), count),
        np.asarray(bucket, dtype=np.int64),
        np.asarray(start, dtype=np.int64),
        np.asarray(quantity, dtype=np.float64),
        np.broadcast_to(np.asarray(level, dtype=np.float64), count),
    )


FIELDS = ("stock", "kind", "row", "bucket", "start", "quantity", "level")


def _join(*parts: _Moves) -> _Moves:
    return _Moves(*(np.concatenate([getattr(part, name) for part in parts]) for name in FIELDS))


def _picked(moves: _Moves, chosen: NDArray[Any]) -> _Moves:
    return _Moves(*(getattr(moves, name)[chosen] for name in FIELDS))


def _laid(moves: _Moves) -> Intervals:
    """Sort stably by stock, bucket and kind, and lay the quantities of each stock end to end."""
    moves = _picked(moves, moves.quantity > 0)
    order = np.lexsort((moves.kind, moves.bucket, moves.stock))
    moves = _picked(moves, order)
    upper = _running(moves.stock, moves.quantity)
    first = np.ones(len(upper), dtype=bool)
    first[1:] = moves.stock[1:] != moves.stock[:-1]
    lower = np.where(first, 0.0, np.concatenate(([0.0], upper[:-1])))
    return Intervals(moves.stock, moves.kind, moves.row, moves.bucket, moves.start, lower, upper, moves.level)


def _running(stock: IntArray, quantity: FloatArray) -> FloatArray:
    """Sum up within each stock, each on its own so that whole quantities stay whole."""
    edges = np.flatnonzero(np.diff(stock)) + 1
    parts = [np.cumsum(part) for part in np.split(quantity, edges)]
    return np.concatenate(parts) if parts else np.zeros(0)


@dataclass(frozen=True, slots=True, eq=False)
class Overlaps:
    """Common parts of asked intervals and movements: which of each, and where."""

    asked: IntArray  # [o] row of what was asked
    found: IntArray  # [o] row of the movement
    lower: FloatArray  # [o]
    upper: FloatArray  # [o]


def overlaps(moves: Intervals, stock: IntArray, lower: FloatArray, upper: FloatArray) -> Overlaps:
    """Find the movements that intervals `[lower, upper)` of stocks overlap with, in order.

    Points are compared by rank on their axis; those within `SAME` of one another count as one, so that noise
    makes no sliver of a peg.
    """
    sides = (moves.lower, moves.upper, lower, upper)
    place = np.concatenate((moves.stock, moves.stock, stock, stock))
    rank = np.split(_ranks(place, np.concatenate(sides)), np.cumsum([len(side) for side in sides])[:-1])
    first = np.searchsorted(rank[1], rank[2], side="right")
    count = np.maximum(np.searchsorted(rank[0], rank[3], side="left") - first, 0)
    asked = np.repeat(np.arange(len(stock)), count)
    found = np.repeat(first, count) + np.arange(len(asked)) - np.repeat(np.cumsum(count) - count, count)
    return Overlaps(
        asked,
        found,
        np.maximum(moves.lower[found], lower[asked]),
        np.minimum(moves.upper[found], upper[asked]),
    )


def _ranks(stock: IntArray, value: FloatArray) -> IntArray:
    """Rank the points of all axes in ascending order, equal ones alike, [points]."""
    order = np.lexsort((value, stock))
    sorted_stock, sorted_value = stock[order], value[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (np.diff(sorted_stock) != 0) | (np.diff(sorted_value) > SAME * (1.0 + sorted_value[1:]))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.cumsum(new)
    return rank
