"""Announcements: that something happened, told to all processes when its transaction commits (LISTEN/NOTIFY).

An announcement is a topic and nothing else. It carries no data: any database role may listen to a channel of
PostgreSQL, and may notify it too. Who hears one reads again, under its own scope, what it may see; a forged
one costs such a reading. Topics that are about somebody hold a digest instead of the name.

An announcement can be missed while the listening connection is cut. When it is back, every `Watch` is told
that it may have missed something, and reads again just the same: nothing is lost, it is only late.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

import psycopg

from app.access import DIRECTORY
from app.store.address import cause
from app.store.database import SESSION_OPTIONS, Database, Transaction

CHANNEL: Final = "concord"
PING_SECONDS: Final = 5.0
"""So long after the last word from the server it is asked whether it is still there."""
FIRST_PAUSE_SECONDS: Final = 0.2
LONGEST_PAUSE_SECONDS: Final = 5.0

PUBLISHED: Final = "published"
"""A version was sealed."""

Ended = Literal["session", "token", "subject", "party"]
"""What can come to its end before its time: a session of the web login, an access token (by its id), all that
one subject holds, all that one party holds."""

_log = logging.getLogger(__name__)


def released(audience: str) -> str:
    """Return the topic of releases to the parties of an audience."""
    return f"released:{audience}"


def run_progressed(run_id: UUID) -> str:
    """Return the topic of one run."""
    return f"run:{run_id}"


def ended(kind: Ended, key: str) -> str:
    """Return the topic of an end; the key itself is not in it."""
    return "ended:" + hashlib.sha256(f"{kind} {key}".encode()).hexdigest()[:32]


async def announce_published(tx: Transaction) -> None:
    """Announce a published version."""
    await _announce(tx, PUBLISHED)


async def announce_released(tx: Transaction, audiences: Iterable[str]) -> None:
    """Announce releases to the parties of some audiences; to which of them is not said."""
    for audience in audiences:
        await _announce(tx, released(audience))


async def announce_run(tx: Transaction, run_id: UUID) -> None:
    """Announce that a run has changed: its state, or how far it is."""
    await _announce(tx, run_progressed(run_id))


async def announce_ended(tx: Transaction, kind: Ended, key: str) -> None:
    """Announce an end; whoever streams by this session, token, subject or party is cut off within seconds.

    `key` is the session's own key, the token's id (`jti`), the subject as principals name it, or the party's
    code. Refusing new requests is the caller's own concern, in the same transaction.
    """
    await _announce(tx, ended(kind, key))


async def _announce(tx: Transaction, topic: str) -> None:
    """Tell all listeners when the transaction commits; one that is rolled back tells nothing."""
    await tx.execute("SELECT pg_catalog.pg_notify(%s, %s)", (CHANNEL, topic))


@dataclass(frozen=True, slots=True)
class Heard:
    """Topics announced since the last look; `missed` says that there may have been others."""

    topics: frozenset[str]
    missed: bool


class Watch:
    """One listener's view of some topics: a set of what was announced, so a slow one holds no queue."""

    def __init__(self) -> None:
        """Start with nothing heard."""
        self._topics: set[str] = set()
        self._missed = False
        self._news = asyncio.Event()

    async def heard(self) -> Heard:
        """Wait for news; what came together is told together."""
        await self._news.wait()
        self._news.clear()
        told, self._topics = frozenset(self._topics), set()
        missed, self._missed = self._missed, False
        return Heard(told, missed)

    def tell(self, topic: str | None) -> None:
        """Note a topic, or (None) that some may have been missed."""
        if topic is None:
            self._missed = True
        else:
            self._topics.add(topic)
        self._news.set()


class Announcements:
    """What one process hears, over one connection; `watch` topics while it runs."""

    def __init__(self, database: Database) -> None:
        """Prepare to listen to `database`."""
        self._database = database
        self._watches: defaultdict[str, set[Watch]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen, and go on until `close`, whatever becomes of the connection."""
        self._task = asyncio.create_task(self._listen_again_and_again())

    async def close(self) -> None:
        """Stop listening."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    @contextmanager
    def watch(self, *topics: str) -> Iterator[Watch]:
        """Watch some topics; what is announced from here on is heard."""
        watch = Watch()
        for topic in topics:
            self._watches[topic].add(watch)
        try:
            yield watch
        finally:
            for topic in topics:
                self._watches[topic].discard(watch)
                if not self._watches[topic]:
                    del self._watches[topic]

    async def _listen_again_and_again(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                async with await self._connect() as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    pause = FIRST_PAUSE_SECONDS
                    self.tell_missed()
                    await self._listen(connection)
            except (psycopg.Error, OSError) as error:
                _log.warning("announcements are not heard, listening again: %s", cause(error))
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _connect(self) -> psycopg.AsyncConnection[tuple[object, ...]]:
        """Connect as the role that looks parties up; listening itself needs no right."""
        return await psycopg.AsyncConnection.connect(
            self._database.address.login_conninfo(DIRECTORY.login),
            autocommit=True,
            options=f"{SESSION_OPTIONS} -c role={DIRECTORY.role}",
            connect_timeout=10,
        )

    async def _listen(self, connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        """Tell what is announced until the connection is lost, which a question in silence finds out."""
        while True:
            async for notification in connection.notifies(timeout=PING_SECONDS):
                self.tell(notification.payload)
            async with asyncio.timeout(PING_SECONDS):
                await connection.execute("SELECT")

    def tell(self, topic: str) -> None:
        """Tell who watches a topic that it was announced."""
        for watch in tuple(self._watches.get(topic, ())):
            watch.tell(topic)

    def tell_missed(self) -> None:
        """Tell everybody that something may have been missed."""
        for watch in {watch for watches in self._watches.values() for watch in watches}:
            watch.tell(None)
