"""Strawberry's view of one graph, with Concord's stages in the places of its own."""

from __future__ import annotations

from typing import Any, NoReturn, cast

import orjson
from cross_web import AsyncHTTPRequestAdapter, StarletteRequestAdapter
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from app.config import Settings
from app.errors import BadRequest
from schema.asgi.guarded import GuardedSchema
from schema.asgi.masking import formatted_graphql, is_request_error
from schema.asgi.negotiation import GRAPHQL_RESPONSE, response_type
from schema.asgi.request import read_request
from schema.context import Context

_OVER_HTTP = (OperationType.QUERY, OperationType.MUTATION)


class _Adapter(StarletteRequestAdapter):
    """Strawberry's adapter, with the way back to the request that it adapts."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.starlette_request = request


class GraphQLView(GraphQL[Context, None]):
    """Executes the POST requests of one graph: `await view.run(request, context=context)`."""

    request_adapter_class = _Adapter

    def __init__(self, schema: GuardedSchema, settings: Settings) -> None:
        """Take the graph; pages, GET, uploads and streams are not this view's to serve."""
        super().__init__(schema, graphql_ide=None, allow_queries_via_get=False, subscription_protocols=())
        self._settings = settings

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> NoReturn:
        """Raise: who runs the view brings the context of an authenticated principal."""
        raise TypeError("a graph is executed with the context of a principal")

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        """Return the carrier of the negotiated media type."""
        return Response(media_type=response_type(request.headers.get("accept")))

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData:
        """Return the one GraphQL request in the body."""
        return await read_request(cast(_Adapter, request).starlette_request, self._settings)

    async def execute_single(  # noqa: PLR0917  the parent's signature
        self,
        request: Request,
        request_adapter: AsyncHTTPRequestAdapter,
        sub_response: Response,
        context: Context,
        root_value: None,
        request_data: GraphQLRequestData,
    ) -> ExecutionResult:
        """Execute a query or mutation; streams are served over WebSockets alone."""
        try:
            return await self.schema.execute(
                request_data.query,
                root_value=root_value,
                variable_values=request_data.variables,
                context_value=context,
                operation_name=request_data.operation_name,
                allowed_operation_types=_OVER_HTTP,
                operation_extensions=request_data.extensions,
            )
        except CannotGetOperationTypeError as error:
            raise BadRequest(reason=error.as_http_error_reason()) from None
        except InvalidOperationTypeError:
            raise BadRequest(reason="a subscription needs a WebSocket (graphql-transport-ws)") from None

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        """Return the answer; a request that was not executed has no `data` in it."""
        answer: dict[str, Any] = {}
        if result.errors:
            answer["errors"] = [formatted_graphql(error) for error in result.errors]
        if not is_request_error(result.errors, result.data):
            answer["data"] = result.data
        return cast(GraphQLHTTPResponse, answer)

    def encode_json(self, data: object) -> bytes:
        """Return compact JSON; details of errors that JSON does not know are written as text."""
        return orjson.dumps(data, default=str)

    def create_response(
        self, response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse], sub_response: Response
    ) -> Response:
        """Return the answer in the negotiated type (status: GraphQL over HTTP §6.4).

        Only application/graphql-response+json tells by its status whether anything was executed.
        """
        media_type = sub_response.media_type
        refused = media_type == GRAPHQL_RESPONSE and "data" not in response_data
        return Response(
            self.encode_json(response_data), status_code=400 if refused else 200, media_type=media_type
        )
