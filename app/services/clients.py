"""Registering machine clients of the built-in issuer: who they are is checked before they can get a token."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from app.access import IDENTITY
from app.auth import AUDIENCES, Principal
from app.auth.issuer import ASSERTION_ALGORITHMS, CLIENT_SUBJECT, Client, hash_secret
from app.auth.verifying import read_key_set
from app.errors import InputError, PartyRefused
from app.store.audit import Event, Value, Who, record
from app.store.clients import add_client, revoke_client
from app.store.database import Database
from app.store.directory import bind

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
    """Register a client that proves itself by a new secret, or by `public_key` (JWK, JWK set or PEM).

    Raises InputError for what no token could carry, Conflict for an id that was ever given.
    """
    if not _ID.fullmatch(client_id):
        raise InputError(reason="a client's id is lower-case letters, digits and -, beginning with a letter")
    known = next((each for each in AUDIENCES if each == audience), None)
    if known is None:
        raise InputError(reason=f"audience is {audience!r}, expected one of {', '.join(AUDIENCES)}")
    if ttl_seconds is not None and ttl_seconds < 1:
        raise InputError(reason="the time to live must be at least one second")
    principal = Principal(f"{CLIENT_SUBJECT}{client_id}", known, party, role, 0, "", "")
    try:
        await bind(database, principal)
    except PartyRefused:
        whom = f"party {party}" if party else "the company as such"
        raise InputError(reason=f"{whom} has no role {role!r} as {audience}") from None
    secret = None if public_key is not None else secrets.token_urlsafe(32)
    client = Client(
        client_id=client_id,
        method="client_secret" if secret is not None else "private_key_jwt",
        secret_hash=hash_secret(secret) if secret is not None else None,
        key_set=read_public_keys(public_key) if public_key is not None else None,
        audience=known,
        role=role,
        party=party,
        ttl_seconds=ttl_seconds,
    )
    async with database.write(IDENTITY) as tx:
        await add_client(tx, client, by=by)
        detail: dict[str, Value] = {
            "audience": audience,
            "role": role,
            "party": party,
            "method": client.method,
        }
        await record(tx, Event("grant", "client.add", client_id, detail=detail, who=_operator(by)))
    return Registered(client, secret)


async def end_client(database: Database, client_id: str, *, by: str) -> None:
    """Revoke a client and its tokens; raises NotFound for one that is not registered."""
    async with database.write(IDENTITY) as tx:
        await revoke_client(tx, client_id)
        await record(tx, Event("grant", "client.revoke", client_id, who=_operator(by)))


def _operator(name: str) -> Who:
    return Who(name, role="operator", audience="host", origin="command line")


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
