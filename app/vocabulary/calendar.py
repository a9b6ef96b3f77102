"""The calendar of a plan: history months, then weeks, a stub up to the month's end, then months.

Buckets are half-open ranges of days of unequal length. The plan date starts the first open bucket;
earlier buckets are actuals. Pure functions: no clock.
"""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt

WEEK = 7


@dataclass(frozen=True, slots=True)
class Bucket:
    """The days from `start` (inclusive) to `end` (exclusive); `ordinal` counts from 0."""

    ordinal: int
    start: date
    end: date

    @property
    def days(self) -> int:
        """Length in calendar days."""
        return (self.end - self.start).days


@dataclass(frozen=True, slots=True)
class Calendar:
    """Adjoining buckets in order, and the plan date that opens one of them."""

    buckets: tuple[Bucket, ...]
    plan_date: date
    first_open: int = field(init=False)

    def __post_init__(self) -> None:
        if not self.buckets:
            raise ValueError("a calendar needs at least one bucket")
        for ordinal, bucket in enumerate(self.buckets):
            if bucket.ordinal != ordinal or bucket.end <= bucket.start:
                raise ValueError(f"bucket {bucket.ordinal} is out of order or empty")
            if ordinal and bucket.start != self.buckets[ordinal - 1].end:
                raise ValueError(f"bucket {ordinal} does not adjoin the one before it")
        starts = [bucket.start for bucket in self.buckets]
        if self.plan_date not in starts:
            raise ValueError(f"the plan date {self.plan_date} starts no bucket")
        object.__setattr__(self, "first_open", starts.index(self.plan_date))

    def __len__(self) -> int:
        return len(self.buckets)

    @property
    def starts(self) -> tuple[date, ...]:
        """First day of every bucket."""
        return tuple(bucket.start for bucket in self.buckets)

    @property
    def end(self) -> date:
        """First day after the last bucket."""
        return self.buckets[-1].end

    @property
    def days(self) -> npt.NDArray[np.float64]:
        """Length of every bucket in calendar days, float64 (T,)."""
        return np.array([bucket.days for bucket in self.buckets], dtype=np.float64)

    @property
    def open_buckets(self) -> tuple[Bucket, ...]:
        """The buckets from the plan date on."""
        return self.buckets[self.first_open :]

    def index_of(self, day: date) -> int | None:
        """Ordinal of the bucket that holds `day`; None outside the calendar."""
        if not self.buckets[0].start <= day < self.end:
            return None
        return bisect_right(self.buckets, day, key=lambda bucket: bucket.start) - 1


def build_calendar(parameters: Mapping[str, object]) -> Calendar:
    """Build the calendar that `plan_date`, `history_from`, `weeks` and `months` describe.

    History months run from `history_from` to the plan date (a partial last month is a bucket of its own);
    `weeks` buckets of seven days follow, then what is left of the month then running, then `months` months.
    Raises ValueError where the parameters describe no calendar.
    """
    plan_date, history_from = parameters["plan_date"], parameters["history_from"]
    weeks, months = parameters["weeks"], parameters["months"]
    if not isinstance(plan_date, date) or not isinstance(history_from, date):
        raise ValueError("plan_date and history_from must be dates")  # noqa: TRY004 - a value of a data set
    if not isinstance(weeks, int) or not isinstance(months, int) or weeks < 0 or months < 0:
        raise ValueError("weeks and months must be whole numbers, not negative")
    if history_from > plan_date:
        raise ValueError(f"history_from {history_from} is after the plan date {plan_date}")
    if history_from.day != 1:
        raise ValueError(f"history_from {history_from} is not the first day of a month")
    edges = [history_from]
    while edges[-1] < plan_date:
        edges.append(min(_next_month(edges[-1]), plan_date))
    for _ in range(weeks):
        edges.append(edges[-1] + timedelta(days=WEEK))
    if edges[-1].day != 1 and months:
        edges.append(_next_month(edges[-1]))
    for _ in range(months):
        edges.append(_next_month(edges[-1]))
    return Calendar(_adjoining(edges), plan_date)


def _adjoining(edges: Sequence[date]) -> tuple[Bucket, ...]:
    return tuple(Bucket(ordinal, start, end) for ordinal, (start, end) in enumerate(pairwise(edges)))


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def working_days(bucket: Bucket, holidays: Collection[date]) -> int:
    """Mondays to Fridays of the bucket that are no holidays."""
    weekdays = int(np.busday_count(bucket.start, bucket.end))
    return weekdays - sum(bucket.start <= day < bucket.end and day.weekday() < 5 for day in set(holidays))
