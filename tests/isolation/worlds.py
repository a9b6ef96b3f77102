"""Pairs of databases, equal in what a principal is granted, and a server over each."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx2 as httpx
import psycopg
import uvicorn
from pydantic import SecretStr

from app.auth import issue_token
from app.config import Settings
from app.main import create_app
from app.store.address import Address
from app.store.branches import MAIN
from app.store.database import Database
from app.store.directory import bind
from tests.access.company import principal
from tests.access.oracle import Caller
from tests.isolation.companies import OWNED, found_inside, tell_parties
from tests.isolation.hiding import Row, hide

INSIDE = "isolation_inside"
_NAMES = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Who:
    """A principal, and the party whose requests come in between."""

    audience: str
    role: str
    party: str
    neighbour: tuple[str, str]

    def __str__(self) -> str:
        return f"{self.role}@{self.party}"


INTERNAL = tuple(
    Who("internal", role, party, ("finance" if role != "finance" else "planner", "D-HQ"))
    for role, party in (
        ("sales", "D-EU"),
        ("sales", "D-HQ"),
        ("operations", "D-EU"),
        ("procurement", "D-HQ"),
        ("finance", "D-HQ"),
        ("executive", "D-HQ"),
        ("planner", "D-HQ"),
        ("administrator", "D-HQ"),
    )
)
SUPPLIERS = (
    Who("supplier", "supplier_planner", "PV1", ("supplier_planner", "PV2")),
    Who("supplier", "supplier_viewer", "PV1", ("supplier_planner", "PV2")),
    Who("supplier", "supplier_planner", "PB", ("supplier_planner", "PV1")),
)
CUSTOMERS = (
    Who("customer", "customer_planner", "PC1", ("customer_planner", "PC2")),
    Who("customer", "customer_viewer", "PC2", ("customer_planner", "PC1")),
    Who("customer", "customer_planner", "PB", ("customer_planner", "PC1")),
)
EVERYBODY = (*INTERNAL, *SUPPLIERS, *CUSTOMERS)


@dataclass(frozen=True)
class Places:
    """Where worlds are made: the server, a home with keys and the secret of ids, databases to copy from."""

    address: Address
    settings: Settings
    empty: str

    def at(self, name: str) -> Settings:
        """Return the settings of a database."""
        url = self.address.of_database(name).admin_conninfo()
        return self.settings.model_copy(update={"database_url": SecretStr(url)})

    @contextmanager
    def copy(self, source: str) -> Iterator[Settings]:
        """Copy a database for a while."""
        name = f"isolation_{next(_NAMES)}"
        with psycopg.connect(self.address.admin_conninfo(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {source} STRATEGY FILE_COPY")
        try:
            yield self.at(name)
        finally:
            with psycopg.connect(self.address.admin_conninfo(), autocommit=True) as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    @contextmanager
    def administrator(self, settings: Settings) -> Iterator[psycopg.Connection[Any]]:
        """Connect as the administrator of a database."""
        assert settings.database_url is not None
        with psycopg.connect(settings.database_url.get_secret_value(), autocommit=True) as connection:
            yield connection


def make_places(address: Address, settings: Settings, template: str) -> Places:
    """Found the company that inside worlds are copied from; outside ones are founded in an empty copy."""
    places = Places(address, settings, template)
    with psycopg.connect(address.admin_conninfo(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {INSIDE} TEMPLATE {template} STRATEGY FILE_COPY")
    found_inside(places.at(INSIDE))
    return places


@asynccontextmanager
async def pair_for(who: Who, places: Places, seed: int) -> AsyncIterator[tuple[Settings, Settings]]:
    """Make D and D' for a principal: equal in all that the policies grant it, others' affairs differ."""
    random = Random(seed)
    source = INSIDE if who.audience == "internal" else places.empty
    with places.copy(source) as one, places.copy(source) as other:
        if who.audience != "internal":
            await tell_parties(one, who.party, who.audience, None)
            await tell_parties(other, who.party, who.audience, random)
        caller, holdings = await _caller(other, who)
        with places.administrator(other) as connection:
            changes = hide(connection, caller, random, keep=_kept_for(who))
        assert changes > 20, f"only {changes} changes behind the back of {who}"
        assert (await _caller(other, who))[1] == holdings, "the principal itself was changed"
        yield one, other


async def _caller(settings: Settings, who: Who) -> tuple[Caller, object]:
    database = await Database.open(settings)
    try:
        scope = await bind(database, principal(who.audience, who.role, who.party))
        return Caller(who.role, scope.settings), scope
    finally:
        await database.close()


def _kept_for(who: Who) -> Callable[[str, Row], bool]:
    """Return which rows stay as they are: those that say who the principal is, whoever may read them."""
    own = OWNED.get(who.party, frozenset()) | {who.party}

    def keep(table: str, row: Row) -> bool:
        if table == "plan.entity" or (table == "plan.branch" and row["name"] == MAIN):
            return True
        if table != "plan.entity_version":
            return False
        said = row["row"] or {}
        if row["kind"] == "assignment":
            return said.get("party") == who.party
        return row["kind"] in ("party", "supplier", "customer") and said.get(row["kind"]) in own

    return keep


@dataclass
class Server:
    """One of the two servers, reached over HTTP or in this process."""

    http: httpx.AsyncClient
    settings: Settings
    tokens: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def token(self, audience: str, role: str, party: str) -> str:
        """Return the token of a principal; both servers trust the same keys."""
        wanted = (audience, role, party)
        if wanted not in self.tokens:
            self.tokens[wanted] = issue_token(self.settings, audience, role, party)
        return self.tokens[wanted]


@asynccontextmanager
async def in_process(settings: Settings) -> AsyncIterator[Server]:
    """Serve without a network."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            yield Server(http, settings)


@asynccontextmanager
async def over_http(settings: Settings) -> AsyncIterator[Server]:
    """Serve on a free port of this machine."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(settings), log_level="warning", ws="websockets-sansio"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(0.005)
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with httpx.AsyncClient(base_url=address, timeout=60, trust_env=False) as http:
            yield Server(http, settings)
    finally:
        server.should_exit = True
        await serving
        listening.close()


Serve = Callable[[Settings], Any]


@asynccontextmanager
async def both(serve: Serve, settings: tuple[Settings, Settings]) -> AsyncIterator[tuple[Server, Server]]:
    """Serve both databases."""
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(serve(settings[0]))
        other = await stack.enter_async_context(serve(settings[1]))
        yield one, other
