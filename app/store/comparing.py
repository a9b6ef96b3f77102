"""What differs between two states, where they parted, and how one figure came about."""

# ruff: noqa: S608  statements are composed of constants of this layer, values go as parameters

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import numpy.typing as npt

from app.errors import InputError
from app.store import branches
from app.store.branches import PATH, Commit
from app.store.calendars import positions, spans
from app.store.cells import CELL, Matrix, realign, same
from app.store.database import Transaction
from app.store.entities import Row, read_rows
from app.store.identity import Reference, SeriesKey, entity_ids, series_ids
from app.store.series import Ids, SeriesFrame, read_ids, read_series

_SPAN = "unnest(%(branches)s::int[], %(lows)s::bigint[], %(highs)s::bigint[]) span(branch_id, low, high)"


def _spans(a: Commit, b: Commit) -> dict[str, list[int]]:
    """Return, by branch, the commits that exactly one of two states sees: above low, up to high."""
    of_a, of_b = (dict(zip(state.path_branches, state.path_uptos, strict=True)) for state in (a, b))
    ends = {name: sorted((of_a.get(name, 0), of_b.get(name, 0))) for name in of_a | of_b}
    found = [(name, low, high) for name, (low, high) in ends.items() if low < high]
    return {
        "branches": [name for name, _, _ in found],
        "lows": [low for _, low, _ in found],
        "highs": [high for _, _, high in found],
    }


def _written(table: str, columns: str) -> str:
    """Return the FROM items for the rows of these commits; OFFSET 0 keeps them to the index by commit."""
    return f"""{_SPAN} CROSS JOIN LATERAL (
        SELECT {columns} FROM plan.{table} w WHERE w.branch_id = span.branch_id
            AND w.commit_id > span.low AND w.commit_id <= span.high OFFSET 0) v"""


async def changed_series(tx: Transaction, a: Commit, b: Commit) -> Ids:
    """Return ids of the series that were written between two states, ascending; some may be equal again."""
    rows = await tx.fetch_rows(
        f"SELECT array_agg(DISTINCT v.series_id) FROM {_written('series_version', 'w.series_id')}",
        _spans(a, b),
    )
    return np.array(rows[0][0] or [], dtype=np.int64)


async def changed_entities(tx: Transaction, a: Commit, b: Commit) -> list[Reference]:
    """Return the rows of reference data that were written between two states; some may be equal again."""
    return [
        (kind, code)
        for kind, code in await tx.fetch_rows(
            f"SELECT DISTINCT v.kind, e.code FROM {_written('entity_version', 'w.kind, w.entity_id')} "
            "JOIN plan.entity e ON e.id = v.entity_id ORDER BY 1, 2",
            _spans(a, b),
        )
    ]


async def merge_base(tx: Transaction, a: Commit, b: Commit) -> Commit:
    """Return the newest state that both contain, through forks and merges."""
    ours, theirs = await _contained(tx, a), await _contained(tx, b)
    common = [min(upto, theirs[branch]) for branch, upto in ours.items() if branch in theirs]
    if not common:
        raise InputError(reason="the two states belong to different plans")
    return await branches.commit(tx, max(common))


async def _contained(tx: Transaction, commit: Commit) -> dict[int, int]:
    """Return branch → newest commit of it that a state contains, its own past and what was merged into it."""
    rows = await tx.fetch_rows(
        f"""WITH RECURSIVE contained(branch_id, upto) AS (
            SELECT path.branch_id, path.upto FROM {PATH}
            UNION
            SELECT part.branch_id, part.upto FROM contained
            JOIN plan.commit m ON m.branch_id = contained.branch_id AND m.id <= contained.upto
                AND m.merged_id IS NOT NULL
            JOIN plan.commit s ON s.id = m.merged_id
            CROSS JOIN LATERAL (
                SELECT s.branch_id, s.id AS upto UNION ALL
                SELECT p.ancestor_id, p.upto_commit_id FROM plan.branch_path p WHERE p.branch_id = s.branch_id
            ) part)
        SELECT branch_id, max(upto) FROM contained GROUP BY branch_id""",
        commit.path,
    )
    return dict(rows)


@dataclass(frozen=True, slots=True)
class SeriesDifference:
    """Series that differ between two states, aligned by date on the target's calendar.

    `base` and `target` are (n, T); `comparable` says which buckets exist, with the same dates, in both: only
    these are compared. `changed` marks the cells that differ.
    """

    keys: list[SeriesKey]
    ids: Ids
    starts: list[date]
    base: Matrix
    target: Matrix
    comparable: npt.NDArray[np.bool_]
    changed: npt.NDArray[np.bool_]


