"""The pages of the web login: where to log in, and what went wrong. No script, and nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from html import escape
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from app.auth.web.providers import Provider

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:28rem;margin:15vh auto;padding:0 1rem;color:#1b2733}"
    "h1{font-size:1.4rem}a{color:#0b5cad}"
    "li{list-style:none;margin:.6rem 0}ul{padding:0}"
    "li a{display:block;padding:.6rem 1rem;border:1px solid #9ab;border-radius:.4rem;text-decoration:none}"
)
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS: Final = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
}


def choice(providers: Sequence[Provider], next_path: str) -> Response:
    """Return the page that asks where to log in."""
    links = "".join(
        f'<li><a href="/login?{escape(urlencode({"with": each.name, "next": next_path}))}">'
        f"{escape(each.client.title)}</a></li>"
        for each in providers
    )
    if not links:
        return _page("Log in", "<p>Nobody logs in at this server's pages.</p>")
    return _page("Log in", f"<p>Where do you have an account?</p><ul>{links}</ul>")


def refusal(message: str, code: str, status: int, *, wait: int = 0, again: str | None = "/login") -> Response:
    """Return the page that says why somebody was not logged in, and where to try again."""
    link = "" if again is None else f'<p><a href="{escape(again)}">Log in</a></p>'
    page = _page("Not logged in", f"<p>{escape(message)}</p>{link}<p><small>{code}</small></p>", status)
    if wait:
        page.headers["Retry-After"] = str(wait)
    return page


def _page(title: str, body: str, status: int = 200) -> Response:
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} · Concord</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><h1>Concord: {title.lower()}</h1>{body}</body></html>"
    )
    return Response(text, status, HEADERS, media_type="text/html")
