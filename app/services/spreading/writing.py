"""Edits at a level, read, split and committed under the branch's lock: nobody changes anything in between."""

from collections.abc import Iterable, Sequence
from dataclasses import fields

import numpy as np

from app.access import Scope
from app.errors import (
    BadValue,
    ConcordError,
    GroupingUndefined,
    NothingToSplit,
    Rejected,
    UnitUndefined,
    UnknownKey,
)
from app.services.grants import require_action
from app.services.spreading.cells import Members, Sheet, lay, out_of_use, profile_values
from app.services.spreading.requests import NAMED, SpreadEdit, SpreadRequest, placed, request_problems
from app.services.submit import (
    SubmitRequest,
    Submitted,
    branch_of_inputs,
    on_calendar_of,
    refuse,
    write_entries,
    written_event,
)
from app.services.submit_checks import MAX_SERIES
from app.services.views.aggregate import FloatArray, add_up
from app.services.views.filters import DIMENSION, Selection, SeriesFilter, selection
from app.services.views.history import commit_view
from app.services.views.keyed import SeriesKeys
from app.services.views.levels import base_units
from app.services.views.units import COMMON, Rows, Telling
from app.store.audit import record
from app.store.branches import Commit, commit
from app.store.calendars import load_calendar
from app.store.commits import lock
from app.store.database import Database, Transaction
from app.store.entities import read_entities
from app.store.idempotency import given_answer, keep_answer
from app.store.identity import SeriesKey
from app.store.series import SeriesFrame, read_series
from app.vocabulary import MEASURES, Measure


async def spread_series(database: Database, scope: Scope, request: SpreadRequest) -> Submitted:
    """Split the edits and write what comes of them as one commit; raises `Rejected` with every problem.

    The same request under the same key again returns the first answer and writes nothing. With an expected
    head, cells that have been changed since raise `HeadMoved`.
    """
    require_action(scope, "seriesSpread")
    refuse(request_problems(scope, request))
    async with database.write(scope) as tx:
        answer = await given_answer(tx, request.idempotency_key, request.digest())
        if answer is not None:
            return Submitted(commit_view(await commit(tx, answer["commit"])), answer["changed"])
        done = await _spread(tx, request)
        kept = {"commit": done.commit.number, "changed": done.changed}
        await keep_answer(tx, request.idempotency_key, request.digest(), kept)
        named = {edit.measure for edit in request.edits}
        await record(tx, written_event("seriesSpread", request.branch, named, done))
        return done


async def _spread(tx: Transaction, request: SpreadRequest) -> Submitted:
    on = await branch_of_inputs(tx, request.branch)
    head = await lock(tx, on)
    seen = head if request.expected_head is None else await commit(tx, request.expected_head)
    calendar = await load_calendar(tx, head)
    rows = await read_entities(tx, head, sorted({*COMMON, "holiday"}))
    sheet = Sheet(calendar, [row["date"] for row in rows["holiday"] if row["site"] is None])
    problems: list[ConcordError] = []
    for row, edit in enumerate(request.edits):
        try:
            lay(sheet, edit, await _members(tx, head, edit, sheet, rows))
        except ConcordError as problem:
            problems.append(placed(problem, row))
    refuse(problems)
    entries = sheet.entries()
    if len(entries) > MAX_SERIES:
        found = str(len(entries))
        raise Rejected([BadValue(field=["edits"], expected=f"at most {MAX_SERIES} series", found=found)])
    written = SubmitRequest(
        request.branch, request.reason, request.idempotency_key, request.expected_head, entries
    )
    return await write_entries(tx, on, on_calendar_of(head, seen), calendar, written)


