"""`/graphql`: who is calling decides which graph answers; every error has a code, none a traceback."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import orjson
from cross_web import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from app.auth import AUDIENCES, Audience, Principal
from app.config import Settings
from app.errors import (
    BadRequest,
    BodyTooLarge,
    ConcordError,
    ConfigurationError,
    CrossSiteRequest,
    Forbidden,
    InternalError,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    Unauthenticated,
    UnsupportedMediaType,
)
from app.store.audit import Who
from app.store.refusals import Refusals
from schema.asgi.callers import Callers
from schema.asgi.credentials import challenge
from schema.asgi.graphiql import examples_response, page_response
from schema.asgi.guarded import GuardedSchema
from schema.asgi.masking import formatted, shown_error
from schema.asgi.negotiation import JSON, prefers_html, response_type
from schema.asgi.streams import Serving, serve_socket
from schema.asgi.view import GraphQLView
from schema.auditing import origin_of
from schema.context import Context

MakeContext = Callable[[Principal, HTTPConnection], Context]
"""Makes the context of one request for the principal that its token names."""

_STATUS: Mapping[type[ConcordError], int] = {
    Unauthenticated: 401,
    CrossSiteRequest: 403,
    Forbidden: 403,
    NotFound: 404,
    MethodNotAllowed: 405,
    NotAcceptable: 406,
    BodyTooLarge: 413,
    UnsupportedMediaType: 415,
    InternalError: 500,
}


class GraphQLEndpoint:
    """The ASGI application at `/graphql`."""

    def __init__(
        self,
        settings: Settings,
        schemas: Mapping[Audience, GuardedSchema],
        make_context: MakeContext,
        callers: Callers,
        refusals: Refusals | None = None,
    ) -> None:
        """Take one graph for each audience, what makes principals and contexts, and where refusals go."""
        if set(schemas) != set(AUDIENCES):
            raise ConfigurationError(reason=f"a graph is needed for each of {', '.join(AUDIENCES)}")
        self._settings = settings
        self._views = {audience: GraphQLView(schema, settings) for audience, schema in schemas.items()}
        self._make_context = make_context
        self._callers = callers
        self._refusals = refusals
        self._serving = Serving(settings, schemas, make_context, callers, refusals)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or serve one WebSocket."""
        if scope["type"] == "websocket":
            await serve_socket(WebSocket(scope, receive, send), self._serving)
            return
        request = Request(scope, receive)
        response = await answered(request, self._answer)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method in {"GET", "HEAD"} and prefers_html(request.headers.get("accept")):
            return page_response(self._settings)
        if request.method != "POST":
            raise MethodNotAllowed(allowed="POST")
        principal = await self._principal(request)
        response_type(request.headers.get("accept"))
        context = self._make_context(principal, request)
        return await self._views[principal.audience].run(request, context=context)

    async def _principal(self, request: HTTPConnection) -> Principal:
        try:
            return await self._callers.identify(request)
        except (Unauthenticated, CrossSiteRequest) as error:
            if self._refusals is not None:
                await self._refusals.note(error.code, None, Who(origin=origin_of(request)))
            raise

    async def examples(self, request: Request) -> Response:
        """Answer with the example queries of the caller's own graph, and of no other."""

        async def answer(request: Request) -> Response:
            return examples_response((await self._principal(request)).audience)

        return await answered(request, answer)


async def answered(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    """Return what `answer` returns, or the answer to the error that it raises."""
    try:
        return await answer(request)
    except HTTPException as error:
        return error_response(request, BadRequest(reason=error.reason))
    except Exception as error:
        return error_response(request, shown_error(error))


def error_response(request: Request, error: ConcordError) -> Response:
    """Return the answer to a request that was not executed, in the form of a GraphQL answer."""
    response = Response(
        orjson.dumps({"errors": [formatted(error)]}, default=str),
        status_code=_STATUS.get(type(error), 400),
        media_type=_acceptable(request),
    )
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = challenge(request.headers)
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = "GET, HEAD, POST"
    return response


def _acceptable(request: Request) -> str:
    """Return a media type for an error: JSON where the caller takes nothing that we have."""
    try:
        return response_type(request.headers.get("accept"))
    except NotAcceptable:
        return JSON
