"""graphql-transport-ws against whatever a client may do: right, wrong, too much, or nothing at all."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from starlette.applications import Starlette

from app.auth import issue_token
from app.config import Settings
from app.store.announcements import Announcements, ended
from tests.schema.asgi.conftest import LEFT, SECRET, make_app
from tests.sockets import AppLine, Closed, Socket, in_app

TokenFor = Callable[..., str]
PYTHON = ("Traceback", "Error:", "object at", "<class", "NoneType", SECRET)


def subscribe(payload: object, **others: object) -> dict[str, object]:
    return {"id": "1", "type": "subscribe", "payload": payload, **others}


async def test_queries_mutations_and_streams_run_side_by_side(app: Starlette, token_for: TokenFor) -> None:
    async with in_app(app) as socket:
        assert socket.subprotocol == "graphql-transport-ws"
        await socket.open(token_for("supplier"))
        await socket.subscribe("subscription { count(to: 2) }", "s")
        got = [await socket.receive() for _ in range(3)]
        assert got == [
            {"id": "s", "type": "next", "payload": {"data": {"count": 0}}},
            {"id": "s", "type": "next", "payload": {"data": {"count": 1}}},
            {"id": "s", "type": "complete"},
        ]
        await socket.subscribe("subscription { still }", "still")
        assert await socket.next() == {"still": 1}
        await socket.subscribe("{ viewer }", "q")
        assert await socket.next() == {"viewer": "supplier/P1/sales"}
        assert await socket.receive() == {"id": "q", "type": "complete"}
        await socket.subscribe("mutation { touch }", "q")
        assert await socket.next() == {"touch": True}
        assert await socket.receive() == {"id": "q", "type": "complete"}
        await socket.send({"type": "ping", "payload": {"x": 1}})
        assert await socket.receive() == {"type": "pong"}
        await socket.send({"id": "still", "type": "complete"})
        await socket.subscribe("{ viewer }", "still")
        assert await socket.next() == {"viewer": "supplier/P1/sales"}
    assert LEFT.pop() == "still"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ margin }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ viewr }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { count(to: 1) other: count(to: 1) }", "GRAPHQL_VALIDATION_FAILED"),
        ('subscription { count(to: "x") }', "GRAPHQL_VALIDATION_FAILED"),
        ("query A { viewer } query B { viewer }", "BAD_REQUEST"),
        ("fragment A on Query { viewer }", "BAD_REQUEST"),
        ("{ " + " ".join(f"a{n}: viewer" for n in range(61)) + " }", "LIMIT_EXCEEDED"),
        ("{ parts(first: 5000) { nodes { name } } }", "LIMIT_EXCEEDED"),
    ],
)
async def test_a_document_that_is_not_executed_is_an_error_of_its_operation(
    app: Starlette, token_for: TokenFor, query: str, code: str
) -> None:
    async with in_app(app) as socket:
        await socket.open(token_for("supplier"))
        await socket.subscribe(query)
        answer = await socket.receive()
        assert isinstance(answer, dict)
        assert (answer["type"], answer["id"]) == ("error", "1")
        (error,) = answer["payload"]
        assert error["extensions"]["code"] == code
        assert "Did you mean" not in error["message"]
        await socket.subscribe("{ viewer }")
        assert await socket.next() == {"viewer": "supplier/P1/sales"}


async def test_a_fault_of_ours_shows_a_reference_and_nothing_else(
    app: Starlette, token_for: TokenFor
) -> None:
    async with in_app(app) as socket:
        await socket.open(token_for())
        await socket.subscribe("subscription { breaking }", "s")
        assert await socket.next() == {"breaking": 1}
        failed = await socket.receive()
        await socket.subscribe("{ boom }", "q")
        other = await socket.receive()
    for answer in (failed, other):
        assert isinstance(answer, dict)
        assert "INTERNAL" in str(answer)
        assert SECRET not in str(answer)


DEEP = '{"type":"ping","payload":' + '{"a":' * 200 + "1" + "}" * 201


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("null", 4400),
        ("42", 4400),
        ('"connection_init"', 4400),
        ("[]", 4400),
        ("{", 4400),
        ("", 4400),
        ("9" * 5000, 4400),
        ("[" * 100_000, 4400),
        (DEEP, 4400),
        (b"\x00\xff", 4400),
        (b"{}", 4400),
        ({}, 4400),
        ({"type": None}, 4400),
        ({"type": ["ping"]}, 4400),
        ({"type": "data"}, 4400),
        ({"type": "__class__"}, 4400),
        ({"type": "ping", "payload": "x"}, 4400),
        ({"type": "complete"}, 4400),
        ({"type": "complete", "id": 1}, 4400),
        ({"type": "connection_init"}, 4429),
        ({"type": "connection_init", "payload": 3}, 4400),
        ({"type": "subscribe", "id": "1"}, 4400),
        ({"type": "subscribe", "payload": {"query": "{ viewer }"}}, 4400),
        (subscribe({"query": "{ viewer }"}, id=""), 4400),
        (subscribe({"query": "{ viewer }"}, id="i" * 201), 4400),
        (subscribe({"query": "{ viewer }"}, id=7), 4400),
        (subscribe([]), 4400),
        (subscribe({}), 4400),
        (subscribe({"query": None}), 4400),
        (subscribe({"query": 42}), 4400),
        (subscribe({"query": ["{ viewer }"]}), 4400),
        (subscribe({"query": {"kind": "Document"}}), 4400),
        (subscribe({"query": ""}), 4400),
        (subscribe({"query": "{ viewer }" + " " * 20_000}), 4400),
        (subscribe({"query": "{ viewer }", "variables": []}), 4400),
        (subscribe({"query": "{ viewer }", "operationName": 1}), 4400),
        (subscribe({"query": "{ viewer }", "variables": {"a": "\x00"}}), 4400),
        ("x" * 300_000, 1009),
        ("é" * 200_000, 1009),
    ],
)
async def test_what_is_no_message_closes_with_a_code_and_our_words(
    app: Starlette, token_for: TokenFor, message: Any, code: int
) -> None:
    async with in_app(app) as socket:
        await socket.open(token_for())
        await socket.send(message)
        closed = await socket.receive()
        assert isinstance(closed, Closed), closed
        assert closed.code == code
        assert 0 < len(closed.reason.encode()) <= 123
        assert not any(word in closed.reason for word in PYTHON), closed.reason


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"type": "connection_init"}, 4403),
        ({"type": "connection_init", "payload": None}, 4403),
        ({"type": "connection_init", "payload": {}}, 4403),
        ({"type": "connection_init", "payload": {"Authorization": None}}, 4403),
        ({"type": "connection_init", "payload": {"Authorization": ["Bearer x"]}}, 4403),
        ({"type": "connection_init", "payload": {"Authorization": "Bearer x.y.z"}}, 4403),
        ({"type": "connection_init", "payload": {"Authorization": "Basic eDp5"}}, 4403),
        ({"type": "connection_init", "payload": {"token": "x"}}, 4403),
        (subscribe({"query": "{ viewer }"}), 4401),
    ],
)
async def test_nobody_gets_in_without_a_token(app: Starlette, message: Any, expected: int) -> None:
    async with in_app(app, headers={"Authorization": "Bearer in-the-wrong-place"}) as socket:
        await socket.send(message)
        closed = await socket.receive()
    reason = "UNAUTHENTICATED: A valid access token is required." if expected == 4403 else "Unauthorized"
    assert closed == Closed(expected, reason)


async def test_two_tokens_are_none(app: Starlette, token_for: TokenFor) -> None:
    bearer = f"Bearer {token_for()}"
    async with in_app(app) as socket:
        pair = {"Authorization": bearer, "authorization": bearer}
        await socket.send({"type": "connection_init", "payload": pair})
        assert isinstance(await socket.receive(), Closed)
    async with in_app(app) as socket:
        await socket.send({"type": "connection_init", "payload": {"authorization": bearer}})
        assert await socket.receive() == {"type": "connection_ack"}


@pytest.mark.parametrize("subprotocols", [[], ["graphql-ws"], ["x", "y"]])
async def test_another_protocol_is_not_spoken(app: Starlette, subprotocols: list[str]) -> None:
    async with in_app(app, subprotocols=subprotocols) as socket:
        assert await socket.receive() == Closed(
            4406, "BAD_REQUEST: the subprotocol must be graphql-transport-ws"
        )


async def test_one_id_is_one_operation(app: Starlette, token_for: TokenFor) -> None:
    async with in_app(app) as socket:
        await socket.open(token_for())
        await socket.subscribe("subscription { still }")
        await socket.next()
        await socket.subscribe("{ viewer }")
        assert await socket.end() == Closed(4409, "Subscriber for this id already exists")
    assert LEFT.pop() == "still"


Narrow = Callable[..., Any]


@pytest.fixture
def narrow(settings: Settings, announcements: Announcements) -> Narrow:
    """A function that opens a socket of an application with other settings."""
    return lambda **changes: in_app(make_app(settings.model_copy(update=changes), announcements))


async def test_a_socket_has_so_many_operations_at_a_time(narrow: Narrow, token_for: TokenFor) -> None:
    async with narrow(max_socket_operations=2) as socket:
        await socket.open(token_for())
        for name in "ab":
            await socket.subscribe("subscription { still }", name)
            await socket.next()
        await socket.subscribe("{ viewer }", "c")
        refused = await socket.receive()
        assert (refused["type"], refused["id"]) == ("error", "c")
        assert refused["payload"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
        await socket.send({"id": "a", "type": "complete"})
        await socket.subscribe("{ viewer }", "c")
        assert "viewer" in await socket.next()


async def test_who_does_not_begin_is_closed(narrow: Narrow) -> None:
    async with narrow(socket_init_seconds=0.1) as socket:
        await socket.send({"type": "ping"})
        assert await socket.receive() == {"type": "pong"}
        assert await socket.receive() == Closed(4408, "Connection initialisation timeout")


async def test_who_does_nothing_is_closed_and_who_listens_is_not(narrow: Narrow, token_for: TokenFor) -> None:
    async with narrow(socket_idle_seconds=0.2) as socket:
        await socket.open(token_for())
        await socket.subscribe("subscription { still }")
        await socket.next()
        assert await socket.silent(0.6)
        await socket.send({"id": "1", "type": "complete"})
        assert await socket.receive() == Closed(1000, "IDLE: no operation for 0.2 seconds")


async def test_who_reads_slowly_holds_one_message_and_is_cut_off(narrow: Narrow, token_for: TokenFor) -> None:
    async with narrow(socket_send_seconds=0.3) as socket:
        await socket.open(token_for())
        line = socket.line
        assert isinstance(line, AppLine)
        line.hearing.clear()
        await socket.subscribe("subscription { endless }")
        await asyncio.sleep(0.1)
        assert line.outgoing.qsize() == 0
        await asyncio.sleep(0.5)
        assert LEFT.pop() == "endless"
        line.hearing.set()
        assert (await socket.end()).code == 1013


async def test_a_stream_ends_when_its_token_does(narrow: Narrow, settings: Settings) -> None:
    async with narrow(token_leeway_seconds=0) as socket:
        await socket.open(issue_token(settings, "internal", "sales", "P1", 1))
        await socket.subscribe("subscription { still }")
        await socket.next()
        assert await socket.end(3) == Closed(4403, "TOKEN_EXPIRED: the access token has expired")
    assert LEFT.pop() == "still"


@pytest.mark.parametrize("kind", ["token", "subject", "party"])
async def test_what_was_ended_ends_its_streams_and_no_other(
    app: Starlette, announcements: Announcements, token_for: TokenFor, kind: Any
) -> None:
    mine, theirs = token_for(party="P1"), token_for("supplier", party="P2")
    keys = {"token": token_id(mine), "subject": "sales@P1", "party": "P1"}
    async with in_app(app) as socket, in_app(app) as other:
        await socket.open(mine)
        await other.open(theirs)
        await socket.subscribe("subscription { still }")
        await socket.next()
        announcements.tell(ended(kind, keys[kind]))
        assert await socket.end() == Closed(
            4403, "ACCESS_ENDED: the session, token, client or party was ended"
        )
        await other.subscribe("{ viewer }")
        assert "viewer" in await other.next()
    assert not announcements._watches


def token_id(token: str) -> str:
    """Return the id in a token."""
    from_payload = token.split(".")[1]
    padded = from_payload + "=" * (-len(from_payload) % 4)
    return str(orjson.loads(base64.urlsafe_b64decode(padded))["jti"])


async def test_a_client_that_leaves_leaves_nothing_behind(app: Starlette, token_for: TokenFor) -> None:
    async with in_app(app) as socket:
        opened: Socket = await socket.open(token_for())
        await opened.subscribe("subscription { still }", "a")
        await opened.subscribe("subscription { endless }", "b")
        await opened.receive()
    assert {LEFT.pop(), LEFT.pop()} == {"still", "endless"}
