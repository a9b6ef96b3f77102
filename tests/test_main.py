"""The application as it is served: the real graphs over a real database."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx2 as httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from app import main
from app.auth import issue_token
from app.config import Settings
from app.errors import DatabaseNotMigrated, StoreError
from app.main import SECURITY_HEADERS, Server, create_app
from app.store.database import Database
from tests.sockets import over_network


@pytest.fixture
async def running(settings: Settings) -> AsyncIterator[tuple[Starlette, httpx.AsyncClient]]:
    """The application within its lifespan, and a client of it."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://concord.test") as client:
            yield app, client


async def graphql(client: httpx.AsyncClient, token: str, query: str) -> httpx.Response:
    return await client.post("/graphql", json={"query": query}, headers={"Authorization": f"Bearer {token}"})


async def test_health_and_readiness(running: tuple[Starlette, httpx.AsyncClient]) -> None:
    _, client = running
    for path in ("/healthz", "/readyz"):
        response = await client.get(path)
        assert (response.status_code, response.json()) == (200, {"status": "ok"})
        for name, value in SECURITY_HEADERS.items():
            assert response.headers[name] == value


async def test_readiness_tells_that_the_database_is_gone_and_not_where_it_was(
    running: tuple[Starlette, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreError(reason="secret-host refused")

    monkeypatch.setattr(Database, "read", fail)
    _, client = running
    response = await client.get("/readyz")
    assert (response.status_code, response.json()) == (503, {"status": "unavailable", "code": "STORE_ERROR"})
    assert (await client.get("/healthz")).status_code == 200


async def test_a_planner_of_the_host_reads_its_own_graph(
    running: tuple[Starlette, httpx.AsyncClient], settings: Settings
) -> None:
    _, client = running
    token = issue_token(settings, "internal", "planner")
    response = await graphql(client, token, "{ viewer { role } items { nodes { code } } }")
    assert response.status_code == 200
    assert response.json()["data"]["viewer"] == {"role": "planner"}


@pytest.mark.parametrize(
    ("audience", "role", "party"),
    [
        ("supplier", "supplier_planner", "NOBODY"),
        ("customer", "customer_planner", "NOBODY"),
        ("internal", "nobody", None),
        ("internal", "supplier_planner", None),
        ("supplier", "planner", "NOBODY"),
    ],
)
async def test_whom_the_policies_grant_nothing_is_refused(
    running: tuple[Starlette, httpx.AsyncClient],
    settings: Settings,
    audience: str,
    role: str,
    party: str | None,
) -> None:
    _, client = running
    response = await graphql(client, issue_token(settings, audience, role, party), "{ viewer { role } }")
    answer = response.json()
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["PARTY_REFUSED"]
    assert answer["data"] is None


async def test_without_a_token_there_is_no_role(running: tuple[Starlette, httpx.AsyncClient]) -> None:
    _, client = running
    response = await client.post("/graphql", json={"query": "{ viewer { role } }"})
    assert response.status_code == 401
    assert response.headers["cache-control"] == "no-store"


async def test_the_database_is_closed_with_the_application(settings: Settings) -> None:
    server = Server(settings)
    app = Starlette()
    async with server.lifespan(app):
        assert server.database
    with pytest.raises(StoreError):
        assert server.database


async def test_a_database_of_another_revision_is_refused_and_closed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_: Database) -> None:
        raise DatabaseNotMigrated(found="none", expected="0001")

    closed: list[Database] = []

    async def close(self: Database) -> None:
        closed.append(self)

    monkeypatch.setattr(main, "check_current", refuse)
    monkeypatch.setattr(Database, "close", close)
    server = Server(settings)
    with pytest.raises(DatabaseNotMigrated):
        async with server.lifespan(Starlette()):
            pytest.fail("served")
    assert len(closed) == 1


RAW = {
    "null": b"null",
    "gzip magic": b"\x1f\x8b\x08\x00",
    "not UTF-8": b"\xff\xfe",
    "deep": b"[" * 100_000,
}


async def test_over_a_real_socket(settings: Settings) -> None:
    """The server, its keep-alive and its refusals as the network sees them."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(settings), log_level="warning", ws="websockets-sansio"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        for _ in range(200):
            if server.started:
                break
            await asyncio.sleep(0.05)
        token = issue_token(settings, "internal", "planner")
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
            for name, body in RAW.items():
                response = await client.post("/graphql", content=body, headers=headers)
                assert response.status_code == 400, name
                assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
            big = await client.post("/graphql", content=b" " * (settings.max_body_bytes + 1), headers=headers)
            assert big.status_code == 413
            async with over_network(address) as client_socket:
                await client_socket.open(token)
                await client_socket.subscribe("{ viewer { role } }")
                assert await client_socket.next() == {"viewer": {"role": "planner"}}
            good = await client.post("/graphql", json={"query": "{ viewer { role } }"}, headers=headers)
            assert good.json() == {"data": {"viewer": {"role": "planner"}}}
    finally:
        server.should_exit = True
        await serving
        listening.close()
