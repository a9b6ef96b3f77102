"""The least move of one limit with which a quantity is as wanted in an optimal plan (rule 63).

Both the least cost and the least cost with the quantity held are piecewise linear in the limit. Their
difference is zero where holding costs nothing. It is bracketed by doubling; then secants through points short
of its zero meet it exactly once they lie on the last piece, bisection guarding them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from app.engine.study import Limit, Study

STEPS = 25
DOUBLINGS = 20
CLOSE = 1e-6  # relative width of the bracket at which the search ends
NOTHING = 1e-9  # relative to the cost: what holding the quantity may cost and still count as nothing

Extra = Callable[[float], float]


def smallest_flip(study: Study, limit: Limit, force: tuple[float, float]) -> float | None:
    """Return the least relaxation of a limit with which `force` costs nothing more; None if it never does.

    In the unit of the limit; for a lead time in whole buckets.
    """
    costs: dict[float, tuple[float, float]] = {}

    def extra(delta: float) -> float:
        if delta not in costs:
            costs[delta] = study.cost(None, limit, delta), study.cost(force, limit, delta)
        free, held = costs[delta]
        cost = held - free if np.isfinite(free) else np.inf
        return 0.0 if cost <= NOTHING * (1.0 + abs(free)) else cost

    if limit.kind == "lead_time":
        buckets = range(1, int(limit.amount) + 1)
        return next((float(count) for count in buckets if extra(count) == 0.0), None)
    if limit.kind == "closed":  # once opened by a unit its limit can be moved in place
        opened, upper = study.rebuilt(limit, 1.0), Limit("activity_upper", limit.row, limit.bucket, 1.0)
        further = smallest_flip(opened, upper, force) if extra(1.0) > 0.0 else 0.0
        return None if further is None else 1.0 + further
    low = 0.0
    for power in range(DOUBLINGS):
        high = 2.0**power
        if extra(high) == 0.0:
            return _narrowed(extra, low, high)
        if low and np.allclose(costs[high], costs[low], rtol=NOTHING, atol=NOTHING):
            return None  # the limit has stopped binding: more of it does nothing
        low = high
    return None


def _narrowed(extra: Extra, low: float, high: float) -> float:
    """Narrow a bracket (something extra at `low`, nothing at `high`) to the least move with nothing extra."""
    last, here = None, (low, extra(low))
    for _ in range(STEPS):
        if high - low <= CLOSE * (1.0 + high):
            break
        guess = _secant(last, here, low, high)
        value = extra(guess)
        if value > 0.0:
            low, last, here = guess, here, (guess, value)
            continue
        high = guess
        below = guess - 0.5 * CLOSE * (1.0 + guess)
        if below > low and extra(below) > 0.0:
            low = below
    return high


def _secant(last: tuple[float, float] | None, here: tuple[float, float], low: float, high: float) -> float:
    """Return where the line through two points short of the zero meets it, else the middle of the bracket."""
    middle = 0.5 * (low + high)
    if last is None or last[0] == here[0] or not np.isfinite(last[1] + here[1]):
        return middle
    slope = (here[1] - last[1]) / (here[0] - last[0])
    guess = here[0] - here[1] / slope if slope < 0.0 else middle
    return guess if low < guess < high else middle
