"""Rule 13: shortage falls strictly on the lower class of a stock point, whatever the lower class would pay.

The optimum of a plain profit serves whoever pays most. So wherever a lower class of the same stock point
pays more, the higher class's loss is raised just above it: a premium that no one pays, kept under the
element `priority`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.engine.problem import FloatArray, IntArray, Problem

STEP = 1.01  # a class is worth at least this many times the best of the class below


@dataclass(frozen=True, slots=True, eq=False)
class Premium:
    """What is added to a demand's own loss so that classes are served in order."""

    short: FloatArray  # [d, T] per unit never supplied
    late: FloatArray  # [d, T] per unit open at the end of a bucket


def class_premium(problem: Problem) -> Premium:
    """Premiums that put the classes of each stock point in order; zero where they are in order already."""
    demands = problem.demands
    asked = np.asarray(demands.quantity > 0)
    lost = demands.price + demands.short_cost
    short = _ladder(demands.stock, demands.rank, lost, np.where(asked, lost, 0.0))
    per_day = demands.late_cost / problem.days[None, :]
    late = _ladder(
        demands.stock, demands.rank, per_day, np.where(asked.any(axis=1, keepdims=True), per_day, 0.0)
    )
    return Premium(short, late * problem.days[None, :])


def _ladder(stock: IntArray, rank: IntArray, own: FloatArray, bids: FloatArray) -> FloatArray:
    """Raise `own` [d, T] class by class, from the last, to STEP x the greatest bid of any class below."""
    raised = own.copy()
    count = int(stock.max(initial=-1)) + 1
    below = np.zeros(count)  # greatest value so far among the classes below, per stock
    for level in sorted(set(rank.tolist()), reverse=True):
        members = np.flatnonzero(rank == level)
        raised[members] = np.maximum(own[members], STEP * below[stock[members], None])
        best = np.where(bids[members] > 0, raised[members], 0.0).max(axis=1, initial=0.0)
        np.maximum.at(below, stock[members], best)
    return raised - own
