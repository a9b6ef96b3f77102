"""What is needed of a stock: at least by each bucket, and at most in all. Both tighten lots (rule 38)."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.engine.arrays import FloatArray, IntArray
from app.engine.problem import Inputs, Problem

ROUNDS = 60  # levels of a product structure that are followed; what still grows then has no bound


Drawn: TypeAlias = tuple[IntArray, IntArray, FloatArray]
"""Rows of activity, source (stock or resource) and amount [., T]."""


def net_requirements(problem: Problem) -> FloatArray:
    """Quantity that must have landed by each bucket over what was due before it, [n, T].

    What must be supplied is due in the last bucket in which it may be delivered; stock that must be held
    and stock wanted at the end (where hard) come on top; stock on hand and receipts go off. Draws of other
    activities are not counted, so it is a lower bound. Stocks that by-products land in have none.
    """
    demands, stocks, periods = problem.demands, problem.stocks, problem.periods
    must = np.where(demands.floor[:, None] >= 1.0, demands.quantity, demands.minimum)
    must = np.where(demands.final_backlog[:, None] > 0, 0.0, must)
    due = np.zeros((len(stocks.codes), periods))
    np.add.at(due, (demands.stock[:, None], demands.latest), must)
    held = np.where(np.isinf(stocks.target_cost), stocks.target, 0.0)
    held[:, -1] = np.maximum(held[:, -1], np.where(np.isinf(stocks.final_cost), stocks.final_target, 0.0))
    given = stocks.opening[:, None] + np.cumsum(stocks.receipts, axis=1)
    need = np.maximum.accumulate(np.maximum(np.cumsum(due, axis=1) + held - given, 0.0), axis=1)
    for inputs in (problem.inputs, problem.setup_inputs):
        need[inputs.stock[(inputs.quantity < 0).any(axis=1)]] = 0.0
    return np.diff(need, axis=1, prepend=0.0)


def most_levels(problem: Problem) -> FloatArray:
    """Greatest level of each activity that can be of use in a bucket, [a, T]; inf where nothing bounds it.

    No optimal plan has to make more than all demand, targets and draws together ask for, unless making it
    pays by itself: activities with by-products, a negative cost or a cost of change have no such bound.
    """
    acts, lots = problem.activities, problem.lots
    most, extra = np.array(acts.upper), acts.lower.sum(axis=1) + acts.lower.max(axis=1, initial=0.0)
    most[lots.activity] = np.minimum(most[lots.activity], lots.maximum)
    most = np.minimum(most, _by_supply(problem))
    extra[lots.activity] += lots.minimum.max(axis=1, initial=0.0) + lots.multiple
    unbounded, needed = _pays_by_itself(problem), _needed(problem)
    own = needed
    for _ in range(ROUNDS):
        useful = np.where(unbounded, np.inf, own[acts.stock] / acts.output)
        in_all = np.minimum(most.sum(axis=1), useful + extra)
        drawn = needed.copy()
        _draw(drawn, problem.inputs, in_all)
        _draw(drawn, problem.setup_inputs, np.ones(len(acts.codes)), every_bucket=True)
        if np.array_equal(drawn, own):
            break
        own = drawn
    else:
        return most
    return np.asarray(np.minimum(most, in_all[:, None]), dtype=np.float64)


def _by_supply(problem: Problem) -> FloatArray:
    """Greatest level that hours, and stocks that cannot be kept, allow after a set-up, [a, T].

    Only for activities that are run for a set-up: `(supply - drawn by the set-up) / drawn per unit`.
    """
    uses, used = problem.uses, problem.setup_uses
    inputs, drawn = problem.inputs, problem.setup_inputs
    most = np.full(problem.activities.upper.shape, np.inf)
    _limit(
        most,
        (uses.activity, uses.resource, uses.hours),
        (used.activity, used.resource, used.hours),
        problem.resources.regular + problem.resources.overtime,
    )
    _limit(
        most,
        (inputs.activity, inputs.stock, inputs.quantity),
        (drawn.activity, drawn.stock, drawn.quantity),
        _supply(problem),
    )
    return most


def _limit(most: FloatArray, per_unit: Drawn, by_setup: Drawn, supply: FloatArray) -> None:
    """Lower the levels in `most` to what is left of the supply [sources, T] after each set-up."""
    units = zip(*(index.tolist() for index in per_unit[:2]), strict=True)
    row_of = {pair: row for row, pair in enumerate(units)}
    pairs = zip(*(index.tolist() for index in by_setup[:2]), strict=True)
    for (activity, source), amount in zip(pairs, by_setup[2], strict=True):
        row = row_of.get((activity, source))
        if row is not None:
            draws = per_unit[2][row] > 0
            left = np.maximum(supply[source] - amount, 0.0)[draws] / per_unit[2][row, draws]
            most[activity, draws] = np.minimum(most[activity, draws], left)


def _supply(problem: Problem) -> FloatArray:
    """Most that there can be of each stock in a bucket, [n, T]; inf where stock can be kept into it."""
    stocks, acts = problem.stocks, problem.activities
    supply = np.concatenate((stocks.receipts, np.zeros((len(stocks.codes), 1))), axis=1)
    supply[:, 0] += stocks.opening
    np.add.at(supply, (acts.stock[:, None], acts.arrival), acts.output[:, None] * acts.upper)
    for inputs in (problem.inputs, problem.setup_inputs):
        supply[inputs.stock[(inputs.quantity < 0).any(axis=1)]] = np.inf
    supply[:, 1:-1][stocks.maximum[:, :-1] > 0] = np.inf
    return np.asarray(supply[:, :-1], dtype=np.float64)


def _pays_by_itself(problem: Problem) -> NDArray[np.bool_]:
    acts, inputs = problem.activities, problem.inputs
    found = np.asarray((acts.cost < 0).any(axis=1) | (acts.smoothing_cost > 0), dtype=np.bool_)
    found[inputs.activity[(inputs.quantity < 0).any(axis=1)]] = True
    return found


def _needed(problem: Problem) -> FloatArray:
    """Demand, targets and final stock of each stock in all, [n]."""
    stocks, demands = problem.stocks, problem.demands
    needed = stocks.target.max(axis=1, initial=0.0) + stocks.final_target
    np.add.at(needed, demands.stock, demands.quantity.sum(axis=1))
    return np.asarray(needed, dtype=np.float64)


def _draw(total: FloatArray, inputs: Inputs, levels: FloatArray, *, every_bucket: bool = False) -> None:
    """Add to the totals [n] what activities at these levels in all draw."""
    if not len(inputs.activity):
        return
    per_unit = inputs.quantity.sum(axis=1) if every_bucket else inputs.quantity.max(axis=1)
    draws = per_unit > 0
    np.add.at(total, inputs.stock[draws], per_unit[draws] * levels[inputs.activity[draws]])
