"""The way to the database: pools per login role, and transactions that carry the caller's scope.

A transaction opens with one statement that takes on the business role and sets what row-level security
compares with; all of it ends with the transaction. Without a scope nothing is sent at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import dict_row, tuple_row
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from app.access.scope import Scope
from app.config import Settings
from app.errors import DatabaseUnreachable, NotGranted, ScopeMissing
from app.store.address import Address, cause
from app.store.embedded import EmbeddedServer
from app.store.external import external_address

Parameters = Mapping[str, Any] | Sequence[Any] | None
Driver = psycopg.AsyncConnection[tuple[Any, ...]]

SESSION_OPTIONS = (
    "-c search_path=queue -c timezone=UTC -c jit=off -c random_page_cost=1.1 "
    "-c max_parallel_workers_per_gather=0"
)
"""Only Procrastinate names no schema. A page out of order costs little on what data lie on today; with the
server's own guess, a thousand series would be looked up by reading all there are. Starting helpers takes
longer than most statements do, and what a statement reads goes through one process in the end."""
OUTSIDE_LOGINS = ("concord_supplier", "concord_customer")
_UNNAMED = (
    "SELECT audit.note('write', 'unnamed', NULL, NULL, NULL, NULL, 1, '{}') "
    "WHERE pg_catalog.pg_current_xact_id_if_assigned() IS NOT NULL"
)
POOL_SIZE = 5
POOL_OVERFLOW = 15


@dataclass(slots=True)
class Transaction:
    """An open transaction in its caller's role; `statements` counts what was sent, binding included."""

    connection: AsyncConnection
    driver: Driver
    scope: Scope
    statements: int = field(default=0)
    measures: set[str] = field(default_factory=set)
    """Measures of which figures were read; policies may want reads of some on record."""
    on_record: bool = field(default=False)
    """Whether an audit event tells what this transaction does, or nothing needs to (see app.store.audit)."""

    async def fetch(self, sql: str, parameters: Parameters = None) -> list[dict[str, Any]]:
        """Run one statement; return its rows as dictionaries."""
        self.statements += 1
        async with self.driver.cursor(row_factory=dict_row, binary=True) as cursor:
            await cursor.execute(sql, parameters)
            return await cursor.fetchall()

    async def fetch_one(self, sql: str, parameters: Parameters = None) -> dict[str, Any] | None:
        """Run one statement; return its first row, or None."""
        rows = await self.fetch(sql, parameters)
        return rows[0] if rows else None

    async def fetch_rows(self, sql: str, parameters: Parameters = None) -> list[tuple[Any, ...]]:
        """Run one statement; return its rows as tuples (for many rows)."""
        self.statements += 1
        async with self.driver.cursor(row_factory=tuple_row, binary=True) as cursor:
            await cursor.execute(sql, parameters)
            return await cursor.fetchall()

    async def fetch_value(self, sql: str, parameters: Parameters = None) -> Any:
        """Run one statement; return the first column of its first row, or None."""
        rows = await self.fetch_rows(sql, parameters)
        return rows[0][0] if rows else None

    async def execute(self, sql: str, parameters: Parameters = None) -> int:
        """Run one statement without a result; return the number of rows touched."""
        self.statements += 1
        async with self.driver.cursor() as cursor:
            await cursor.execute(sql, parameters)
            return cursor.rowcount


