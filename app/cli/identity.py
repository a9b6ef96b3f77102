"""`client` and `key`: machine clients of the built-in issuer, and the keys that it signs with."""

from __future__ import annotations

import getpass
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.access import IDENTITY
from app.auth import SigningKeys, load_signing_keys, rotate_signing_keys
from app.cli.output import Json, answer, command, say
from app.cli.session import with_database
from app.config import load_settings
from app.errors import InputError
from app.services.clients import Registered, end_client, register_client
from app.store.clients import Registration, list_clients
from app.store.database import Database

ClientAction = Literal["add", "list", "revoke"]
KeyAction = Literal["list", "rotate"]


@command
def client(
    action: Annotated[ClientAction, typer.Argument(help="add, list or revoke.")],
    name: Annotated[str | None, typer.Argument(help="Id of the client (add, revoke).")] = None,
    audience: Annotated[str, typer.Option(help="Graph: internal, supplier or customer.")] = "internal",
    role: Annotated[str | None, typer.Option(help="Role that its tokens carry.")] = None,
    party: Annotated[
        str | None, typer.Option(help="Department, supplier's or customer's party code.")
    ] = None,
    ttl: Annotated[int | None, typer.Option(help="Seconds that its tokens hold.")] = None,
    public_key: Annotated[
        Path | None, typer.Option(help="Public key (JWK, JWK set, PEM) instead of a secret.")
    ] = None,
    json: Json = False,
) -> None:
    """Register, list or revoke machine clients, which get tokens at /oauth/token.

    Example: python -m app client add erp-export --audience supplier --role supplier_planner --party VALTEC
    """
    if action == "list":
        listed = with_database(_list)
        answer({"clients": [_data(one) for one in listed]}, json=json, text=lambda: _tell_clients(listed))
        return
    if name is None:
        raise InputError(reason=f"{action} which client? Give its id")
    if action == "revoke":
        with_database(lambda database: end_client(database, name, by=getpass.getuser()))
        answer({"revoked": name}, json=json, text=lambda: say(f"{name} is revoked, and its tokens with it."))
        return
    if role is None:
        raise InputError(reason="a client needs a --role")
    contents = _read(public_key) if public_key is not None else None
    made = with_database(
        lambda database: register_client(
            database,
            name,
            audience=audience,
            role=role,
            party=party,
            ttl_seconds=ttl,
            public_key=contents,
            by=getpass.getuser(),
        )
    )
    endpoint = f"{load_settings().issuer_url}/oauth/token"
    data = {"client_id": name, "client_secret": made.secret, "token_endpoint": endpoint}
    answer(data, json=json, text=lambda: _tell_new(made, endpoint))


@command
def key(
    action: Annotated[KeyAction, typer.Argument(help="list or rotate.")],
    overlap: Annotated[
        int | None,
        typer.Option(help="Seconds that the replaced key goes on verifying (CONCORD_TOKEN_TTL_SECONDS)."),
    ] = None,
    json: Json = False,
) -> None:
    """List the local signing keys, or let a new one sign from now on; running servers follow at once.

    Example: python -m app key rotate --overlap 3600
    """
    settings = load_settings()
    if action == "rotate":
        keys = rotate_signing_keys(settings, settings.token_ttl_seconds if overlap is None else overlap)
    else:
        keys = load_signing_keys(settings)
    listed = [
        {"kid": kid, "signs": kid == keys.kid, "verify_until": _until(keys, kid)} for kid in keys.public
    ]
    answer({"keys": listed}, json=json, text=lambda: _tell_keys(keys))


async def _list(database: Database) -> list[Registration]:
    async with database.read(IDENTITY) as tx:
        return await list_clients(tx)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(reason=f"{path}: {error.strerror}") from None


def _data(one: Registration) -> dict[str, object]:
    return {name: getattr(one, name) for name in Registration.__slots__}


def _tell_new(made: Registered, endpoint: str) -> None:
    one = made.client
    say(f"{one.client_id} gets tokens at {endpoint} as {one.role} of {one.party or 'the company'}.")
    if made.secret is not None:
        say(f"Its secret, shown this once: {made.secret}")
    else:
        say("It proves itself by assertions signed with its own key (private_key_jwt).")


def _tell_clients(listed: Sequence[Registration]) -> None:
    for one in listed:
        state = f"revoked {one.revoked_at:%Y-%m-%d %H:%M}" if one.revoked_at else "active"
        say(f"{one.client_id}  {one.method}  {one.audience}  {one.role}  {one.party or '-'}  {state}")
    if not listed:
        say("No client is registered.")


def _until(keys: SigningKeys, kid: str) -> str | None:
    moment = keys.verify_until.get(kid)
    return None if moment is None else datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def _tell_keys(keys: SigningKeys) -> None:
    for kid in keys.public:
        if kid == keys.kid:
            say(f"{kid}  signs")
        elif keys.verifying(kid, time.time()) is None:
            say(f"{kid}  has ended")
        else:
            say(f"{kid}  verifies until {_until(keys, kid) or 'it is rotated out'}")
