"""Registered clients of the built-in issuer, the assertions they used, and tokens ended before their time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from psycopg.errors import UniqueViolation

from app.auth import Rights
from app.auth.issuer import ACCOUNT_SUBJECT, CLIENT_SUBJECT, Application, Client, Revoked
from app.errors import Conflict, NotFound
from app.store.announcements import announce_ended
from app.store.database import Transaction

_COLUMNS: Final = (
    "client_id, method, secret_hash, key_set, ttl_seconds, audience, role, party, "
    "title, redirect_uris, logout_uris, native, first_party"
)


@dataclass(frozen=True, slots=True)
class Registration:
    """A client as it is listed: without its secret. An application has no role: its people have theirs."""

    client_id: str
    method: str
    audience: str | None
    role: str | None
    party: str | None
    title: str | None
    redirect_uris: list[str] | None
    first_party: bool | None
    created_at: datetime
    created_by: str
    revoked_at: datetime | None


async def add_client(tx: Transaction, client: Client, *, by: str) -> None:
    """Register a client; raises Conflict where the id was ever given."""
    values = (*_values(client), by)
    try:
        await tx.execute(
            f"INSERT INTO identity.client ({_COLUMNS}, created_by) "  # noqa: S608  column names of ours
            "VALUES (%s, %s, %s, %s::jsonb, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            values,
        )
    except UniqueViolation:
        raise Conflict(reason=f"there is, or was, a client {client.client_id}") from None


def _values(client: Client) -> tuple[object, ...]:
    """Return a client's columns: one of its two uses, and nothing for the other."""
    rights, application = client.rights, client.application
    return (
        client.client_id,
        client.method,
        client.secret_hash,
        None if client.key_set is None else orjson.dumps(client.key_set).decode(),
        client.ttl_seconds,
        *((None, None, None) if rights is None else (rights.audience, rights.role, rights.party)),
        *((None,) * 5 if application is None else _application_values(application)),
    )


def _application_values(application: Application) -> tuple[object, ...]:
    return (
        application.title,
        list(application.redirect_uris),
        list(application.logout_uris),
        application.native,
        application.first_party,
    )


async def find_client(tx: Transaction, client_id: str) -> Client | None:
    """Return a client that was not revoked."""
    row = await tx.fetch_one(
        f"SELECT {_COLUMNS} FROM identity.client "  # noqa: S608  column names of ours
        "WHERE client_id = %s AND revoked_at IS NULL",
        (client_id,),
    )
    return None if row is None else _client(row)


def _client(row: dict[str, Any]) -> Client:
    application = None
    if row["redirect_uris"] is not None:
        application = Application(
            row["title"],
            tuple(row["redirect_uris"]),
            tuple(row["logout_uris"]),
            row["native"],
            row["first_party"],
        )
    return Client(
        client_id=row["client_id"],
        method=row["method"],
        secret_hash=row["secret_hash"],
        key_set=row["key_set"],
        ttl_seconds=row["ttl_seconds"],
        rights=Rights(row["audience"], row["role"], row["party"]) if row["role"] is not None else None,
        application=application,
    )


async def list_clients(tx: Transaction) -> list[Registration]:
    """Return all clients, revoked ones too, by id."""
    rows = await tx.fetch(
        "SELECT client_id, method, audience, role, party, title, redirect_uris, first_party, "
        "created_at, created_by, revoked_at FROM identity.client ORDER BY client_id"
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


async def use_assertion(tx: Transaction, client_id: str, token_id: str, expires_at: int) -> bool:
    """Remember an assertion until it expires; False if it was used before."""
    await tx.execute("DELETE FROM identity.assertion WHERE expires_at < clock_timestamp()")
    made = await tx.execute(
        "INSERT INTO identity.assertion (client_id, token_id, expires_at) "
        "VALUES (%s, %s, to_timestamp(%s)) ON CONFLICT DO NOTHING",
        (client_id, token_id, expires_at),
    )
    return bool(made)


async def revoke_token(tx: Transaction, token_id: str, expires_at: int, *, by: str) -> None:
    """End an access token before its time; what has expired is forgotten."""
    await tx.execute(
        "DELETE FROM identity.revoked_token WHERE expires_at < clock_timestamp() - interval '1 hour'"
    )
    await tx.execute(
        "INSERT INTO identity.revoked_token (token_id, expires_at, revoked_by) "
        "VALUES (%s, to_timestamp(%s), %s) ON CONFLICT DO NOTHING",
        (token_id, expires_at, by),
    )
    await announce_ended(tx, "token", token_id)


async def find_revoked(tx: Transaction) -> Revoked:
    """Return what was revoked and may not have expired yet: no access token lives longer than a day."""
    tokens = await tx.fetch_rows("SELECT token_id FROM identity.revoked_token")
    clients = await tx.fetch_rows(
        "SELECT client_id FROM identity.client WHERE revoked_at > clock_timestamp() - interval '2 days'"
    )
    accounts = await tx.fetch_rows("SELECT name FROM identity.account WHERE disabled_at IS NOT NULL")
    families = await tx.fetch_rows(
        "SELECT family FROM identity.token_family WHERE ended_at > clock_timestamp() - interval '2 days'"
    )
    return Revoked(
        token_ids=frozenset(token_id for (token_id,) in tokens),
        subjects=frozenset(f"{CLIENT_SUBJECT}{client_id}" for (client_id,) in clients)
        | frozenset(f"{ACCOUNT_SUBJECT}{name}" for (name,) in accounts),
        families=frozenset(family for (family,) in families),
    )
