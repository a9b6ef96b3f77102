"""What clients may send over graphql-transport-ws, and the ways in which a socket ends.

A message that is none of these closes the socket, as the protocol demands; its reason is ours, and quotes
nothing of Python's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import orjson
from strawberry.http import GraphQLRequestData

from app.config import Settings
from app.errors import BadRequest, ConcordError
from schema.asgi.request import check_parameters, request_of

PROTOCOL = "graphql-transport-ws"
LONGEST_ID = 200
LONGEST_REASON = 123
"""Bytes that a close frame has room for (RFC 6455 §5.5)."""


class Code(IntEnum):
    """Close codes: of WebSocket itself (1xxx) and of graphql-transport-ws (44xx)."""

    NORMAL = 1000
    TOO_BIG = 1009
    INTERNAL = 1011
    SLOW = 1013
    BAD_REQUEST = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    PROTOCOL = 4406
    INIT_TIMEOUT = 4408
    DUPLICATE = 4409
    SECOND_INIT = 4429


class Closing(Exception):  # noqa: N818  not an error: the end of a socket
    """The socket is to be closed with a code and a reason."""

    def __init__(self, code: Code, reason: str) -> None:
        """Cut the reason to what a close frame holds."""
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:LONGEST_REASON].decode(errors="ignore")


def closing_for(code: Code, error: ConcordError) -> Closing:
    """Return the closing whose reason is the error's code, and its message as far as there is room."""
    return Closing(code, f"{error.code}: {error.message}")


@dataclass(frozen=True, slots=True)
class Init:
    """`connection_init`."""

    payload: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Subscribe:
    """`subscribe`: an operation under an id of the client's."""

    id: str
    request: GraphQLRequestData


@dataclass(frozen=True, slots=True)
class Complete:
    """`complete`: the client wants no more of an operation."""

    id: str


@dataclass(frozen=True, slots=True)
class Ping:
    """`ping`."""


@dataclass(frozen=True, slots=True)
class Pong:
    """`pong`."""


ClientMessage = Init | Subscribe | Complete | Ping | Pong


def parse_message(text: str, settings: Settings) -> ClientMessage:
    """Return the message in a text frame; raises Closing for everything else."""
    if len(text) > settings.max_message_bytes or len(text.encode()) > settings.max_message_bytes:
        raise Closing(
            Code.TOO_BIG, f"LIMIT_EXCEEDED: a message of at most {settings.max_message_bytes} bytes"
        )
    try:
        return _parse(text, settings)
    except BadRequest as error:
        raise closing_for(Code.BAD_REQUEST, error) from None


def _parse(text: str, settings: Settings) -> ClientMessage:
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadRequest(reason="the message is not JSON") from None
    if not isinstance(message, dict):
        raise BadRequest(reason="a message is a JSON object")
    check_parameters(message, settings, null_characters="\\u0000" in text)
    match message.get("type"):
        case "connection_init":
            return Init(_payload(message) or {})
        case "subscribe":
            payload = _payload(message)
            if payload is None:
                raise BadRequest(reason="`subscribe` needs a `payload`")
            return Subscribe(_id(message), request_of(payload, settings))
        case "complete":
            return Complete(_id(message))
        case "ping":
            _payload(message)
            return Ping()
        case "pong":
            _payload(message)
            return Pong()
    raise BadRequest(reason="a message of no known type")


def _payload(message: dict[str, object]) -> dict[str, object] | None:
    payload = message.get("payload")
    if payload is not None and not isinstance(payload, dict):
        raise BadRequest(reason="`payload` must be an object or null")
    return payload


def _id(message: dict[str, object]) -> str:
    name = message.get("id")
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_ID:
        raise BadRequest(reason=f"`id` must be text of 1 to {LONGEST_ID} characters")
    return name
