"""WebSockets by cookie: from our own pages alone, and no longer than the session."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from starlette.applications import Starlette

from tests.auth.web.conftest import OWN, PAGE, Tab
from tests.sockets import Closed, Socket, in_app

pytestmark = pytest.mark.asyncio(loop_scope="module")

Open = Callable[[], Tab]
HOST = OWN.removeprefix("https://")
STREAM = "subscription { planPublished { version { name } } }"


def handshake(tab: Tab, **changes: str | None) -> dict[str, str]:
    """Return the headers of a browser that opens a socket; None leaves one out."""
    sent = {"Host": HOST, "Cookie": f"__Host-concord={tab.ticket}", "Origin": OWN, **changes}
    return {name: value for name, value in sent.items() if value is not None}


async def initialised(socket: Socket, **payload: str) -> dict[str, object] | Closed:
    """Return the answer to a `connection_init`."""
    await socket.send({"type": "connection_init", "payload": payload})
    return await socket.receive()


async def test_a_page_of_ours_streams_by_its_session_until_it_ends(tab: Open, served: Starlette) -> None:
    anna = tab()
    await anna.log_in()
    async with in_app(served, headers=handshake(anna)) as socket:
        assert await initialised(socket) == {"type": "connection_ack"}
        await socket.subscribe("{ viewer { subject } }")
        assert await socket.next() == {"viewer": {"subject": "good:anna"}}
        await socket.receive()
        await socket.subscribe(STREAM, "2")
        await anna.http.post("/logout", headers=PAGE)
        ended = await socket.end(5)
    assert ended == Closed(4403, "ACCESS_ENDED: the session, token, client or party was ended")


async def test_a_login_ends_the_streams_of_the_session_before(tab: Open, served: Starlette) -> None:
    anna = tab()
    await anna.log_in()
    async with in_app(served, headers=handshake(anna)) as socket:
        assert await initialised(socket) == {"type": "connection_ack"}
        await anna.log_in("petra")
        assert (await socket.end(5)).code == 4403


async def test_pages_of_others_open_no_socket(tab: Open, served: Starlette) -> None:
    anna = tab()
    await anna.log_in()
    for origin in ("https://evil.example", f"{OWN}:8443", "http://concord.example.com", "null", None):
        async with in_app(served, headers=handshake(anna, Origin=origin)) as socket:
            refused = await initialised(socket)
        assert isinstance(refused, Closed), origin
        assert (refused.code, refused.reason.partition(":")[0]) == (4403, "CROSS_SITE_REQUEST"), origin


async def test_a_socket_without_a_session_that_lives_is_refused(tab: Open, served: Starlette) -> None:
    anna = tab()
    await anna.log_in()
    headers = handshake(anna)
    await anna.http.post("/logout", headers=PAGE)
    for sent in (headers, {**headers, "Cookie": "__Host-concord=x"}, {**headers, "Host": "other.example"}):
        async with in_app(served, headers=sent) as socket:
            refused = await initialised(socket)
        assert isinstance(refused, Closed)
        assert refused.code == 4403


async def test_a_token_that_opens_a_socket_is_judged_alone(tab: Open, served: Starlette) -> None:
    anna = tab()
    await anna.log_in()
    async with in_app(served, headers=handshake(anna)) as socket:
        refused = await initialised(socket, Authorization="Bearer x.y.z")
    assert isinstance(refused, Closed)
    assert refused.code == 4403
