"""Noninterference of streams: what is published to others changes no byte of what a party is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.access import HOST
from app.auth import issue_token
from app.config import Settings
from app.main import create_app
from app.store import releases
from app.store.branches import head
from app.store.database import Database
from app.store.versions import seal
from tests.isolation.worlds import CUSTOMERS, INTERNAL, SUPPLIERS, Places, Who, over_http, pair_for
from tests.outside import PLAN, head_of, projection, release, result
from tests.sockets import Closed, Socket, in_app, over_network

STREAMS = {
    "internal": """subscription { told: planPublished { version { name kind publishedBy } plan { planDate
      forecast: series(measure: salesForecast) { nodes { itemCode customerCode values } }
      cost: series(measure: contributionMargin) { nodes { itemCode values } } } } }""",
    "supplier": """subscription { told: projectionPublished(after: 0) { release { id number kind planDate }
      purchaseProjections { nodes { id supplier item ownItem unit quantities changes } } } }""",
    "customer": """subscription { told: supplyAnswered(after: 0) { release { id number kind planDate }
      supplyAnswers { nodes { id customer item ownItem requested confirmed reasons } } } }""",
}
READERS = tuple(who for who in INTERNAL if who.role != "administrator")
SALES = next(who for who in INTERNAL if who.role == "sales" and who.party == "D-EU")
Open = Callable[[Settings], Any]


@asynccontextmanager
async def in_this_process(settings: Settings) -> AsyncIterator[Socket]:
    """Open a socket without a network."""
    app = create_app(settings)
    async with app.router.lifespan_context(app), in_app(app) as socket:
        yield socket


@asynccontextmanager
async def on_a_server(settings: Settings) -> AsyncIterator[Socket]:
    """Open a socket of a server on this machine."""
    async with over_http(settings) as server, over_network(str(server.http.base_url).rstrip("/")) as socket:
        yield socket


async def frames(socket: Socket) -> list[object]:
    """Return every message there is, until none has come for a while."""
    found: list[object] = []
    while True:
        try:
            message = await socket.receive(0.8)
        except TimeoutError:
            return found
        found.append(message)
        if isinstance(message, Closed):
            return found


def without_strays(places: Places, settings: Settings) -> None:
    """Remove hidden lines of releases that are not there: they would be in the way of the next release."""
    with places.administrator(settings) as connection:
        connection.execute("SET session_replication_role = replica")
        for table in releases.TABLES.values():
            connection.execute(
                f"DELETE FROM outside.{table} l WHERE NOT EXISTS (SELECT FROM outside.release r "
                "WHERE r.party_id = l.party_id AND r.ordinal = l.ordinal)".encode()
            )


async def publish(settings: Settings, kind: str) -> None:
    """Release another plan to everybody; it differs from the last one in what V2 is to deliver."""
    database = await Database.open(settings)
    try:
        plan = {**PLAN, projection("RIM", "V2"): [7.0] * 8}
        await release(database, await result(database, await head_of(database), "9", plan), kind)
    finally:
        await database.close()


async def seal_main(settings: Settings) -> None:
    """Publish what main shows; departments are told of it, each as far as it reads."""
    database = await Database.open(settings)
    try:
        async with database.write(HOST) as tx:
            await seal(tx, await head(tx), "later", "final", by="planner")
    finally:
        await database.close()


async def told(who: Who, settings: Settings, open_socket: Open, *, to_others: bool) -> list[object]:
    """Return what a party is told: of the releases so far, then while a draft goes `to_others`."""
    async with open_socket(settings) as socket:
        await socket.open(issue_token(settings, who.audience, who.role, who.party))
        await socket.subscribe(STREAMS[who.audience])
        found = await frames(socket)
        if who.audience == "internal":
            await seal_main(settings)
        elif to_others:
            await publish(settings, "draft")
        return [*found, *await frames(socket)]


def compare(who: Who, places: Places, open_socket: Open, seed: int = 3) -> tuple[list[object], list[object]]:
    """Return what both servers of a pair tell; at the second one suppliers get a draft meanwhile."""

    async def run() -> tuple[list[object], list[object]]:
        async with pair_for(who, places, seed) as (one, other):
            draft = who.audience == "customer"
            without_strays(places, other)
            return (
                await told(who, one, open_socket, to_others=False),
                await told(who, other, open_socket, to_others=draft),
            )

    return asyncio.run(run())


@pytest.mark.parametrize("who", [SUPPLIERS[0], CUSTOMERS[0], SALES], ids=str)
def test_what_others_are_released_changes_no_message(who: Who, places: Places) -> None:
    one, other = compare(who, places, in_this_process)
    assert len(one) >= (1 if who.audience == "internal" else 2)
    assert one == other


@pytest.mark.slow
@pytest.mark.parametrize("who", [*SUPPLIERS, *CUSTOMERS, *READERS], ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_over_a_network(who: Who, places: Places, seed: int) -> None:
    one, other = compare(who, places, on_a_server, seed)
    assert len(one) >= (1 if who.audience == "internal" else 2)
    assert one == other


async def without_scope(tx: Any, party_id: int, audience: str, number: int, *, limit: int) -> Any:
    """The mutant: releases after a number, to whomever."""
    del party_id, audience
    columns = releases.HEAD
    rows = await tx.fetch(
        f"SELECT {columns} FROM outside.release WHERE ordinal > %s ORDER BY ordinal, party_id LIMIT %s",
        (number, limit),
    )
    return [releases.Release(**releases._typed(row)) for row in rows]


def test_a_subscription_without_scope_is_caught(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both guards off: the statement forgets the party, and row security lets every release through."""
    monkeypatch.setattr("app.services.parties.reading.releases_after", without_scope)
    who = CUSTOMERS[0]

    async def run() -> tuple[list[object], list[object]]:
        async with pair_for(who, places, 3) as pair:
            for settings in pair:
                with places.administrator(settings) as connection:
                    connection.execute(f"ALTER POLICY read_{who.role} ON outside.release USING (true)")
            one, other = [await told(who, settings, in_this_process, to_others=False) for settings in pair]
            return one, other

    one, other = asyncio.run(run())
    assert one != other


def test_row_security_alone_holds_a_stream_that_forgets_the_party(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.parties.reading.releases_after", without_scope)
    one, other = compare(CUSTOMERS[0], places, in_this_process)
    assert one == other
