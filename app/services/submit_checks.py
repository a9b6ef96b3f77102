"""What can be wrong with submitted series: one check each, every problem with its row and field."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from app.access import Scope
from app.errors import (
    BadValue,
    BucketFrozen,
    ConcordError,
    Forbidden,
    GrainMismatch,
    MeasureReadOnly,
    UnknownKey,
)
from app.services.grants import submits_measure
from app.store.identity import DIMENSION_KIND, Reference, SeriesKey
from app.vocabulary import MEASURES, Calendar

OUTSIDE_OWNERS = {"customer", "supplier"}
SUBMITTABLE = tuple(
    name
    for name, measure in MEASURES.items()
    if measure.kind == "input" and not OUTSIDE_OWNERS & set(measure.owner.split())
)
"""Inputs that belong to departments; policies/actions.toml says which role submits which."""

AT_PLAN_DATE = {"openingStock"}
"""Measures that are stated for the first open bucket alone."""

MAX_SERIES = 5000
MAX_REASON = 2000
MAX_KEY = 200
MAX_VALUE = 1e12
"""As in a data set: what a company counts stays below it, and what is computed from it stays exact."""


@dataclass(frozen=True, slots=True)
class SeriesEntry:
    """Values of one series from the bucket that starts on `start`; None takes a value away."""

    measure: str
    key: Mapping[str, str]
    start: date
    values: tuple[float | None, ...]

    @property
    def series(self) -> SeriesKey:
        """The series that is meant."""
        return SeriesKey(self.measure, **self.key)


def request_problems(
    entries: Sequence[SeriesEntry], reason: str, idempotency_key: str
) -> Iterator[ConcordError]:
    """Yield what is wrong with the request as a whole."""
    yield from envelope_problems(reason, idempotency_key)
    if not 1 <= len(entries) <= MAX_SERIES:
        yield BadValue(field=["series"], expected=f"1 to {MAX_SERIES} series", found=str(len(entries)))
    seen: dict[SeriesKey, int] = {}
    for row, entry in enumerate(entries):
        before = seen.setdefault(entry.series, row)
        if before != row:
            found = f"the series of entry {before} again"
            yield BadValue(field=_path(row, entry), row=row, expected="each series once", found=found)


def envelope_problems(reason: str, idempotency_key: str) -> Iterator[ConcordError]:
    """Yield what is wrong with the reason and the key of a request."""
    if not reason.strip() or len(reason) > MAX_REASON:
        yield BadValue(field=["reason"], expected=f"1 to {MAX_REASON} characters", found=f"{len(reason)}")
    if not 1 <= len(idempotency_key) <= MAX_KEY:
        found = str(len(idempotency_key))
        yield BadValue(field=["idempotencyKey"], expected=f"1 to {MAX_KEY} characters", found=found)


def grant_problems(scope: Scope, entries: Sequence[SeriesEntry]) -> Iterator[ConcordError]:
    """Yield the measures that are not submitted at all, or not by this role."""
    for row, entry in enumerate(entries):
        if entry.measure not in SUBMITTABLE:
            kind = MEASURES[entry.measure].kind
            yield MeasureReadOnly(field=_path(row, entry), row=row, measure=entry.measure, kind=kind)
        elif not submits_measure(scope, entry.measure):
            yield Forbidden(field=_path(row, entry), row=row)


def key_problems(entries: Sequence[SeriesEntry], known: Collection[Reference]) -> Iterator[ConcordError]:
    """Yield keys that do not fit the measure, and codes that name nothing the caller may see."""
    for row, entry in enumerate(entries):
        grain = MEASURES[entry.measure].grain
        if set(entry.key) != set(grain):
            yield GrainMismatch(
                field=_path(row, entry),
                row=row,
                measure=entry.measure,
                grain=", ".join(grain),
                found=", ".join(entry.key) or "nothing",
            )
        for dimension, code in entry.key.items():
            kind = DIMENSION_KIND[dimension]
            if (kind, code) not in known:
                yield UnknownKey(field=_path(row, entry, dimension), row=row, kind=kind, name=code)


def value_problems(entries: Sequence[SeriesEntry], calendar: Calendar) -> Iterator[ConcordError]:
    """Yield values outside the calendar, in closed buckets, absurdly large, or negative where none may be."""
    for row, entry in enumerate(entries):
        first = calendar.index_of(entry.start)
        if first is None or calendar.buckets[first].start != entry.start:
            expected = "the first day of a bucket of the calendar"
            path = _path(row, entry, "start")
            yield BadValue(field=path, row=row, expected=expected, found=entry.start.isoformat())
            continue
        room = len(calendar) - first
        if not 1 <= len(entry.values) <= room:
            expected, found = f"1 to {room} values from that bucket on", str(len(entry.values))
            yield BadValue(field=_path(row, entry, "values"), row=row, expected=expected, found=found)
            continue
        yield from _cell_problems(row, entry, first, calendar)


def _cell_problems(row: int, entry: SeriesEntry, first: int, calendar: Calendar) -> Iterator[ConcordError]:
    signed, only_first = MEASURES[entry.measure].signed, entry.measure in AT_PLAN_DATE
    for place, value in enumerate(entry.values):
        ordinal, path = first + place, _path(row, entry, "values", place)
        start = calendar.buckets[ordinal].start
        if ordinal < calendar.first_open:
            reason = f"it lies before the plan date {calendar.plan_date}"
            yield BucketFrozen(field=path, row=row, start=start, reason=reason)
        elif only_first and ordinal > calendar.first_open:
            reason = f"{entry.measure} is stated for the bucket of the plan date {calendar.plan_date} alone"
            yield BucketFrozen(field=path, row=row, start=start, reason=reason)
        if value is not None and value < 0 and not signed:
            yield BadValue(field=path, row=row, expected="a number not below 0", found=f"{value:g}")
        elif value is not None and not abs(value) <= MAX_VALUE:
            expected = f"a number of at most {MAX_VALUE:g}"
            yield BadValue(field=path, row=row, expected=expected, found=f"{value:g}")


def _path(row: int, entry: SeriesEntry, *below: object) -> list[object]:
    return ["series", row, entry.measure, *below]
