"""What an edit at a level makes of each cell below it: weights, what is fixed, and the split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from math import fsum, isclose

import numpy as np
import numpy.typing as npt

from app.dimensions.hierarchies import holds_on
from app.dimensions.splitting import last_year, split
from app.dimensions.working_time import working_days
from app.errors import BadValue, BucketFrozen, FixedExceedsEdit, NothingToSplit, ProfileEmpty
from app.services.spreading.requests import SplitBy, SpreadEdit
from app.services.submit_checks import AT_PLAN_DATE, SeriesEntry
from app.services.views.aggregate import FloatArray, IntArray, Period, periods
from app.store.identity import SeriesKey
from app.vocabulary import MEASURES, Calendar, Measure

BoolArray = npt.NDArray[np.bool_]
NEARLY = 1e-9
Rows = Mapping[str, Sequence[Mapping[str, object]]]


@dataclass(frozen=True, slots=True)
class Members:
    """The series of a measure that an edit reaches: what they hold now, and what they are split by.

    `values` (n, T) are in base units, `profile` (n, T) in any that they share; `factors` (n,) turn base units
    into the edit's; `kept` (n,) marks series that keep what they have. `whole`: base units are not divided.
    """

    keys: Sequence[SeriesKey]
    values: FloatArray
    profile: FloatArray
    factors: FloatArray
    kept: BoolArray
    whole: bool


@dataclass(slots=True)
class Sheet:
    """The series that a request changes, and which of their cells it has set so far."""

    calendar: Calendar
    holidays: Sequence[date]
    after: dict[SeriesKey, FloatArray] = field(default_factory=dict)
    written: dict[SeriesKey, BoolArray] = field(default_factory=dict)

    def put(self, key: SeriesKey, before: FloatArray, cells: IntArray, parts: FloatArray) -> None:
        """Set cells of a series; one that has nothing and gets nothing stays without a value."""
        self.written.setdefault(key, np.zeros(len(self.calendar), dtype=bool))[cells] = True
        row = self.after.get(key, before)
        made = np.where((parts == 0) & np.isnan(row[cells]), np.nan, parts)
        if key in self.after or not np.isnan(made).all():
            self.after.setdefault(key, before.copy())[cells] = made

    def taken(self, keys: Sequence[SeriesKey], cells: IntArray) -> bool:
        """Say whether any of the cells was set before."""
        return any(key in self.written and self.written[key][cells].any() for key in keys)

    def entries(self) -> tuple[SeriesEntry, ...]:
        """Return what was set as entries of a submission, a series each."""
        return tuple(self._entry(key, np.flatnonzero(self.written[key])) for key in self.after)

    def _entry(self, key: SeriesKey, cells: IntArray) -> SeriesEntry:
        row = self.after[key][cells[0] : cells[-1] + 1].tolist()
        codes = {name: code for name, code in key._asdict().items() if code is not None and name != "measure"}
        values = tuple(None if np.isnan(value) else value for value in row)
        return SeriesEntry(key.measure, codes, self.calendar.buckets[int(cells[0])].start, values)


def profile_values(by: SplitBy, values: FloatArray, sheet: Sheet) -> FloatArray:
    """Return the weights (n, T) of a rule (E4); `values` (n, T) are those of the measure that it names."""
    buckets = sheet.calendar.buckets
    if by.kind == "last_year":
        return np.nan_to_num(last_year(buckets, values, sheet.holidays))
    if by.kind == "proportional":
        return np.nan_to_num(values)
    starts = np.array([bucket.start for bucket in buckets], dtype="datetime64[D]")
    ends = np.array([bucket.end for bucket in buckets], dtype="datetime64[D]")
    worked = working_days(starts, ends, sheet.holidays)
    return np.broadcast_to(np.where(worked > 0, worked, sheet.calendar.days / 7), values.shape).copy()


def out_of_use(keys: Sequence[SeriesKey], rows: Rows, calendar: Calendar) -> BoolArray:
    """Return (n, T): where the item of a series is not valid when the bucket starts."""
    items = {str(row["item"]): row for row in rows["item"]}
    known = {
        code: np.array([not holds_on(items[code], start) for start in calendar.starts])
        for code in {str(key.item) for key in keys} & items.keys()
    }
    never = np.zeros(len(calendar), dtype=bool)
    return np.array([known.get(str(key.item), never) for key in keys]).reshape(len(keys), len(calendar))


def lay(sheet: Sheet, edit: SpreadEdit, members: Members) -> None:
    """Split every figure of an edit over its members and set the cells; raises what is in the way."""
    if not members.keys:
        raise NothingToSplit(field=["within"], measure=edit.measure, reason="none is there, nor to split by")
    spans = _spans(sheet.calendar, edit)
    for place, (span, value) in enumerate(zip(spans, edit.values, strict=True)):
        if value is not None:
            _Split(sheet, edit, members, span, value, place).lay()


def _spans(calendar: Calendar, edit: SpreadEdit) -> Sequence[Period]:
    """Return the periods that an edit's values are for."""
    spans = periods(calendar.buckets, edit.per)
    first = next((span.ordinal for span in spans if span.start <= edit.start < span.end), None)
    if first is None:
        expected = f"a day from {calendar.buckets[0].start} to before {calendar.end}"
        raise BadValue(field=["start"], expected=expected, found=edit.start.isoformat())
    if first + len(edit.values) > len(spans):
        expected = f"at most {len(spans) - first} values from that period on"
        raise BadValue(field=["values"], expected=expected, found=str(len(edit.values)))
    return spans[first : first + len(edit.values)]


