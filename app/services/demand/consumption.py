"""Consumption: open orders replace the forecast that foresaw them (model rules D8 to D10)."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from app.vocabulary import Calendar

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Window:
    """Days before and after an order's bucket whose forecast it may consume."""

    backward_days: int
    forward_days: int


NO_RULE = Window(backward_days=30, forward_days=0)


def consume(forecast: Values, orders: Values, calendar: Calendar, window: Window) -> Values:
    """Return the forecast (n, T) that the orders (n, T) leave over.

    Orders are taken bucket by bucket in time. Each consumes the forecast of its own bucket, then that of
    earlier buckets, nearest first, then of later ones; of a bucket that lies partly in the window, only the
    part of the forecast that falls on the days inside. What finds no forecast consumes none: never less
    than zero is left, and forecast consumed never exceeds the orders.
    """
    left = forecast.copy()
    for ordinal in np.flatnonzero(orders.any(axis=0)):
        open_quantity = orders[:, ordinal].copy()
        for target, inside in _reach(calendar, int(ordinal), window):
            outside = forecast[:, target] * (1.0 - inside)
            taken = np.minimum(open_quantity, np.maximum(left[:, target] - outside, 0.0))
            left[:, target] -= taken
            open_quantity -= taken
    return left


def _reach(calendar: Calendar, ordinal: int, window: Window) -> list[tuple[int, float]]:
    """Return the open buckets an order of bucket `ordinal` may consume, in order, with the share inside."""
    own = calendar.buckets[ordinal]
    begin = own.start - timedelta(days=window.backward_days)
    end = own.end + timedelta(days=window.forward_days)
    order = [ordinal, *range(ordinal - 1, calendar.first_open - 1, -1), *range(ordinal + 1, len(calendar))]
    reach = []
    for target in order:
        bucket = calendar.buckets[target]
        inside = (min(bucket.end, end) - max(bucket.start, begin)).days
        if inside > 0:
            reach.append((target, inside / bucket.days))
    return reach


def past_due_first(orders: Values, calendar: Calendar) -> Values:
    """Return the orders (n, T) with everything requested before the plan date in the first open bucket."""
    moved = orders.copy()
    first = calendar.first_open
    moved[:, first] += moved[:, :first].sum(axis=1)
    moved[:, :first] = 0.0
    return moved


def net_demand(forecast: Values, orders: Values, calendar: Calendar, window: Window) -> Values:
    """Return what is planned (n, T): the open orders, and the forecast that they do not consume.

    Only open buckets count: forecast of past buckets is gone, past-due orders fall in the first open one.
    """
    coming = np.nan_to_num(forecast)
    coming[:, : calendar.first_open] = 0.0
    due = past_due_first(np.nan_to_num(orders), calendar)
    return consume(coming, due, calendar, window) + due
