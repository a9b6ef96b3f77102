"""The open buckets of a plan, from the planning parameters (see docs/dataset.md, "Series")."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Bucket:
    """Days from `start` to before `end`."""

    start: date
    end: date

    @property
    def days(self) -> int:
        """Length in days."""
        return (self.end - self.start).days

    def __str__(self) -> str:
        return self.start.isoformat()


@dataclass(frozen=True)
class Buckets:
    """The past buckets and the open ones, which begin at the plan date."""

    past: tuple[Bucket, ...]
    open: tuple[Bucket, ...]

    @property
    def plan_date(self) -> date:
        """First day of the first open bucket."""
        return self.open[0].start

    def offset(self, index: int) -> int:
        """Return the days from the plan date to the start of an open bucket."""
        return (self.open[index].start - self.plan_date).days

    def holding(self, day: date) -> int | None:
        """Return the open bucket that holds a day; one past due counts in the first, a later one in none."""
        if day < self.plan_date:
            return 0
        return next((index for index, bucket in enumerate(self.open) if day < bucket.end), None)

    def landing(self, index: int, lead_days: float) -> int:
        """Return the open bucket in which production or a transfer of bucket `index` can be used.

        It is the first that starts no earlier than the start plus the lead time; the number of open buckets
        stands for "after the horizon".
        """
        ready = self.offset(index) + lead_days - 1e-9
        return next((later for later in range(len(self.open)) if self.offset(later) >= ready), len(self.open))

    def arrival(self, index: int, lead_days: float) -> int:
        """Return the open bucket in which a delivery that leaves in bucket `index` is with the customer.

        A shorter transit than the bucket arrives within it; else the bucket that holds its day of arrival.
        """
        if lead_days < self.open[index].days:
            return index
        due = self.offset(index) + lead_days
        ends = (self.offset(later) + bucket.days for later, bucket in enumerate(self.open))
        return next((later for later, end in enumerate(ends) if due < end), len(self.open))


def build_buckets(plan_date: date, history_from: date, weeks: int, months: int) -> Buckets:
    """Return months up to the plan date, weeks, the rest of the month then running, and months."""
    past, start = [], history_from
    while start < plan_date:
        end = min(_month_after(start), plan_date)
        past.append(Bucket(start, end))
        start = end
    edges = [plan_date + timedelta(days=7 * week) for week in range(weeks + 1)]
    if months and edges[-1].day != 1:
        edges.append(_month_after(edges[-1]))
    for _ in range(months):
        edges.append(_month_after(edges[-1]))
    return Buckets(tuple(past), tuple(Bucket(start, end) for start, end in pairwise(edges)))


def _month_after(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)
