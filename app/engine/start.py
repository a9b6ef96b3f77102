"""A start for the simplex method: the basis of a plan made without looking at capacity.

Requirements are handed down the product structure level by level, lot for lot: what stock does not cover
lands in the bucket in which it is needed, from the source that is cheapest there. What is basic in that plan
(a stock that lasts, a level that lands, hours used) is where the solver starts from; what is left to it is to
repair where limits bind. Any basis is a valid start, so nothing here decides the answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.engine.layout import Layout, Rows
from app.engine.linear import ABSENT, Basis, Program
from app.engine.problem import FloatArray, IntArray, Problem
from app.engine.rounding import stock_depth

NEVER = 1e30  # cost of what cannot be had


def starting_basis(problem: Problem, program: Program, layout: Layout, rows: Rows) -> Basis:
    """Return the basis of the lot-for-lot plan; rows that it says nothing of have their slack in it.

    Where the program's cost gives nothing for being supplied, it is the basis of the plan that makes nothing.
    """
    columns = np.zeros(len(program.cost) + 1, dtype=bool)
    lost = layout.short[layout.short >= 0]
    if (program.cost[lost] > 0).any() or not len(lost):
        material = _basic_material(problem, layout)
        served = np.where(layout.deliver >= 0, layout.deliver, layout.backlog)
    else:
        material = layout.stock
        served = np.where(layout.short >= 0, layout.short, layout.deliver)
        served = np.where(served >= 0, served, layout.backlog)
    columns[material[rows.balance >= 0]] = True
    columns[served[rows.demand >= 0]] = True
    columns[_changes(program, rows)] = True
    hours = np.where(layout.regular >= 0, layout.regular, layout.overtime)
    columns[hours[rows.capacity >= 0]] = True
    return Basis.of(columns[:-1], program.row_lower < program.row_upper)


def _changes(program: Program, rows: Rows) -> IntArray:
    """Pick a column of each row of smoothing that is in no other row: the rise or fall that it measures."""
    single = np.flatnonzero(np.diff(program.start) == 1)
    row = program.index[program.start[single]]
    first = np.flatnonzero(np.isin(row, rows.smoothing[rows.smoothing >= 0]))
    _, one = np.unique(row[first], return_index=True)
    return single[first[one]]


def _basic_material(problem: Problem, layout: Layout) -> IntArray:
    """Pick the basic column of each balance, [n, T]: stock that lasts, else what lands for some buckets.

    A landing is basic in its own bucket, and what is kept of it in each further one that it covers.
    """
    if not len(layout.level):  # nothing can be had: what is there is kept
        return layout.stock
    sources, landed = _lot_for_lot(problem, layout)
    steps = np.arange(problem.periods)
    lands = sources.activity >= 0
    opened = np.maximum.accumulate(np.where(lands, steps, -1), axis=1)
    supplied = np.take_along_axis(landed, np.maximum(opened, 0), axis=1) > 0
    column = layout.level[sources.activity, sources.start]
    kept = np.concatenate((layout.stock[:, :1], layout.stock[:, :-1]), axis=1)
    return np.where(supplied, np.where(opened == steps, column, kept), layout.stock)


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """The cheapest way to have a unit of each stock land in each bucket; -1 where nothing lands."""

    activity: IntArray  # [n, T]
    start: IntArray  # [n, T] bucket of its start
    until: IntArray  # [n, T] last bucket before the next in which anything lands


def _lot_for_lot(problem: Problem, layout: Layout) -> tuple[Sources, FloatArray]:
    """Find the sources, and the quantity that lands in each bucket, [n, T]."""
    stocks, demands = problem.stocks, problem.demands
    depth = stock_depth(problem)
    sources = _cheapest(problem, layout, depth)
    given = np.cumsum(stocks.receipts, axis=1) + stocks.opening[:, None]
    drawn, landed = np.zeros(given.shape), np.zeros(given.shape)
    np.add.at(drawn, demands.stock, demands.quantity)
    for tier in range(int(depth.max(initial=-1)) + 1):
        members = np.flatnonzero(depth == tier)
        need = np.cumsum(drawn[members], axis=1) - given[members]
        wanted = np.take_along_axis(need, sources.until[members], axis=1)
        wanted = np.where(sources.activity[members] >= 0, wanted, 0.0)
        made = np.maximum.accumulate(np.maximum(wanted, 0.0), axis=1)
        landed[members] = np.diff(made, axis=1, prepend=0.0)
        _hand_down(problem, members, sources, landed, drawn)
    return sources, landed


def _hand_down(
    problem: Problem, members: IntArray, sources: Sources, landed: FloatArray, drawn: FloatArray
) -> None:
    """Add what the landings of these stocks draw to the needs of the stocks below."""
    acts, inputs = problem.activities, problem.inputs
    started = np.zeros(acts.upper.shape)
    row, bucket = np.nonzero(landed[members] > 0)
    stock = members[row]
    activity, start = sources.activity[stock, bucket], sources.start[stock, bucket]
    np.add.at(started, (activity, start), landed[stock, bucket] / acts.output[activity])
    rows = np.flatnonzero(np.isin(inputs.activity, activity))
    if len(rows):
        np.add.at(drawn, inputs.stock[rows], inputs.quantity[rows] * started[inputs.activity[rows]])


def _cheapest(problem: Problem, layout: Layout, depth: IntArray) -> Sources:
    """Find the cheapest source of each stock and bucket, costs rolled up from the deepest level."""
    acts, inputs, uses, periods = problem.activities, problem.inputs, problem.uses, problem.periods
    cost = np.array(acts.cost)
    np.add.at(cost, uses.activity, uses.hours * problem.resources.regular_cost[uses.resource])
    shape = (len(depth), periods)
    best = np.full(shape, NEVER)
    activity, start = np.full(shape, ABSENT), np.zeros(shape, dtype=np.int64)
    level = depth[acts.stock]
    usable = (layout.level >= 0) & (acts.arrival < periods)
    for tier in range(int(depth.max(initial=-1)), -1, -1):
        own = np.flatnonzero(level == tier)
        rows = np.flatnonzero(level[inputs.activity] == tier)
        below = np.minimum(best[inputs.stock[rows]], best[inputs.stock[rows]].min(axis=1, keepdims=True) * 2)
        np.add.at(cost, inputs.activity[rows], inputs.quantity[rows] * np.minimum(below, NEVER))
        cell, bucket = np.nonzero(usable[own])
        row = own[cell]
        stock, arrival = acts.stock[row], acts.arrival[row, bucket]
        bid = cost[row, bucket] / acts.output[row]
        order = np.lexsort((-bucket, bid, arrival, stock))
        key = (stock * periods + arrival)[order]
        first = order[np.flatnonzero(np.diff(key, prepend=-1))]
        cells = (stock[first], arrival[first])
        best[cells], activity[cells], start[cells] = bid[first], row[first], bucket[first]
    return Sources(activity, start, _until(activity >= 0))


def _until(lands: NDArray[np.bool_]) -> IntArray:
    """Last bucket that a landing has to cover, [n, T]: the one before the next landing."""
    periods = lands.shape[1]
    following = np.where(lands, np.arange(periods), periods)
    following = np.minimum.accumulate(following[:, ::-1], axis=1)[:, ::-1]
    following = np.concatenate((following[:, 1:], np.full((len(lands), 1), periods)), axis=1)
    return np.asarray(following - 1)
