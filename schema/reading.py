"""One operation, one read-only transaction: every field of a query sees the same state of the database.

The transaction is opened by the first field that reads and closed when the operation has been executed. A
connection serves one statement at a time, so resolvers that run side by side take turns.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from strawberry.extensions import SchemaExtension

from app.access import Scope
from app.errors import ConcordError
from app.store.database import Database, Transaction


class Reading:
    """The read-only transaction of the operation now running, if one has been opened."""

    def __init__(self) -> None:
        """Start without a transaction."""
        self._turn = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._transaction: Transaction | None = None
        self.statements = 0
        """Statements sent by transactions already closed, binding included."""
        self.measures: set[str] = set()
        """Measures of which they read figures."""

    @asynccontextmanager
    async def turn(self, database: Database, scope: Scope) -> AsyncIterator[Transaction]:
        """Yield the transaction to one reader at a time.

        An answer that is an error leaves it open. Any other failure ends it, and the next reader opens anew.
        """
        async with self._turn:
            if self._transaction is None:
                self._transaction = await self._stack.enter_async_context(database.read(scope))
            try:
                yield self._transaction
            except ConcordError:
                raise
            except BaseException as failure:
                await self._close(failure)
                raise

    async def end(self) -> None:
        """Close the transaction; a later turn opens another."""
        async with self._turn:
            await self._close()

    async def _close(self, failure: BaseException | None = None) -> None:
        """Close the transaction; it gets to see what it failed with, and may say it in its own words."""
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            self.statements += transaction.statements
            self.measures |= transaction.measures
            seen = (None, None, None) if failure is None else (type(failure), failure, failure.__traceback__)
            await self._stack.__aexit__(*seen)


class EndReading(SchemaExtension):
    """Closes the operation's transaction when it has been executed, however that ended."""

    async def on_execute(self) -> AsyncIterator[None]:
        """Run the operation, then close."""
        try:
            yield
        finally:
            await end_reading(self.execution_context.context)


async def end_reading(context: Any) -> None:
    """Close what the context has opened, and put on record what of it was sensitive."""
    reading = getattr(context, "reading", None)
    if isinstance(reading, Reading):
        await reading.end()
        await context.note_reads()
