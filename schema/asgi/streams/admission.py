"""Who opens a socket. A bearer token comes in the payload of `connection_init`; browsers cannot send headers.

`Admission` is where another proof fits in, such as the cookie of a web session: it looks at the handshake
(and checks its Origin, since a browser sends cookies for any page), and names the session among what may end.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import HTTPConnection

from app.auth import Authenticator, Principal, family_of
from app.errors import Unauthenticated
from app.store.announcements import ended
from schema.asgi.credentials import token_of


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who opened a socket.

    `again` looks at the same proof once more, and raises Unauthenticated when it holds no longer. `ends` are
    the topics whose announcement ends the socket.
    """

    principal: Principal
    again: Callable[[], Awaitable[Principal]]
    ends: tuple[str, ...]


class Admission(Protocol):
    """Turns a handshake and the payload of `connection_init` into who is calling."""

    async def admit(self, handshake: HTTPConnection, payload: Mapping[str, object]) -> Admitted:
        """Return who is calling; raises Unauthenticated without a valid proof."""


def ends_of(principal: Principal) -> tuple[str, ...]:
    """Return the topics that end what any principal holds: its token, its login, its subject, its party."""
    party = () if principal.party is None else (ended("party", principal.party),)
    family = family_of(principal.token_id)
    login = () if family is None else (ended("session", family),)
    return (ended("token", principal.token_id), *login, ended("subject", principal.subject), *party)


class BearerAdmission:
    """Admits by `{"Authorization": "Bearer <token>"}`, checked exactly as the header of a request is."""

    def __init__(self, authenticator: Authenticator) -> None:
        """Take what validates tokens."""
        self._authenticator = authenticator

    async def admit(self, handshake: HTTPConnection, payload: Mapping[str, object]) -> Admitted:
        """Return who is calling; the handshake itself proves nothing."""
        del handshake
        values = [value for name, value in payload.items() if name.lower() == "authorization"]
        if len(values) != 1 or not isinstance(values[0], str):
            raise Unauthenticated
        token = token_of(values[0])
        principal = await self._authenticator.authenticate(token)
        return Admitted(principal, lambda: self._authenticator.authenticate(token), ends_of(principal))