async def _members(tx: Transaction, head: Commit, edit: SpreadEdit, sheet: Sheet, rows: Rows) -> Members:
    """Return the series that an edit reaches: those there are, and those that it is split by."""
    measure = MEASURES[edit.measure]
    await _require_named(tx, head, edit.within)
    chosen = await selection(tx, head, measure, edit.within)
    if chosen is None:
        raise NothingToSplit(field=["within"], measure=measure.name, reason="the selection matches nothing")
    own = await read_series(tx, head, measures=[measure.name], **chosen.arguments())
    by = own
    if edit.by.measure not in (None, measure.name):
        by = await read_series(tx, head, measures=[str(edit.by.measure)], **chosen.arguments())
    keys, values = _over(measure, own, [])
    keys, profile = _over(measure, by, keys)
    values = np.vstack([values, np.full((len(keys) - len(values), len(sheet.calendar)), np.nan)])
    weights = profile_values(edit.by, profile, sheet)
    if measure.unit == "UoM":
        weights[out_of_use(keys, rows, sheet.calendar)] = 0.0
    factors = _factors(tx.scope, edit, keys, rows)
    if edit.by.kind != "even" and MEASURES[edit.by.measure or measure.name].unit == "UoM":
        weights *= factors[:, None]
    kept = await _matches(tx, head, measure, edit.keep, keys)
    return Members(keys, values, weights, factors, kept, _whole(keys, rows))


async def _require_named(tx: Transaction, head: Commit, within: SeriesFilter) -> None:
    """Raise `UnknownKey` for a customer or resource that is named and not there for the caller."""
    for name, kind in NAMED.items():
        codes = getattr(within, name) or ()
        if codes:
            found = {row[kind] for row in (await read_entities(tx, head, [kind], keys=codes))[kind]}
            for code in codes:
                if code not in found:
                    raise UnknownKey(field=["within", name], kind=kind, name=code)


def _over(
    measure: Measure, frame: SeriesFrame, keys: Sequence[SeriesKey]
) -> tuple[list[SeriesKey], FloatArray]:
    """Return the keys of `measure` that a frame's series fall under, after `keys`, and their sums (n, T)."""
    places = {key: place for place, key in enumerate(keys)}
    columns = [frame.column(name) for name in measure.grain]
    index = [places.setdefault(_key(measure, codes), len(places)) for codes in zip(*columns, strict=True)]
    return list(places), add_up(frame.values, np.array(index, dtype=np.int64), len(places))


def _key(measure: Measure, codes: Sequence[str | None]) -> SeriesKey:
    return SeriesKey(measure.name, **dict(zip(measure.grain, codes, strict=True)))


async def _matches(
    tx: Transaction, head: Commit, measure: Measure, wanted: SeriesFilter | None, keys: Sequence[SeriesKey]
) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]":
    """Return which keys a filter names; a filter without any part names none."""
    none = np.zeros(len(keys), dtype=bool)
    if wanted is None or all(getattr(wanted, part.name) is None for part in fields(wanted)):
        return none
    chosen = await selection(tx, head, measure, wanted)
    return none if chosen is None else np.array([_within(chosen, key) for key in keys], dtype=bool)


def _within(chosen: Selection, key: SeriesKey) -> bool:
    wanted = {DIMENSION[name]: codes for name, codes in chosen.arguments().items() if codes is not None}
    return all(getattr(key, dimension) in set(codes) for dimension, codes in wanted.items())  # type: ignore[call-overload]  # codes of a TypedDict


def _factors(scope: Scope, edit: SpreadEdit, keys: Sequence[SeriesKey], rows: Rows) -> FloatArray:
    """Return how many of the edit's unit one base unit of each series is (n,); raises for unlike units."""
    measure, frame = MEASURES[edit.measure], SeriesKeys(keys)
    if edit.unit is not None:
        if not any(row["unit"] == edit.unit for row in rows["unit"]):
            reason = "an edit is in a unit of measure"
            raise UnitUndefined(field=["unit"], measure=measure.name, unit=edit.unit, reason=reason)
        sizes: FloatArray = Telling(scope, measure, edit.unit, rows).sizes(frame)[:, 0]
        return sizes
    units = sorted({str(unit) for unit in base_units(frame, rows)}) if measure.unit == "UoM" else []
    if len(units) > 1:
        reason = f"{' and '.join(units)} cannot be added up; name a unit, or narrow the edit"
        raise GroupingUndefined(field=["unit"], measure=measure.name, reason=reason)
    return np.ones(len(keys))


def _whole(keys: Iterable[SeriesKey], rows: Rows) -> bool:
    """Say whether all the series count in units that cannot be divided."""
    divisible = {row["unit"] for row in rows["unit"] if row["whole"] is False}
    base = {str(row["item"]): row["unit"] for row in rows["item"]}
    units = [base.get(str(key.item)) for key in keys]
    return all(unit is not None and unit not in divisible for unit in units)
