"""The pages that people see: plain HTML from the templates beside this file, which work without a script.

Jinja escapes what it fills in. The Content-Security-Policy lets a page load its one style sheet and nothing
else; no other page may frame it, and its forms go to this server alone. A browser also checks where a form's
answer leads, so the application's origin, where the browser is sent back to, is named too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

FILES: Final = Path(__file__).parent / "pages"
STYLE_PATH: Final = "/oauth/style.css"

_templates = Environment(
    loader=FileSystemLoader(FILES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def page(
    template: str,
    /,
    *,
    status: int = 200,
    back_to: str | None = None,
    headers: Mapping[str, str] | None = None,
    **values: object,
) -> Response:
    """Return a page; `back_to` is the origin that its forms may lead to besides this server."""
    text = _templates.get_template(f"{template}.html").render(style=STYLE_PATH, **values)
    response = HTMLResponse(text, status)
    response.headers.update({**_headers(back_to), **(headers or {})})
    return response


def style() -> Response:
    """Return the style sheet of the pages."""
    return Response(
        (FILES / "style.css").read_bytes(),
        media_type="text/css",
        headers={"Cache-Control": "public, max-age=3600"},
    )


def _headers(back_to: str | None) -> dict[str, str]:
    targets = "'self'" if back_to is None else f"'self' {back_to}"
    policy = [
        "default-src 'none'",
        "style-src 'self'",
        f"form-action {targets}",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
    return {
        "Content-Security-Policy": "; ".join(policy),
        "X-Frame-Options": "DENY",
        "Cache-Control": "no-store",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
