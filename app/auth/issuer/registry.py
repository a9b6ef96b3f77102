"""Registered clients, and what the issuer needs kept about them; `app.store.clients` keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from app.auth.principal import Audience

Method = Literal["client_secret", "private_key_jwt"]
"""How a client proves itself."""

CLIENT_SUBJECT: Final = "client:"
"""What the subject of a client's own token begins with, before its id."""


@dataclass(frozen=True, slots=True)
class Client:
    """A machine that gets tokens for itself: what they open is fixed when it is registered."""

    client_id: str
    method: Method
    secret_hash: str | None = field(repr=False)
    key_set: Mapping[str, object] | None
    audience: Audience
    role: str
    party: str | None
    ttl_seconds: int | None


@dataclass(frozen=True, slots=True)
class Revoked:
    """Access tokens that end before their time: by token id, and by subject for all that it holds."""

    token_ids: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset()


class Registry(Protocol):
    """What is kept between requests, and shared by all processes."""

    async def find_client(self, client_id: str) -> Client | None:
        """Return a client that was not revoked."""

    async def locked(self, client_id: str, address: str) -> bool:
        """Say whether an address has failed too often to be listened to now."""

    async def note_attempt(self, client_id: str, address: str, *, succeeded: bool) -> None:
        """Count a failed proof of a known client; a good one takes the count back."""

    async def use_assertion(self, client_id: str, token_id: str, expires_at: int) -> bool:
        """Remember an assertion until it expires; False if it was used before."""

    async def revoke_token(self, token_id: str, expires_at: int, *, by: str) -> None:
        """End an access token before its time."""

    async def revoked(self) -> Revoked:
        """Return what was revoked and has not expired yet."""
