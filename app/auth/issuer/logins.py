"""People who log in, and what is kept about their sessions and grants; `app.services.identity` keeps it.

A **session** is a person at a browser. A **grant** is what a session gave an application: one authorization
code, and the **family** of tokens that it leads to. Cookies, codes and refresh tokens are random and known
here by their hash alone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final, Protocol

from app.auth.principal import Rights

ACCOUNT_SUBJECT: Final = "user:"
"""What the subject of a person's token begins with, before the account's name."""


def digest(secret: str) -> str:
    """Return what is kept of a random secret; it needs no salt, having 256 bits of its own."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Account:
    """A person who may log in, and what the person's tokens open."""

    name: str
    password_hash: str = field(repr=False)
    rights: Rights

    @property
    def subject(self) -> str:
        """The `sub` of the person's tokens."""
        return f"{ACCOUNT_SUBJECT}{self.name}"


@dataclass(frozen=True, slots=True)
class Session:
    """A person logged in at a browser; `auth_time` is when the password was given, in seconds since 1970."""

    session_id: str
    account: Account
    auth_time: int


@dataclass(frozen=True, slots=True)
class Grant:
    """What a person granted an application by one authorization code."""

    family: str
    client_id: str
    account: str
    session_id: str
    scope: str
    auth_time: int
    redirect_uri: str
    challenge: str
    nonce: str | None


@dataclass(frozen=True, slots=True)
class Family:
    """The tokens that one code led to, as long as they live; `expires_at` is when the last of them ends."""

    family: str
    client_id: str
    account: Account
    session_id: str
    scope: str
    auth_time: int
    expires_at: int


class Logins(Protocol):
    """What is kept of people between requests; each method is one transaction, and one act on record."""

    async def find_account(self, name: str) -> Account | None:
        """Return an account that is not disabled."""

    async def may_try(self, name: str, address: str) -> int:
        """Count an attempt to log in; return 0 if it may go on, else the seconds to wait."""

    async def log_in(self, name: str, address: str, session_id: str, cookie_hash: str, seconds: int) -> None:
        """Start a session after a good password, or renew it, and take the counts of its attempt back."""

    async def refuse_login(self, account: Account | None, address: str, reason: str) -> None:
        """Put on record that somebody did not get in."""

    async def find_session(self, cookie_hash: str) -> Session | None:
        """Return the session of a cookie, if it lives and its account is not disabled."""

    async def log_out(self, session_id: str, *, by: str) -> None:
        """End a session, and every family of tokens that it granted."""

    async def grant(self, grant: Grant, code_hash: str, code_seconds: int, family_seconds: int) -> None:
        """Keep what a person granted, and its code."""

    async def redeem(self, code_hash: str, client_id: str) -> Grant | None:
        """Take a code for good and return its grant; a code taken before ends its family."""

    async def start_family(self, family: str, refresh_hash: str | None) -> Family | None:
        """Begin to issue tokens; None where the family, its account or its client has ended."""

    async def find_refresh_token(self, token_hash: str, client_id: str) -> Family | None:
        """Return the living family of a refresh token; a token used before ends its family."""

    async def rotate(self, old_hash: str, new_hash: str) -> Family | None:
        """Put a refresh token in place of one, which must not have been used; else its family ends."""

    async def find_family(self, family: str) -> Family | None:
        """Return a family that lives."""

    async def end_family(self, family: str, *, by: str) -> None:
        """End all tokens of a family."""
