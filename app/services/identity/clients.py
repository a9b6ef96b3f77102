"""Registering machines and applications at the built-in issuer: checked before they can get a token."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from app.access import IDENTITY
from app.auth import Rights
from app.auth.issuer import (
    ASSERTION_ALGORITHMS,
    CLIENT_SUBJECT,
    RESERVED,
    Application,
    Client,
    Method,
    check_application,
    hash_secret,
)
from app.auth.verifying import read_key_set
from app.errors import InputError
from app.services.identity.accounts import checked_rights, operator
from app.store import clients, token_families
from app.store.audit import Event, Value, record
from app.store.clients import Registration
from app.store.database import Database

_ID = re.compile(r"[a-z][a-z0-9-]{0,62}")
_PUBLIC_KEYS: tuple[type[RSAKey] | type[ECKey] | type[OKPKey], ...] = (RSAKey, ECKey, OKPKey)


@dataclass(frozen=True, slots=True)
class Registered:
    """A new client; its secret, where it has one, is shown once and kept nowhere."""

    client: Client
    secret: str | None = field(repr=False)


async def register_client(
    database: Database,
    client_id: str,
    *,
    audience: str,
    role: str,
    party: str | None = None,
    ttl_seconds: int | None = None,
    public_key: bytes | None = None,
    by: str,
) -> Registered:
    """Register a machine that proves itself by a new secret, or by `public_key` (JWK, JWK set or PEM).

    Raises InputError for what no token could carry, Conflict for an id that was ever given.
    """
    _check(client_id, ttl_seconds)
    rights = await checked_rights(database, f"{CLIENT_SUBJECT}{client_id}", audience, role, party)
    return await _register(database, client_id, ttl_seconds, public_key, rights=rights, by=by)


async def register_application(
    database: Database,
    client_id: str,
    application: Application,
    *,
    public: bool = False,
    ttl_seconds: int | None = None,
    public_key: bytes | None = None,
    by: str,
) -> Registered:
    """Register an application that people log in to; a `public` one proves itself by PKCE alone.

    Raises InputError for addresses that a browser should not be sent to, Conflict for an id that was ever
    given.
    """
    _check(client_id, ttl_seconds)
    check_application(application)
    if application.native and not public:
        raise InputError(reason="a native program keeps no secret: it is public")
    if public and public_key is not None:
        raise InputError(reason="a client with a key of its own is not public")
    return await _register(
        database, client_id, ttl_seconds, public_key, application=application, public=public, by=by
    )


async def revoke_client(database: Database, client_id: str, *, by: str) -> None:
    """End a client and all tokens that it holds, people's too; raises NotFound."""
    async with database.write(IDENTITY) as tx:
        await clients.revoke_client(tx, client_id)
        await token_families.end_families_of(tx, by=by, client_id=client_id)
        await record(tx, Event("grant", "client.revoke", client_id, who=operator(by)))


async def all_clients(database: Database) -> list[Registration]:
    """Return all clients, revoked ones too, by id."""
    async with database.read(IDENTITY) as tx:
        return await clients.list_clients(tx)


async def _register(
    database: Database,
    client_id: str,
    ttl_seconds: int | None,
    public_key: bytes | None,
    *,
    rights: Rights | None = None,
    application: Application | None = None,
    public: bool = False,
    by: str,
) -> Registered:
    """Keep a client with the one proof that it has, a new secret unless it has another."""
    secret = secrets.token_urlsafe(32) if public_key is None and not public else None
    method: Method = "none" if public else "private_key_jwt" if secret is None else "client_secret"
    client = Client(
        client_id=client_id,
        method=method,
        secret_hash=hash_secret(secret) if secret is not None else None,
        key_set=read_public_keys(public_key) if public_key is not None else None,
        ttl_seconds=ttl_seconds,
        rights=rights,
        application=application,
    )
    async with database.write(IDENTITY) as tx:
        await clients.add_client(tx, client, by=by)
        await record(tx, Event("grant", "client.add", client_id, detail=_detail(client), who=operator(by)))
    return Registered(client, secret)


def _detail(client: Client) -> dict[str, Value]:
    """Return what the record of a registration says."""
    if client.application is not None:
        return {"method": client.method, "redirect_uris": list(client.application.redirect_uris)}
    if client.rights is None:
        raise TypeError("a client is a machine or an application")
    rights = client.rights
    return {
        "audience": rights.audience,
        "role": rights.role,
        "party": rights.party,
        "method": client.method,
    }


def _check(client_id: str, ttl_seconds: int | None) -> None:
    if not _ID.fullmatch(client_id) or client_id.startswith(RESERVED):
        raise InputError(
            reason="a client's id is lower-case letters, digits and -, beginning with a letter, "
            f"but not with {RESERVED}"
        )
    if ttl_seconds is not None and ttl_seconds < 1:
        raise InputError(reason="the time to live must be at least one second")


def read_public_keys(contents: bytes) -> Mapping[str, object]:
    """Return the public keys in a JWK, JWK set or PEM file as a JWK set; each has an id.

    Raises InputError for a file without a usable public key, or with a private one.
    """
    keys = [_identified(key) for key in _parsed(contents)]
    listed: dict[str, object] = {"keys": keys}
    if not keys or len(read_key_set(listed, ASSERTION_ALGORITHMS)) != len(keys):
        algorithms = ", ".join(ASSERTION_ALGORITHMS)
        raise InputError(reason=f"expected public keys for {algorithms}, each with its own id, none private")
    return listed


def _parsed(contents: bytes) -> list[dict[str, object]]:
    """Return the keys of a file as JWKs, none where there are none."""
    if contents.lstrip().startswith(b"{"):
        try:
            document = orjson.loads(contents)
        except orjson.JSONDecodeError:
            return []
        listed = document.get("keys", [document])
        return [key for key in listed if isinstance(key, dict)] if isinstance(listed, list) else []
    for kind in _PUBLIC_KEYS:
        try:
            key = kind.import_key(contents)
        except (JoseError, ValueError, TypeError):
            continue
        return [dict(key.as_dict(private=key.is_private))]
    return []


def _identified(key: dict[str, object]) -> dict[str, object]:
    """Return the key with an id: its own, or its thumbprint (RFC 7638)."""
    if "kid" in key:
        return key
    for kind in _PUBLIC_KEYS:
        try:
            return {**key, "kid": kind.import_key(key).thumbprint()}  # type: ignore[arg-type]  # joserfc checks
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    return key
