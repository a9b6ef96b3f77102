"""Two server processes over one database, and a third that acts: streams, suspension, revocation, the end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2 as httpx
import psycopg
import pytest

from app.auth import issue_token
from app.cli.session import operator
from app.config import Settings
from app.services.identity.clients import register_client, revoke_client
from app.services.suspending import reinstate, suspend
from app.store.database import Database
from tests.outside import PLAN, head_of, plant, release, result
from tests.sockets import Closed, Socket, over_network

ROOT = Path(__file__).parents[1]
PUBLIC = "http://127.0.0.1:1"
PROJECTIONS = "subscription ($after: Int) { projectionPublished(after: $after) { release { number } } }"
RELEASES = "{ releases { nodes { number } } }"
SUSPEND = """mutation ($party: String!) { partySuspend(input: {party: $party, reason: "tried"}) {
  party changed userErrors { code } } }"""
REINSTATE = """mutation ($party: String!) { partyReinstate(input: {party: $party}) {
  party changed userErrors { code } } }"""
ENDED = Closed(4403, "ACCESS_ENDED: the session, token, client or party was ended")
WITHIN_SECONDS = 5.0


@dataclass(frozen=True)
class Process:
    """A server process."""

    popen: subprocess.Popen[bytes]
    address: str

    @asynccontextmanager
    async def stream(self, token: str, **variables: object) -> AsyncIterator[Socket]:
        """Open a socket with one stream of releases that has begun."""
        async with over_network(self.address) as opened:
            await opened.open(token)
            await opened.subscribe(PROJECTIONS, **variables)
            await opened.subscribe("{ viewer { role } }", "begun")
            await opened.next()
            await opened.receive()
            await asyncio.sleep(0.3)
            yield opened

    async def ask(self, token: str, query: str, **variables: object) -> dict[str, Any]:
        """Send a document over HTTP."""
        async with httpx.AsyncClient(base_url=self.address, trust_env=False, timeout=30) as http:
            response = await http.post(
                "/graphql",
                json={"query": query, "variables": variables},
                headers={"Authorization": f"Bearer {token}"},
            )
            answer: dict[str, Any] = response.json()
            return answer


@pytest.fixture(scope="module")
def settings(module_settings: Settings) -> Settings:
    """Settings of both servers and of these tests, over a company that was released one plan."""
    settings = module_settings.model_copy(update={"public_url": PUBLIC})

    async def found() -> None:
        async with opened(settings) as database:
            await release(database, await result(database, await plant(database), "1"))

    asyncio.run(found())
    return settings


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """Open the database as this process, the third."""
    database = await Database.open(settings)
    try:
        yield database
    finally:
        await database.close()


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(settings: Settings) -> Process:
    """Start a server and wait until it answers."""
    assert settings.database_url is not None
    port = free_port()
    environment = {
        **os.environ,
        "CONCORD_HOME": str(settings.home),
        "CONCORD_DATABASE_URL": settings.database_url.get_secret_value(),
        "CONCORD_PUBLIC_URL": PUBLIC,
        "CONCORD_LOG_LEVEL": "warning",
    }
    command = [sys.executable, "-m", "app", "serve", "--port", str(port), "--no-plan-worker"]
    process = Process(subprocess.Popen(command, cwd=ROOT, env=environment), f"http://127.0.0.1:{port}")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{process.address}/readyz", trust_env=False).status_code == 200:
                return process
        except httpx.TransportError:
            time.sleep(0.1)
    process.popen.kill()
    raise AssertionError("the server did not start")


def stop(process: Process) -> int:
    """End a server as an operator does."""
    process.popen.send_signal(signal.SIGTERM)
    return process.popen.wait(30)


@pytest.fixture(scope="module")
def two(settings: Settings) -> Iterator[tuple[Process, Process]]:
    """Two servers over one database."""
    processes = start(settings), start(settings)
    try:
        yield processes
    finally:
        for process in processes:
            stop(process)


def token(settings: Settings, audience: str, party: str, role: str | None = None) -> str:
    """A token of a party."""
    return issue_token(settings, audience, role or f"{audience}_planner", party)


async def publish(settings: Settings, name: str) -> None:
    """Release a plan to everybody, from this process."""
    async with opened(settings) as database:
        await release(database, await result(database, await head_of(database), name, PLAN))


async def count(process: Process, bearer: str) -> int:
    """Return how many releases a supplier reads."""
    answer = await process.ask(bearer, RELEASES)
    return len(answer["data"]["releases"]["nodes"])


async def test_a_release_is_told_by_every_process(settings: Settings, two: tuple[Process, Process]) -> None:
    pv1, pv2 = token(settings, "supplier", "PV1"), token(settings, "supplier", "PV2")
    known = await count(two[0], pv1)
    async with AsyncExitStack() as stack:
        streams = [
            await stack.enter_async_context(process.stream(bearer))
            for process in two
            for bearer in (pv1, pv2)
        ]
        began = time.monotonic()
        await publish(settings, "told")
        told = [(await each.next())["projectionPublished"]["release"]["number"] for each in streams]
        assert told == [known + 1] * 4
        assert time.monotonic() - began < WITHIN_SECONDS


async def test_a_suspended_party_is_out_everywhere_at_once_and_loses_nothing(
    settings: Settings, two: tuple[Process, Process]
) -> None:
    admin = token(settings, "internal", "PLAN", "administrator")
    pv1, pv2 = token(settings, "supplier", "PV1"), token(settings, "supplier", "PV2")
    known = await count(two[1], pv1)
    async with AsyncExitStack() as stack:
        mine = [await stack.enter_async_context(process.stream(pv1)) for process in two]
        other = await stack.enter_async_context(two[1].stream(pv2))
        answer = await two[0].ask(admin, SUSPEND, party="PV1")
        assert answer["data"]["partySuspend"] == {"party": "PV1", "changed": True, "userErrors": []}
        for process in two:
            refused = await process.ask(pv1, RELEASES)
            assert refused["errors"][0]["extensions"]["code"] == "PARTY_REFUSED", refused
        for stream in mine:
            assert await stream.end(WITHIN_SECONDS) == ENDED
        async with over_network(two[1].address) as again:
            await again.send({"type": "connection_init", "payload": {"Authorization": f"Bearer {pv1}"}})
            closed = await again.end()
            assert (closed.code, closed.reason[:14]) == (4403, "PARTY_REFUSED:")
        assert (await two[1].ask(admin, SUSPEND, party="PV1"))["data"]["partySuspend"]["changed"] is False
        await publish(settings, "while suspended")
        assert "projectionPublished" in await other.next()
        assert (await two[1].ask(admin, REINSTATE, party="PV1"))["data"]["partyReinstate"]["changed"] is True
        async with two[0].stream(pv1) as back:
            assert await back.silent()
        assert await count(two[0], pv1) == known + 1


async def test_an_administrator_suspends_known_parties_and_not_its_own(
    settings: Settings, two: tuple[Process, Process]
) -> None:
    admin = token(settings, "internal", "PLAN", "administrator")
    for party, code in (("NOBODY", "UNKNOWN_KEY"), ("PLAN", "CONFLICT")):
        answer = (await two[0].ask(admin, SUSPEND, party=party))["data"]["partySuspend"]
        assert (answer["party"], [error["code"] for error in answer["userErrors"]]) == (None, [code])
    planner = token(settings, "internal", "PLAN", "planner")
    refused = await two[0].ask(planner, SUSPEND, party="PV2")
    assert "FORBIDDEN" in str(refused)
    assert await count(two[0], token(settings, "supplier", "PV2")) > 0


async def test_the_command_line_suspends_too(settings: Settings, two: tuple[Process, Process]) -> None:
    pb = token(settings, "customer", "PB")
    async with opened(settings) as database:
        assert await suspend(database, operator(), "PB", reason="tried")
        assert "PARTY_REFUSED" in str(await two[0].ask(pb, "{ viewer { party } }"))
        assert "PARTY_REFUSED" in str(await two[1].ask(token(settings, "supplier", "PB"), RELEASES))
        assert await reinstate(database, operator(), "PB")
    assert (await two[0].ask(pb, "{ viewer { party } }"))["data"]["viewer"] == {"party": "PB"}


async def test_a_revoked_client_loses_its_streams(settings: Settings, two: tuple[Process, Process]) -> None:
    async with opened(settings) as database:
        await register_client(
            database,
            "portal",
            audience="supplier",
            role="supplier_planner",
            party="PV2",
            ttl_seconds=None,
            public_key=None,
            by="test",
        )
        bearer = issue_token(
            settings,
            "supplier",
            "supplier_planner",
            "PV2",
            300,
            subject="client:portal",
            issuer=settings.issuer_url,
            client_id="portal",
        )
        async with two[0].stream(bearer) as one, two[1].stream(bearer) as other:
            await revoke_client(database, "portal", by="test")
            for stream in (one, other):
                assert await stream.end(WITHIN_SECONDS) == ENDED


async def test_a_lost_database_connection_is_taken_up_again(
    settings: Settings, two: tuple[Process, Process]
) -> None:
    pv2 = token(settings, "supplier", "PV2")
    known = await count(two[0], pv2)
    async with two[0].stream(pv2) as stream:
        assert settings.database_url is not None
        with psycopg.connect(settings.database_url.get_secret_value(), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        await publish(settings, "after a cut")
        told = (await stream.next())["projectionPublished"]["release"]["number"]
        assert told == known + 1


async def test_a_server_that_stops_says_so_and_goes(settings: Settings) -> None:
    process = start(settings)
    async with process.stream(token(settings, "supplier", "PV1")) as stream:
        began = time.monotonic()
        ended, status = await asyncio.gather(stream.end(), asyncio.to_thread(stop, process))
        assert ended.code == 1012
        assert status in (0, -signal.SIGTERM)
        assert time.monotonic() - began < 8
