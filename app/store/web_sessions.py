"""Logins begun at our own pages, and the sessions they led to; found by a digest, kept under seal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.store.database import Transaction

TOUCH_SECONDS: Final = 60
"""That a session is used is noted at most so often."""

_LIVES: Final = (
    "expires_at > clock_timestamp() AND seen_at + make_interval(secs => idle_seconds) > clock_timestamp()"
)


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session that lives; `unseen` says that its use was noted some time ago."""

    provider: str
    subject: str
    sealed: bytes
    unseen: bool


async def add_login(tx: Transaction, key: str, sealed: bytes, seconds: int) -> None:
    """Keep a login that was begun; those that took too long are forgotten."""
    await tx.execute("DELETE FROM identity.web_login WHERE expires_at < clock_timestamp()")
    await tx.execute(
        "INSERT INTO identity.web_login (key, sealed, expires_at) "
        "VALUES (%s, %s, clock_timestamp() + make_interval(secs => %s))",
        (key, sealed, seconds),
    )


async def take_login(tx: Transaction, key: str) -> bytes | None:
    """Return a login that was begun, and forget it."""
    sealed: bytes | None = await tx.fetch_value(
        "DELETE FROM identity.web_login WHERE key = %s AND expires_at > clock_timestamp() RETURNING sealed",
        (key,),
    )
    return sealed


async def add_session(
    tx: Transaction, key: str, *, provider: str, subject: str, sealed: bytes, idle: int, absolute: int
) -> None:
    """Begin a session that lives `absolute` seconds, `idle` at most unused; ended ones are forgotten."""
    await tx.execute(f"DELETE FROM identity.web_session WHERE NOT ({_LIVES})")  # noqa: S608  a constant
    await tx.execute(
        "INSERT INTO identity.web_session (key, provider, subject, sealed, idle_seconds, expires_at) "
        "VALUES (%s, %s, %s, %s, %s, clock_timestamp() + make_interval(secs => %s))",
        (key, provider, subject, sealed, idle, absolute),
    )


async def find_session(tx: Transaction, key: str, *, lock: bool = False) -> SessionRow | None:
    """Return a session that lives; `lock` holds it until the transaction ends."""
    row = await tx.fetch_one(
        "SELECT provider, subject, sealed, "  # noqa: S608  constants
        "seen_at + make_interval(secs => least(%s, idle_seconds / 4)) < clock_timestamp() AS unseen "
        f"FROM identity.web_session WHERE key = %s AND {_LIVES}" + (" FOR UPDATE" if lock else ""),
        (TOUCH_SECONDS, key),
    )
    return None if row is None else SessionRow(**row)


async def touch_session(tx: Transaction, key: str) -> None:
    """Note that a session is used."""
    await tx.execute("UPDATE identity.web_session SET seen_at = clock_timestamp() WHERE key = %s", (key,))


async def reseal_session(tx: Transaction, key: str, sealed: bytes) -> None:
    """Put other tokens in a session."""
    await tx.execute("UPDATE identity.web_session SET sealed = %s WHERE key = %s", (sealed, key))


async def end_session(tx: Transaction, key: str) -> str | None:
    """Forget a session; return whose it was, None where there was none."""
    subject: str | None = await tx.fetch_value(
        "DELETE FROM identity.web_session WHERE key = %s RETURNING subject", (key,)
    )
    return subject
