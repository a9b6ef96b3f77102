"""The cookies of the web login, and the one address that they are for.

Over https they are `__Host-` cookies: the browser takes them from this host alone, for this host alone, and
never over http. Plain http is for the loopback address, where that prefix is not to be had; the names there
say so by lacking it, and requests to any other host are refused.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response

from app.auth.remote_keys import is_loopback
from app.auth.web.tickets import is_ticket

SESSION: Final = "concord"
LOGIN: Final = "concord-begun"


class Cookies:
    """Reads and writes the cookies of a server whose address is `own`, such as https://concord.example.com."""

    def __init__(self, own: str) -> None:
        """Take the address, https or (on the loopback address) http."""
        parts = urlsplit(own)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self._netloc = parts.netloc.lower()
        self._secure = parts.scheme == "https"
        self._usable = self._secure or is_loopback(parts.hostname or "")
        prefix = "__Host-" if self._secure else ""
        self.session = f"{prefix}{SESSION}"
        self.login = f"{prefix}{LOGIN}"

    def is_here(self, connection: HTTPConnection) -> bool:
        """Say whether a request was sent to this server's own address, where alone cookies count."""
        return self._usable and connection.headers.get("host", "").lower() == self._netloc

    def read(self, connection: HTTPConnection, name: str) -> str | None:
        """Return the ticket in a cookie, None where there is none.

        A name that comes twice is not told which is ours: on http another port of the host can set it too.
        """
        if not self.is_here(connection):
            return None
        pairs = [
            pair.strip().partition("=")
            for header in connection.headers.getlist("cookie")
            for pair in header.split(";")
        ]
        values = [value for key, _, value in pairs if key == name]
        return values[0] if len(values) == 1 and is_ticket(values[0]) else None

    def give(self, response: Response, name: str, ticket: str, seconds: int) -> None:
        """Have the browser keep a ticket."""
        response.set_cookie(
            name, ticket, max_age=seconds, path="/", secure=self._secure, httponly=True, samesite="lax"
        )

    def take(self, response: Response, name: str) -> None:
        """Have the browser forget a ticket."""
        response.delete_cookie(name, path="/", secure=self._secure, httponly=True, samesite="lax")
