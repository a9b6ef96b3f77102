"""Retention over a published plan, against concurrent work, and by nobody but its own role."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg
import pytest

from app.access import HOST, RETENTION
from app.errors import CommitRetired, InputError
from app.services.retention import give_up
from app.services.verify import verify_store
from app.store.branches import At, branch, commit, fork, resolve
from app.store.commits import write_commit
from app.store.database import Database
from app.store.deltas import SeriesChanges
from app.store.identity import SeriesKey
from app.store.retention import retain
from app.store.series import read_series
from app.store.versions import seal, version
from tests.outside import CALENDAR, plant, release, result

KEY = SeriesKey("salesForecast", item="BIKE", site="S1", customer="C1")


async def submit(database: Database, value: float) -> int:
    """Write one commit of one series on main; returns its number."""
    async with database.write(HOST) as tx:
        changes = SeriesChanges([KEY], np.full((1, len(CALENDAR)), value))
        main = await branch(tx, "main")
        return (await write_commit(tx, main, author="test", reason="submit", series=changes)).id


async def submit_on(database: Database, head: int) -> None:
    """Write a change that was made on an old state of main."""
    async with database.write(HOST) as tx:
        changes = SeriesChanges([KEY], np.full((1, len(CALENDAR)), 3.0))
        main = await branch(tx, "main")
        await write_commit(tx, main, author="test", reason="submit", series=changes, expected_head=head)


async def retained(database: Database, *, dry_run: bool = False) -> tuple[int, int, int]:
    """Give up all that is older than now; returns states, rows and branches."""
    async with database.write(RETENTION) as tx:
        found = await retain(tx, datetime.now(UTC), dry_run=dry_run)
        return found.commits, found.rows, found.branches


async def test_only_what_nothing_shows_goes(database: Database) -> None:
    await plant(database)
    numbers = [await submit(database, value) for value in range(1, 7)]
    async with database.write(HOST) as tx:
        await seal(tx, await commit(tx, numbers[1]), "kept", "final", by="test")
        await fork(tx, await commit(tx, numbers[3]), "scenario", author="test")
    counted = await retained(database, dry_run=True)
    assert counted == await retained(database) == (5, 3, 0), "submissions 1, 3, 5; import and root show less"
    assert await retained(database) == (0, 0, 0)
    async with database.read(HOST) as tx:
        for at, value in ((At(version="kept"), 2), (At(branch="scenario"), 4), (At(branch="main"), 6)):
            frame = await read_series(tx, await resolve(tx, at))
            assert (frame.values == value).all()
        for number in (numbers[0], numbers[2], numbers[4]):
            gone = await commit(tx, number)
            assert (gone.author, gone.reason) == ("test", "submit"), "who did what stays"
            with pytest.raises(CommitRetired):
                await read_series(tx, gone)
    assert (await verify_store(database)).findings == []


async def test_a_plan_that_nobody_published_goes_with_its_branch(database: Database) -> None:
    inputs = await plant(database)
    await result(database, inputs, "unpublished")
    published = await result(database, inputs, "published")
    await release(database, published)
    async with database.write(HOST) as tx:
        await seal(tx, published, "first", "final", by="test")
    states, rows, branches = await retained(database)
    assert branches == 1
    assert (states, rows) == (2, 12), "the unpublished plan's series, its state and the root's"
    async with database.read(HOST) as tx:
        assert (await branch(tx, "plan/weighted/unpublished")).state == "closed"
        sealed = await commit(tx, (await version(tx, "first")).commit_id)
        assert len((await read_series(tx, sealed)).keys) == 12


async def test_an_old_state_cannot_be_built_on(database: Database) -> None:
    await plant(database)
    first, _ = [await submit(database, value) for value in (1.0, 2.0)]
    async with database.read(HOST) as tx:
        before = await commit(tx, first)
    await retained(database)
    with pytest.raises(CommitRetired):
        async with database.write(HOST) as tx:
            await fork(tx, before, "late", author="test")
    with pytest.raises(CommitRetired):
        await submit_on(database, first)


async def test_a_fork_that_is_not_finished_keeps_its_state(database: Database) -> None:
    await plant(database)
    numbers = [await submit(database, value) for value in (1.0, 2.0)]
    async with database.write(HOST) as tx:
        await fork(tx, await commit(tx, numbers[0]), "early", author="test")
        waiting = asyncio.create_task(retained(database))
        await asyncio.sleep(0.2)
        assert not waiting.done(), "it waits for whoever is about to build on an old state"
    await waiting
    async with database.read(HOST) as tx:
        assert (await read_series(tx, await resolve(tx, At(branch="early")))).values.max() == 1.0


async def test_nobody_else_deletes_history(database: Database) -> None:
    await plant(database)
    await submit(database, 1.0)
    for role in ("concord_host", "concord_owner", "concord_planner"):
        with psycopg.connect(database.address.admin_conninfo()) as connection:
            connection.execute(f"SET ROLE {role}".encode())
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)):
                connection.execute("DELETE FROM plan.series_version")
    with psycopg.connect(database.address.admin_conninfo()) as connection:
        connection.execute("SET ROLE concord_retention")
        for table in ("version", "commit", "series", "branch"):
            with connection.transaction(force_rollback=True), pytest.raises(psycopg.Error):
                connection.execute(f"DELETE FROM plan.{table}".encode())


@pytest.mark.parametrize("days", [0, -3, 10**9])
async def test_days_that_make_no_sense_are_refused(database: Database, days: int) -> None:
    with pytest.raises(InputError):
        await give_up(database, HOST, days)


async def test_young_states_stay(database: Database) -> None:
    await plant(database)
    for value in (1.0, 2.0, 3.0):
        await submit(database, value)
    found = await give_up(database, HOST, 1)
    assert (found.commits, found.rows) == (0, 0)
    assert found.since < datetime.now(UTC) - timedelta(hours=23)
