"""The worker: takes plan runs off the queue and submissions out of the inbox, until it is told to stop."""

import asyncio
import logging
import signal
import sys
from contextlib import suppress
from uuid import UUID

from app.config import Settings
from app.engine.cache import Cache
from app.engine.component import Result
from app.engine.runner import Executor
from app.errors import ConcordError
from app.services.intake.taking import take_in
from app.services.keeping import kept_log
from app.services.planning.processes import Processes
from app.services.reconcile import JOB, execute
from app.services.snapshots import refresh_again_and_again
from app.store.database import Database
from app.store.queue import JobQueue

INBOX_SECONDS = 2.0

log = logging.getLogger(__name__)


async def run_worker(settings: Settings, *, stop_at_end_of_input: bool = False) -> None:
    """Work until SIGINT or SIGTERM, or (`stop_at_end_of_input`) until standard input closes."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    waiting = asyncio.create_task(_end_of_input(stop)) if stop_at_end_of_input else None
    database = await Database.open(settings)
    try:
        await work(database, stop, settings.planning_processes)
    finally:
        if waiting is not None:
            waiting.cancel()
        await database.close()


async def work(database: Database, stop: asyncio.Event, planning_processes: int = 1) -> None:
    """Work off jobs, take in the inbox and keep snapshots until `stop` is set.

    Several processes plan beside this one.
    """
    processes = Processes(planning_processes) if planning_processes > 1 else None
    queue = make_queue(database, processes)
    beside = [
        asyncio.create_task(_take_in_again_and_again(database)),
        asyncio.create_task(refresh_again_and_again(database)),
    ]
    try:
        async with kept_log(database):
            await queue.work(stop)
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        if processes is not None:
            await asyncio.to_thread(processes.close)


async def work_off(database: Database) -> None:
    """Carry out the runs that are in the queue now, then return."""
    await make_queue(database).work_off()


def make_queue(database: Database, executor: Executor | None = None) -> JobQueue:
    """Return the queue with every job that a worker knows; components solved before are kept in memory."""
    cache: Cache[Result] = Cache()

    async def reconcile(run_id: str) -> None:
        await execute(database, UUID(run_id), cache, executor)

    queue = JobQueue(database)
    queue.register(JOB, reconcile)
    return queue


async def _take_in_again_and_again(database: Database) -> None:
    while True:
        try:
            await take_in(database)
        except (ConcordError, OSError) as error:
            log.warning("the inbox cannot be taken in, trying again: %s", error)
        await asyncio.sleep(INBOX_SECONDS)


async def _end_of_input(stop: asyncio.Event) -> None:
    """Set `stop` when whoever started this process is gone."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(1024):
        pass
    stop.set()
