"""Where stated values fall: the buckets that a date or month means, and the array they are laid into."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import nan

import numpy as np

from app.exchange.cells import CellError, parse_date
from app.exchange.dataset import SeriesBlock, SeriesKey
from app.exchange.findings import Code
from app.vocabulary import Calendar, Measure

GROWTH = 1_024
MONTH = len("YYYY-MM")


@dataclass(frozen=True, slots=True)
class Slot:
    """A bucket that a stated period falls in: its ordinal, the days covered and their share of the period."""

    ordinal: int
    days: int
    share: float


def slots_of(text: str, calendar: Calendar) -> tuple[Slot, ...]:
    """Return the buckets that `text` means: a day's whole bucket, or (`YYYY-MM`) every bucket of the month.

    Raises CellError for what is neither date nor month, and for one outside the calendar.
    """
    if len(text) != MONTH:
        ordinal = calendar.index_of(parse_date(text))
        if ordinal is None:
            raise CellError(Code.DATE_OUTSIDE_CALENDAR, _extent(calendar))
        return (Slot(ordinal, calendar.buckets[ordinal].days, 1.0),)
    start = parse_date(f"{text}-01")
    end = (start + timedelta(days=31)).replace(day=1)
    first, last = calendar.index_of(start), calendar.index_of(end - timedelta(days=1))
    if first is None or last is None:
        raise CellError(Code.DATE_OUTSIDE_CALENDAR, _extent(calendar))
    slots = []
    for bucket in calendar.buckets[first : last + 1]:
        days = (min(end, bucket.end) - max(start, bucket.start)).days
        slots.append(Slot(bucket.ordinal, days, days / (end - start).days))
    return tuple(slots)


def _extent(calendar: Calendar) -> str:
    return f"a date or month from {calendar.buckets[0].start} to before {calendar.end}"


class Grid:
    """The series of one measure as a growing array of (series, bucket), NaN = no value.

    Days covered are counted per cell, so that a second value for one bucket is told from the second month of
    a week that spans two.
    """

    def __init__(self, measure: Measure, calendar: Calendar) -> None:
        self.calendar = calendar
        self._measure = measure
        self._rows: dict[SeriesKey, int] = {}
        self._values = np.full((GROWTH, len(calendar)), nan)
        self._days = np.zeros((GROWTH, len(calendar)), dtype=np.int32)
        self._lengths = [bucket.days for bucket in calendar.buckets]

    def row_of(self, key: SeriesKey) -> int:
        """Return the array row of a series, a new one where the key is new."""
        row = self._rows.setdefault(key, len(self._rows))
        if row >= len(self._values):
            self._values = np.concatenate([self._values, np.full_like(self._values, nan)])
            self._days = np.concatenate([self._days, np.zeros_like(self._days)])
        return row

    def put(self, row: int, slot: Slot, value: float) -> bool:
        """Lay a period's value into a bucket; False where the bucket's days are covered already.

        Quantities are spread by days over the buckets of their period; prices average by days; of stocks the
        later period of a bucket counts.
        """
        covered = int(self._days[row, slot.ordinal])
        if covered + slot.days > self._lengths[slot.ordinal]:
            return False
        held = self._values[row, slot.ordinal] if covered else 0.0
        if self._measure.time_rule == "sum":
            value = held + value * slot.share
        elif self._measure.time_rule == "weighted":
            value = (held * covered + value * slot.days) / (covered + slot.days)
        self._values[row, slot.ordinal] = value
        self._days[row, slot.ordinal] = covered + slot.days
        return True

    def add(self, row: int, slot: Slot, value: float) -> None:
        """Add a period's value to whatever a bucket holds."""
        held = self._values[row, slot.ordinal] if self._days[row, slot.ordinal] else 0.0
        spread = slot.share if self._measure.time_rule == "sum" else 1.0
        self._values[row, slot.ordinal] = held + value * spread
        self._days[row, slot.ordinal] = self._lengths[slot.ordinal]

    def spread_quarters(self, rows: Sequence[int]) -> None:
        """Replace the history of some series by each quarter's total, even per day; totals stay."""
        quarters: dict[tuple[int, int], list[int]] = defaultdict(list)
        for bucket in self.calendar.buckets[: self.calendar.first_open]:
            quarters[bucket.start.year, (bucket.start.month - 1) // 3].append(bucket.ordinal)
        for ordinals in quarters.values():
            cells = np.ix_(list(rows), ordinals)
            totals = np.nansum(self._values[cells], axis=1, keepdims=True)
            days = self.calendar.days[ordinals]
            self._values[cells] = np.where(totals > 0, totals * days / days.sum(), nan)

    def block(self) -> SeriesBlock:
        """Return the series in the order of their keys: the order of the files' rows does not matter."""
        keys = sorted(self._rows, key=lambda key: tuple(part or "" for part in key))
        return SeriesBlock(self._measure.name, keys, self._values[[self._rows[key] for key in keys]])
