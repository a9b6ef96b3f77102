"""GraphiQL for browsers: a page, its script and its style, all from files beside the code.

The page itself is for anybody. What it shows of a graph (its schema, the example queries in
`schema/<audience>/examples.graphql`) it asks for with the session of who logged in, or with a pasted token.
`web/graphiql` says how the script and the style are built.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.auth import Audience
from app.config import Settings
from app.errors import MethodNotAllowed

STATIC = Path(__file__).parent / "static"
_GRAPHS = Path(__file__).parents[1]

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src data:",
        "img-src data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


def page_response(settings: Settings) -> Response:
    """Return the page; raises MethodNotAllowed where CONCORD_GRAPHIQL is off."""
    if not settings.graphiql:
        raise MethodNotAllowed(allowed="POST")
    headers = {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    return Response(_text(STATIC / "graphiql.html"), media_type="text/html", headers=headers)


def examples_response(audience: Audience) -> Response:
    """Return the example queries of one graph as a GraphQL document."""
    return Response(_text(examples_path(audience)), media_type="application/graphql")


def examples_path(audience: Audience) -> Path:
    """Return the file with the example queries of a graph."""
    return _GRAPHS / audience / "examples.graphql"


class _Revalidated(StaticFiles):
    """Files that a browser keeps, and asks by their ETag whether they are still the same."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file, or that it has not changed."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def static_files() -> Mount:
    """Return the route of the page's script and style."""
    return Mount("/graphql/static", _Revalidated(directory=STATIC))


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