@dataclass(frozen=True)
class _Split:
    """One figure of an edit, for one period."""

    sheet: Sheet
    edit: SpreadEdit
    members: Members
    span: Period
    value: float
    place: int

    @property
    def field(self) -> list[object]:
        """Where the figure stands in the edit."""
        return ["values", self.place]

    @property
    def measure(self) -> Measure:
        """The measure."""
        return MEASURES[self.edit.measure]

    @cached_property
    def cells(self) -> IntArray:
        """The open buckets of the period (rule E5)."""
        return np.arange(max(self.span.first, self.sheet.calendar.first_open), self.span.beyond)

    def lay(self) -> None:
        """Set the cells of the period."""
        self._require_open()
        free = np.flatnonzero(~self.members.kept)
        keys = [self.members.keys[row] for row in free.tolist()]
        if not keys:
            raise NothingToSplit(field=["keep"], measure=self.edit.measure, reason="all series are kept")
        if self.sheet.taken(self.members.keys, self.cells):
            raise BadValue(field=self.field, expected="each figure in one edit", found="a figure set before")
        parts = self._parts(self._remainder(), free)
        for row, key in enumerate(keys):
            self.sheet.put(key, self.members.values[free[row]], self.cells, parts[row])

    def _require_open(self) -> None:
        calendar = self.sheet.calendar
        if not len(self.cells):
            reason = f"it lies before the plan date {calendar.plan_date}"
            raise BucketFrozen(field=self.field, start=self.span.start, reason=reason)
        if self.edit.measure in AT_PLAN_DATE and self.span.first > calendar.first_open:
            reason = f"{self.edit.measure} is stated for the plan date {calendar.plan_date} alone"
            raise BucketFrozen(field=self.field, start=self.span.start, reason=reason)

    def _remainder(self) -> float:
        """Return what is left for open cells of series that are not kept, in the edit's unit (rule E5)."""
        told = np.nan_to_num(self.members.values * self.members.factors[:, None])
        closed = told[:, self.span.first : max(self.span.first, min(self.cells[0], self.span.beyond))]
        fixed = fsum([*closed.ravel(), *told[self.members.kept][:, self.cells].ravel()])
        left = self.value - fixed
        if left < 0 and not self.measure.signed:
            raise FixedExceedsEdit(field=self.field, found=f"{self.value:g}", fixed=f"{fixed:g}")
        return left

    def _parts(self, left: float, free: IntArray) -> FloatArray:
        """Return what each free series (rows) gets in each open bucket (columns), in base units."""
        weights = self.members.profile[free][:, self.cells]
        factors = self.members.factors[free]
        if left == 0:
            return np.zeros(weights.shape)
        if (weights < 0).any() or not (weights > 0).any():
            reason = "it is negative there" if (weights < 0).any() else "it is zero or not there"
            named = self.edit.by.measure or self.edit.measure
            raise ProfileEmpty(field=["by"], measure=self.edit.measure, profile=named, reason=reason)
        if (factors == factors[0]).all():
            total, whole = self._whole(left / float(factors[0]))
            return np.array(split(total, weights.ravel().tolist(), whole=whole)).reshape(weights.shape)
        shares = split(left, weights.ravel().tolist(), whole=False)
        return np.array(shares).reshape(weights.shape) / factors[:, None]

    def _whole(self, total: float) -> tuple[float, bool]:
        """Return the total in base units, and whether parts are whole: what is fixed may not be (rule E2)."""
        if not self.members.whole:
            return total, False
        rounded = float(round(total))
        if isclose(total, rounded, rel_tol=NEARLY):
            return rounded, True
        in_base = self.value / float(self.members.factors[0])
        if not isclose(in_base, round(in_base), rel_tol=NEARLY):
            expected = "a whole number of base units"
            raise BadValue(field=self.field, expected=expected, found=f"{in_base:g}")
        return total, False
