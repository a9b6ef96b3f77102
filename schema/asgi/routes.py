"""The routes of `/graphql`."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.routing import BaseRoute, Route, WebSocketRoute

from app.auth import Audience, Authenticator, TokenValidator
from app.config import Settings
from app.store.refusals import Refusals
from schema.asgi.endpoint import GraphQLEndpoint, MakeContext
from schema.asgi.graphiql import static_files
from schema.asgi.guarded import GuardedSchema


def graphql_routes(
    settings: Settings,
    schemas: Mapping[Audience, GuardedSchema],
    make_context: MakeContext,
    authenticator: Authenticator | None = None,
    refusals: Refusals | None = None,
) -> list[BaseRoute]:
    """Return the endpoint, and with CONCORD_GRAPHIQL its page's files and example queries.

    Tokens are checked by the settings' own validator unless another authenticator is given; refused ones go
    on record where `refusals` are given.
    """
    known = authenticator or TokenValidator(settings)
    endpoint = GraphQLEndpoint(settings, schemas, make_context, known, refusals)
    routes: list[BaseRoute] = [Route("/graphql", endpoint), WebSocketRoute("/graphql", endpoint)]
    if settings.graphiql:
        routes += [Route("/graphql/examples", endpoint.examples, methods=["GET"]), static_files()]
    return routes
