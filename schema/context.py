"""What every resolver of a request finds in `info.context`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from app.access import Scope, from_origin
from app.auth import Principal
from app.config import Settings
from app.errors import StoreError
from app.services.audit import note_sensitive
from app.store.announcements import Announcements
from app.store.database import Database, Transaction
from schema.auditing import Caller
from schema.ids import IdCodec
from schema.reading import Reading

Bind = Callable[[Principal], Awaitable[Scope]]
"""Binds a principal to what the policies grant it now; raises an AccessError for who is granted nothing."""


@dataclass(slots=True)
class Context:
    """The request's principal, and what it may use; one per request or stream, never shared.

    Reads share the operation's one transaction, `async with context.read() as tx: …`; services
    that write take `database` and the scope, `await service(context.database, await context.scope(), …)`.
    """

    principal: Principal
    settings: Settings
    database: Database
    ids: IdCodec
    bind: Bind
    caller: Caller | None = None
    """From where the principal calls, and where its refusals go; None only in tests of single fields."""
    announcements: Announcements | None = None
    reading: Reading = field(default_factory=Reading, init=False)
    _binding: asyncio.Task[Scope] | None = field(default=None, init=False)

    async def scope(self) -> Scope:
        """Return the scope of the principal, bound once per request, when the first resolver asks for it."""
        if self._binding is None:
            self._binding = asyncio.ensure_future(self._bind())
        return await asyncio.shield(self._binding)

    @property
    def announcing(self) -> Announcements:
        """What this process hears; raises StoreError where nothing listens."""
        if self.announcements is None:
            raise StoreError(reason="no announcements are heard here")
        return self.announcements

    async def renew(self) -> None:
        """Forget transaction and scope: what a stream reads next is read as the policies grant it then."""
        await self.reading.end()
        self._binding = None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        """Take a turn on the operation's read-only transaction (see `schema.reading`)."""
        async with self.reading.turn(self.database, await self.scope()) as transaction:
            yield transaction

    async def refused(self, *errors: BaseException) -> None:
        """Put on record which of the errors are refusals."""
        if self.caller is not None:
            await self.caller.refused(*errors)

    async def note_reads(self) -> None:
        """Put on record which sensitive measures the operation has read, before its answer goes out."""
        measures, self.reading.measures = self.reading.measures, set()
        if measures:
            await note_sensitive(self.database, await self.scope(), measures)

    async def _bind(self) -> Scope:
        scope = await self.bind(self.principal)
        return scope if self.caller is None else from_origin(scope, self.caller.origin)
