"""How series travel from the database: two byte strings per statement, taken apart by NumPy.

One holds the identities at a fixed stride, the other all cells one after the other: no object per row.
"""

# ruff: noqa: S608  statements are composed of constants of this layer, values go as parameters

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from app.store.branches import Commit
from app.store.calendars import positions
from app.store.cells import Matrix, decode, realign
from app.store.database import Transaction
from app.store.identity import ID_COLUMNS
from app.store.selecting import path_parameters
from app.vocabulary import DIMENSIONS

HEADER = np.dtype(
    [("series", ">i8"), ("calendar", ">i4"), ("first", ">i4"), ("length", ">i4"), ("measure", ">i4")]
    + [(name, ">i4") for name in DIMENSIONS]
)
_SEND = " || ".join(
    [
        "int8send(series_id)",
        "int4send(calendar_id)",
        "int4send(first_ordinal)",
        "int4send(coalesce(octet_length(cells) / 8, 0))",
        "int4send(measure_id)",
        *(f"int4send(coalesce({name}, 0))" for name in ID_COLUMNS),
    ]
)
_SNAPSHOT = "(SELECT EXISTS (SELECT FROM plan.snapshot x WHERE x.commit_id = %(snapshot)s))"


class SnapshotGoneError(Exception):
    """Somebody dropped a state's snapshot since the state was looked up: its history says the same."""


@dataclass(frozen=True)
class Part:
    """Rows by ascending series id: what they are, and their values (n, T) on the state's calendar."""

    header: npt.NDArray[np.void]
    values: Matrix

    def take(self, rows: npt.NDArray[Any]) -> Part:
        """Return some of the rows (a mask or positions)."""
        return Part(self.header[rows], self.values[rows])


async def fetch(
    tx: Transaction, commit: Commit, statements: Sequence[str], parameters: Mapping[str, Any]
) -> Part:
    """Return the rows of these statements, the later over the earlier ones, by one statement.

    Raises SnapshotGoneError where the snapshot that they count on is no longer there.
    """
    rows = await tx.fetch_rows(
        " UNION ALL ".join(
            f"SELECT {number}, {_SNAPSHOT}, string_agg({_SEND}, ''), string_agg(cells, '') FROM ({each}) q"
            for number, each in enumerate(statements)
        ),
        {**parameters, **path_parameters(commit)},
    )
    if commit.snapshot_id is not None and not rows[0][1]:
        raise SnapshotGoneError
    parts = [await _part(tx, commit, row[2] or b"", row[3] or b"") for row in sorted(rows, key=itemgetter(0))]
    return parts[0] if len(parts) == 1 else overlaid(*parts)


def without_snapshot(commit: Commit) -> Commit:
    """Return the state as it reads from its history alone."""
    return replace(commit, snapshot_id=None)


def overlaid(kept: Part, newer: Part) -> Part:
    """Return the rows of `kept` with those of `newer` in their place; rows without cells take theirs away."""
    if not len(newer.header):
        return kept
    ids, present = kept.header["series"], newer.header["length"] > 0
    place = np.searchsorted(ids, newer.header["series"])
    known = np.zeros(len(place), dtype=bool)
    inside = place < len(ids)
    known[inside] = ids[place[inside]] == newer.header["series"][inside]
    kept.values[place[known & present]] = newer.values[known & present]
    if (known & ~present).any():
        stays = np.ones(len(ids), dtype=bool)
        stays[place[known & ~present]] = False
        kept = kept.take(stays)
    if not (~known & present).any():
        return kept
    added = newer.take(~known & present)
    both = Part(np.concatenate([kept.header, added.header]), np.concatenate([kept.values, added.values]))
    return both.take(np.argsort(both.header["series"], kind="stable"))


async def _part(tx: Transaction, commit: Commit, headers: bytes, cells: bytes) -> Part:
    header = np.frombuffer(headers, HEADER)
    first, length = header["first"].astype(np.int64), header["length"].astype(np.int64)
    values = decode(cells, first, length, int((first + length).max(initial=0)))
    return Part(header, await _on_calendar(tx, commit, values, header["calendar"]))


async def _on_calendar(
    tx: Transaction, commit: Commit, values: Matrix, calendars: npt.NDArray[np.int32]
) -> Matrix:
    """Return the values on the state's calendar; rows written under another one are moved by date."""
    moved = values
    if values.shape[1] != commit.buckets:
        moved = np.full((len(values), commit.buckets), np.nan)
        width = min(values.shape[1], commit.buckets)
        moved[:, :width] = values[:, :width]
    if (calendars == commit.calendar_id).all():
        return moved
    for calendar in np.unique(calendars):
        if commit.calendar_id is not None and calendar != commit.calendar_id:
            rows = calendars == calendar
            target = await positions(tx, int(calendar), commit.calendar_id)
            moved[rows] = realign(values[rows], target, commit.buckets)
    return moved
