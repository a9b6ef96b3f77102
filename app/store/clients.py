"""Registered clients of the built-in issuer, their failed attempts, used assertions and revoked tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from psycopg.errors import UniqueViolation

from app.access import IDENTITY
from app.auth.issuer import CLIENT_SUBJECT, Client, Revoked
from app.errors import Conflict, NotFound
from app.store.announcements import announce_ended
from app.store.audit import Event, Who, bookkeeping, network, record
from app.store.database import Database, Transaction

FREE_FAILURES: Final = 10
"""Failures in a row that cost nothing; with each further one the wait doubles."""
FIRST_WAIT_SECONDS: Final = 15
LONGEST_WAIT_SECONDS: Final = 900
FORGET_SECONDS: Final = 3600
"""After so long without a failure the count begins anew."""

_CLIENT: Final = "client_id, method, secret_hash, key_set, audience, role, party, ttl_seconds"


@dataclass(frozen=True, slots=True)
class Registration:
    """A client as it is listed: without its secret."""

    client_id: str
    method: str
    audience: str
    role: str
    party: str | None
    created_at: datetime
    created_by: str
    revoked_at: datetime | None


async def add_client(tx: Transaction, client: Client, *, by: str) -> None:
    """Register a client; raises Conflict where the id was ever given."""
    key_set = None if client.key_set is None else orjson.dumps(client.key_set).decode()
    try:
        await tx.execute(
            f"INSERT INTO identity.client ({_CLIENT}, created_by) "  # noqa: S608  column names of ours
            "VALUES (%s, %s, %s, %s::jsonb, %s, %s, %s, %s, %s)",
            (
                client.client_id,
                client.method,
                client.secret_hash,
                key_set,
                client.audience,
                client.role,
                client.party,
                client.ttl_seconds,
                by,
            ),
        )
    except UniqueViolation:
        raise Conflict(reason=f"there is, or was, a client {client.client_id}") from None


async def list_clients(tx: Transaction) -> list[Registration]:
    """Return all clients, revoked ones too, by id."""
    rows = await tx.fetch(
        "SELECT client_id, method, audience, role, party, created_at, created_by, revoked_at "
        "FROM identity.client ORDER BY client_id"
    )
    return [Registration(**row) for row in rows]


async def revoke_client(tx: Transaction, client_id: str) -> None:
    """End a client, its tokens and its streams; raises NotFound for an unknown or revoked one."""
    ended = await tx.execute(
        "UPDATE identity.client SET revoked_at = clock_timestamp() "
        "WHERE client_id = %s AND revoked_at IS NULL",
        (client_id,),
    )
    if not ended:
        raise NotFound(kind="client", name=client_id)
    await announce_ended(tx, "subject", f"{CLIENT_SUBJECT}{client_id}")


class StoredRegistry:
    """The registry of `app.auth.issuer`, in the database; each call is a transaction of its own."""

    def __init__(self, database: Callable[[], Database]) -> None:
        """Take what returns the open database."""
        self._database = database

    async def find_client(self, client_id: str) -> Client | None:
        """Return a client that was not revoked."""
        async with self._database().read(IDENTITY) as tx:
            row = await tx.fetch_one(
                f"SELECT {_CLIENT} FROM identity.client "  # noqa: S608  column names of ours
                "WHERE client_id = %s AND revoked_at IS NULL",
                (client_id,),
            )
        return None if row is None else Client(**row)

    async def locked(self, client_id: str, address: str) -> bool:
        """Say whether an address has failed too often to be listened to now."""
        async with self._database().read(IDENTITY) as tx:
            found: bool | None = await tx.fetch_value(_LOCKED, _waiting(client_id, address))
        return bool(found)

    async def note_attempt(self, client_id: str, address: str, *, succeeded: bool) -> None:
        """Count a failed proof of a known client; a good one takes the count back."""
        async with self._database().write(IDENTITY) as tx:
            if succeeded:
                bookkeeping(tx, "attempts counted")
                await tx.execute(
                    "DELETE FROM identity.attempt WHERE kind = 'client' AND name = %s AND address = %s",
                    (client_id, address),
                )
                return
            await tx.execute(_FORGET, {"forget": FORGET_SECONDS})
            await tx.execute(_COUNT, _waiting(client_id, address))
            await record(tx, Event("refusal", "client.refused", client_id, who=Who(origin=network(address))))

    async def use_assertion(self, client_id: str, token_id: str, expires_at: int) -> bool:
        """Remember an assertion until it expires; False if it was used before."""
        async with self._database().write(IDENTITY) as tx:
            bookkeeping(tx, "attempts counted")
            await tx.execute("DELETE FROM identity.assertion WHERE expires_at < clock_timestamp()")
            made = await tx.execute(
                "INSERT INTO identity.assertion (client_id, token_id, expires_at) "
                "VALUES (%s, %s, to_timestamp(%s)) ON CONFLICT DO NOTHING",
                (client_id, token_id, expires_at),
            )
        return bool(made)

    async def revoke_token(self, token_id: str, expires_at: int, *, by: str) -> None:
        """End an access token before its time; what has expired is forgotten."""
        async with self._database().write(IDENTITY) as tx:
            await tx.execute(_FORGET_TOKENS, {"forget": FORGET_SECONDS})
            await tx.execute(
                "INSERT INTO identity.revoked_token (token_id, expires_at, revoked_by) "
                "VALUES (%s, to_timestamp(%s), %s) ON CONFLICT DO NOTHING",
                (token_id, expires_at, by),
            )
            await announce_ended(tx, "token", token_id)
            await record(tx, Event("grant", "token.revoke", token_id, who=Who(subject=by)))

    async def revoked(self) -> Revoked:
        """Return what was revoked and may not have expired yet."""
        async with self._database().read(IDENTITY) as tx:
            tokens = await tx.fetch_rows("SELECT token_id FROM identity.revoked_token")
            clients = await tx.fetch_rows(_REVOKED_CLIENTS)
        return Revoked(
            frozenset(token_id for (token_id,) in tokens),
            frozenset(f"{CLIENT_SUBJECT}{client_id}" for (client_id,) in clients),
        )


_LOCKED: Final = """
SELECT last_at + make_interval(secs => least(%(longest)s, %(first)s * 2 ^ least(failures - %(free)s, 20)))
    > clock_timestamp()
FROM identity.attempt
WHERE kind = 'client' AND name = %(name)s AND address = %(address)s AND failures >= %(free)s
"""
_FORGET: Final = """
DELETE FROM identity.attempt WHERE last_at < clock_timestamp() - make_interval(secs => %(forget)s)
"""
_FORGET_TOKENS: Final = """
DELETE FROM identity.revoked_token WHERE expires_at < clock_timestamp() - make_interval(secs => %(forget)s)
"""
_REVOKED_CLIENTS: Final = """
SELECT client_id FROM identity.client WHERE revoked_at > clock_timestamp() - interval '2 days'
"""
"""Older revocations need no look: no token of a client lives longer than a day."""
_COUNT: Final = """
INSERT INTO identity.attempt AS a (kind, name, address, failures, last_at)
VALUES ('client', %(name)s, %(address)s, 1, clock_timestamp())
ON CONFLICT (kind, name, address) DO UPDATE SET failures = a.failures + 1, last_at = clock_timestamp()
"""


def _waiting(name: str, address: str) -> Mapping[str, Any]:
    return {
        "name": name,
        "address": address,
        "free": FREE_FAILURES,
        "first": FIRST_WAIT_SECONDS,
        "longest": LONGEST_WAIT_SECONDS,
    }
