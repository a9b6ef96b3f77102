"""The acts of the web login: logging in, being refused, logging out; each in one transaction, on record."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from app.access import IDENTITY
from app.auth import Principal
from app.auth.web import LiveSession, Renewal, Started
from app.store import web_sessions
from app.store.announcements import announce_ended
from app.store.audit import Event, Who, bookkeeping, network, record
from app.store.database import Database, Transaction
from app.store.directory import bind
from app.store.refusals import Refusals


class StoredSessions:
    """Keeps logins and sessions in the database, for all processes (`app.auth.web.SessionKeeper`)."""

    def __init__(self, database: Callable[[], Database], refusals: Refusals) -> None:
        """Take what returns the open database, and where refusals go."""
        self._database = database
        self._refusals = refusals

    async def begin_login(self, key: str, sealed: bytes, seconds: int) -> None:
        """Keep a login that was begun for a while."""
        async with self._database().write(IDENTITY) as tx:
            await web_sessions.add_login(tx, key, sealed, seconds)
            bookkeeping(tx, "login under way")

    async def take_login(self, key: str) -> bytes | None:
        """Return a login that was begun, once."""
        async with self._database().write(IDENTITY) as tx:
            bookkeeping(tx, "login under way")
            return await web_sessions.take_login(tx, key)

    async def log_in(self, started: Started) -> None:
        """Begin a session, and end the one before in that browser; raises PartyRefused without access."""
        await bind(self._database(), started.principal)
        who = _who(started.principal, started.origin)
        async with self._database().write(IDENTITY) as tx:
            if started.replaces is not None:
                await _end(tx, started.replaces)
            await web_sessions.add_session(
                tx,
                started.key,
                provider=started.provider,
                subject=started.principal.subject,
                sealed=started.sealed,
                idle=started.lifetime.idle,
                absolute=started.lifetime.absolute,
            )
            await record(tx, Event("login", "web.login", started.provider, who=who))

    async def refuse_login(self, provider: str, reason: str, origin: str) -> None:
        """Put on record that somebody did not get in."""
        await self._refusals.note("web.refused", f"{provider}: {reason}", Who(origin=network(origin)))

    async def find(self, key: str) -> LiveSession | None:
        """Return a session that lives, and note that it is used."""
        async with self._database().read(IDENTITY) as tx:
            row = await web_sessions.find_session(tx, key)
        if row is None:
            return None
        if row.unseen:
            async with self._database().write(IDENTITY) as tx:
                await web_sessions.touch_session(tx, key)
                bookkeeping(tx, "use of a session")
        return LiveSession(row.provider, row.subject, row.sealed)

    @asynccontextmanager
    async def renewing(self, key: str) -> AsyncIterator[Renewal | None]:
        """Hold a session for renewal, None where it lives no longer."""
        async with self._database().write(IDENTITY) as tx:
            row = await web_sessions.find_session(tx, key, lock=True)
            yield None if row is None else _Renewal(tx, key, row.sealed)
            bookkeeping(tx, "use of a session")

    async def log_out(self, key: str, principal: Principal | None, reason: str, origin: str) -> None:
        """End a session, and the streams that it opened; nothing where it has ended already."""
        async with self._database().write(IDENTITY) as tx:
            subject = await _end(tx, key)
            if subject is not None:
                who = _who(principal, origin) if principal else Who(subject, origin=network(origin))
                await record(tx, Event("login", "web.logout", detail={"reason": reason}, who=who))


class _Renewal:
    """A session held by a transaction."""

    def __init__(self, tx: Transaction, key: str, sealed: bytes) -> None:
        self._tx = tx
        self._key = key
        self._sealed = sealed

    @property
    def sealed(self) -> bytes:
        """Its tokens under seal, as they are now."""
        return self._sealed

    async def keep(self, sealed: bytes) -> None:
        """Put new ones in their place."""
        await web_sessions.reseal_session(self._tx, self._key, sealed)


async def _end(tx: Transaction, key: str) -> str | None:
    """End a session if it lives; return whose it was."""
    subject = await web_sessions.end_session(tx, key)
    if subject is not None:
        await announce_ended(tx, "session", key)
    return subject


def _who(principal: Principal, origin: str) -> Who:
    return Who(principal.subject, principal.role, principal.audience, principal.party, network(origin))
