"""Series of a state: bulk reads into one NumPy matrix.

The rows of a read travel as two byte strings (identities at a fixed stride, and all cells one after the
other), which NumPy takes apart without an object per row.
"""

# ruff: noqa: S608  statements are composed of constants of this layer, values go as parameters

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from app.errors import NotFound
from app.store.branches import PATH, Commit
from app.store.calendars import positions
from app.store.cells import Matrix, decode, realign
from app.store.database import Transaction
from app.store.identity import DIMENSION_KIND, ID_COLUMNS, SeriesKey
from app.vocabulary import DIMENSIONS, MEASURES

Ids = npt.NDArray[np.int64]

HEADER = np.dtype(
    [("series", ">i8"), ("calendar", ">i4"), ("first", ">i4"), ("length", ">i4"), ("measure", ">i4")]
    + [(name, ">i4") for name in DIMENSIONS]
)
_SEND = " || ".join(
    [
        "int8send(series_id)",
        "int4send(calendar_id)",
        "int4send(first_ordinal)",
        "int4send(octet_length(cells) / 8)",
        "int4send(measure_id)",
        *(f"int4send(coalesce({name}, 0))" for name in ID_COLUMNS),
    ]
)
_COLUMNS = ", ".join(
    f"v.{name}" for name in ("series_id", "measure_id", *ID_COLUMNS, "calendar_id", "first_ordinal", "cells")
)


@dataclass(frozen=True)
class SeriesFrame:
    """Series and their values: `values` is (n, T) over the state's calendar, NaN = no value.

    Rows are in the order of `ids`, which rise; `keys` is made on first use.
    """

    ids: Ids
    values: Matrix
    identity: npt.NDArray[np.void] = field(repr=False)
    names: Mapping[str, Mapping[int, str]] = field(repr=False)

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def keys(self) -> list[SeriesKey]:
        """The key of each row."""
        columns = [self.column("measure"), *(self.column(name) for name in DIMENSIONS)]
        return list(map(SeriesKey._make, zip(*columns, strict=True)))

    def column(self, name: str) -> list[str | None]:
        """Return one part of the keys: `measure` or a dimension."""
        names = self.names["measure" if name == "measure" else "entity"]
        return list(map(names.get, self.identity[name].tolist()))

    def take(self, rows: npt.NDArray[Any]) -> SeriesFrame:
        """Return some of the rows (a mask or positions)."""
        return SeriesFrame(self.ids[rows], self.values[rows], self.identity[rows], self.names)


async def read_series(
    tx: Transaction,
    commit: Commit,
    *,
    measures: Sequence[str] | None = None,
    items: Sequence[str] | None = None,
    families: Sequence[str] | None = None,
    sites: Sequence[str] | None = None,
    to_sites: Sequence[str] | None = None,
    suppliers: Sequence[str] | None = None,
    customers: Sequence[str] | None = None,
    resources: Sequence[str] | None = None,
    after: int | None = None,
    first: int | None = None,
) -> SeriesFrame:
    """Return the series of a state that the caller may see, by ascending id.

    Each filter names the codes wanted in one dimension (`sites` = the site, `to_sites` = the other).
    `after` and `first` page through: pass the last id seen.
    """
    for name in measures or ():
        if name not in MEASURES:
            raise NotFound(kind="measure", name=name)
    wanted = {
        "item": items,
        "family": families,
        "site": sites,
        "to_site": to_sites,
        "supplier": suppliers,
        "customer": customers,
        "resource": resources,
    }
    where, parameters = _filters(commit, measures, {k: v for k, v in wanted.items() if v is not None})
    if after is not None:
        where += " AND v.series_id > %(after)s"
        parameters["after"] = after
    return await load(tx, commit, where, parameters, first=first)


async def read_ids(tx: Transaction, commit: Commit, ids: Iterable[int]) -> SeriesFrame:
    """Return the series with these ids that exist at `commit`."""
    return await load(tx, commit, "AND v.series_id = ANY(%(ids)s)", {"ids": sorted(ids)})


def _filters(
    commit: Commit, measures: Sequence[str] | None, wanted: Mapping[str, Sequence[str]]
) -> tuple[str, dict[str, Any]]:
    """Return the condition on series_version; dimensions are looked up by the indexes of plan.series."""
    parameters: dict[str, Any] = {"plan": commit.plan_id}
    measure = ""
    if measures is not None:
        parameters["measures"] = list(measures)
        measure = "measure_id = ANY(ARRAY(SELECT m.id FROM plan.measure m WHERE m.name = ANY(%(measures)s)))"
    if not wanted:
        return (f"AND v.{measure}" if measure else ""), parameters
    conditions = [f"s.{measure}"] if measure else []
    for name, codes in wanted.items():
        parameters[name] = list(codes)
        conditions.append(
            f"s.{name}_id = ANY(ARRAY(SELECT e.id FROM plan.entity e WHERE e.plan_id = %(plan)s "
            f"AND e.kind = '{DIMENSION_KIND[name]}' AND e.code = ANY(%({name})s)))"
        )
    found = f"SELECT s.id FROM plan.series s WHERE s.plan_id = %(plan)s AND {' AND '.join(conditions)}"
    return f"AND v.series_id = ANY(ARRAY({found}))", parameters


