"""Pegging, first in first out: what a demand is made of, and what a purchase or an hour ends up in (rule 60).

Down: a delivery is served by lots, a lot made by an activity by what that activity drew, and so on to
purchases, receipts under way, stock on hand and hours. Up: the same the other way round, to deliveries and
to what is left at the end. A start is cut like a loaf: the part of its output that is asked for takes the
same part of each of its inputs, so whole quantities are pegged whole wherever bills of material are whole.
By-products bear nothing: the main output takes all inputs, and a by-product's lot is an end of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from app.engine.flows import Flows, Intervals, Origin, Use, overlaps
from app.engine.problem import FloatArray, IntArray
from app.errors import PlanningError

MOST_STEPS = 1_000  # a longer chain than this is a circle of activities without lead time


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """Parts of movements: `[lower, upper)` on the axis of the movement's stock, in units of the stock."""

    move: IntArray  # [s] row of the lot or withdrawal
    lower: FloatArray  # [s]
    upper: FloatArray  # [s]


@dataclass(frozen=True, slots=True, eq=False)
class Pegs:
    """A forest of pegs, parents before children; row i hangs under `parent[i]`, roots under -1.

    `move` names the lot (down) or the withdrawal (up) pegged; `quantity` is in units of its stock and
    `share` the part of the root's own quantity that goes through this peg.
    """

    direction: Literal["down", "up"]
    parent: IntArray  # [p]
    root: IntArray  # [p] which of the roots asked for
    depth: IntArray  # [p]
    move: IntArray  # [p]
    lower: FloatArray  # [p]
    upper: FloatArray  # [p]
    share: FloatArray  # [p] units of the root

    @property
    def quantity(self) -> FloatArray:
        """Units of the stock of the movement, [p]."""
        return self.upper - self.lower


@dataclass(frozen=True, slots=True, eq=False)
class Hours:
    """Hours of resources that pegs take: `peg` is a row of the pegs."""

    peg: IntArray  # [h]
    resource: IntArray  # [h]
    bucket: IntArray  # [h]
    hours: FloatArray  # [h]


def whole_moves(moves: Intervals, chosen: IntArray) -> Segments:
    """Return segments that cover whole movements."""
    return Segments(chosen, moves.lower[chosen], moves.upper[chosen])


def final_uses(flows: Flows) -> Segments:
    """Return all ends of a plan: deliveries, stock at the end, what lands after the last bucket."""
    return whole_moves(flows.withdrawals, np.flatnonzero(flows.withdrawals.kind != Use.DRAW))


def peg_down(flows: Flows, roots: Segments) -> Pegs:
    """Peg parts of withdrawals to the lots that serve them, and those to what they were made of."""
    drawn = _by_start(flows.problem.periods, flows.withdrawals, Use.DRAW)
    return _trace(_Way("down", flows.withdrawals, flows.lots, Origin.START, drawn), roots)


def peg_up(flows: Flows, roots: Segments) -> Pegs:
    """Peg parts of lots to the withdrawals that they serve, and those to what was made with them."""
    landed = _by_start(flows.problem.periods, flows.lots, Origin.START)
    return _trace(_Way("up", flows.lots, flows.withdrawals, Use.DRAW, landed), roots)


def peg_hours(flows: Flows, pegs: Pegs) -> Hours:
    """Return the hours taken by the starts of a forest: of each lot made (down), of each draw (up)."""
    moves = flows.lots if pegs.direction == "down" else flows.withdrawals
    through = int(Origin.START if pegs.direction == "down" else Use.DRAW)
    rows = np.flatnonzero(moves.kind[pegs.move] == through)
    move = pegs.move[rows]
    level = moves.level[move] * pegs.quantity[rows] / moves.quantity[move]
    return _hours(flows, rows, _Starts(moves.row[move], moves.start[move], level, moves.level[move]))


@dataclass(frozen=True, slots=True, eq=False)
class _Starts:
    """Parts `level` of starts of level `whole`, [s]."""

    activity: IntArray
    bucket: IntArray
    level: FloatArray
    whole: FloatArray


