"""Another world behind the same view: everything that the policies keep from a caller is changed in place.

The judge of what a caller sees is `tests.access.oracle`, the second reading of policies/. What it sees stays
as it is to the byte; of the rest, figures and names are changed, rows are dropped and added, hidden columns
of visible rows are changed, and the sequences move on as if others had been at work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from random import Random
from typing import Any

import numpy as np
import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from app.access.policies import load
from app.vocabulary import ENTITIES
from tests.access.oracle import Caller, Oracle

Row = dict[str, Any]
POLICIES = load()
KEPT_WHOLE = frozenset({"plan.plan", "plan.measure", "plan.policy", "plan.calendar", "plan.bucket"})
"""The same in every installation, or the frame that all figures of a plan share."""
IDENTITIES = frozenset({"plan.entity", "plan.series", "plan.branch", "plan.branch_path", "plan.commit"})
"""What other rows point to: never dropped."""
REFERENCED = frozenset(
    column.references
    for entity in ENTITIES.values()
    for column in entity.columns.values()
    if column.references
) | {"planning_parameter"}
"""Kinds without which a data set would not be whole."""
_NAMED = """
name party_name item party_item site site_name supplier customer ship_to ship_to_name order_number code
submitted_by author reason message text created_by requested_by published_by error_detail subject
"""
NAMES = frozenset(_NAMED.split())
"""Columns with words that nothing else depends on."""
COUNTED = ("plan.entity", "plan.series", "plan.calendar")


def hide(
    connection: psycopg.Connection[Any], caller: Caller, random: Random, *, keep: Callable[[str, Row], bool]
) -> int:
    """Change what is hidden from the caller, but for rows that `keep` asks for; return how many changes.

    The connection is an administrator's. Triggers and foreign keys are off meanwhile: the result is a
    database that others could have brought about, reached on a short way.
    """
    changes = 0
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        measures = dict(connection.execute("SELECT id, name FROM plan.measure").fetchall())
        oracle, world = Oracle(POLICIES, measures), _world(connection)
        for table in sorted(set(POLICIES.rows) - KEPT_WHOLE):
            for row in world[table]:
                if not keep(table, row):
                    seen = oracle.visible(caller, table, row, world)
                    changes += _change(connection, table, row, seen, random)
        for table in COUNTED:
            sequence = f"pg_get_serial_sequence('{table}', 'id')"
            connection.execute(
                f"SELECT setval({sequence}, nextval({sequence}) + %s)", (random.randrange(50),)
            )
    return changes


def _world(connection: psycopg.Connection[Any]) -> Mapping[str, list[Row]]:
    """Return all rows of all policed tables, with their places (`ctid`, told apart by partition)."""
    world = {}
    with connection.cursor(row_factory=dict_row) as cursor:
        for table in POLICIES.rows:
            name = sql.Identifier(*table.split("."))
            world[table] = list(
                cursor.execute(
                    sql.SQL("SELECT tableoid::bigint || ' ' || ctid::text AS ctid, * FROM {}").format(name)
                ).fetchall()
            )
    return world


def _change(
    connection: psycopg.Connection[Any], table: str, row: Row, seen: frozenset[str], random: Random
) -> int:
    """Change one row as far as it is hidden; return 1 if anything was done."""
    if not seen and _may_go(table, row) and random.random() < 0.25:
        name = sql.Identifier(*table.split("."))
        connection.execute(
            sql.SQL("DELETE FROM {} WHERE tableoid::bigint || ' ' || ctid::text = %s").format(name),
            (row["ctid"],),
        )
        return 1
    done = 0
    if not seen and table.startswith("outside.") and random.random() < 0.3:
        done += _add(connection, table, row, random)
    hidden = [name for name in row if name not in seen and name != "ctid"]
    if not seen and random.random() < 0.15:
        return done
    changed = {
        name: _other(name, row[name], random, strict=table == "plan.entity_version") for name in hidden
    }
    changed = {name: value for name, value in changed.items() if value is not None}
    if changed:
        assigned = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in changed)
        text = sql.SQL("UPDATE {} SET {} WHERE tableoid::bigint || ' ' || ctid::text = %s")
        values = [*changed.values(), row["ctid"]]
        connection.execute(text.format(sql.Identifier(*table.split(".")), assigned), values)
    return done + bool(changed)


def _may_go(table: str, row: Row) -> bool:
    """Say whether a hidden row can be dropped without leaving others in the air."""
    return table not in IDENTITIES and not (table == "plan.entity_version" and row["kind"] in REFERENCED)


def _add(connection: psycopg.Connection[Any], table: str, row: Row, random: Random) -> int:
    """Add a row like this one, of the same party, under a number of its own."""
    number = random.randrange(100, 10_000)
    added = {name: value for name, value in row.items() if name != "ctid"} | {"ordinal": number}
    if "idempotency_key" in added:
        added["idempotency_key"] = f"key-{number % 5}-{number}"
    names = sql.SQL(", ").join(map(sql.Identifier, added))
    marks = sql.SQL(", ").join([sql.Placeholder()] * len(added))
    text = sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT DO NOTHING")
    values = [Jsonb(value) if isinstance(value, dict) else value for value in added.values()]
    connection.execute(text.format(sql.Identifier(*table.split(".")), names, marks), values)
    return 1


def _other(name: str, value: Any, random: Random, *, strict: bool) -> Any:
    """Return another value for a column, None where it has to stay as it is."""
    if isinstance(value, dict):
        return Jsonb(_other_json(value, random, strict=strict))
    if isinstance(value, float):
        return value * random.choice([0.5, 1.5, 3.0]) + 1.0
    if isinstance(value, bytes):
        return _other_cells(value, random) if name == "cells" else random.randbytes(len(value))
    if isinstance(value, list) and value and isinstance(value[0], float):
        return [number * random.choice([0.0, 2.0]) + 3.0 for number in value]
    if name in NAMES and isinstance(value, str) and not strict:
        return f"{value}-{random.choice('xyz')}"
    if name in ("submitted_at", "decided_at") and value is not None:
        return value - timedelta(hours=random.randrange(1, 9))
    return None


def _other_cells(cells: bytes, random: Random) -> bytes:
    figures = np.frombuffer(cells, "<f8") * random.choice([0.5, 2.0]) + random.randrange(1, 9)
    return np.ascontiguousarray(figures, "<f8").tobytes()


def _other_json(value: dict[str, Any], random: Random, *, strict: bool) -> dict[str, Any]:
    """Return an object with other names and figures; codes, dates and flags stay."""
    changed: dict[str, Any] = {}
    for name, part in value.items():
        if name in ("name", "note", "text"):
            changed[name] = f"{part} {random.choice(['renamed', 'sold', 'new'])}"
        elif isinstance(part, float) and not (strict and name in ("service_floor", "demand_share", "yield")):
            changed[name] = part * random.choice([0.5, 2.0])
        else:
            changed[name] = part
    return changed
