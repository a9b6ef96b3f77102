"""What a commit changes: what callers hand in, and what is left of it against the state it is written on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from app.errors import HeadMoved, InputError
from app.store.branches import Commit
from app.store.cells import Matrix, canonical, same
from app.store.database import Transaction
from app.store.entities import Row, read_rows, stored
from app.store.identity import Reference, SeriesKey, entity_ids, series_ids
from app.store.merging import merge_rows, merge_values
from app.store.series import Ids, SeriesFrame, read_ids, read_series, read_values
from app.vocabulary import ENTITIES, entity_key

CONFLICTS_NAMED = 20


def _no_values() -> Matrix:
    return np.empty((0, 0))


@dataclass(frozen=True, slots=True)
class SeriesChanges:
    """Series to set: `values` is (len(keys), T) over the commit's calendar, NaN = no value.

    A series is set as a whole; one without any value is removed. `exact` names measures of which `keys` is
    all that shall remain.
    """

    keys: Sequence[SeriesKey] = ()
    values: Matrix = field(default_factory=_no_values)
    removed: Sequence[SeriesKey] = ()
    exact: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class EntityChanges:
    """Rows to set by kind, as a dataset has them; `removed` names keys by kind.

    `exact` names kinds of which `rows` is all that shall remain.
    """

    rows: Mapping[str, Sequence[Mapping[str, object]]] = field(default_factory=dict)
    removed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    exact: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class SeriesDelta:
    """Series that really change, by ascending id; a row without any value means removed."""

    ids: Ids
    values: Matrix


EntityDelta = dict[Reference, Row | None]
"""Rows that really change; None = removed."""


async def series_delta(
    tx: Transaction, head: Commit, base: Commit | None, changes: SeriesChanges
) -> SeriesDelta:
    """Return what `changes` alters at `head`, merged over `base` where that is another state.

    `head` and `base` carry the calendar that the changes are on.
    """
    values = canonical(changes.values) if changes.keys else np.empty((0, head.buckets))
    if values.shape != (len(changes.keys), head.buckets):
        raise InputError(
            reason=f"{values.shape} values for {len(changes.keys)} series of {head.buckets} buckets"
        )
    wanted = await _wanted(tx, base or head, changes, values)
    ids = np.array(sorted(wanted), dtype=np.int64)
    empty = np.full(head.buckets, np.nan)
    rows = [wanted[number] for number in ids.tolist()]
    theirs = np.array([empty if row is None else row for row in rows]).reshape(len(ids), head.buckets)
    return await merge_series(tx, head, base, ids, theirs)


async def _wanted(
    tx: Transaction, before: Commit, changes: SeriesChanges, values: Matrix
) -> dict[int, Matrix | None]:
    """Return the wanted values by series id; None = removed."""
    keys = [*changes.keys, *changes.removed]
    if len(set(keys)) != len(keys):
        raise InputError(reason="a series is named twice in one commit")
    known = await entity_ids(tx, before.plan_id, (part for key in keys for part in key.references()))
    numbers = await series_ids(tx, before.plan_id, changes.keys, known, create=True)
    wanted: dict[int, Matrix | None] = {
        numbers[key]: row for key, row in zip(changes.keys, values, strict=True)
    }
    if changes.removed:
        named = [key for key in changes.removed if all(part in known for part in key.references())]
        wanted |= dict.fromkeys((await series_ids(tx, before.plan_id, named, known)).values())
    if changes.exact:
        present = await read_series(tx, before, measures=list(changes.exact))
        wanted |= dict.fromkeys(set(present.ids.tolist()) - wanted.keys())
    return wanted


async def merge_series(
    tx: Transaction, head: Commit, base: Commit | None, ids: Ids, theirs: Matrix
) -> SeriesDelta:
    """Return which of `theirs` (rows by `ids`) differ from `head` after merging over `base`."""
    ours = await read_values(tx, head, ids)
    result = theirs
    if base is not None:
        before = await read_values(tx, base, ids)
        result, conflicts = merge_values(before, ours, theirs)
        if conflicts.any():
            frame = await read_ids(tx, head, ids.tolist())
            raise _clash(head, base, _named_cells(frame, ids, conflicts))
    changed = ~same(result, ours).all(axis=1)
    return SeriesDelta(ids[changed], result[changed])


def dense(frame: SeriesFrame, ids: Ids, buckets: int) -> Matrix:
    """Return the frame's values as rows for exactly these ids; a series that is not there has no values."""
    values = np.full((len(ids), buckets), np.nan)
    values[np.searchsorted(ids, frame.ids)] = frame.values
    return values


async def entity_delta(
    tx: Transaction, head: Commit, base: Commit | None, changes: EntityChanges
) -> EntityDelta:
    """Return which rows `changes` alters at `head`, merged over `base` where that is another state."""
    wanted = _wanted_rows(changes)
    if changes.exact:
        present = await read_rows(tx, base or head, list(changes.exact))
        wanted |= dict.fromkeys(present.keys() - wanted.keys())
    return await merge_entities(tx, head, base, wanted)


def _wanted_rows(changes: EntityChanges) -> dict[Reference, Row | None]:
    """Return the wanted rows as they are stored; None = removed."""
    wanted: dict[Reference, Row | None] = {}
    for kind, rows in changes.rows.items():
        for row in rows:
            reference = (kind, entity_key(kind, row))
            if reference in wanted:
                raise InputError(reason=f"{kind} {reference[1]} is named twice in one commit")
            wanted[reference] = stored(ENTITIES[kind], row)
    for kind, codes in changes.removed.items():
        wanted |= dict.fromkeys((kind, code) for code in codes)
    return wanted


async def merge_entities(
    tx: Transaction, head: Commit, base: Commit | None, theirs: Mapping[Reference, Row | None]
) -> EntityDelta:
    """Return which of `theirs` differ from `head` after merging over `base`."""
    if not theirs:
        return {}
    kinds, codes = {kind for kind, _ in theirs}, {code for _, code in theirs}
    ours = await read_rows(tx, head, kinds, codes)
    before = ours if base is None else await read_rows(tx, base, kinds, codes)
    delta: EntityDelta = {}
    clashes: list[str] = []
    for reference, row in theirs.items():
        merged, conflicts = merge_rows(before.get(reference), ours.get(reference), row)
        clashes += [f"{' '.join(reference)}: {column}" for column in conflicts]
        if merged != ours.get(reference):
            delta[reference] = merged
    if clashes and base is not None:
        raise _clash(head, base, clashes)
    return delta


def _clash(head: Commit, base: Commit, where: list[str]) -> HeadMoved:
    return HeadMoved(branch=head.branch, expected=base.id, conflicts=where[:CONFLICTS_NAMED])


def _named_cells(frame: SeriesFrame, ids: Ids, conflicts: npt.NDArray[np.bool_]) -> list[str]:
    """Return 'measure key: buckets' for the series that clash, as far as the branch shows them."""
    keys = dict(zip(frame.ids.tolist(), frame.keys, strict=True))
    return [
        f"{' '.join(part for part in keys[number] if part)}: {np.flatnonzero(clash).tolist()}"
        for number, clash in zip(ids.tolist(), conflicts, strict=True)
        if clash.any() and number in keys
    ]
