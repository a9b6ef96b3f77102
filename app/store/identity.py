"""Identities: codes and series keys to ids and back. Identities are only ever added, and never change."""

# ruff: noqa: S608  statements are composed of constants of this layer, values go as parameters

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from app.errors import NotFound
from app.store.database import Transaction
from app.vocabulary import DIMENSIONS

Reference = tuple[str, str]
"""Kind and code of a row of reference data."""

DIMENSION_KIND = {name: ("site" if name == "to_site" else name) for name in DIMENSIONS}
ID_COLUMNS = tuple(f"{name}_id" for name in DIMENSIONS)


class SeriesKey(NamedTuple):
    """One series: a measure for one key; a dimension outside the measure's grain is None."""

    measure: str
    item: str | None = None
    family: str | None = None
    site: str | None = None
    to_site: str | None = None
    supplier: str | None = None
    customer: str | None = None
    resource: str | None = None

    def references(self) -> Iterable[Reference]:
        """Return kind and code of each dimension that the key has."""
        for name, code in zip(DIMENSIONS, self[1:], strict=True):
            if code is not None:
                yield DIMENSION_KIND[name], code


async def measure_ids(tx: Transaction) -> dict[str, int]:
    """Return the id of every measure."""
    return dict(await tx.fetch_rows("SELECT name, id FROM plan.measure"))


async def entity_ids(
    tx: Transaction, plan_id: int, references: Iterable[Reference], *, create: bool = False
) -> dict[Reference, int]:
    """Return ids of reference data; a missing one is created, or with `create` off left out."""
    wanted = sorted(set(references))
    found = await _find_entities(tx, plan_id, wanted)
    missing = [reference for reference in wanted if reference not in found]
    if missing and create:
        await tx.execute(
            "INSERT INTO plan.entity (plan_id, kind, code) "
            "SELECT %s, n.kind, n.code FROM unnest(%s::text[], %s::text[]) n(kind, code) "
            "ON CONFLICT DO NOTHING",
            (plan_id, [kind for kind, _ in missing], [code for _, code in missing]),
        )
        found |= await _find_entities(tx, plan_id, missing)
    return found


async def _find_entities(
    tx: Transaction, plan_id: int, references: Sequence[Reference]
) -> dict[Reference, int]:
    if not references:
        return {}
    rows = await tx.fetch_rows(
        "SELECT e.kind, e.code, e.id FROM unnest(%s::text[], %s::text[]) n(kind, code) "
        "JOIN plan.entity e ON e.plan_id = %s AND e.kind = n.kind AND e.code = n.code",
        ([kind for kind, _ in references], [code for _, code in references], plan_id),
    )
    return {(kind, code): number for kind, code, number in rows}


async def series_ids(
    tx: Transaction,
    plan_id: int,
    keys: Sequence[SeriesKey],
    known: Mapping[Reference, int],
    *,
    create: bool = False,
) -> dict[SeriesKey, int]:
    """Return ids of series; a missing one is created, or with `create` off left out.

    `known` holds the ids of all reference data that the keys name; what it lacks is not there.
    """
    numbers = _numbers(keys, await measure_ids(tx), known)
    found = await _find_series(tx, plan_id, numbers)
    if create and (missing := [number for number in numbers if number not in found]):
        found |= await _create_series(tx, plan_id, missing)
        if late := [number for number in missing if number not in found]:  # another transaction was faster
            found |= await _find_series(tx, plan_id, late)
    return {numbers[number]: series for number, series in found.items()}


async def _create_series(tx: Transaction, plan_id: int, missing: list[Numbers]) -> dict[Numbers, int]:
    """Create series, but those that somebody else creates at the same time; returns the new ids."""
    names = ", ".join(("measure_id", *ID_COLUMNS))
    arrays = ", ".join("%b::int[]" for _ in range(len(ID_COLUMNS) + 1))
    columns = [list(column) for column in zip(*sorted(missing, key=_sortable), strict=True)]
    rows = await tx.fetch_rows(
        f"INSERT INTO plan.series (plan_id, {names}) SELECT %s, n.* FROM unnest({arrays}) n({names}) "
        f"ON CONFLICT DO NOTHING RETURNING {names}, id",
        (plan_id, *columns),
    )
    return {row[:-1]: row[-1] for row in rows}


Numbers = tuple[int | None, ...]


def _sortable(numbers: Numbers) -> tuple[int, ...]:
    """Return a key that puts series in one order, so that two writers never wait for each other in a ring."""
    return tuple(-1 if number is None else number for number in numbers)


def _numbers(
    keys: Sequence[SeriesKey], measures: Mapping[str, int], known: Mapping[Reference, int]
) -> dict[Numbers, SeriesKey]:
    """Return keys by measure id and dimension ids."""
    numbers: dict[Numbers, SeriesKey] = {}
    for key in keys:
        if key.measure not in measures:
            raise NotFound(kind="measure", name=key.measure)
        ids: list[int | None] = [measures[key.measure]]
        for name, code in zip(DIMENSIONS, key[1:], strict=True):
            if code is None:
                ids.append(None)
            elif (reference := (DIMENSION_KIND[name], code)) in known:
                ids.append(known[reference])
            else:
                raise NotFound(kind=name, name=code)
        numbers[tuple(ids)] = key
    return numbers


async def _find_series(tx: Transaction, plan_id: int, numbers: Iterable[Numbers]) -> dict[Numbers, int]:
    """Look series up by their unique index: one part of the statement per pattern of present dimensions."""
    patterns: dict[tuple[bool, ...], list[Numbers]] = {}
    for number in numbers:
        patterns.setdefault(tuple(part is not None for part in number), []).append(number)
    if not patterns:
        return {}
    names = ("measure_id", *ID_COLUMNS)
    parts: list[str] = []
    parameters: list[object] = []
    for pattern, group in patterns.items():
        present = [name for name, has in zip(names, pattern, strict=True) if has]
        arrays = ", ".join("%b::int[]" for _ in present)
        conditions = [f"s.{name} = n.{name}" for name in present if name != "measure_id"]
        conditions += [f"s.{name} IS NULL" for name, has in zip(names, pattern, strict=True) if not has]
        parts.append(
            f"SELECT {', '.join(f's.{name}' for name in names)}, s.id "
            f"FROM unnest({arrays}) n({', '.join(present)}) JOIN plan.series s "
            f"ON s.plan_id = %s AND s.measure_id = n.measure_id::smallint AND {' AND '.join(conditions)}"
        )
        columns = zip(*group, strict=True)
        parameters += [list(column) for column, has in zip(columns, pattern, strict=True) if has]
        parameters.append(plan_id)
    rows = await tx.fetch_rows(" UNION ALL ".join(parts), parameters)
    return {row[:-1]: row[-1] for row in rows}


async def visible_series(tx: Transaction, ids: Iterable[int]) -> set[int]:
    """Return which of these series the caller may read."""
    rows = await tx.fetch_rows("SELECT s.id FROM plan.series s WHERE s.id = ANY(%s)", (sorted(ids),))
    return {number for (number,) in rows}