def latest(commit: Commit, where: str = "") -> str:
    """Return the statement for the series of a state, under a condition on `v` (series_version).

    The newest version on the path counts. From a snapshot on the path, only what came after it is looked up.
    """
    if commit.snapshot_id is None:
        return f"SELECT * FROM ({_newest(commit, where)}) found WHERE found.cells IS NOT NULL"
    kept = f"SELECT {_COLUMNS} FROM plan.snapshot_series v WHERE v.snapshot_commit_id = %(snapshot)s {where}"
    if commit.snapshot_id == commit.id:
        return kept
    newer = _newest(commit, f"AND v.commit_id > %(snapshot)s {where}")
    return f"""WITH newer AS MATERIALIZED ({newer})
        SELECT * FROM newer WHERE cells IS NOT NULL
        UNION ALL {kept} AND NOT EXISTS (SELECT FROM newer n WHERE n.series_id = v.series_id)"""


def _newest(commit: Commit, where: str) -> str:
    """Return the statement for the newest version of each series on the commit's path, removals included."""
    if len(commit.path_branches) == 1:  # spares the planner a join: the rows come sorted from the primary key
        source = "plan.series_version v WHERE v.branch_id = %(branch)s AND v.commit_id <= %(upto)s"
    else:
        source = (
            f"{PATH} JOIN plan.series_version v ON v.branch_id = path.branch_id AND v.commit_id <= path.upto "
            "WHERE true"
        )
    return f"""SELECT DISTINCT ON (v.series_id) {_COLUMNS} FROM {source} {where}
        ORDER BY v.series_id, v.commit_id DESC"""


def path_parameters(commit: Commit) -> dict[str, Any]:
    """Return the parameters of `latest`."""
    return {
        **commit.path,
        "branch": commit.path_branches[0],
        "upto": commit.path_uptos[0],
        "snapshot": commit.snapshot_id,
    }


async def load(
    tx: Transaction, commit: Commit, where: str, parameters: Mapping[str, Any], *, first: int | None = None
) -> SeriesFrame:
    """Return the series of a state under a condition on `v` (series_version), in two or three statements."""
    page = "ORDER BY series_id LIMIT %(first)s" if first is not None else "ORDER BY series_id"
    rows = await tx.fetch_rows(
        f"SELECT string_agg({_SEND}, ''), string_agg(cells, '') FROM ({latest(commit, where)} {page}) q",
        {**parameters, **path_parameters(commit), "first": first},
    )
    header = np.frombuffer(rows[0][0] or b"", HEADER)
    values = decode(
        rows[0][1] or b"", header["first"].astype(np.int64), header["length"].astype(np.int64), _width(header)
    )
    values = await _on_calendar(tx, commit, values, header["calendar"])
    names = await _names(tx, header)
    tx.measures.update(names["measure"][int(number)] for number in np.unique(header["measure"]))
    frame = SeriesFrame(header["series"].astype(np.int64), values, header, names)
    return _nameable(frame)


def _width(header: npt.NDArray[np.void]) -> int:
    """Return how many buckets the rows reach over."""
    return int((header["first"] + header["length"]).max(initial=0))


async def _on_calendar(
    tx: Transaction, commit: Commit, values: Matrix, calendars: npt.NDArray[np.int32]
) -> Matrix:
    """Return the values on the state's calendar; rows written under another one are moved by date."""
    moved = realign(values, [], commit.buckets) if values.shape[1] != commit.buckets else values
    width = min(values.shape[1], commit.buckets)
    moved[:, :width] = values[:, :width]
    for calendar in np.unique(calendars):
        if commit.calendar_id is not None and calendar != commit.calendar_id:
            rows = calendars == calendar
            target = await positions(tx, int(calendar), commit.calendar_id)
            moved[rows] = realign(values[rows], target, commit.buckets)
    return moved


async def _names(tx: Transaction, header: npt.NDArray[np.void]) -> dict[str, dict[int, str]]:
    """Return the names of the measures and the codes of the reference data that the rows name."""
    ids = {int(number) for name in DIMENSIONS for number in np.unique(header[name])} - {0}
    rows = await tx.fetch_rows(
        "SELECT 'measure', id::int, name FROM plan.measure "
        "UNION ALL SELECT 'entity', id, code FROM plan.entity WHERE id = ANY(%s)",
        (sorted(ids),),
    )
    names: dict[str, dict[int, str]] = {"measure": {}, "entity": {}}
    for part, number, name in rows:
        names[part][number] = name
    return names


def _nameable(frame: SeriesFrame) -> SeriesFrame:
    """Leave out series of reference data that the caller may not see."""
    known = np.fromiter(frame.names["entity"], np.int64)
    visible = np.ones(len(frame), dtype=bool)
    for name in DIMENSIONS:
        column = frame.identity[name]
        visible &= (column == 0) | np.isin(column, known)
    return frame if visible.all() else frame.take(visible)
