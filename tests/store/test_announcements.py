"""Announcements are heard in every process when the act commits, and late rather than never."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from uuid import UUID, uuid4

import psycopg
import pytest

from app.access import HOST, IDENTITY
from app.config import Settings
from app.store import announcements
from app.store.announcements import CHANNEL, PUBLISHED, Announcements, Watch
from app.store.database import Database

Administrator = Callable[[], psycopg.Connection[tuple[object, ...]]]
SECONDS = 5.0


@pytest.fixture
def administrator(settings: Settings) -> Administrator:
    """A function that connects as the administrator."""
    url = settings.database_url
    assert url is not None
    return lambda: psycopg.connect(url.get_secret_value(), autocommit=True)


@pytest.fixture
async def two(settings: Settings) -> AsyncIterator[tuple[Announcements, Announcements]]:
    """What two server processes hear: each has its own database object and its own connection."""
    databases = [await Database.open(settings) for _ in range(2)]
    listening = [Announcements(database) for database in databases]
    try:
        for one in listening:
            with one.watch("nothing") as watch:
                one.start()
                assert (await heard(watch)).missed  # it listens from now on
        yield listening[0], listening[1]
    finally:
        for one, database in zip(listening, databases, strict=True):
            await one.close()
            await database.close()


async def heard(watch: Watch) -> announcements.Heard:
    """Return the next news."""
    return await asyncio.wait_for(watch.heard(), SECONDS)


async def test_a_commit_is_heard_in_both_processes_and_a_rollback_in_none(
    two: tuple[Announcements, Announcements], database: Database
) -> None:
    run = uuid4()

    async def fail() -> None:
        async with database.write(HOST) as tx:
            await announcements.announce_released(tx, ["supplier"])
            raise RuntimeError

    topics = (PUBLISHED, announcements.released("supplier"), announcements.run_progressed(run))
    with two[0].watch(*topics) as one, two[1].watch(*topics) as other:
        with pytest.raises(RuntimeError):
            await fail()
        async with database.write(HOST) as tx:
            await announcements.announce_run(tx, run)
            for watch in (one, other):
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(watch.heard(), 0.1)
        for watch in (one, other):
            assert await heard(watch) == announcements.Heard(frozenset({f"run:{run}"}), missed=False)


async def test_ends_are_told_apart_and_name_nobody(
    two: tuple[Announcements, Announcements], database: Database, administrator: Administrator
) -> None:
    mine = announcements.ended("party", "VALTEC")
    with administrator() as connection, two[0].watch(mine) as watch:
        connection.execute(f"LISTEN {CHANNEL}")
        for kind, key in (("subject", "VALTEC"), ("party", "OTHER"), ("party", "VALTEC")):
            async with database.write(IDENTITY) as tx:
                await announcements.announce_ended(tx, kind, key)  # type: ignore[arg-type]  # from a loop
        assert (await heard(watch)).topics == {mine}
        payloads = [told.payload for told in connection.notifies(timeout=SECONDS, stop_after=3)]
    assert len(set(payloads)) == 3
    assert not any("VALTEC" in payload or "OTHER" in payload for payload in payloads)


async def test_what_comes_while_nobody_looks_is_one_piece_of_news(
    two: tuple[Announcements, Announcements], database: Database
) -> None:
    topic = announcements.run_progressed(UUID(int=7))
    with two[0].watch(topic) as watch:
        for _ in range(20):
            async with database.write(HOST) as tx:
                await announcements.announce_run(tx, UUID(int=7))
        await asyncio.sleep(0.2)
        assert (await heard(watch)).topics == {topic}
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(watch.heard(), 0.1)


async def test_a_lost_connection_is_made_anew_and_says_that_something_may_have_been_missed(
    two: tuple[Announcements, Announcements], database: Database, administrator: Administrator
) -> None:
    with two[0].watch(PUBLISHED) as watch:
        with administrator() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND query = %s",
                (f"LISTEN {CHANNEL}",),
            )
        assert await heard(watch) == announcements.Heard(frozenset(), missed=True)
        async with database.write(HOST) as tx:
            await announcements.announce_published(tx)
        assert (await heard(watch)).topics == {PUBLISHED}


async def test_nothing_is_kept_for_a_watch_that_has_ended(two: tuple[Announcements, Announcements]) -> None:
    with two[0].watch("a", "b"):
        pass
    assert not two[0]._watches
