"""Migrations that move data: down and up again, nothing is lost, and what guarded it guards it again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import psycopg
import pytest

from app.access import HOST
from app.services.verify import INTACT, verify_store
from app.store import branches, versions
from app.store.commits import write_commit
from app.store.database import Database
from app.store.deltas import EntityChanges
from app.store.identity import SeriesKey
from app.store.migrate import migrate
from app.store.series import read_series
from tests.store.world import Cells, as_cells, changes, items, stock, weeks

BEFORE = "0011"
UNPUBLISHED = "SELECT count(*) FROM plan.snapshot_series"


@pytest.fixture
def count(database: Database) -> Callable[[str], int]:
    def ask(statement: str) -> int:
        with psycopg.connect(database.address.admin_conninfo()) as connection:
            row = connection.execute(statement).fetchone()
        assert row is not None
        return int(row[0])

    return ask


async def write_history(database: Database) -> Callable[[], Awaitable[dict[SeriesKey, Cells]]]:
    """Publish a state, change something after it; returns a function that reads the head."""
    async with database.write(HOST) as tx:
        main = await branches.create_plan(tx, author="test")
        first = await write_commit(
            tx,
            main,
            author="test",
            reason="import",
            calendar=weeks(3),
            entities=EntityChanges(rows=items("A", "B", "C")),
            series=changes({stock(item): (1.0, None, 3.0) for item in "ABC"}),
        )
        await versions.seal(tx, first, "first", "final", by="test")
        change = changes({stock("A"): (None, 2.0, None)}, removed=[stock("C")])
        await write_commit(tx, main, author="test", reason="edit", series=change)

    async def read() -> dict[SeriesKey, Cells]:
        async with database.read(HOST) as tx:
            return as_cells(await read_series(tx, await branches.head(tx)))

    return read


async def test_series_move_out_of_their_partitions_and_back(
    database: Database, count: Callable[[str], int]
) -> None:
    read = await write_history(database)
    before = await read()
    written = count("SELECT count(*) FROM plan.series_version")
    await migrate(database, BEFORE)
    assert count("SELECT count(*) FROM plan.series_version") == written
    assert count("SELECT count(*) FROM pg_class WHERE relispartition AND relname ~ '^series_version'") == 0
    assert (
        count("SELECT count(*) FROM pg_constraint WHERE conrelid = 'plan.series'::regclass AND contype = 'f'")
        == 9
    )
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        count("WITH gone AS (DELETE FROM plan.series_version RETURNING 1) SELECT count(*) FROM gone")
    await migrate(database)
    assert await read() == before == {stock("A"): (None, 2.0, None), stock("B"): (1.0, None, 3.0)}
    found = await verify_store(database)
    assert found.findings == []
    assert [outcome.state for outcome in found.versions] == [INTACT]


@pytest.mark.parametrize("table", ["series_version", *(f"series_version_{n}" for n in range(4))])
async def test_partitions_refuse_changes_too(
    database: Database, count: Callable[[str], int], table: str
) -> None:
    await write_history(database)
    for statement in ("UPDATE plan.{} SET first_ordinal = 0", "DELETE FROM plan.{}", "TRUNCATE plan.{}"):
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction, match="never change"):
            count(statement.format(table))


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ("1, 1, 999999, NULL", "item 999999"),
        ("1, 1, (SELECT id FROM plan.entity WHERE kind = 'site'), NULL", "item"),
        ("1, 999, (SELECT min(id) FROM plan.entity WHERE kind = 'item'), NULL", "measure 999"),
        ("1, 1, NULL, NULL", "series_of_something"),
        ("999, 1, (SELECT min(id) FROM plan.entity WHERE kind = 'item'), NULL", "item"),
    ],
)
async def test_a_series_names_what_is_there_and_of_the_right_kind(
    database: Database, count: Callable[[str], int], columns: str, says: str
) -> None:
    await write_history(database)
    with pytest.raises(psycopg.errors.IntegrityError, match=says):
        count(f"INSERT INTO plan.series (plan_id, measure_id, item_id, site_id) SELECT {columns} RETURNING 1")
