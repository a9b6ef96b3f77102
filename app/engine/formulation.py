"""From a `Problem` to a linear program: one `add_*` function per family of constraints, its rule in the
docstring.

Rule numbers are those of docs/model.md. Columns that cannot differ from zero are never made.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from app.engine.arrays import compact
from app.engine.layout import KIND_ELEMENT, Layout, Rows
from app.engine.linear import ABSENT, Builder, ElementCosts, Program
from app.engine.lotting import add_lots
from app.engine.priority import class_premium
from app.engine.problem import FloatArray, IntArray, Problem
from app.engine.solution import ELEMENTS, Decisions


@dataclass(frozen=True, slots=True, eq=False)
class Formulation:
    """A program with the meaning of its rows and columns and its objective kept by element."""

    program: Program
    layout: Layout
    rows: Rows
    element_cost: ElementCosts  # [E, k] contribution to cost (revenue negative), in the order of ELEMENTS
    element_offset: FloatArray  # [E]

    def decisions(self, point: FloatArray) -> Decisions:
        """Read the decisions out of a point of the program; what has no column is zero."""
        padded = np.append(point[: self.element_cost.shape[1]], 0.0)
        parts = {f.name: compact(padded[getattr(self.layout, f.name)]) for f in fields(Layout)}
        return Decisions(**parts)

    def elements(self, point: FloatArray) -> FloatArray:
        """Contribution to cost by element at a point, [E]; revenue is negative."""
        width = self.element_cost.shape[1]
        return self.element_cost @ point[:width] + self.element_offset


def formulate(problem: Problem) -> Formulation:
    """Build the program of a problem; rules 1 to 19."""
    builder = Builder(ELEMENTS)
    layout = _columns(builder, problem)
    rows = Rows(
        balance=add_balance(builder, problem, layout),
        demand=add_demand(builder, problem, layout),
        window=add_lateness_window(builder, problem, layout),
        capacity=add_capacity(builder, problem, layout),
        target=add_safety_stock(builder, problem, layout),
        final=add_horizon_end(builder, problem, layout),
        floor=add_service_floor(builder, problem, layout),
        smoothing=add_smoothing(builder, problem, layout),
    )
    _prices(builder, problem, layout)
    add_storages(builder, problem, layout)
    if problem.whole:
        add_lots(builder, problem, layout, rows)
    program = builder.build()
    costs, offset = builder.costs()
    return Formulation(program, layout, rows, costs, offset)


def open_requests(problem: Problem) -> NDArray[np.bool_]:
    """Say where backlog can exist: [d, T] true where a request may still be open at the end of the bucket."""
    demands, last = problem.demands, problem.periods - 1
    reach = np.where(demands.quantity > 0, demands.latest, -1)
    still = np.maximum.accumulate(reach, axis=1) > np.arange(problem.periods)
    still[:, last] |= (demands.final_backlog > 0) & (demands.quantity > 0).any(axis=1)
    return np.asarray(still)


def shortable(problem: Problem) -> FloatArray:
    """Quantity that may stay unsupplied, [d, T]: rules 12 and 15."""
    demands = problem.demands
    free = np.maximum(demands.quantity - demands.minimum, 0.0)
    return np.asarray(np.where(demands.floor[:, None] >= 1.0, 0.0, free))


def _columns(builder: Builder, problem: Problem) -> Layout:
    stocks, acts, demands, resources = problem.stocks, problem.activities, problem.demands, problem.resources
    late, most = open_requests(problem), acts.upper.copy()
    most[problem.lots.activity] = np.minimum(most[problem.lots.activity], problem.lots.maximum)
    asked = demands.quantity > 0
    carried = np.zeros_like(late)
    carried[:, 1:] = late[:, :-1]
    final = np.where(
        np.arange(problem.periods) == problem.periods - 1, demands.final_backlog[:, None], np.inf
    )
    used = loaded(problem)
    hard_end = np.where(np.isinf(stocks.final_cost), 0.0, np.inf)
    return Layout(
        level=builder.columns(most > 0, acts.lower, most),
        stock=builder.columns(np.ones(stocks.target.shape, dtype=bool), 0.0, stocks.maximum),
        deliver=builder.columns(asked | carried, 0.0, np.inf),
        short=builder.columns(shortable(problem) > 0, 0.0, shortable(problem)),
        backlog=builder.columns(late, 0.0, final),
        regular=builder.columns(used & (resources.regular > 0), 0.0, resources.regular),
        overtime=builder.columns(used & (resources.overtime > 0), 0.0, resources.overtime),
        below_target=builder.columns(
            stocks.target > 0, 0.0, np.where(np.isinf(stocks.target_cost), 0.0, np.inf)
        ),
        below_final=builder.columns(stocks.final_target > 0, 0.0, hard_end),
    )


def add_balance(builder: Builder, problem: Problem, layout: Layout) -> IntArray:
    """Rules 1 to 3: stock before + receipts + landings = inputs drawn + deliveries + stock after."""
    stocks, acts, periods = problem.stocks, problem.activities, problem.periods
    given = -stocks.receipts.copy()
    given[:, 0] -= stocks.opening
    rows = builder.rows(np.ones(given.shape, dtype=bool), given, given)
    builder.entries(rows, layout.stock, -1.0)
    builder.entries(rows[:, 1:], layout.stock[:, :-1], 1.0)
    landing = np.where(
        acts.arrival < periods, rows[acts.stock[:, None], np.minimum(acts.arrival, periods - 1)], ABSENT
    )
    builder.entries(landing, layout.level, acts.output[:, None])
    inputs = problem.inputs
    builder.entries(rows[inputs.stock], layout.level[inputs.activity], -inputs.quantity)
    builder.entries(rows[problem.demands.stock], layout.deliver, -1.0)
    return rows


def add_demand(builder: Builder, problem: Problem, layout: Layout) -> IntArray:
    """Rule 6: backlog before + demand = delivered + never supplied + backlog after, per demand and bucket."""
    quantity = problem.demands.quantity
    live = (layout.deliver >= 0) | (layout.backlog >= 0)
    rows = builder.rows(live, -quantity, -quantity)
    builder.entries(rows, layout.deliver, -1.0)
    builder.entries(rows, layout.short, -1.0)
    builder.entries(rows, layout.backlog, -1.0)
    builder.entries(rows[:, 1:], layout.backlog[:, :-1], 1.0)
    return rows


def add_lateness_window(builder: Builder, problem: Problem, layout: Layout) -> IntArray:
    """Rule 9: what is open at the end of t was asked for in the buckets that may still be served after t.

    backlog[t] <= sum over s <= t with latest[s] > t of (quantity[s] - short[s]); with the oldest request
    served first this is exact. Where every request so far may still be served it follows from rule 6 and is
    left out.
    """
    demands, steps = problem.demands, np.arange(problem.periods)
    first, window = open_window(problem)
    needed = (layout.backlog >= 0) & (first > 0) & (demands.final_backlog[:, None] <= 0)
    rows = builder.rows(needed, -np.inf, window)
    builder.entries(rows, layout.backlog, 1.0)
    for bucket in np.flatnonzero(needed.any(axis=0)).tolist():
        inside = (steps[None, :] >= first[:, bucket, None]) & (steps <= bucket)
        builder.entries(rows[:, bucket, None], np.where(inside, layout.short, ABSENT), 1.0)
    return rows


def open_window(problem: Problem) -> tuple[IntArray, FloatArray]:
    """First request still open after each bucket, and the quantity asked for from it on, both [d, T]."""
    demands, periods = problem.demands, problem.periods
    count = len(demands.codes)
    closing = np.zeros((count, periods + 1), dtype=np.int64)
    np.add.at(closing, (np.arange(count)[:, None], demands.latest), 1)
    first = np.cumsum(closing[:, :periods], axis=1)
    total = np.concatenate((np.zeros((count, 1)), np.cumsum(demands.quantity, axis=1)), axis=1)
    reach = np.minimum(first, np.arange(1, periods + 1))
    return first, total[:, 1:] - np.take_along_axis(total, reach, axis=1)


def loaded(problem: Problem) -> NDArray[np.bool_]:
    """Say where a resource may be loaded, [r, T], by levels or by set-ups."""
    where = np.zeros(problem.resources.regular.shape, dtype=bool)
    for uses in (problem.uses, problem.setup_uses):
        np.logical_or.at(where, uses.resource, uses.hours > 0)
    return where


def add_capacity(builder: Builder, problem: Problem, layout: Layout) -> IntArray:
    """Rule 5: hours of all activities = regular + overtime hours used, each within its limit."""
    uses = problem.uses
    rows = builder.rows(loaded(problem), 0.0, 0.0)
    builder.entries(rows[uses.resource], layout.level[uses.activity], uses.hours)
    builder.entries(rows, layout.regular, -1.0)
    builder.entries(rows, layout.overtime, -1.0)
    return rows


def add_safety_stock(builder: Builder, problem: Problem, layout: Layout) -> IntArray:
    """Rule 7: stock + missing >= target; what is missing costs `target_cost` (infinite: a must)."""
    rows = builder.rows(problem.stocks.target > 0, problem.stocks.target, np.inf)
    builder.entries(rows, layout.stock, 1.0)
    builder.entries(rows, layout.below_target, 1.0)
    return rows


def add_horizon_end(builder: Builder, problem: Problem, layout: Layout) -> IntArray:
    """Rule 10: stock at the end of the last bucket + missing >= final target."""
    rows = builder.rows(problem.stocks.final_target > 0, problem.stocks.final_target, np.inf)
    builder.entries(rows, layout.stock[:, -1], 1.0)
    builder.entries(rows, layout.below_final, 1.0)
    return rows


def add_service_floor(builder: Builder, problem: Problem, layout: Layout) -> IntArray:
    """Rule 15: over the published buckets at most (1 - floor) of the demand stays unsupplied."""
    demands, published = problem.demands, problem.published
    most = (1.0 - demands.floor) * demands.quantity[:, :published].sum(axis=1)
    rows = builder.rows((demands.floor > 0) & (demands.floor < 1), -np.inf, most)
    builder.entries(rows[:, None], layout.short[:, :published], 1.0)
    return rows


def add_storages(builder: Builder, problem: Problem, layout: Layout) -> IntArray:
    """Rule 19: the space that the stocks of a shared storage take is within its capacity."""
    storages = problem.storages
    rows = builder.rows(np.isfinite(storages.capacity), -np.inf, storages.capacity)
    builder.entries(rows[storages.storage], layout.stock[storages.stock], storages.space)
    return rows


def add_smoothing(builder: Builder, problem: Problem, layout: Layout) -> IntArray:
    """Rule 11: a change of the daily rate, in units of the bucket's length, costs `smoothing_cost`."""
    acts, days = problem.activities, problem.days
    known = np.ones(acts.upper.shape, dtype=bool)
    known[:, 0] = np.isfinite(acts.rate_before)
    mask = known & (acts.smoothing_cost > 0)[:, None] & (layout.level >= 0)
    start = np.zeros(acts.upper.shape)
    start[:, 0] = np.nan_to_num(acts.rate_before) * days[0]
    rows = builder.rows(mask, start, start)
    rise, fall = builder.columns(mask, 0.0, np.inf), builder.columns(mask, 0.0, np.inf)
    builder.entries(rows, layout.level, 1.0)
    builder.entries(rows[:, 1:], layout.level[:, :-1], -(days[1:] / days[:-1])[None, :])
    builder.entries(rows, rise, -1.0)
    builder.entries(rows, fall, 1.0)
    for side in (rise, fall):
        builder.cost("smoothing", side, acts.smoothing_cost[:, None])
    return rows


