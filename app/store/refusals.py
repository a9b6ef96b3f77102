"""Refusals on record, bounded: a flood of them cannot fill the disk.

Within a window of a minute the first refusal of a kind (same act, caller, target and network) is written at
once, before the caller has its answer. The next ones of that kind are counted and written as one event with
`times` when the window ends. Only so many kinds have events of their own; what is beyond is counted together.
So one process writes at most 2 · KINDS + 1 events a minute, whatever is sent to it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from app.access import RECORDER
from app.errors import ConcordError
from app.store.audit import Event, Who, record
from app.store.database import Database

_log = logging.getLogger(__name__)

WINDOW_SECONDS: Final = 60.0
KINDS: Final = 60
LONGEST_TARGET: Final = 100
BEYOND: Final = Event("refusal", "refusals.more", who=Who(origin="any"))
"""Stands for the refusals of a window that had no event of their own."""

_Kind = tuple[str, str | None, Who]


class Refusals:
    """What one process refused lately."""

    def __init__(
        self, database: Callable[[], Database], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take where to write; the database is asked for when there is something."""
        self._database = database
        self._clock = clock
        self._since = clock()
        self._repeated: Counter[_Kind] = Counter()
        self._beyond = 0
        self._turn = asyncio.Lock()
        self._beside: set[asyncio.Task[None]] = set()

    async def note(self, act: str, target: str | None, who: Who) -> None:
        """Put a refusal on record. That the log cannot be reached is logged: the refusal stands anyway."""
        kind = (act, None if target is None else target[:LONGEST_TARGET], who)
        await self.flush_if_due()
        if kind in self._repeated:
            self._repeated[kind] += 1
        elif len(self._repeated) >= KINDS:
            self._beyond += 1
        else:
            self._repeated[kind] = 0
            await self._write([_event(kind, 1)])

    def note_beside(self, act: str, target: str | None, who: Who) -> None:
        """Put a refusal on record without waiting for it, where the wait would tell the caller something."""
        task = asyncio.get_running_loop().create_task(self.note(act, target, who))
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    async def flush_if_due(self) -> None:
        """Write what was counted if the window is over, and begin the next one."""
        if self._clock() - self._since >= WINDOW_SECONDS:
            await self.flush()

    async def flush(self) -> None:
        """Write what was counted so far, and begin a new window."""
        async with self._turn:
            self._since = self._clock()
            repeated, self._repeated = self._repeated, Counter()
            beyond, self._beyond = self._beyond, 0
        events = [_event(kind, times) for kind, times in repeated.items() if times]
        if beyond:
            events.append(replace(BEYOND, times=beyond))
        await self._write(events)

    async def close(self) -> None:
        """Leave nothing unwritten: what is noted beside, and what was counted."""
        await asyncio.gather(*self._beside)
        await self.flush()

    async def _write(self, events: list[Event]) -> None:
        if not events:
            return
        try:
            async with self._database().write(RECORDER) as tx:
                for event in events:
                    await record(tx, event)
        except ConcordError as error:
            _log.error("refusals are not on record (%s): %s", error.code, events)


def _event(kind: _Kind, times: int) -> Event:
    act, target, who = kind
    return Event("refusal", act, target, times=times, who=who)
