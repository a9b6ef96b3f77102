"""Reference data of a state: rows by kind, as a dataset holds them."""

# ruff: noqa: S608  statements are composed of constants of this layer, values go as parameters

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import orjson

from app.errors import NotFound
from app.store.branches import PATH, Commit
from app.store.database import Transaction
from app.store.identity import Reference
from app.vocabulary import ENTITIES, Column, Entity

Row = dict[str, Any]

SCOPE_KINDS = ("item", "site", "supplier", "customer", "party", "resource")
"""Kinds whose ids are copied beside a row, for row security."""


async def read_entities(
    tx: Transaction, commit: Commit, kinds: Sequence[str] | None = None, keys: Sequence[str] | None = None
) -> dict[str, list[Row]]:
    """Return rows by kind, each kind by ascending key; every column is there, dates are dates.

    `kinds` empty means all; `keys` (key columns joined by |) narrows the rows.
    """
    wanted = list(ENTITIES) if kinds is None else list(kinds)
    for kind in wanted:
        if kind not in ENTITIES:
            raise NotFound(kind="kind of reference data", name=kind)
    found = await read_rows(tx, commit, wanted, keys)
    result: dict[str, list[Row]] = {kind: [] for kind in wanted}
    for (kind, _), row in found.items():
        result[kind].append(typed(ENTITIES[kind], row))
    return result


async def read_rows(
    tx: Transaction, commit: Commit, kinds: Iterable[str], keys: Iterable[str] | None = None
) -> dict[Reference, Row]:
    """Return the rows as they are stored (columns without a value left out), by kind and key, sorted."""
    narrowed = "" if keys is None else "AND e.code = ANY(%(keys)s)"
    rows = await tx.fetch_rows(
        f"""SELECT found.kind, found.code, found.row::text FROM (
            SELECT DISTINCT ON (v.entity_id) v.kind, e.code, v.row
            FROM {PATH} JOIN plan.entity_version v
                ON v.branch_id = path.branch_id AND v.commit_id <= path.upto
            JOIN plan.entity e ON e.id = v.entity_id
            WHERE v.kind = ANY(%(kinds)s) {narrowed}
            ORDER BY v.entity_id, v.commit_id DESC) found
        WHERE found.row IS NOT NULL ORDER BY found.kind, found.code""",
        {**commit.path, "kinds": list(kinds), "keys": None if keys is None else list(keys)},
    )
    return {(kind, code): orjson.loads(text) for kind, code, text in rows}


def typed(entity: Entity, row: Mapping[str, Any]) -> Row:
    """Return a stored row as a dataset has it: all columns in order, defaults filled in, dates as dates."""
    return {name: _value(column, row.get(name)) for name, column in entity.columns.items()}


def _value(column: Column, value: Any) -> Any:
    if value is None:
        return column.default
    if column.type == "date":
        return date.fromisoformat(value)
    return float(value) if column.type == "number" else value


def stored(entity: Entity, row: Mapping[str, Any]) -> Row:
    """Return a dataset's row as it is stored: columns without a value left out, dates as text."""
    unknown = row.keys() - entity.columns.keys()
    if unknown:
        raise NotFound(kind=f"column of {entity.kind}", name=sorted(unknown)[0])
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name in entity.columns
        if (value := row.get(name)) is not None
    }


def canonical_text(row: Mapping[str, Any]) -> str:
    """Return the one JSON text of a stored row."""
    return orjson.dumps(row, option=orjson.OPT_SORT_KEYS).decode()


def references(entity: Entity, row: Mapping[str, Any]) -> dict[str, Reference]:
    """Return the reference data that a row names (or is), by kind; of two of a kind, the first."""
    found: dict[str, Reference] = {}
    for name, column in entity.columns.items():
        kind = column.references or (entity.kind if (name,) == entity.key else None)
        code = row.get(name)
        if kind in SCOPE_KINDS and code is not None:
            found.setdefault(kind, (kind, str(code)))
    return found
