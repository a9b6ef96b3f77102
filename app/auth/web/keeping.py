"""What has to be kept about logins and sessions, as the web login asks for it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from app.auth.principal import Principal


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long a session lives, in seconds: unused at most `idle`, in all at most `absolute`."""

    idle: int
    absolute: int


@dataclass(frozen=True, slots=True)
class Started:
    """A session that begins. `key` is its ticket's digest; `replaces` that of the session before, if any."""

    key: str
    provider: str
    principal: Principal
    sealed: bytes = field(repr=False)
    lifetime: Lifetime
    replaces: str | None
    origin: str
    """Network address of the browser."""


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session that lives: where its person logged in, and its tokens under seal."""

    provider: str
    subject: str
    sealed: bytes = field(repr=False)


class Renewal(Protocol):
    """A session that nobody else renews meanwhile."""

    @property
    def sealed(self) -> bytes:
        """Its tokens under seal, as they are now."""

    async def keep(self, sealed: bytes) -> None:
        """Put new ones in their place."""


class SessionKeeper(Protocol):
    """Keeps them, shared by all processes, and puts each act on record."""

    async def begin_login(self, key: str, sealed: bytes, seconds: int) -> None:
        """Keep a login that was begun for a while."""

    async def take_login(self, key: str) -> bytes | None:
        """Return a login that was begun, once."""

    async def log_in(self, started: Started) -> None:
        """Begin a session; raises PartyRefused where its principal has no access."""

    async def refuse_login(self, provider: str, reason: str, origin: str) -> None:
        """Put on record that somebody did not get in."""

    async def find(self, key: str) -> LiveSession | None:
        """Return a session that lives, and note that it is used."""

    def renewing(self, key: str) -> AbstractAsyncContextManager[Renewal | None]:
        """Hold a session for renewal, None where it lives no longer."""

    async def log_out(self, key: str, principal: Principal | None, reason: str, origin: str) -> None:
        """End a session, and the streams that it opened."""
