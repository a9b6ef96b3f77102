"""Accounts of people who log in at the built-in issuer, and their sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.errors import UniqueViolation

from app.auth import Rights
from app.auth.issuer import ACCOUNT_SUBJECT, Account, Session
from app.errors import Conflict, NotFound
from app.store.announcements import announce_ended
from app.store.database import Transaction


@dataclass(frozen=True, slots=True)
class AccountListed:
    """An account as it is listed: without its password."""

    name: str
    audience: str
    role: str
    party: str | None
    created_at: datetime
    created_by: str
    password_at: datetime
    disabled_at: datetime | None


async def add_account(tx: Transaction, account: Account, *, by: str) -> None:
    """Add an account; raises Conflict where the name was ever given."""
    rights = account.rights
    try:
        await tx.execute(
            "INSERT INTO identity.account (name, password_hash, audience, role, party, created_by) "
            "VALUES (%s, %s, %s, %s, %s, %s)",
            (account.name, account.password_hash, rights.audience, rights.role, rights.party, by),
        )
    except UniqueViolation:
        raise Conflict(reason=f"there is a user {account.name} already") from None


async def list_accounts(tx: Transaction) -> list[AccountListed]:
    """Return all accounts, disabled ones too, by name."""
    rows = await tx.fetch(
        "SELECT name, audience, role, party, created_at, created_by, password_at, disabled_at "
        "FROM identity.account ORDER BY name"
    )
    return [AccountListed(**row) for row in rows]


async def find_account(tx: Transaction, name: str) -> Account | None:
    """Return an account that is not disabled."""
    row = await tx.fetch_one(
        "SELECT name, password_hash, audience, role, party FROM identity.account "
        "WHERE name = %s AND disabled_at IS NULL",
        (name,),
    )
    return None if row is None else account_of(row)


def account_of(row: dict[str, Any]) -> Account:
    """Return the account in a row that has its columns among others."""
    return Account(row["name"], row["password_hash"], Rights(row["audience"], row["role"], row["party"]))


async def set_password(tx: Transaction, name: str, password_hash: str) -> None:
    """Give an account another password; raises NotFound for an unknown one."""
    changed = await tx.execute(
        "UPDATE identity.account SET password_hash = %s, password_at = clock_timestamp() WHERE name = %s",
        (password_hash, name),
    )
    if not changed:
        raise NotFound(kind="user", name=name)


async def set_disabled(tx: Transaction, name: str, *, disabled: bool) -> None:
    """Disable an account or enable it again; raises NotFound where it is unknown or so already."""
    value, before = ("clock_timestamp()", "NULL") if disabled else ("NULL", "NOT NULL")
    changed = await tx.execute(
        f"UPDATE identity.account SET disabled_at = {value} "  # noqa: S608  words of ours
        f"WHERE name = %s AND disabled_at IS {before}",
        (name,),
    )
    if not changed:
        raise NotFound(kind=f"{'enabled' if disabled else 'disabled'} user", name=name)


async def add_session(tx: Transaction, name: str, session_id: str, cookie_hash: str, seconds: int) -> None:
    """Start a session, or renew one of the same account; it ends by itself after so many seconds.

    Old ones are forgotten.
    """
    await tx.execute("DELETE FROM identity.session WHERE expires_at < clock_timestamp() - interval '2 days'")
    await tx.execute(
        "INSERT INTO identity.session AS s (session_id, cookie_hash, account, expires_at) "
        "VALUES (%s, %s, %s, clock_timestamp() + make_interval(secs => %s)) "
        "ON CONFLICT (session_id) DO UPDATE SET cookie_hash = excluded.cookie_hash, "
        "started_at = excluded.started_at, expires_at = excluded.expires_at "
        "WHERE s.account = excluded.account AND s.ended_at IS NULL",
        (session_id, cookie_hash, name, seconds),
    )


async def find_session(tx: Transaction, cookie_hash: str) -> Session | None:
    """Return the session of a cookie, if it lives and its account is not disabled."""
    row = await tx.fetch_one(
        "SELECT s.session_id, floor(extract(epoch FROM s.started_at))::bigint AS auth_time, "
        "a.name, a.password_hash, a.audience, a.role, a.party "
        "FROM identity.session s JOIN identity.account a ON a.name = s.account AND a.disabled_at IS NULL "
        "WHERE s.cookie_hash = %s AND s.ended_at IS NULL AND s.expires_at > clock_timestamp()",
        (cookie_hash,),
    )
    return None if row is None else Session(row["session_id"], account_of(row), row["auth_time"])


async def end_session(tx: Transaction, session_id: str) -> bool:
    """End a session, and what streams by it; False if it had ended."""
    ended = await tx.execute(
        "UPDATE identity.session SET ended_at = clock_timestamp() WHERE session_id = %s AND ended_at IS NULL",
        (session_id,),
    )
    if ended:
        await announce_ended(tx, "session", session_id)
    return bool(ended)


async def end_sessions_of(tx: Transaction, name: str) -> None:
    """End all sessions of an account, and whatever streams in its name."""
    await tx.execute(
        "UPDATE identity.session SET ended_at = clock_timestamp() WHERE account = %s AND ended_at IS NULL",
        (name,),
    )
    await announce_ended(tx, "subject", f"{ACCOUNT_SUBJECT}{name}")
