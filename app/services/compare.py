"""Two states compared: which measures differ and by how much, in which series, in which buckets.

States are compared by date. A bucket that only one of the calendars has, with the same first and last day, is
left out; a series that only one of the states has counts as different in every bucket with a value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from app.errors import BadId, GroupingUndefined
from app.services.grants import require_measure, require_table
from app.services.views.aggregate import FloatArray, is_quotient
from app.services.views.figures import Figures, Question
from app.services.views.history import CommitView, commit_view
from app.services.views.keyed import SeriesKeys
from app.services.views.levels import (
    Grouping,
    base_units,
    label_series,
    require_levels,
    require_one_unit,
    units_that_meet,
)
from app.services.views.pages import Page, page_of
from app.services.views.series import SeriesPage, SeriesQuestion, finished, group_page
from app.services.views.units import Telling, told_in, unit_kinds
from app.store.branches import At, Commit, resolve
from app.store.calendars import load_calendar
from app.store.comparing import SeriesDifference, compare_series
from app.store.database import Transaction
from app.store.entities import read_entities
from app.store.identity import SeriesKey
from app.vocabulary import DIMENSIONS, MEASURES, Calendar

SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two states with everything that differs; of the series, those that the caller may read."""

    base: CommitView
    target: CommitView
    state: Commit
    calendar: Calendar
    difference: SeriesDifference


@dataclass(frozen=True, slots=True)
class MeasureChange:
    """What changed in one measure; `net` and `absolute` only where it adds up over time."""

    measure: str
    unit: str
    series: int
    cells: int
    net: float | None
    absolute: float | None


@dataclass(frozen=True, slots=True)
class CellChange:
    """A bucket in which a series differs; None = no value."""

    start: date
    end: date
    base: float | None
    target: float | None


@dataclass(frozen=True, slots=True)
class SeriesChange:
    """A series that differs, with the codes of its key by dimension."""

    key: str
    measure: str
    codes: Mapping[str, str | None]
    cells: tuple[CellChange, ...]


async def comparison(tx: Transaction, base: At, target: At) -> Comparison:
    """Compare two states, on the calendar of the target; raises `NotGranted` for who reads no series."""
    require_table(tx.scope, "plan.series_version")
    before, after = await resolve(tx, base), await resolve(tx, target)
    return Comparison(
        base=commit_view(before),
        target=commit_view(after),
        state=after,
        calendar=await load_calendar(tx, after),
        difference=await compare_series(tx, before, after),
    )


async def told_in_unit(
    tx: Transaction, compared: Comparison, measures: Sequence[str] | None, unit: str | None
) -> Comparison:
    """Return the comparison of some measures in a unit, as the target's reference data convert it.

    Raises `UnitUndefined` where one of them cannot be told in it.
    """
    if unit is None:
        return compared
    difference = compared.difference
    factors = np.ones((len(difference.keys), len(compared.calendar)))
    rows_of = {
        name: [row for row in _rows(difference.keys, measures) if difference.keys[row].measure == name]
        for name in MEASURES
    }
    kinds = {kind for name, rows in rows_of.items() if rows for kind in unit_kinds(MEASURES[name], unit)}
    reference = await read_entities(tx, compared.state, sorted(kinds)) if kinds else {}
    for name, rows in rows_of.items():
        if rows:
            telling = Telling(tx.scope, MEASURES[name], unit, reference)
            keys = SeriesKeys([difference.keys[row] for row in rows])
            factors[rows] = telling.factors(keys, compared.calendar)
    told = replace(difference, base=difference.base * factors, target=difference.target * factors)
    return replace(compared, difference=told)


