"""Series of a state: bulk reads into one NumPy matrix."""

# ruff: noqa: S608  statements are composed of constants of this layer, values go as parameters

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from app.errors import NotFound
from app.store.branches import Commit
from app.store.cells import Matrix
from app.store.database import Transaction
from app.store.identity import DIMENSION_KIND, SeriesKey
from app.store.selecting import by_id, latest, pieces
from app.store.transport import Part, SnapshotGoneError, fetch, without_snapshot
from app.vocabulary import DIMENSIONS, MEASURES

Ids = npt.NDArray[np.int64]
INDEXED = {"supplier", "customer"}


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
    return await _framed(tx, await _by_id(tx, commit, sorted(ids)))


async def read_values(tx: Transaction, commit: Commit, ids: Ids) -> Matrix:
    """Return a row of values for each of these ascending ids; a series that is not there has none."""
    part = await _by_id(tx, commit, ids.tolist())
    values = np.full((len(ids), commit.buckets), np.nan)
    values[np.searchsorted(ids, part.header["series"])] = part.values
    return values


async def _by_id(tx: Transaction, commit: Commit, ids: list[int]) -> Part:
    state = without_snapshot(commit)  # one look-up per series and branch is less than two
    return await fetch(tx, state, [f"{by_id()} ORDER BY series_id"], {"ids": ids})


def _filters(
    commit: Commit, measures: Sequence[str] | None, wanted: Mapping[str, Sequence[str]]
) -> tuple[str, dict[str, Any]]:
    """Return the condition on series_version.

    Supplier and customer have indexes of their own there; other dimensions are looked up in plan.series.
    """
    parameters: dict[str, Any] = {"plan": commit.plan_id}
    measure = ""
    if measures is not None:
        parameters["measures"] = list(measures)
        measure = "measure_id = ANY(ARRAY(SELECT m.id FROM plan.measure m WHERE m.name = ANY(%(measures)s)))"
    if not wanted:
        return (f"AND v.{measure}" if measure else ""), parameters
    direct = wanted.keys() <= INDEXED
    table = "v" if direct else "s"
    conditions = [f"{table}.{measure}"] if measure else []
    for name, codes in wanted.items():
        parameters[name] = list(codes)
        conditions.append(
            f"{table}.{name}_id = ANY(ARRAY(SELECT e.id FROM plan.entity e WHERE e.plan_id = %(plan)s "
            f"AND e.kind = '{DIMENSION_KIND[name]}' AND e.code = ANY(%({name})s)))"
        )
    if direct:
        return f"AND {' AND '.join(conditions)}", parameters
    found = f"SELECT s.id FROM plan.series s WHERE s.plan_id = %(plan)s AND {' AND '.join(conditions)}"
    return f"AND v.series_id = ANY(ARRAY({found}))", parameters


async def load(
    tx: Transaction, commit: Commit, where: str, parameters: Mapping[str, Any], *, first: int | None = None
) -> SeriesFrame:
    """Return the series of a state under a condition on `v` (series_version), in two or three statements."""
    paged = first is not None
    order = "ORDER BY series_id LIMIT %(first)s" if paged else "ORDER BY series_id"
    statements = [latest(commit, where)] if paged else pieces(commit, where)
    asked = {**parameters, "first": first}
    try:
        part = await fetch(tx, commit, [f"{each} {order}" for each in statements], asked)
    except SnapshotGoneError:
        return await load(tx, without_snapshot(commit), where, parameters, first=first)
    return await _framed(tx, part)


async def _framed(tx: Transaction, part: Part) -> SeriesFrame:
    """Return the frame, without the series of reference data that the caller may not see."""
    named = _named(part.header)
    names = await _names(tx, named)
    tx.measures.update(names["measure"][int(number)] for number in np.unique(part.header["measure"]))
    if len(names["entity"]) < len(named):
        part = part.take(_nameable(part.header, names["entity"]))
    return SeriesFrame(part.header["series"].astype(np.int64), part.values, part.header, names)


def _named(header: npt.NDArray[np.void]) -> Ids:
    """Return the ids of the reference data that the rows name."""
    columns = [header[name].astype(np.int64) for name in DIMENSIONS]
    seen = np.zeros(max((int(column.max(initial=0)) for column in columns), default=0) + 1, dtype=bool)
    for column in columns:
        seen[column] = True
    seen[0] = False
    return np.flatnonzero(seen)


async def _names(tx: Transaction, named: Ids) -> dict[str, dict[int, str]]:
    """Return the names of the measures, and the codes of these rows as far as the caller may see them."""
    rows = await tx.fetch_rows(
        "SELECT array_agg(id::int), array_agg(name) FROM plan.measure "
        "UNION ALL SELECT array_agg(id), array_agg(code) FROM plan.entity WHERE id = ANY(%b::int[])",
        (named.tolist(),),
    )
    measures, entities = (dict(zip(ids or (), names or (), strict=True)) for ids, names in rows)
    return {"measure": measures, "entity": entities}


def _nameable(header: npt.NDArray[np.void], known: Mapping[int, str]) -> npt.NDArray[np.bool_]:
    """Return which rows name only reference data that is known."""
    ids = np.fromiter(known, np.int64)
    visible = np.ones(len(header), dtype=bool)
    for name in DIMENSIONS:
        visible &= (header[name] == 0) | np.isin(header[name], ids)
    return visible
