"""Who is calling: by a bearer token, or (from our own pages alone) by the cookie of a session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from starlette.requests import HTTPConnection

from app.auth import Authenticator, Principal
from app.auth.web import Sessions
from app.store.announcements import ended
from schema.asgi.credentials import bearer_token
from schema.asgi.streams.admission import Admission, Admitted, BearerAdmission, ends_of

AUTHORIZATION = "authorization"


class Callers(Admission, Protocol):
    """Turns a request, or the opening of a WebSocket, into who is calling."""

    async def identify(self, request: HTTPConnection) -> Principal:
        """Return who makes a request; raises Unauthenticated without a valid proof."""


class BearerCallers(BearerAdmission):
    """Programs: an access token in the Authorization header, or in the payload that opens a WebSocket."""

    def __init__(self, authenticator: Authenticator) -> None:
        """Take what validates tokens."""
        super().__init__(authenticator)
        self._tokens = authenticator

    async def identify(self, request: HTTPConnection) -> Principal:
        """Return who makes a request; raises Unauthenticated without exactly one valid token."""
        return await self._tokens.authenticate(bearer_token(request.headers))


class PageCallers:
    """Programs by their token, and people at our own pages by their session.

    What brings a token is judged by that alone.
    """

    def __init__(self, programs: Callers, sessions: Sessions) -> None:
        """Take who identifies programs, and the sessions."""
        self._programs = programs
        self._sessions = sessions

    async def identify(self, request: HTTPConnection) -> Principal:
        """Return who makes a request; raises Unauthenticated, or CrossSiteRequest for a misused cookie."""
        if AUTHORIZATION in request.headers or not self._sessions.presented(request):
            return await self._programs.identify(request)
        return (await self._sessions.of_page(request)).principal

    async def admit(self, handshake: HTTPConnection, payload: Mapping[str, object]) -> Admitted:
        """Return who opens a WebSocket; raises as `identify` does. It ends with the session as well."""
        by_token = any(name.lower() == AUTHORIZATION for name in payload)
        if by_token or not self._sessions.presented(handshake):
            return await self._programs.admit(handshake, payload)
        found = await self._sessions.of_socket(handshake)
        return Admitted(
            found.principal,
            lambda: self._sessions.again(found, handshake),
            (ended("session", found.key), *ends_of(found.principal)),
        )