async def group_changes(tx: Transaction, compared: Comparison, question: SeriesQuestion) -> SeriesPage:
    """Return by how much a measure differs, group by group: target less base, over the comparable buckets.

    Raises `NotGranted` for a measure that the caller does not read, `GroupingUndefined` for a quotient.
    """
    require_measure(tx.scope, question.measure)
    measure, grouping = MEASURES[question.measure], question.grouping or Grouping()
    if is_quotient(measure):
        reason = "the changes of a quotient do not add up; compare its parts"
        raise GroupingUndefined(measure=measure.name, reason=reason, field=["measure"])
    if question.after is not None and question.after.isdigit():
        raise BadId
    require_levels(measure, grouping)
    spans = question.timing.spans(compared.calendar)
    asked = Question(measure, compared.state, compared.calendar, question.timing, spans, unit=question.unit)
    meeting = question.unit is None and units_that_meet(measure, grouping)
    rows = await asked.reference(tx, grouping.kinds(measure) | ({"item"} if meeting else set()))
    frame, changes = _changes(compared.difference, measure.name)
    labels = label_series(measure, frame, grouping, rows, compared.calendar.starts)
    if meeting:
        units = base_units(frame, rows)
        require_one_unit(measure, [units[row] for row in labels.source.tolist()], labels.labels)
    groups, values = asked.added_up(asked.told(tx.scope, Figures(frame, changes), rows), labels, rows)
    return await finished(tx, compared.state, question, spans, group_page(grouping, groups, values, question))


def _changes(difference: SeriesDifference, measure: str) -> tuple[SeriesKeys, FloatArray]:
    """Return the keys of a measure's series that differ, and target less base (n, T); NaN = no change."""
    rows = [row for row, key in enumerate(difference.keys) if key.measure == measure]
    by = np.nan_to_num(difference.target[rows]) - np.nan_to_num(difference.base[rows])
    changes = np.where(difference.changed[rows], by, np.nan)
    return SeriesKeys([difference.keys[row] for row in rows]), changes


def measure_changes(
    compared: Comparison, measures: Sequence[str] | None = None, unit: str | None = None
) -> list[MeasureChange]:
    """Return the measures that differ, in the order of the vocabulary; `unit` is what they are told in."""
    rows: dict[str, list[int]] = {}
    for row in _rows(compared.difference.keys, measures):
        rows.setdefault(compared.difference.keys[row].measure, []).append(row)
    return [
        _measure_change(compared.difference, name, rows[name], told_in(MEASURES[name], unit))
        for name in MEASURES
        if name in rows
    ]


def _measure_change(difference: SeriesDifference, name: str, rows: Sequence[int], unit: str) -> MeasureChange:
    changed = difference.changed[rows]
    by = (np.nan_to_num(difference.target[rows]) - np.nan_to_num(difference.base[rows]))[changed]
    adds_up = MEASURES[name].time_rule == "sum"
    return MeasureChange(
        measure=name,
        unit=unit,
        series=len(rows),
        cells=int(changed.sum()),
        net=float(by.sum()) if adds_up else None,
        absolute=float(np.abs(by).sum()) if adds_up else None,
    )


def series_changes(
    compared: Comparison, measures: Sequence[str] | None, limit: int, after: str | None
) -> Page[SeriesChange]:
    """Return the series that differ, by measure and codes.

    Not by their numbers: those are drawn for all departments from one sequence, so a cursor that held one
    would depend on how many series others have.
    """
    keys = {row: _text(compared.difference.keys[row]) for row in _rows(compared.difference.keys, measures)}
    rows = sorted((row for row, key in keys.items() if after is None or key > after), key=keys.__getitem__)
    changes = [_series_change(compared, row, keys[row]) for row in rows[: limit + 1]]
    return page_of(changes, limit, lambda change: change.key)


def _text(key: SeriesKey) -> str:
    return SEPARATOR.join(part or "" for part in key)


def _series_change(compared: Comparison, row: int, text: str) -> SeriesChange:
    difference, buckets = compared.difference, compared.calendar.buckets
    key = difference.keys[row]
    cells = tuple(
        CellChange(
            start=buckets[place].start,
            end=buckets[place].end,
            base=_value(difference.base[row, place]),
            target=_value(difference.target[row, place]),
        )
        for place in np.flatnonzero(difference.changed[row]).tolist()
    )
    codes = dict(zip(DIMENSIONS, key[1:], strict=True))
    return SeriesChange(text, key.measure, codes, cells)


def _rows(keys: Sequence[SeriesKey], measures: Sequence[str] | None) -> list[int]:
    return [row for row, key in enumerate(keys) if measures is None or key.measure in measures]


def _value(cell: np.float64) -> float | None:
    return None if np.isnan(cell) else float(cell)
