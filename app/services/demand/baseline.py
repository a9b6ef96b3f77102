"""Baseline forecast: the demand of the same days a year ago (seasonal naive), model rules D1 to D3."""

from datetime import date, timedelta
from typing import Protocol

import numpy as np
import numpy.typing as npt

from app.vocabulary import Calendar

Values = npt.NDArray[np.float64]
YEAR_DAYS = 365.0


class Forecaster(Protocol):
    """Anything that turns history into a forecast; `seasonal_naive` is the one in use."""

    def __call__(self, history: Values, calendar: Calendar) -> Values:
        """Return the forecast (n, T) of `history` (n, T): NaN in past buckets and where nothing is known."""
        ...


def seasonal_naive(history: Values, calendar: Calendar) -> Values:
    """Forecast each day by the daily rate of the same day in the last year that lies before the plan date.

    `history` is (n, T) in units per bucket; only buckets before the plan date are read, and within them NaN
    after a series' first value counts as no demand. Days of which a series has no history take its mean
    daily rate over its last year. A series without any history has no forecast (NaN).
    """
    first = calendar.first_open
    forecast = np.full(history.shape, np.nan)
    past = history[:, :first]
    known = ~np.isnan(past)
    has_history = known.any(axis=1)
    if first == 0 or not has_history.any():
        return forecast
    begin = np.where(has_history, known.argmax(axis=1), first)
    alive = np.arange(first) >= begin[:, None]
    rates = np.where(known, past, 0.0) / calendar.days[:first]
    looked_up = _same_days_before(calendar)
    open_days = calendar.days[first:]
    missing_days = open_days - alive.astype(np.float64) @ looked_up.T
    future = (rates * alive) @ looked_up.T + _mean_rate(rates, alive, calendar)[:, None] * missing_days
    forecast[has_history, first:] = np.maximum(future[has_history], 0.0)
    return forecast


def _same_days_before(calendar: Calendar) -> Values:
    """Return (open, past): how many days of each open bucket look back into each past bucket."""
    first = calendar.first_open
    days = np.zeros((len(calendar) - first, first))
    for row, bucket in enumerate(calendar.open_buckets):
        for offset in range(bucket.days):
            seen = calendar.index_of(_years_before(bucket.start + timedelta(offset), calendar.plan_date))
            if seen is not None:
                days[row, seen] += 1.0
    return days


def _years_before(day: date, plan_date: date) -> date:
    """Return the same day in the last year that has it before the plan date (29 February: 28)."""
    while day >= plan_date:
        day = day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)
    return day


def _mean_rate(rates: Values, alive: npt.NDArray[np.bool_], calendar: Calendar) -> Values:
    """Return the mean daily rate (n,) of each series over the last year of its history."""
    first = calendar.first_open
    age = np.array([(calendar.plan_date - bucket.end).days for bucket in calendar.buckets[:first]])
    weight = np.where(alive & (age < YEAR_DAYS), calendar.days[:first], 0.0)
    total = weight.sum(axis=1)
    weighted = (rates * weight).sum(axis=1)
    mean: Values = np.divide(weighted, total, out=np.zeros_like(weighted), where=total > 0)
    return mean