def _prices(builder: Builder, problem: Problem, layout: Layout) -> None:
    """Put the money on the columns, each under its element; lost revenue is revenue given up (rule 12)."""
    stocks, acts, demands, resources = problem.stocks, problem.activities, problem.demands, problem.resources
    for kind, element in KIND_ELEMENT.items():
        of_kind = np.where((acts.kind == kind)[:, None], layout.level, ABSENT)
        builder.cost(element, of_kind, acts.cost)
    builder.constant("revenue", -float((demands.price * demands.quantity).sum()))
    builder.cost("revenue", layout.short, demands.price)
    builder.cost("shortfall", layout.short, demands.short_cost)
    builder.cost("lateness", layout.backlog, demands.late_cost)
    premium = class_premium(problem)
    builder.cost("priority", layout.short, premium.short)
    builder.cost("priority", layout.backlog, premium.late)
    builder.cost("holding", layout.stock, stocks.holding_cost)
    builder.cost("safety", layout.below_target, finite(stocks.target_cost))
    builder.cost("terminal", layout.below_final, finite(stocks.final_cost))
    builder.cost("regular", layout.regular, resources.regular_cost)
    builder.cost("overtime", layout.overtime, resources.overtime_cost)


def finite(cost: FloatArray) -> FloatArray:
    """Cost of what is missing; an infinite one means that nothing may be missing, and costs nothing."""
    return np.where(np.isfinite(cost), cost, 0.0)
