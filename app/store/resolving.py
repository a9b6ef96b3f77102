"""What clashes when branches are brought together, and how it is decided: by side, or by a value per cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from app.errors import InputError
from app.store.cells import Matrix, canonical
from app.store.identity import Reference, SeriesKey
from app.store.merging import WHOLE_ROW, merge_values
from app.store.merging import Row as MaybeRow
from app.store.series import Ids

Side = Literal["ours", "theirs"]
OURS: Side = "ours"
THEIRS: Side = "theirs"

Decision = Side | float | None
"""For one cell: a side, a value, or None = no value."""

Column = tuple[Reference, str]
"""A column of a row of reference data; `*` = the row itself, which one side removed."""


@dataclass(frozen=True, slots=True)
class CellClash:
    """A bucket, by ordinal in the target's calendar, that both sides changed; None = no value."""

    ordinal: int
    base: float | None
    ours: float | None
    theirs: float | None


@dataclass(frozen=True, slots=True)
class SeriesClash:
    """A series with the cells that both sides changed."""

    number: int
    key: SeriesKey
    cells: tuple[CellClash, ...]


@dataclass(frozen=True, slots=True)
class RowClash:
    """A column of a row that both sides changed (`*`: changed by one side and removed by the other)."""

    row: Reference
    column: str
    base: Any
    ours: Any
    theirs: Any


@dataclass(frozen=True, slots=True)
class Clashes:
    """Everything that has to be decided before two branches come together."""

    series: tuple[SeriesClash, ...] = ()
    rows: tuple[RowClash, ...] = ()

    def __bool__(self) -> bool:
        """Say whether there is anything to decide."""
        return bool(self.series or self.rows)

    @property
    def count(self) -> int:
        """The number of cells and columns to decide."""
        return len(self.rows) + sum(len(series.cells) for series in self.series)


@dataclass(frozen=True, slots=True)
class Resolution:
    """Decisions: `side` for everything that `cells` (by key and ordinal) and `rows` do not name.

    Without a side, every clash has to be named.
    """

    side: Side | None = None
    cells: Mapping[tuple[SeriesKey, int], Decision] = field(default_factory=dict)
    rows: Mapping[Column, Side] = field(default_factory=dict)


def resolve_values(
    keys: Mapping[int, SeriesKey], ids: Ids, sides: tuple[Matrix, Matrix, Matrix], resolution: Resolution
) -> tuple[Matrix, tuple[SeriesClash, ...], bool]:
    """Merge the values of the series `ids` (rows of base, ours and theirs) and decide what clashes.

    Returns the result, all clashes, and whether each of them is decided. A decision about a cell that does
    not clash is refused: whoever made it has seen another state.
    """
    base, ours, theirs = sides
    result, conflicts = merge_values(base, ours, theirs)
    undecided = conflicts & (resolution.side is None)
    if resolution.side == OURS:
        result = np.where(conflicts, ours, result)
    places = {key: place for place, number in enumerate(ids.tolist()) if (key := keys.get(number))}
    for (key, ordinal), decision in resolution.cells.items():
        place = places.get(key)
        if place is None or not 0 <= ordinal < conflicts.shape[1] or not conflicts[place, ordinal]:
            name = " ".join(part for part in key if part)
            raise InputError(reason=f"{name} does not clash in bucket {ordinal}")
        result[place, ordinal] = _decided(decision, ours[place, ordinal], theirs[place, ordinal])
        undecided[place, ordinal] = False
    return canonical(result), _clashes(keys, ids, conflicts, sides), not undecided.any()


def _decided(decision: Decision, ours: float, theirs: float) -> float:
    if decision is None:
        return np.nan
    if isinstance(decision, str):
        return ours if decision == OURS else theirs
    return decision


def _clashes(
    keys: Mapping[int, SeriesKey],
    ids: Ids,
    conflicts: npt.NDArray[np.bool_],
    sides: tuple[Matrix, Matrix, Matrix],
) -> tuple[SeriesClash, ...]:
    found = []
    for place in np.flatnonzero(conflicts.any(axis=1)).tolist():
        cells = tuple(
            CellClash(ordinal, *(_value(side[place, ordinal]) for side in sides))
            for ordinal in np.flatnonzero(conflicts[place]).tolist()
        )
        found.append(SeriesClash(int(ids[place]), keys[int(ids[place])], cells))
    return tuple(found)


def _value(cell: np.float64) -> float | None:
    return None if np.isnan(cell) else float(cell)


def resolve_row(
    reference: Reference,
    sides: tuple[MaybeRow, MaybeRow, MaybeRow],
    merged: MaybeRow,
    columns: list[str],
    resolution: Resolution,
) -> tuple[MaybeRow, tuple[RowClash, ...], bool]:
    """Decide the clashing columns of one row; `merged` shows the other side in them.

    Returns the row, its clashes and whether each of them is decided.
    """
    _, ours, _ = sides
    decided = True
    result = dict(merged) if merged is not None else None
    for column in columns:
        side = resolution.rows.get((reference, column), resolution.side)
        decided &= side is not None
        if side == OURS and column == WHOLE_ROW:
            return ours, _row_clashes(reference, sides, columns), decided
        if side == OURS and result is not None and ours is not None:
            result.pop(column, None)
            result |= {column: ours[column]} if column in ours else {}
    return result, _row_clashes(reference, sides, columns), decided


def _row_clashes(
    reference: Reference, sides: tuple[MaybeRow, MaybeRow, MaybeRow], columns: list[str]
) -> tuple[RowClash, ...]:
    def part(row: MaybeRow, column: str) -> Any:
        return row if column == WHOLE_ROW or row is None else row.get(column)

    return tuple(RowClash(reference, column, *(part(side, column) for side in sides)) for column in columns)
