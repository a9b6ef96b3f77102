"""Weeks and months of one calendar, converted into one another by working time (rules T1 to T5).

A bucket's figure belongs to its working days: what overlaps a period takes the share of them that it holds.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from app.vocabulary import Bucket, Calendar

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Days = npt.NDArray[np.datetime64]
PeriodKind = Literal["week", "month", "quarter", "year", "total"]
WEEK = timedelta(days=7)
MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, slots=True)
class Sharing:
    """How buckets share in periods.

    `shares` (T, P) are the parts of each bucket's working time, `closing` (P,) is the bucket that holds the
    last day of each period.
    """

    shares: FloatArray
    closing: IntArray

    def convert(self, values: FloatArray, rule: str) -> FloatArray:
        """Return `values` (n, T) by period (n, P); NaN where no bucket that shares in the period has a value.

        Under `last` a period closes with the figure of the bucket that holds its last day; else every bucket
        gives the period its share.
        """
        if rule == "last":
            return values[:, self.closing]
        held = ~np.isnan(values)
        sums = np.where(held, values, 0.0) @ self.shares
        known = held.astype(np.float64) @ (self.shares > 0)
        return np.where(known > 0, sums, np.nan)


def calendar_periods(calendar: Calendar, kind: PeriodKind) -> tuple[Bucket, ...]:
    """Return the periods that cover the calendar's days; the first and the last are cut at its ends.

    Weeks begin on the weekday of the plan date, so that the weekly buckets of a plan are weeks themselves.
    """
    begin, end = calendar.buckets[0].start, calendar.end
    if kind == "total":
        edges = [begin, end]
    elif kind == "week":
        first = begin - (begin - calendar.plan_date) % WEEK
        weeks = -(-(end - first) // WEEK)
        edges = [first + number * WEEK for number in range(weeks + 1)]
    else:
        edges = [_period_start(begin, MONTHS[kind])]
        while edges[-1] < end:
            edges.append(_months_on(edges[-1], MONTHS[kind]))
    edges[0], edges[-1] = begin, end
    return tuple(Bucket(place, start, stop) for place, (start, stop) in enumerate(pairwise(edges)))


def _period_start(day: date, months: int) -> date:
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def _months_on(day: date, months: int) -> date:
    month = day.month - 1 + months
    return date(day.year + month // 12, month % 12 + 1, 1)


def working_days(starts: Days, ends: Days, holidays: Collection[date]) -> FloatArray:
    """Return the Mondays to Fridays that are no holidays from `starts` up to and without `ends`."""
    free = np.array(sorted(holidays), dtype="datetime64[D]")
    return np.asarray(np.busday_count(starts, ends, holidays=free), dtype=np.float64)


def sharing(buckets: Sequence[Bucket], periods: Sequence[Bucket], holidays: Collection[date]) -> Sharing:
    """Return how the buckets share in the periods, both in order and over the same days.

    A bucket without a working day is shared out by its calendar days.
    """
    bucket_starts, bucket_ends = _edges(buckets)
    period_starts, period_ends = _edges(periods)
    starts = np.maximum(bucket_starts[:, None], period_starts[None, :])
    ends = np.maximum(np.minimum(bucket_ends[:, None], period_ends[None, :]), starts)
    overlap = working_days(starts, ends, holidays)
    whole = working_days(bucket_starts, bucket_ends, holidays)[:, None]
    by_days = (ends - starts).astype(np.float64) / (bucket_ends - bucket_starts).astype(np.float64)[:, None]
    shares = np.where(whole > 0, overlap / np.maximum(whole, 1.0), by_days)
    closing = np.searchsorted(bucket_ends, period_ends, side="left")
    return Sharing(shares, np.minimum(closing, len(buckets) - 1).astype(np.int64))


def _edges(buckets: Sequence[Bucket]) -> tuple[Days, Days]:
    starts = np.array([bucket.start for bucket in buckets], dtype="datetime64[D]")
    return starts, np.array([bucket.end for bucket in buckets], dtype="datetime64[D]")
