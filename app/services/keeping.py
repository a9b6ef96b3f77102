"""Keeping the audit log beside other work: sealing what was recorded, writing what was counted."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from app.errors import ConcordError
from app.store.audit_chain import seal_pending
from app.store.database import Database
from app.store.refusals import Refusals

SEAL_SECONDS: Final = 0.3
"""Between two looks at what waits for a seal: an event is sealed well within a second."""

_log = logging.getLogger(__name__)


@asynccontextmanager
async def kept_log(database: Database, refusals: Refusals | None = None) -> AsyncIterator[None]:
    """Keep the log while the block runs, and leave nothing unwritten behind it."""
    keeping = asyncio.create_task(_again_and_again(database, refusals))
    try:
        yield
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
        await _keep(database, refusals, ending=True)


async def _again_and_again(database: Database, refusals: Refusals | None) -> None:
    while True:
        await _keep(database, refusals)
        await asyncio.sleep(SEAL_SECONDS)


async def _keep(database: Database, refusals: Refusals | None, *, ending: bool = False) -> None:
    try:
        if refusals is not None:
            await (refusals.close() if ending else refusals.flush_if_due())
        await seal_pending(database)
    except (ConcordError, OSError) as error:
        _log.warning("the audit log cannot be sealed, trying again: %s", error)