class Database:
    """Pools over one database. Open it once per process and event loop, and close it."""

    def __init__(self, address: Address, server: EmbeddedServer | None = None) -> None:
        """Take over `address`; `server` is released on close."""
        self.address = address
        self._server = server
        self._engines: dict[str, AsyncEngine] = {}

    @classmethod
    async def open(cls, settings: Settings) -> Database:
        """Reach the database of these settings, starting or joining the embedded server if none is named."""
        if settings.database_url is not None:
            return cls(await asyncio.to_thread(external_address, settings))
        server = EmbeddedServer(settings.home)
        return cls(await asyncio.to_thread(server.acquire), server)

    async def close(self) -> None:
        """Close all connections; the embedded server stops if nobody else uses it."""
        engines, self._engines = list(self._engines.values()), {}
        for engine in engines:
            await engine.dispose()
        if self._server is not None:
            await asyncio.to_thread(self._server.release)
            self._server = None

    @asynccontextmanager
    async def read(self, scope: Scope) -> AsyncIterator[Transaction]:
        """Open one read-only transaction that sees the database as of its first statement."""
        async with self._transaction(scope, psycopg.IsolationLevel.REPEATABLE_READ, read_only=True) as opened:
            yield opened

    @asynccontextmanager
    async def write(self, scope: Scope) -> AsyncIterator[Transaction]:
        """Open one transaction that commits when its block ends well, and else leaves nothing behind.

        One that has changed something is on record when it commits: under a name of its own if its service
        gave it one (app.store.audit), else as `unnamed`.
        """
        async with self._transaction(scope, psycopg.IsolationLevel.READ_COMMITTED, read_only=False) as opened:
            yield opened
            await _leave_trace(opened)

    @asynccontextmanager
    async def _transaction(
        self, scope: Scope, isolation: psycopg.IsolationLevel, *, read_only: bool
    ) -> AsyncIterator[Transaction]:
        if not isinstance(scope, Scope) or not scope.role:
            raise ScopeMissing
        try:
            async with self._connected(scope) as connection, connection.begin():
                driver = await _driver(connection)
                await driver.set_isolation_level(isolation)
                await driver.set_read_only(read_only)
                opened = Transaction(connection, driver, scope)
                await _bind(opened)
                yield opened
        except psycopg.errors.InsufficientPrivilege as error:
            raise NotGranted from error
        except (OperationalError, InterfaceError) as error:  # the connection was lost, or never made
            raise DatabaseUnreachable(reason=cause(error)) from error

    @asynccontextmanager
    async def _connected(self, scope: Scope) -> AsyncIterator[AsyncConnection]:
        """Take a living connection of the scope's login role; one that died in the pool is replaced."""
        try:
            connection = await self._engine(scope.login).connect()
        except (OperationalError, InterfaceError) as error:
            await self._revive(error)
            connection = await self._engine(scope.login).connect()
        try:
            yield connection
        finally:
            await connection.close()

    async def _revive(self, error: Exception) -> None:
        """Start an embedded server that died again; an external one that does not answer is an error."""
        if self._server is None:
            raise DatabaseUnreachable(reason=cause(error)) from None
        self.address = await asyncio.to_thread(self._server.revive)
        engines, self._engines = list(self._engines.values()), {}
        for engine in engines:
            await engine.dispose()

    def _engine(self, login: str) -> AsyncEngine:
        """Return the pool of a login role, made on first use."""
        if login not in self._engines:
            parameters = {**self.address.login_parameters(login), "options": SESSION_OPTIONS}
            self._engines[login] = create_async_engine(
                "postgresql+psycopg://",
                connect_args=parameters,
                pool_size=POOL_SIZE,
                max_overflow=POOL_OVERFLOW,
                pool_pre_ping=True,
            )
        return self._engines[login]


async def _driver(connection: AsyncConnection) -> Driver:
    """Return psycopg's own connection under SQLAlchemy's."""
    raw = await connection.get_raw_connection()
    driver = raw.driver_connection
    if not isinstance(driver, psycopg.AsyncConnection):
        raise TypeError("the pool holds something else than psycopg connections")
    return driver


async def _leave_trace(transaction: Transaction) -> None:
    """Put on record that something was changed, where nothing yet tells what; reads and no-ops leave nothing.

    A party's role changes its inbox alone, and a trigger there keeps the record.
    """
    if not transaction.on_record and transaction.scope.login not in OUTSIDE_LOGINS:
        await transaction.execute(_UNNAMED)


async def _bind(transaction: Transaction) -> None:
    """Take on role and settings of the scope, in one statement, until the transaction ends."""
    wanted = {"role": transaction.scope.role, **transaction.scope.settings}
    calls = ", ".join("pg_catalog.set_config(%s, %s, true)" for _ in wanted)
    await transaction.execute(f"SELECT {calls}", [part for pair in wanted.items() for part in pair])
