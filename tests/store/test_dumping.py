"""Backups: taken under load, restored to a state that verifies; and what is refused."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import psycopg
import pytest
from psycopg import sql

from app.access import HOST
from app.errors import BackupUnusable, DatabaseNotEmpty, InputError
from app.services.backup import backup, restore
from app.services.verify import verify_store
from app.store.address import Address
from app.store.branches import At, branch, commits, resolve
from app.store.commits import write_commit
from app.store.database import Database
from app.store.deltas import SeriesChanges
from app.store.identity import SeriesKey
from app.store.series import read_series
from app.store.versions import seal
from tests.outside import CALENDAR, plant, release


@pytest.fixture
async def empty(postgres: Address, database: Database) -> AsyncIterator[Database]:
    """A database of the same server with nothing in it."""
    name = f"restored_{database.address.parameters['dbname']}"
    with psycopg.connect(postgres.admin_conninfo(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    opened = Database(postgres.of_database(name))
    yield opened
    await opened.close()


async def submit(database: Database, value: float) -> None:
    """Write one commit with one series."""
    key = SeriesKey("salesForecast", item="BIKE", site="S1", customer="C1")
    async with database.write(HOST) as tx:
        main = await branch(tx, "main")
        changes = SeriesChanges([key], np.full((1, len(CALENDAR)), value))
        await write_commit(tx, main, author="test", reason="submit", series=changes)


async def test_a_backup_under_load_restores_to_a_state_that_verifies(
    database: Database, empty: Database, tmp_path: Path
) -> None:
    plan = await plant(database)
    await release(database, plan)
    async with database.write(HOST) as tx:
        await seal(tx, plan, name="first", kind="final", by="test")
    for value in range(20):
        await submit(database, value)
    writing, done = asyncio.Event(), asyncio.Event()

    async def load() -> int:
        written = 0
        while not done.is_set():
            await submit(database, 100.0 + written)
            written += 1
            writing.set()
        return written

    loading = asyncio.create_task(load())
    await writing.wait()
    file = tmp_path / "under load"
    size = await backup(database, HOST, file)
    done.set()
    assert await loading > 1
    found = await asyncio.to_thread(file.stat)
    assert (found.st_size, found.st_mode & 0o777) == (size, 0o600)
    assert sorted(await asyncio.to_thread(os.listdir, tmp_path)) == ["home", "under load"]

    verified = await restore(empty, HOST, file)
    assert verified.findings == []
    assert [outcome.state for outcome in verified.versions] == ["intact"]
    async with empty.read(HOST) as tx, database.read(HOST) as original:
        back = await commits(tx, first=1000)
        there = await commits(original, first=1000)
        assert back == there[-len(back) :]
        assert len(back) >= 22
        ours = await read_series(tx, back[0])
        theirs = await read_series(original, await resolve(original, At(commit=back[0].id)))
    assert ours.keys == theirs.keys
    np.testing.assert_array_equal(ours.values, theirs.values)
    await submit(empty, 7.0)
    assert (await verify_again(empty)) == []


async def verify_again(database: Database) -> list[str]:
    """What does not hold of a database, a further commit on it included."""
    return (await verify_store(database)).findings


async def test_nothing_is_restored_over_something(database: Database, tmp_path: Path) -> None:
    await plant(database)
    file = tmp_path / "one"
    await backup(database, HOST, file)
    with pytest.raises(DatabaseNotEmpty):
        await restore(database, HOST, file)
    with pytest.raises(InputError, match="exists already"):
        await backup(database, HOST, file)
    with pytest.raises(InputError, match="cannot be written"):
        await backup(database, HOST, tmp_path / "nowhere" / "one")


async def test_a_damaged_backup_changes_nothing(database: Database, empty: Database, tmp_path: Path) -> None:
    await plant(database)
    file = tmp_path / "whole"
    await backup(database, HOST, file)
    whole = file.read_bytes()
    for name, content in (("cut", whole[: len(whole) // 2]), ("text", b"hello"), ("none", b"")):
        damaged = tmp_path / name
        damaged.write_bytes(content)
        with pytest.raises(BackupUnusable):
            await restore(empty, HOST, damaged)
    with pytest.raises(BackupUnusable, match="not there"):
        await restore(empty, HOST, tmp_path / "missing")
    assert (await restore(empty, HOST, file)).findings == []
