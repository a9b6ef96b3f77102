"""Registered clients, and what the issuer needs kept about them; `app.services.identity` keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from app.auth.claims import family_of
from app.auth.issuer.logins import Logins
from app.auth.principal import Principal, Rights

Method = Literal["client_secret", "private_key_jwt", "none"]
"""How a client proves itself; `none` is for what cannot keep a secret, such as a program on a desk."""

CLIENT_SUBJECT: Final = "client:"
"""What the subject of a client's own token begins with, before its id."""


@dataclass(frozen=True, slots=True)
class Application:
    """What people log in to: its name for them, and where the browser may be sent back to.

    `native` programs listen on a loopback port of their choice; nobody is asked about a `first_party` one.
    """

    title: str
    redirect_uris: tuple[str, ...]
    logout_uris: tuple[str, ...] = ()
    native: bool = False
    first_party: bool = False


@dataclass(frozen=True, slots=True)
class Client:
    """A machine that gets tokens for itself (`rights`), or an application that people log in to."""

    client_id: str
    method: Method
    secret_hash: str | None = field(repr=False)
    key_set: Mapping[str, object] | None
    ttl_seconds: int | None
    rights: Rights | None = None
    application: Application | None = None


@dataclass(frozen=True, slots=True)
class Revoked:
    """Access tokens that end before their time: by id, by family, and by subject for all that it holds."""

    token_ids: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset()
    families: frozenset[str] = frozenset()

    def covers(self, principal: Principal) -> bool:
        """Say whether a token is among them, by one or another."""
        return (
            principal.token_id in self.token_ids
            or principal.subject in self.subjects
            or family_of(principal.token_id) in self.families
        )


class Registry(Logins, Protocol):
    """What is kept between requests, and shared by all processes."""

    async def find_client(self, client_id: str) -> Client | None:
        """Return a client that was not revoked."""

    async def locked(self, client_id: str, address: str) -> bool:
        """Say whether an address has failed too often to be listened to now."""

    async def note_attempt(self, client_id: str, address: str, *, succeeded: bool) -> None:
        """Count a failed proof of a known client; a good one takes the count back."""

    async def issue_to_client(self, client_id: str, address: str) -> None:
        """Put on record that a machine is given an access token."""

    async def use_assertion(self, client_id: str, token_id: str, expires_at: int) -> bool:
        """Remember an assertion until it expires; False if it was used before."""

    async def revoke_token(self, token_id: str, expires_at: int, *, by: str) -> None:
        """End an access token before its time."""

    async def revoked(self) -> Revoked:
        """Return what was revoked and has not expired yet."""

    async def wait(self, address: str, per_minute: int) -> int:
        """Count a request; return 0 if it may go on, else the seconds to wait."""
