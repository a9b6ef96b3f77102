"""The one cookie of the login pages, and how a form proves that it comes from one of them.

The cookie is a random word that nobody else knows. Until somebody logs in it stands for nothing but the
browser; a login replaces it by another, so that a word planted before is worth nothing after (session
fixation). A form carries a digest of the cookie: whoever cannot read the cookie cannot make the form (CSRF).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from app.config import Settings

CSRF_FIELD: Final = "csrf"
_WORD: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_SAME_SITE: Final = ("same-origin", "none")


def new_word() -> str:
    """Return a random word of 256 bits."""
    return secrets.token_urlsafe(32)


class BrowserCookie:
    """Reads and writes the cookie. With https its name has the prefix that no other host can set."""

    def __init__(self, settings: Settings) -> None:
        """Take CONCORD_PUBLIC_URL, which says whether browsers come by https."""
        self._secure = settings.issuer_url.startswith("https://")
        self.name = "__Host-concord-login" if self._secure else "concord-login"

    def read(self, request: Request) -> str | None:
        """Return the word of a browser, None where it has none that could be ours."""
        word = request.cookies.get(self.name, "")
        return word if _WORD.fullmatch(word) else None

    def write(self, response: Response, word: str) -> None:
        """Give a browser its word, until it is closed; no script reads it, and no other site sends it on."""
        response.set_cookie(self.name, word, path="/", secure=self._secure, httponly=True, samesite="lax")

    def forget(self, response: Response) -> None:
        """Take the word back."""
        response.delete_cookie(self.name, path="/", secure=self._secure, httponly=True, samesite="lax")


def form_token(word: str) -> str:
    """Return what a form of this browser carries."""
    digest = hashlib.sha256(f"concord form {word}".encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def is_own_form(request: Request, word: str | None, form: dict[str, str]) -> bool:
    """Say whether a form was sent from a page that this browser got from here."""
    if request.headers.get("sec-fetch-site", "none") not in _SAME_SITE:
        return False
    return word is not None and hmac.compare_digest(
        form.get(CSRF_FIELD, "").encode(), form_token(word).encode()
    )
