"""Migrations: one line of them, and down and up again on data without losing what the older schema knows."""

from __future__ import annotations

import re
from collections.abc import Mapping

import psycopg
import pytest
from alembic.script import ScriptDirectory
from psycopg import sql
from psycopg.rows import dict_row

from app.access import HOST
from app.services.verify import verify_store
from app.store.address import Address
from app.store.branches import branch, commit, fork
from app.store.commits import write_commit
from app.store.database import Database
from app.store.migrate import check_current, migrate, migration_config
from app.store.versions import seal
from tests.outside import PLAN, changes, plant, release, result

SCRIPTS = ScriptDirectory.from_config(migration_config())
OLDEST_FIRST = [script.revision for script in reversed(list(SCRIPTS.walk_revisions()))]

Table = tuple[str, str]
Rows = list[dict[str, str]]
"""Values as they print: NaN equals NaN."""


def columns(address: Address) -> dict[Table, list[str]]:
    """Return the columns of every table of Concord's."""
    with psycopg.connect(address.admin_conninfo()) as connection:
        found = connection.execute(
            "SELECT n.nspname, c.relname, array_agg(a.attname::text ORDER BY a.attname) "
            "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
            "JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
            "WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^pg_' "
            "AND n.nspname NOT IN ('information_schema', 'migration', 'queue') GROUP BY 1, 2"
        ).fetchall()
    return {(schema, table): names for schema, table, names in found}


def contents(address: Address, known: Mapping[Table, list[str]]) -> dict[Table, Rows]:
    """Return the rows of these columns of every table, in an order of their own."""
    rows: dict[Table, Rows] = {}
    with psycopg.connect(address.admin_conninfo(), row_factory=dict_row) as connection:
        for (schema, table), names in known.items():
            wanted = sql.SQL(", ").join(map(sql.Identifier, names))
            found = connection.execute(
                sql.SQL("SELECT {} FROM {}").format(wanted, sql.Identifier(schema, table))
            ).fetchall()
            rows[schema, table] = [{name: repr(value) for name, value in row.items()} for row in found]
    return rows


def seen_as(rows: Rows, names: list[str]) -> Rows:
    """Return the rows as a schema with these columns has them, in an order of their own."""
    return sorted(({name: row[name] for name in names} for row in rows), key=repr)


def test_there_is_one_line_of_migrations() -> None:
    assert [int(revision) for revision in OLDEST_FIRST] == list(range(1, len(OLDEST_FIRST) + 1))
    for script in SCRIPTS.walk_revisions():
        assert re.fullmatch(rf"{script.revision}_(pre|post)_[a-z_]+\.py", script.path.rsplit("/", 1)[-1])
        assert script.doc


async def filled(database: Database) -> None:
    """A company with a plan, a release, a published version, a scenario and a correction."""
    inputs = await plant(database)
    await release(database, await result(database, inputs, "1"))
    async with database.write(HOST) as tx:
        await fork(tx, inputs, "scenario", author="test")
        made = await write_commit(
            tx, await branch(tx, "scenario"), author="test", reason="edit", series=changes(PLAN)
        )
        await seal(tx, await commit(tx, made.id), "sealed", "final", by="test")


@pytest.mark.slow
async def test_down_and_up_again_on_data(database: Database) -> None:
    await filled(database)
    whole = columns(database.address)
    for revision in reversed(OLDEST_FIRST[:-1]):
        before = contents(database.address, whole)
        await migrate(database, revision)
        older = columns(database.address)
        below = contents(database.address, older)
        for table, names in older.items():
            assert seen_as(below[table], names) == seen_as(before[table], names), (table, revision)
        await migrate(database)
        await check_current(database)
        assert columns(database.address) == whole
        after = contents(database.address, older)
        for table, names in older.items():
            kept, found = seen_as(before[table], names), seen_as(after[table], names)
            if table[0] == "audit":  # migrating goes on record itself
                assert [row for row in kept if row not in found] == [], (table, revision)
            elif table not in {("plan", "measure"), ("plan", "policy")}:  # every migration fills these anew
                assert found == kept, (table, revision)
    verified = await verify_store(database)
    assert [outcome.state for outcome in verified.versions] == ["intact"]
    assert {finding for finding in verified.findings if not finding.startswith("results")} == set()
