"""A registry in which nobody has an account: what the issuer asks of it, answered with nothing."""

from __future__ import annotations

from app.auth.issuer import Account, Client, Family, Grant, Revoked, Session


class Nobody:
    """Knows no client and no person; whatever would put something on record is a mistake."""

    async def find_client(self, client_id: str) -> Client | None:
        return None

    async def locked(self, client_id: str, address: str) -> bool:
        return False

    async def note_attempt(self, client_id: str, address: str, *, succeeded: bool) -> None:
        assert not succeeded

    async def use_assertion(self, client_id: str, token_id: str, expires_at: int) -> bool:
        return True

    async def revoke_token(self, token_id: str, expires_at: int, *, by: str) -> None:
        raise AssertionError("nothing can be revoked without a proof")

    async def revoked(self) -> Revoked:
        return Revoked()

    async def wait(self, address: str, per_minute: int) -> int:
        return 0

    async def find_account(self, name: str) -> Account | None:
        return None

    async def may_try(self, name: str, address: str) -> int:
        return 0

    async def log_in(self, name: str, address: str, session_id: str, cookie_hash: str, seconds: int) -> None:
        raise AssertionError("there is nobody to log in")

    async def refuse_login(self, account: Account | None, address: str, reason: str) -> None:
        """Nothing to keep."""

    async def find_session(self, cookie_hash: str) -> Session | None:
        return None

    async def log_out(self, session_id: str, *, by: str) -> None:
        raise AssertionError("there is nobody to log out")

    async def grant(self, grant: Grant, code_hash: str, code_seconds: int, family_seconds: int) -> None:
        raise AssertionError("there is nobody to grant anything")

    async def redeem(self, code_hash: str, client_id: str) -> Grant | None:
        return None

    async def start_family(self, family: str, refresh_hash: str | None) -> Family | None:
        return None

    async def find_refresh_token(self, token_hash: str, client_id: str) -> Family | None:
        return None

    async def rotate(self, old_hash: str, new_hash: str) -> Family | None:
        return None

    async def find_family(self, family: str) -> Family | None:
        return None

    async def end_family(self, family: str, *, by: str) -> None:
        raise AssertionError("there is nothing to end")