def _hours(flows: Flows, peg: IntArray, starts: _Starts) -> Hours:
    """Return the hours of parts of starts; those of a set-up are shared in proportion to the level."""
    problem = flows.problem
    found = []
    for uses, times in ((problem.uses, starts.level), (problem.setup_uses, starts.level / starts.whole)):
        order = np.argsort(uses.activity, kind="stable")
        first = np.searchsorted(uses.activity[order], starts.activity, side="left")
        count = np.searchsorted(uses.activity[order], starts.activity, side="right") - first
        part, place = _expanded(first, count)
        row, bucket = order[place], starts.bucket[part]
        amount = uses.hours[row, bucket] * times[part]
        kept = amount > 0
        found.append((peg[part][kept], uses.resource[row][kept], bucket[kept], amount[kept]))
    return Hours(*(np.concatenate(column) for column in zip(*found, strict=True)))


Find = Callable[[IntArray, IntArray], tuple[IntArray, IntArray]]


@dataclass(frozen=True, slots=True, eq=False)
class _Way:
    """A direction: who asks, who answers, which kind of answer leads on, and to whom."""

    direction: Literal["down", "up"]
    asking: Intervals
    answering: Intervals
    through: int
    on: Find


def _by_start(periods: int, moves: Intervals, kind: int) -> Find:
    """Index movements of a kind by activity and start: (activity, start) -> (which of those, movement)."""
    rows = np.flatnonzero(moves.kind == kind)
    key = moves.row[rows] * periods + moves.start[rows]
    order = np.argsort(key, kind="stable")
    rows, key = rows[order], key[order]

    def find(activity: IntArray, start: IntArray) -> tuple[IntArray, IntArray]:
        wanted = activity * periods + start
        first = np.searchsorted(key, wanted, side="left")
        asked, place = _expanded(first, np.searchsorted(key, wanted, side="right") - first)
        return asked, rows[place]

    return find


def _expanded(first: IntArray, count: IntArray) -> tuple[IntArray, IntArray]:
    """Write out ranges `first .. first + count`: which range, and the number in it."""
    asked = np.repeat(np.arange(len(first)), count)
    return asked, np.repeat(first, count) + np.arange(len(asked)) - np.repeat(np.cumsum(count) - count, count)


def _trace(way: _Way, roots: Segments) -> Pegs:
    """Follow segments of the asking movements to the answering ones, and through activities further on."""
    asking, answering = way.asking, way.answering
    tables: list[Pegs] = []
    move, lower, upper = roots.move, roots.lower, roots.upper
    parent, root = np.full(len(move), -1), np.arange(len(move))
    share, offset = upper - lower, 0
    for depth in range(MOST_STEPS):
        if not len(move):
            return _stacked(tables, way.direction)
        met = overlaps(answering, asking.stock[move], lower, upper)
        part = (met.upper - met.lower) / (upper - lower)[met.asked]
        table = Pegs(
            way.direction, parent[met.asked], root[met.asked], np.full(len(met.found), depth), met.found,
            met.lower, met.upper, share[met.asked] * part,
        )  # fmt: skip
        tables.append(table)
        rows = np.flatnonzero(answering.kind[table.move] == way.through)
        which, move = way.on(answering.row[table.move[rows]], answering.start[table.move[rows]])
        rows = rows[which]
        at = table.move[rows]
        scale = asking.quantity[move] / answering.quantity[at]
        lower = asking.lower[move] + (table.lower[rows] - answering.lower[at]) * scale
        upper = asking.lower[move] + (table.upper[rows] - answering.lower[at]) * scale
        parent, root, share = offset + rows, table.root[rows], table.share[rows]
        offset += len(table.move)
    raise PlanningError(reason="activities feed one another in a circle: nothing can be pegged")


def _stacked(tables: list[Pegs], direction: Literal["down", "up"]) -> Pegs:
    names = ("parent", "root", "depth", "move", "lower", "upper", "share")
    empty = [np.zeros(0, dtype=np.int64)] * 4 + [np.zeros(0)] * 3
    columns = [np.concatenate([getattr(t, name) for t in tables]) for name in names] if tables else empty
    return Pegs(direction, *columns)
