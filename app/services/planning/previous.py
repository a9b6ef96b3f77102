"""The last published plan, seen by date on the buckets of the new one (rule P24)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.exchange.dataset import SeriesBlock, SeriesKey
from app.services.planning.horizon import Horizon
from app.services.planning.series import series_key
from app.vocabulary import Calendar

Values = npt.NDArray[np.float64]
DECISIONS = ("productionPlan", "purchaseProjection", "transfers")


@dataclass(frozen=True, eq=False)
class PreviousPlan:
    """The decisions of the last published plan on its own calendar."""

    calendar: Calendar
    rows: Mapping[tuple[str, SeriesKey], Values]

    @classmethod
    def of(cls, calendar: Calendar, blocks: list[SeriesBlock]) -> "PreviousPlan":
        """Index the decisions among the series of a published plan."""
        kept = [block for block in blocks if block.measure in DECISIONS]
        return cls(
            calendar, {(b.measure, key): row for b in kept for key, row in zip(b.keys, b.values, strict=True)}
        )

    def on(self, horizon: Horizon, measure: str, **codes: str) -> Values:
        """Return a decision (T,) on the planned buckets; NaN where the last plan says nothing.

        Quantities go with the days: a bucket takes its days' share of each bucket that it overlaps.
        """
        row = self.rows.get((measure, series_key(**codes)))
        planned = self.calendar.end
        covered = np.array([bucket.end <= planned for bucket in horizon.buckets])
        if row is None:
            return np.full(horizon.periods, np.nan)
        values = np.nan_to_num(row)
        values[: self.calendar.first_open] = 0.0
        return np.where(covered, values @ _overlap(self.calendar, horizon), np.nan)


def _overlap(calendar: Calendar, horizon: Horizon) -> Values:
    """Return (T_before, T): the share of each bucket of `calendar` that falls into each planned bucket."""
    begin = np.array(
        [(b.start - horizon.calendar.plan_date).days for b in calendar.buckets], dtype=np.float64
    )
    end = begin + calendar.days
    ends = horizon.starts + horizon.days
    days = np.minimum(end[:, None], ends) - np.maximum(begin[:, None], horizon.starts)
    share: Values = np.maximum(days, 0.0) / calendar.days[:, None]
    return share
