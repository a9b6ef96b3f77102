"""The job queue: jobs live and die with their transaction, and outlive their worker."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import time
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from app.access import HOST
from app.config import Settings
from app.store.database import Database
from app.store.queue import JobQueue


async def test_a_job_runs_once_and_only_if_its_transaction_commits(database: Database) -> None:
    queue = JobQueue(database)
    done: list[str] = []

    async def note(name: str) -> None:
        done.append(name)

    queue.register("note", note)

    async def fail() -> None:
        async with database.write(HOST) as tx:
            await queue.put(tx, "note", name="lost")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with database.write(HOST) as tx:
        await queue.put(tx, "note", name="kept")
    await queue.work_off()
    await queue.work_off()
    assert done == ["kept"]


async def test_a_worker_takes_jobs_as_they_come_and_stops_when_told(database: Database) -> None:
    queue = JobQueue(database)
    arrived, stop = asyncio.Event(), asyncio.Event()

    async def note() -> None:
        arrived.set()

    queue.register("note", note)
    worker = asyncio.create_task(queue.work(stop))
    async with database.write(HOST) as tx:
        await queue.put(tx, "note")
    await asyncio.wait_for(arrived.wait(), 10)
    stop.set()
    await asyncio.wait_for(worker, 10)


async def test_a_job_that_was_cut_off_by_a_stop_is_started_again(database: Database) -> None:
    queue = JobQueue(database)
    started, stop = asyncio.Event(), asyncio.Event()
    attempts: list[int] = []

    async def note() -> None:
        attempts.append(1)
        started.set()
        await asyncio.sleep(60 if len(attempts) == 1 else 0)

    queue.register("note", note)
    worker = asyncio.create_task(queue.work(stop))
    async with database.write(HOST) as tx:
        await queue.put(tx, "note")
    await asyncio.wait_for(started.wait(), 10)
    stop.set()
    await asyncio.wait_for(worker, 10)
    await queue.work_off()
    assert len(attempts) == 2


async def test_a_worker_outlives_lost_connections(database: Database) -> None:
    queue = JobQueue(database)
    arrived, stop = asyncio.Event(), asyncio.Event()

    async def note() -> None:
        arrived.set()

    queue.register("note", note)
    worker = asyncio.create_task(queue.work(stop))
    await asyncio.sleep(0.5)
    with psycopg.connect(database.address.admin_conninfo(), autocommit=True) as administrator:
        administrator.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND usename = 'concord_service'"
        )
    async with database.write(HOST) as tx:
        await queue.put(tx, "note")
    await asyncio.wait_for(arrived.wait(), 20)
    stop.set()
    await asyncio.wait_for(worker, 10)


def _die_at_work(url: str, home: Path) -> None:
    """Run a worker in a process of its own that kills itself in the middle of a job."""

    async def work() -> None:
        database = await Database.open(Settings(home=home, database_url=SecretStr(url)))
        queue = JobQueue(database)

        async def die() -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        queue.register("note", die)
        await queue.work(asyncio.Event())

    asyncio.run(work())


async def test_the_job_of_a_dead_worker_goes_to_another(database: Database, settings: Settings) -> None:
    assert settings.database_url is not None
    queue = JobQueue(database, lost_after=0.5)
    done: list[float] = []

    async def note() -> None:
        done.append(time.monotonic())

    queue.register("note", note)
    async with database.write(HOST) as tx:
        await queue.put(tx, "note")
    context = multiprocessing.get_context("spawn")
    victim = context.Process(
        target=_die_at_work, args=(settings.database_url.get_secret_value(), settings.home)
    )
    victim.start()
    await asyncio.to_thread(victim.join, 20)
    assert victim.exitcode == -signal.SIGKILL
    await asyncio.sleep(0.6)
    await queue.work_off()
    assert len(done) == 1
