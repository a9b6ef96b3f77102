"""Snapshots of branches of inputs, taken and dropped beside everything else, in the worker."""

import asyncio
import logging

from app.access import HOST
from app.errors import ConcordError
from app.store.audit import bookkeeping
from app.store.branches import hold
from app.store.database import Database
from app.store.snapshots import drop_older, due, take_snapshot

EVERY_SECONDS = 30.0

log = logging.getLogger(__name__)


async def refresh_snapshots(database: Database) -> int:
    """Take the snapshots that pay now, each in a transaction of its own; returns how many.

    A branch's older snapshot is dropped with it, unless a published version reads it. Whoever reads meanwhile
    is not held up, and sees the same before and after.
    """
    async with database.read(HOST) as tx:
        states = await due(tx)
    for state in states:
        async with database.write(HOST) as tx:
            bookkeeping(tx, "snapshot")
            await hold(tx, state)
            await take_snapshot(tx, state)
            await drop_older(tx, state)
    return len(states)


async def refresh_again_and_again(database: Database) -> None:
    """Look every half minute, until cancelled."""
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        try:
            await refresh_snapshots(database)
        except (ConcordError, OSError) as error:
            log.warning("snapshots cannot be taken, trying again: %s", error)
