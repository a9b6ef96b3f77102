"""One socket: `connection_init`, then operations side by side, each with a context of its own, until an end.

Strawberry's own handler keeps one context for all operations of a socket and knows none of the limits, so
only its execution (`schema.stream`) is used. A result is not computed before the one before it was taken by
the network: who reads slowly holds one message per operation, and is cut off when none moves for a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import GraphQLError
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from strawberry.http import GraphQLRequestData
from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.types import ExecutionResult

from app.auth import Audience, Principal
from app.config import Settings
from app.errors import AccessError, BadRequest, LimitExceeded
from app.store.audit import Who
from app.store.refusals import Refusals
from schema.asgi.guarded import GuardedSchema
from schema.asgi.masking import formatted, formatted_graphql, is_request_error, shown_error
from schema.asgi.streams.admission import Admission, Admitted
from schema.asgi.streams.messages import (
    PROTOCOL,
    ClientMessage,
    Closing,
    Code,
    Complete,
    Init,
    Ping,
    Subscribe,
    closing_for,
    parse_message,
)
from schema.asgi.streams.standing import hold, look
from schema.auditing import origin_of
from schema.context import Context

CLOSE_SECONDS = 2.0


class _Gone(Exception):  # noqa: N818  not an error: the client has left
    """There is nobody at the other end."""


@dataclass(frozen=True, slots=True)
class Serving:
    """What sockets need of the endpoint."""

    settings: Settings
    schemas: Mapping[Audience, GuardedSchema]
    make_context: Callable[[Principal, HTTPConnection], Context]
    admission: Admission
    refusals: Refusals | None


async def serve_socket(websocket: WebSocket, serving: Serving) -> None:
    """Serve one WebSocket from its handshake to its end."""
    if PROTOCOL not in websocket.scope["subprotocols"]:
        await websocket.accept()
        await websocket.close(Code.PROTOCOL, f"BAD_REQUEST: the subprotocol must be {PROTOCOL}")
        return
    await websocket.accept(subprotocol=PROTOCOL)
    await _Socket(websocket, serving).serve()


class _Socket:
    def __init__(self, websocket: WebSocket, serving: Serving) -> None:
        self._websocket = websocket
        self._serving = serving
        self._settings = serving.settings
        self._sending = asyncio.Lock()
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._quiet_since = asyncio.get_running_loop().time()

    async def serve(self) -> None:
        """Serve until the client leaves or one side ends it; then nothing of it goes on."""
        try:
            await self._serve()
        except* Closing as ending:
            await self._close(_first(ending))
        except* (_Gone, WebSocketDisconnect):
            pass
        except* Exception as failure:
            await self._close(closing_for(Code.INTERNAL, shown_error(failure)))

    async def _serve(self) -> None:
        admitted, context = await self._admit()
        with context.announcing.watch(*admitted.ends) as watch:
            await look(admitted, context)  # what ended before the watch began
            await self._send({"type": "connection_ack"})
            async with asyncio.TaskGroup() as group:
                group.create_task(hold(admitted, context, watch))
                group.create_task(self._end_idle())
                while True:
                    await self._handle(await self._receive(), admitted.principal, group)

    async def _admit(self) -> tuple[Admitted, Context]:
        """Wait for `connection_init` and return who is calling, bound to what it is granted."""
        try:
            async with asyncio.timeout(self._settings.socket_init_seconds):
                payload = await self._init()
                admitted = await self._serving.admission.admit(self._websocket, payload)
                context = self._serving.make_context(admitted.principal, self._websocket)
                await context.scope()
                return admitted, context
        except TimeoutError:
            raise Closing(Code.INIT_TIMEOUT, "Connection initialisation timeout") from None
        except AccessError as error:
            if self._serving.refusals is not None:
                await self._serving.refusals.note(error.code, None, Who(origin=origin_of(self._websocket)))
            raise closing_for(Code.FORBIDDEN, error) from None

    async def _init(self) -> Mapping[str, object]:
        while True:
            message = await self._receive()
            if isinstance(message, Init):
                return message.payload
            if isinstance(message, Subscribe):
                raise Closing(Code.UNAUTHORIZED, "Unauthorized")
            if isinstance(message, Ping):
                await self._send({"type": "pong"})

    async def _handle(self, message: ClientMessage, principal: Principal, group: asyncio.TaskGroup) -> None:
        match message:
            case Init():
                raise Closing(Code.SECOND_INIT, "Too many initialisation requests")
            case Ping():
                await self._send({"type": "pong"})
            case Subscribe(name, request):
                await self._start(name, request, principal, group)
            case Complete(name):
                operation = self._operations.pop(name, None)
                if operation is not None:
                    operation.cancel()
                    self._quiet_since = asyncio.get_running_loop().time()

    async def _start(
        self, name: str, request: GraphQLRequestData, principal: Principal, group: asyncio.TaskGroup
    ) -> None:
        """Start an operation beside the others."""
        if name in self._operations:
            raise Closing(Code.DUPLICATE, "Subscriber for this id already exists")
        limit = self._settings.max_socket_operations
        if len(self._operations) >= limit:
            error = LimitExceeded(what="operations at a time:", found=len(self._operations) + 1, limit=limit)
            await self._send({"id": name, "type": "error", "payload": [formatted(error)]})
            return
        self._operations[name] = group.create_task(self._operate(name, request, principal))

    async def _operate(self, name: str, request: GraphQLRequestData, principal: Principal) -> None:
        """Execute one operation and send what comes of it."""
        context = self._serving.make_context(principal, self._websocket)
        try:
            completed = await self._stream(name, request, context)
            self._forget(name)
            if completed:
                await self._send({"id": name, "type": "complete"})
        except (Closing, _Gone):
            raise
        except Exception as error:
            self._forget(name)
            shown = _shown(error) if isinstance(error, GraphQLError) else formatted(shown_error(error))
            await self._send({"id": name, "type": "error", "payload": [shown]})
        finally:
            self._forget(name)
            await context.reading.end()

    async def _stream(self, name: str, request: GraphQLRequestData, context: Context) -> bool:
        """Send each result; False where an error took the place of results."""
        results = await self._serving.schemas[context.principal.audience].stream(
            request.query,
            variable_values=request.variables,
            context_value=context,
            operation_name=request.operation_name,
        )
        async with aclosing(results):
            async for result in results:
                if not isinstance(result, ExecutionResult):
                    raise TypeError("no graph delivers results in parts")
                await context.reading.end()  # not held while the network takes the message
                errors = [_shown(error) for error in result.errors or ()]
                if is_request_error(result.errors, result.data):
                    await self._send({"id": name, "type": "error", "payload": errors})
                    return False
                payload = {"data": result.data, **({"errors": errors} if errors else {})}
                await self._send({"id": name, "type": "next", "payload": payload})
        return True

    def _forget(self, name: str) -> None:
        """Free the id of the operation that runs in this task."""
        if self._operations.get(name) is asyncio.current_task():
            del self._operations[name]
            self._quiet_since = asyncio.get_running_loop().time()

    async def _end_idle(self) -> None:
        """Close a socket on which nothing has run for a while."""
        loop, limit = asyncio.get_running_loop(), self._settings.socket_idle_seconds
        left = limit
        while left > 0:
            await asyncio.sleep(left)
            left = limit if self._operations else self._quiet_since + limit - loop.time()
        raise Closing(Code.NORMAL, f"IDLE: no operation for {limit:g} seconds")

    async def _receive(self) -> ClientMessage:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise _Gone
        text = message.get("text")
        if text is None:
            raise Closing(Code.BAD_REQUEST, "BAD_REQUEST: messages are text")
        return parse_message(text, self._settings)

    async def _send(self, message: Mapping[str, object]) -> None:
        """Send a message, waiting for the network to take it; raises Closing where it does not for long."""
        text = orjson.dumps(message, default=str).decode()
        try:
            async with asyncio.timeout(self._settings.socket_send_seconds), self._sending:
                await self._websocket.send_text(text)
        except TimeoutError:
            raise Closing(Code.SLOW, "SLOW_READER: messages were not taken in time") from None
        except (WebSocketDisconnect, RuntimeError):
            raise _Gone from None

    async def _close(self, ending: Closing) -> None:
        """Close with a code, if anybody still listens."""
        if self._websocket.client_state is WebSocketState.DISCONNECTED:
            return
        with suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._websocket.close(ending.code, ending.reason)


def _shown(error: GraphQLError) -> dict[str, Any]:
    """Return an error as the caller may see it; a document without the operation meant is its own fault."""
    if isinstance(error.original_error, CannotGetOperationTypeError):
        return formatted(BadRequest(reason=error.original_error.as_http_error_reason()))
    return formatted_graphql(error)


def _first(group: BaseExceptionGroup[Closing]) -> Closing:
    """Return the first of the closings, however deep it lies."""
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found