async def compare_series(
    tx: Transaction, base: Commit, target: Commit, *, measures: list[str] | None = None
) -> SeriesDifference:
    """Compare two states series by series; where the calendars differ, by date and not by ordinal."""
    comparable = await _comparable(tx, base, target)
    if base.calendar_id == target.calendar_id:
        ids = (await changed_series(tx, base, target)).tolist()
        frames = [await read_ids(tx, state, ids) for state in (base, target)]
        if measures is not None:
            frames = [
                frame.take(np.array([key.measure in measures for key in frame.keys], dtype=bool))
                for frame in frames
            ]
    else:
        frames = [await read_series(tx, state, measures=measures) for state in (base, target)]
        place = await positions(tx, base.calendar_id or 0, target.calendar_id or 0)
        moved = realign(frames[0].values, place, target.buckets)
        frames[0] = SeriesFrame(frames[0].ids, moved, frames[0].identity, frames[0].names)
    return _difference(frames[0], frames[1], await _starts(tx, target), comparable)


def _difference(
    base: SeriesFrame, target: SeriesFrame, starts: list[date], comparable: npt.NDArray[np.bool_]
) -> SeriesDifference:
    """Return what differs of two frames over the same buckets."""
    ids = np.union1d(base.ids, target.ids)
    sides = []
    for frame in (base, target):
        values = np.full((len(ids), len(comparable)), np.nan)
        values[np.searchsorted(ids, frame.ids)] = frame.values
        sides.append(values)
    changed = ~same(sides[0], sides[1]) & comparable
    differs = changed.any(axis=1)
    keys = dict(zip(base.ids.tolist(), base.keys, strict=True))
    keys |= dict(zip(target.ids.tolist(), target.keys, strict=True))
    return SeriesDifference(
        keys=[keys[number] for number in ids[differs].tolist()],
        ids=ids[differs],
        starts=starts,
        base=sides[0][differs],
        target=sides[1][differs],
        comparable=comparable,
        changed=changed[differs],
    )


async def _starts(tx: Transaction, commit: Commit) -> list[date]:
    return [start for start, _ in await spans(tx, commit.calendar_id)] if commit.calendar_id else []


async def _comparable(tx: Transaction, base: Commit, target: Commit) -> npt.NDArray[np.bool_]:
    """Return which buckets of the target's calendar the base's has too."""
    if base.calendar_id == target.calendar_id:
        return np.ones(target.buckets, dtype=bool)
    found = np.zeros(target.buckets, dtype=bool)
    if base.calendar_id and target.calendar_id:
        place = np.array(await positions(tx, base.calendar_id, target.calendar_id))
        found[place[place >= 0]] = True
    return found


async def compare_entities(
    tx: Transaction, base: Commit, target: Commit
) -> dict[Reference, tuple[Row | None, Row | None]]:
    """Return the rows of reference data that differ, before and after; None = not there."""
    touched = await changed_entities(tx, base, target)
    kinds, codes = {kind for kind, _ in touched}, {code for _, code in touched}
    before = await read_rows(tx, base, kinds, codes)
    after = await read_rows(tx, target, kinds, codes)
    pairs = {key: (before.get(key), after.get(key)) for key in touched}
    return {key: (old, new) for key, (old, new) in pairs.items() if old != new}


@dataclass(frozen=True, slots=True)
class CellChange:
    """One commit's value for a cell; None = it had none, or the series was removed."""

    commit_id: int
    at: datetime
    author: str
    reason: str
    message: str
    value: float | None


async def cell_history(tx: Transaction, commit: Commit, key: SeriesKey, start: date) -> list[CellChange]:
    """Return how the value of the bucket that starts on `start` came about, oldest first.

    The bucket is found by its date in the calendar of each commit; commits that left the value as it was,
    or whose calendar has no such bucket, are not listed.
    """
    tx.measures.add(key.measure)
    known = await entity_ids(tx, commit.plan_id, key.references())
    if len(known) < len(set(key.references())):
        return []
    ids = await series_ids(tx, commit.plan_id, [key], known)
    rows = await tx.fetch(
        f"""SELECT c.id AS commit_id, c.at, c.author, c.reason, c.message,
            substring(v.cells FROM 8 * (k.ordinal - v.first_ordinal) + 1 FOR 8) AS cell,
            k.ordinal - v.first_ordinal AS place
        FROM {PATH} JOIN plan.series_version v ON v.branch_id = path.branch_id AND v.commit_id <= path.upto
        JOIN plan.commit c ON c.id = v.commit_id
        JOIN plan.bucket k ON k.calendar_id = v.calendar_id AND k.start_date = %(start)s
        WHERE v.series_id = ANY(%(ids)s) ORDER BY c.id""",
        {**commit.path, "ids": list(ids.values()), "start": start},
    )
    changes: list[CellChange] = []
    for row in rows:
        value = cell_value(row.pop("cell"), row.pop("place"))
        if value != (changes[-1].value if changes else None):
            changes.append(CellChange(value=value, **row))
    return changes


def cell_value(cell: bytes | None, place: int) -> float | None:
    """Return the value of one cell; one before or after the row's cells, or NaN, is none."""
    if not cell or place < 0:
        return None
    value = float(np.frombuffer(cell, CELL)[0])
    return None if np.isnan(value) else value
