"""Whether a name and a password are somebody's: the same work and the same answer for everybody else."""

from __future__ import annotations

import secrets
import unicodedata
from dataclasses import dataclass

from anyio import from_thread

from app.auth.issuer.browser import new_word
from app.auth.issuer.hashing import secret_matches
from app.auth.issuer.logins import Account, Session, digest
from app.auth.issuer.registry import Registry

LONGEST_NAME = 63
LONGEST_PASSWORD = 256
"""Characters; hashing more would be work for nothing."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Nobody is let in; for too many attempts, for so many seconds."""

    wait: int = 0


def normal_password(text: str) -> str:
    """Return a password as it is hashed: keyboards write one character in several ways."""
    return unicodedata.normalize("NFKC", text)


class Passwords:
    """Logs people in. Runs in a worker thread of the event loop."""

    def __init__(self, registry: Registry, session_seconds: int) -> None:
        """Take what keeps accounts and sessions, and how long a session lives."""
        self._registry = registry
        self._session_seconds = session_seconds

    def log_in(self, name: str, password: str, address: str, before: Session | None) -> str | Refused:
        """Return the cookie of a session, or that there is none; attempts count before they are tried.

        Whoever is logged in already (`before`) goes on in the same session, with another cookie; another
        person's session ends.
        """
        name = name.strip().lower()
        if not 0 < len(name) <= LONGEST_NAME or not 0 < len(password) <= LONGEST_PASSWORD:
            return self._refused(None, address, "no name or password that could be one")
        wait = from_thread.run(self._registry.may_try, name, address)
        if wait:
            return self._refused(None, address, "too many attempts", wait)
        account = from_thread.run(self._registry.find_account, name)
        hashed = account.password_hash if account is not None else None
        if not secret_matches(normal_password(password), hashed) or account is None:
            return self._refused(account, address, "wrong name or password")
        return self._start_session(account, address, before)

    def _start_session(self, account: Account, address: str, before: Session | None) -> str:
        """Start or renew a session under a cookie that was never used before."""
        word, session_id = new_word(), secrets.token_urlsafe(16)
        if before is not None and before.account.name == account.name:
            session_id = before.session_id
        elif before is not None:
            from_thread.run(self._log_out, before)
        from_thread.run(
            self._registry.log_in, account.name, address, session_id, digest(word), self._session_seconds
        )
        return word

    async def _log_out(self, session: Session) -> None:
        await self._registry.log_out(session.session_id, by=session.account.subject)

    def _refused(self, account: Account | None, address: str, reason: str, wait: int = 0) -> Refused:
        from_thread.run(self._registry.refuse_login, account, address, reason)
        return Refused(wait)
