"""Whether a request that a cookie speaks for was made by one of Concord's own pages.

A browser sends cookies whoever wrote the page. So beside the cookie there must be a header that no form can
set and that other sites may not set (they would have to ask first, and are never allowed), and what the
browser itself says about the page must be right: `Origin`, `Sec-Fetch-Site`, at least one of them.
"""

from __future__ import annotations

from typing import Final

from starlette.requests import HTTPConnection

from app.errors import CrossSiteRequest

PAGE_HEADER: Final = "X-Concord-Page"
PAGE_VALUE: Final = "1"


def check_own_page(connection: HTTPConnection, origin: str) -> None:
    """Raise CrossSiteRequest unless a page of `origin` made this request by a script."""
    headers = connection.headers
    if headers.getlist(PAGE_HEADER) != [PAGE_VALUE]:
        raise CrossSiteRequest
    origins, sites = headers.getlist("origin"), headers.getlist("sec-fetch-site")
    if not (origins or sites) or origins not in ([], [origin]) or sites not in ([], ["same-origin"]):
        raise CrossSiteRequest


def check_own_socket(handshake: HTTPConnection, origin: str) -> None:
    """Raise CrossSiteRequest unless a page of `origin` opens this WebSocket (RFC 6455 §10.2).

    Scripts cannot set headers here; a browser always names the origin.
    """
    if handshake.headers.getlist("origin") != [origin]:
        raise CrossSiteRequest
