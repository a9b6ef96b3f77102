"""The job queue: Procrastinate on schema `queue`, any number of workers.

A job is put in by the transaction that asks for it, and vanishes with it. A job whose worker died is given to
another one; what the job is about has to bear being started twice (see app.store.runs).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final

import procrastinate
import psycopg
from procrastinate.exceptions import ConnectorException, JobAborted

from app.access import JOBS
from app.store.database import SESSION_OPTIONS, Database, Transaction

QUEUE: Final = "concord"
HEARTBEAT_SECONDS: Final = 5.0
LOST_AFTER_SECONDS: Final = 20.0
POLL_SECONDS: Final = 1.0
PAUSE_SECONDS: Final = 1.0

log = logging.getLogger(__name__)

Job = Callable[..., Awaitable[None]]


class _RetryWhenCutOff(procrastinate.BaseRetryStrategy):
    """A job is queued again if its worker was told to stop; one that failed by itself is not."""

    def get_retry_decision(
        self, *, exception: BaseException, job: procrastinate.jobs.Job
    ) -> procrastinate.RetryDecision | None:
        """Return the decision about a job that ended with `exception`."""
        cut_off = isinstance(exception, asyncio.CancelledError | JobAborted)
        return procrastinate.RetryDecision() if cut_off else None


class JobQueue:
    """The queue of one database: `register` the jobs, then `put` them in, or `work` them off."""

    def __init__(self, database: Database, *, lost_after: float = LOST_AFTER_SECONDS) -> None:
        """Prepare for `database`; a worker silent for `lost_after` seconds counts as dead."""
        self._lost_after = lost_after
        connector = procrastinate.PsycopgConnector(
            conninfo=database.address.login_conninfo(JOBS.login),
            kwargs={"options": f"{SESSION_OPTIONS} -c role={JOBS.role}"},
            min_size=1,
            max_size=4,
        )
        self._app = procrastinate.App(connector=connector)

    def register(self, name: str, job: Job) -> None:
        """Name a job; its arguments are JSON values passed by keyword."""
        self._app.task(name=name, queue=QUEUE, retry=_RetryWhenCutOff())(job)

    async def put(self, tx: Transaction, job: str, /, **arguments: str | int) -> None:
        """Put a job in as part of the host's transaction; workers see it when that commits."""
        tx.statements += 1
        deferrer = self._app.configure_task(job, queue=QUEUE, connection=tx.driver)
        await deferrer.defer_async(**arguments)

    async def work(self, stop: asyncio.Event) -> None:
        """Work jobs off one at a time until `stop` is set; outlives a database that goes away for a while.

        A job under way when `stop` comes is cancelled, and the next worker starts it again.
        """
        while not stop.is_set():
            try:
                await self._work_until(stop)
            except (ConnectorException, psycopg.Error, OSError) as error:
                log.warning("the queue cannot be reached, trying again: %s", error)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), PAUSE_SECONDS)

    async def work_off(self) -> None:
        """Work off what is in the queue now, then return."""
        async with self._app.open_async():
            await self._requeue_lost()
            await self._run(wait=False)

    async def _run(self, *, wait: bool) -> None:
        await self._app.run_worker_async(
            queues=[QUEUE],
            wait=wait,
            install_signal_handlers=False,
            delete_jobs="successful",
            fetch_job_polling_interval=POLL_SECONDS,
            shutdown_graceful_timeout=0,
            update_heartbeat_interval=HEARTBEAT_SECONDS,
            stalled_worker_timeout=LOST_AFTER_SECONDS,
        )

    async def _work_until(self, stop: asyncio.Event) -> None:
        async with self._app.open_async():
            tasks = [
                asyncio.create_task(self._run(wait=True)),
                asyncio.create_task(self._requeue_again_and_again()),
                asyncio.create_task(stop.wait()),
            ]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _requeue_again_and_again(self) -> None:
        while True:
            await self._requeue_lost()
            await asyncio.sleep(self._lost_after / 2)

    async def _requeue_lost(self) -> None:
        """Give the jobs of dead workers back to the queue."""
        lost = await self._app.job_manager.get_stalled_jobs(
            queue=QUEUE, seconds_since_heartbeat=self._lost_after
        )
        for job in lost:
            log.warning("job %s lost its worker and is queued again", job.id)
            await self._app.job_manager.retry_job(job)
