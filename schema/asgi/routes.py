"""The routes of `/graphql`."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.routing import BaseRoute, Route, WebSocketRoute

from app.auth import Audience
from app.config import Settings
from app.store.refusals import Refusals
from schema.asgi.callers import Callers
from schema.asgi.endpoint import GraphQLEndpoint, MakeContext
from schema.asgi.graphiql import static_files
from schema.asgi.guarded import GuardedSchema


def graphql_routes(
    settings: Settings,
    schemas: Mapping[Audience, GuardedSchema],
    make_context: MakeContext,
    callers: Callers,
    refusals: Refusals | None = None,
) -> list[BaseRoute]:
    """Return the endpoint, and with CONCORD_GRAPHIQL its page's files and example queries.

    Callers that are refused go on record where `refusals` are given.
    """
    endpoint = GraphQLEndpoint(settings, schemas, make_context, callers, refusals)
    routes: list[BaseRoute] = [Route("/graphql", endpoint), WebSocketRoute("/graphql", endpoint)]
    if settings.graphiql:
        routes += [Route("/graphql/examples", endpoint.examples, methods=["GET"]), static_files()]
    return routes
