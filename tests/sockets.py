"""Talking graphql-transport-ws: in this process by ASGI messages, over a network by `websockets`.

The network client knows nothing of Concord and is nobody's of ours; the one in this process can do what no
decent client does, such as not taking what it is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, MutableMapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson
from starlette.types import ASGIApp
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

PROTOCOL = "graphql-transport-ws"
SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Closed:
    """How a socket ended."""

    code: int
    reason: str


class Line(Protocol):
    """A socket, whatever carries it."""

    async def send(self, text: str | bytes) -> None:
        """Send a frame."""

    async def receive(self) -> str | Closed:
        """Wait for a frame, or the end."""


@dataclass
class AppLine:
    """A socket of an ASGI application in this process; while `deaf`, nothing sent to it is taken."""

    incoming: asyncio.Queue[MutableMapping[str, Any]] = field(default_factory=asyncio.Queue)
    outgoing: asyncio.Queue[MutableMapping[str, Any]] = field(default_factory=asyncio.Queue)
    hearing: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, message: MutableMapping[str, Any]) -> None:
        """Take what the application sends."""
        await self.hearing.wait()
        await self.outgoing.put(message)

    async def send(self, text: str | bytes) -> None:
        """Send a frame."""
        kind = "text" if isinstance(text, str) else "bytes"
        await self.incoming.put({"type": "websocket.receive", kind: text})

    async def receive(self) -> str | Closed:
        """Wait for a frame, or the end."""
        message = await self.outgoing.get()
        if message["type"] == "websocket.close":
            return Closed(message.get("code", 1000), message.get("reason", ""))
        return str(message["text"])


@dataclass
class NetworkLine:
    """A socket over a network."""

    connection: ClientConnection

    async def send(self, text: str | bytes) -> None:
        """Send a frame; one that is too late says nothing."""
        with suppress(ConnectionClosed):
            await self.connection.send(text)

    async def receive(self) -> str | Closed:
        """Wait for a frame, or the end."""
        try:
            return str(await self.connection.recv())
        except ConnectionClosed as closed:
            found = closed.rcvd
            return Closed(1006, "") if found is None else Closed(found.code, found.reason)


@dataclass
class Socket:
    """What a client of graphql-transport-ws does."""

    line: Line
    subprotocol: str | None = None

    async def send(self, message: Mapping[str, object] | str | bytes) -> None:
        """Send a message, or a frame as it is."""
        raw = message if isinstance(message, str | bytes) else orjson.dumps(message).decode()
        await self.line.send(raw)

    async def receive(self, seconds: float = SECONDS) -> dict[str, Any] | Closed:
        """Wait for the next message, or the end."""
        frame = await asyncio.wait_for(self.line.receive(), seconds)
        return frame if isinstance(frame, Closed) else dict(orjson.loads(frame))

    async def next(self, seconds: float = SECONDS) -> dict[str, Any]:
        """Wait for the payload of a `next` without errors, and return its data."""
        message = await self.receive(seconds)
        assert isinstance(message, dict), message
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        data: dict[str, Any] = message["payload"]["data"]
        return data

    async def end(self, seconds: float = SECONDS) -> Closed:
        """Wait for the end, whatever comes before it."""
        while True:
            message = await self.receive(seconds)
            if isinstance(message, Closed):
                return message

    async def silent(self, seconds: float = 0.3) -> bool:
        """Say whether nothing comes for a while."""
        try:
            await self.receive(seconds)
        except TimeoutError:
            return True
        return False

    async def open(self, token: str) -> Socket:
        """Initialise with a token that must be good."""
        await self.send({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}})
        assert await self.receive() == {"type": "connection_ack"}
        return self

    async def subscribe(self, query: str, name: str = "1", /, **variables: object) -> None:
        """Start an operation under an id."""
        await self.send(
            {"id": name, "type": "subscribe", "payload": {"query": query, "variables": variables}}
        )


@asynccontextmanager
async def in_app(
    app: ASGIApp, *, subprotocols: Sequence[str] = (PROTOCOL,), headers: Mapping[str, str] | None = None
) -> AsyncIterator[Socket]:
    """Open a socket of an application in this process."""
    line = AppLine()
    line.hearing.set()
    raw = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {
        "type": "websocket",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "query_string": b"",
        "root_path": "",
        "scheme": "ws",
        "headers": raw,
        "client": ("127.0.0.1", 1),
        "server": ("test", 80),
        "subprotocols": list(subprotocols),
    }
    await line.incoming.put({"type": "websocket.connect"})
    serving = asyncio.ensure_future(app(scope, line.incoming.get, line.take))
    try:
        accepted = await asyncio.wait_for(line.outgoing.get(), SECONDS)
        assert accepted["type"] == "websocket.accept"
        yield Socket(line, accepted.get("subprotocol"))
    finally:
        line.hearing.set()
        await line.incoming.put({"type": "websocket.disconnect", "code": 1001})
        await asyncio.wait_for(serving, SECONDS)


@asynccontextmanager
async def over_network(address: str, *, subprotocols: Sequence[str] = (PROTOCOL,)) -> AsyncIterator[Socket]:
    """Open a socket of a server; `address` begins with http."""
    url = f"ws{address.removeprefix('http')}/graphql"
    wanted = [Subprotocol(name) for name in subprotocols]
    async with connect(url, subprotocols=wanted, proxy=None, max_size=None) as connection:
        yield Socket(NetworkLine(connection), connection.subprotocol)
