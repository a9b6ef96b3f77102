"""Rule 31: publishable quantities are whole in their unit and in their multiples, at every level of the
product.

Two passes. Backwards through the product structure the quantities wanted are rounded up cumulatively (a
remainder is carried, never lost), and what a level needs more is handed to the level below. Forwards in
time the plan is then rolled out against material and capacity really there, so that the result balances by
construction; it is re-checked from its quantities alone, and what rounding costs is stated.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.engine.pricing import price
from app.engine.problem import FloatArray, IntArray, Problem
from app.engine.rollout import roll_out, round_down, round_up, tiers
from app.engine.solution import ELEMENTS, Decisions, Rounded


def rounded_plan(problem: Problem, plan: Decisions) -> Rounded:
    """Round a plan; the loss stated is in currency, against the plan given."""
    supplied = wanted_supply(problem, plan)
    wanted = wanted_levels(problem, plan, supplied)
    structure = tiers(problem, stock_depth(problem))
    decisions = roll_out(problem, structure, wanted, supplied, wanted_deliveries(problem, plan, supplied))
    elements = price(problem, decisions)
    named = dict(zip(ELEMENTS, (float(value) + 0.0 for value in elements), strict=True))
    named["revenue"] = -named["revenue"] + 0.0
    loss = float(elements.sum() - price(problem, plan).sum())
    return Rounded(decisions, named, loss, tuple(recheck(problem, decisions)))


def wanted_supply(problem: Problem, plan: Decisions) -> FloatArray:
    """Demand to be supplied by bucket of request in multiples, cumulative, [d, T]."""
    demands = problem.demands
    multiple = problem.stocks.multiple[demands.stock][:, None]
    accepted = np.cumsum(demands.quantity - plan.short, axis=1)
    steps = np.diff(round_down(accepted, multiple), axis=1, prepend=0.0)
    return np.cumsum(np.minimum(steps, demands.quantity), axis=1)


def wanted_deliveries(problem: Problem, plan: Decisions, supplied: FloatArray) -> FloatArray:
    """Deliveries in multiples, cumulative, never ahead of what was asked for, [d, T]."""
    multiple = problem.stocks.multiple[problem.demands.stock][:, None]
    return np.minimum(round_down(np.cumsum(plan.deliver, axis=1), multiple), supplied)


def wanted_levels(problem: Problem, plan: Decisions, supplied: FloatArray) -> FloatArray:
    """Cumulative activity levels in multiples, rounded up, the increments handed down the levels, [a, T]."""
    acts, inputs, periods = problem.activities, problem.inputs, problem.periods
    level = np.cumsum(plan.level, axis=1)
    wanted = level.copy()
    extra = np.zeros((len(problem.stocks.codes), periods))  # cumulative need beyond the optimum's
    delivered = wanted_deliveries(problem, plan, supplied) - np.cumsum(plan.deliver, axis=1)
    np.add.at(extra, problem.demands.stock, delivered)
    depth, main = stock_depth(problem), main_source(problem, plan)
    padded_last = periods - 1
    for tier in range(int(depth.max(initial=-1)) + 1):
        members = np.flatnonzero(depth[acts.stock] == tier)
        landing = np.minimum(acts.arrival[members], padded_last)
        need = np.take_along_axis(extra[acts.stock[members]], landing, axis=1) / acts.output[members, None]
        shifted = level[members] + np.where(main[members, None], need, 0.0)
        up = round_up(np.maximum(shifted, 0.0), acts.multiple[members, None])
        wanted[members] = np.maximum.accumulate(up, axis=1)
        rows = np.flatnonzero(np.isin(inputs.activity, members))
        drawn = inputs.activity[rows]
        more = np.diff(wanted[drawn] - level[drawn], axis=1, prepend=0.0) * inputs.quantity[rows]
        np.add.at(extra, inputs.stock[rows], np.cumsum(more, axis=1))
    return wanted


def main_source(problem: Problem, plan: Decisions) -> NDArray[np.bool_]:
    """Pick for each stock the activity that supplies most of it: it takes up what rounding adds, [a]."""
    acts = problem.activities
    volume = plan.level.sum(axis=1) * acts.output
    order = np.lexsort((np.array(acts.codes, dtype=np.str_), -volume, acts.stock))
    stock = acts.stock[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = stock[1:] != stock[:-1]
    chosen = np.zeros(len(order), dtype=bool)
    chosen[order[first]] = True
    return chosen


def stock_depth(problem: Problem) -> IntArray:
    """Levels of the product structure, [n]: 0 = used by no activity, else one more than the deepest user's
    output.

    A loop (stock moved to and fro) is cut after as many rounds as there are stocks.
    """
    inputs = problem.inputs
    source, target = inputs.stock, problem.activities.stock[inputs.activity]
    depth = np.zeros(len(problem.stocks.codes), dtype=np.int64)
    for _ in range(min(len(depth), 50)):
        deeper = depth.copy()
        np.maximum.at(deeper, source, depth[target] + 1)
        if np.array_equal(deeper, depth):
            break
        depth = deeper
    return depth


def recheck(problem: Problem, plan: Decisions) -> list[str]:
    """Find what a plan breaks, from its quantities alone: balance, capacity, limits, multiples."""
    acts, stocks, resources = problem.activities, problem.stocks, problem.resources
    level = plan.level
    scale = 1e-6 * (1.0 + level.max(initial=0.0))
    hours = np.zeros(resources.regular.shape)
    np.add.at(hours, problem.uses.resource, problem.uses.hours * level[problem.uses.activity])
    room = resources.regular + resources.overtime
    found = [
        *_broken(problem, stocks.codes, balance(problem, plan) < -scale, "the stock is negative"),
        *_broken(problem, resources.codes, hours > room * (1 + 1e-6) + 1e-6, "the capacity is exceeded"),
        *_broken(problem, acts.codes, level > acts.upper + scale, "the maximum is exceeded"),
        *_broken(problem, acts.codes, level < acts.lower - scale, "the minimum is not reached"),
        *_broken(problem, stocks.codes, plan.stock > stocks.maximum + scale, "the stock limit is exceeded"),
    ]
    off = np.abs(level - round_down(level, acts.multiple[:, None]))
    return [*found, *_broken(problem, acts.codes, off > scale, "the quantity is not a multiple")]


def balance(problem: Problem, plan: Decisions) -> FloatArray:
    """Stock at the end of each bucket that receipts, landings, draws and deliveries leave, [n, T]."""
    acts, inputs, periods = problem.activities, problem.inputs, problem.periods
    flow = np.zeros((len(problem.stocks.codes), periods + 1))
    flow[:, :periods] += problem.stocks.receipts
    flow[:, 0] += problem.stocks.opening
    np.add.at(flow, (acts.stock[:, None], acts.arrival), acts.output[:, None] * plan.level)
    drawn = np.zeros((len(problem.stocks.codes), periods))
    np.add.at(drawn, inputs.stock, inputs.quantity * plan.level[inputs.activity])
    np.add.at(drawn, problem.demands.stock, plan.deliver)
    return np.cumsum(flow[:, :periods] - drawn, axis=1)


def _broken(problem: Problem, codes: tuple[str, ...], wrong: NDArray[np.bool_], what: str) -> list[str]:
    return [
        f"{codes[row]} in {problem.buckets[bucket]}: {what}" for row, bucket in np.argwhere(wrong).tolist()
    ]
