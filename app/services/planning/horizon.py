"""The buckets that are planned: the open ones, which are published, and the extension (rule P1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt

from app.vocabulary import Bucket, Calendar

Values = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

MOST_MONTHS = 24


@dataclass(frozen=True)
class Horizon:
    """The planned buckets: the open ones of `calendar`, then `extension` (months after its end)."""

    calendar: Calendar
    extension: tuple[Bucket, ...] = ()

    @property
    def published(self) -> int:
        """Number of buckets that are published."""
        return len(self.calendar) - self.calendar.first_open

    @cached_property
    def buckets(self) -> tuple[Bucket, ...]:
        """All planned buckets in order."""
        return self.calendar.open_buckets + self.extension

    @property
    def periods(self) -> int:
        """Number of planned buckets T."""
        return len(self.buckets)

    @cached_property
    def days(self) -> Values:
        """Length of each bucket in days, (T,)."""
        return np.array([bucket.days for bucket in self.buckets], dtype=np.float64)

    @cached_property
    def starts(self) -> Values:
        """Days from the plan date to the start of each bucket, (T,)."""
        return np.array([(b.start - self.calendar.plan_date).days for b in self.buckets], dtype=np.float64)

    @cached_property
    def extended_calendar(self) -> Calendar:
        """The whole calendar with the extension as its open part: what comes after the published horizon."""
        return Calendar(self.calendar.buckets + self.extension, self.calendar.end)

    def bucket_of(self, day: date) -> int | None:
        """Return the planned bucket of a day, the first for days past due, None after the last."""
        if day < self.calendar.plan_date:
            return 0
        offset = (day - self.calendar.plan_date).days
        last = self.starts[-1] + self.days[-1]
        return int(np.searchsorted(self.starts, offset, side="right")) - 1 if offset < last else None

    def valid(self, row: Mapping[str, object]) -> Mask:
        """Return (T,): whether the row is valid on the first day of each bucket."""
        begin, end = row.get("valid_from"), row.get("valid_to")
        mask = np.ones(self.periods, dtype=np.bool_)
        if isinstance(begin, date):
            mask &= self.starts >= (begin - self.calendar.plan_date).days
        if isinstance(end, date):
            mask &= self.starts < (end - self.calendar.plan_date).days
        return mask

    def planned(self, values: Values) -> Values:
        """Return the open part of calendar values (n, T_calendar), stretched by NaN over the extension."""
        open_part = values[:, self.calendar.first_open :]
        return np.pad(open_part, ((0, 0), (0, len(self.extension))), constant_values=np.nan)


def extended(calendar: Calendar, months: int) -> Horizon:
    """Return the horizon with so many months (at most MOST_MONTHS) after the calendar's end."""
    added: list[Bucket] = []
    for _ in range(min(months, MOST_MONTHS)):
        start = added[-1].end if added else calendar.end
        end = (start.replace(day=1) + timedelta(days=32)).replace(day=1)
        added.append(Bucket(len(calendar) + len(added), start, end))
    return Horizon(calendar, tuple(added))


def land(horizon: Horizon, lead_days: Sequence[float]) -> npt.NDArray[np.int64]:
    """Return (n, T): the bucket in which a delivery over a lane arrives that leaves in each bucket.

    Shorter than the bucket, it arrives in the bucket it leaves in; else in the bucket that holds the day of
    its start plus the lead time; T = after the horizon (rule P6).
    """
    lead = np.asarray(lead_days, dtype=np.float64)[:, None]
    ends = horizon.starts + horizon.days
    landed = np.searchsorted(ends, horizon.starts[None, :] + lead, side="right")
    return np.where(lead < horizon.days, np.arange(horizon.periods), landed).astype(np.int64)
