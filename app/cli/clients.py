"""`client`: machines and applications at the built-in issuer."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.auth.issuer import Application
from app.cli.output import Json, answer, command, say
from app.cli.session import with_database
from app.config import load_settings
from app.errors import InputError
from app.services.identity.clients import (
    Registered,
    all_clients,
    register_application,
    register_client,
    revoke_client,
)
from app.store.clients import Registration

ClientAction = Literal["add", "list", "revoke"]


@command
def client(
    action: Annotated[ClientAction, typer.Argument(help="add, list or revoke.")],
    name: Annotated[str | None, typer.Argument(help="Id of the client (add, revoke).")] = None,
    audience: Annotated[str, typer.Option(help="Machine: internal, supplier or customer.")] = "internal",
    role: Annotated[str | None, typer.Option(help="Machine: role that its tokens carry.")] = None,
    party: Annotated[
        str | None, typer.Option(help="Machine: department, supplier's or customer's party code.")
    ] = None,
    redirect_uri: Annotated[
        list[str] | None, typer.Option(help="Application: where a login leads back to; may be repeated.")
    ] = None,
    logout_uri: Annotated[
        list[str] | None, typer.Option(help="Application: where a logout may lead to; may be repeated.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="Application: its name for people (its id).")] = None,
    public: Annotated[bool, typer.Option("--public", help="Application that cannot keep a secret.")] = False,
    native: Annotated[bool, typer.Option("--native", help="Program on a desk; --public is implied.")] = False,
    first_party: Annotated[
        bool, typer.Option("--first-party", help="Application of your own: people are not asked.")
    ] = False,
    ttl: Annotated[int | None, typer.Option(help="Seconds that its tokens hold.")] = None,
    public_key: Annotated[
        Path | None, typer.Option(help="Public key (JWK, JWK set, PEM) instead of a secret.")
    ] = None,
    json: Json = False,
) -> None:
    """Register, list or revoke machines (--role) and applications that people log in to (--redirect-uri).

    Example: python -m app client add erp-export --audience supplier --role supplier_planner --party VALTEC
    """
    if action == "list":
        listed = with_database(all_clients)
        answer({"clients": [_data(one) for one in listed]}, json=json, text=lambda: _tell_clients(listed))
        return
    if name is None:
        raise InputError(reason=f"{action} which client? Give its id")
    by = getpass.getuser()
    if action == "revoke":
        with_database(lambda database: revoke_client(database, name, by=by))
        answer({"revoked": name}, json=json, text=lambda: say(f"{name} is revoked, and its tokens with it."))
        return
    contents = _read(public_key) if public_key is not None else None
    if redirect_uri:
        if role is not None or party is not None:
            raise InputError(reason="an application has no role: each person who logs in to it has one")
        application = Application(
            title or name, tuple(redirect_uri), tuple(logout_uri or ()), native, first_party
        )
        made = with_database(
            lambda database: register_application(
                database,
                name,
                application,
                public=public or native,
                ttl_seconds=ttl,
                public_key=contents,
                by=by,
            )
        )
    elif role is None:
        raise InputError(reason="a machine needs a --role, an application a --redirect-uri")
    else:
        made = with_database(
            lambda database: register_client(
                database,
                name,
                audience=audience,
                role=role,
                party=party,
                ttl_seconds=ttl,
                public_key=contents,
                by=by,
            )
        )
    issuer = load_settings().issuer_url
    data = {"client_id": name, "client_secret": made.secret, "token_endpoint": f"{issuer}/oauth/token"}
    answer(data, json=json, text=lambda: _tell_new(made, issuer))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(reason=f"{path}: {error.strerror}") from None


def _data(one: Registration) -> dict[str, object]:
    return {name: getattr(one, name) for name in Registration.__slots__}


def _tell_new(made: Registered, issuer: str) -> None:
    one = made.client
    if one.rights is not None:
        whom = f"as {one.rights.role} of {one.rights.party or 'the company'}"
        say(f"{one.client_id} gets tokens at {issuer}/oauth/token {whom}.")
    else:
        say(f"People log in to {one.client_id} at {issuer}/oauth/authorize.")
    if made.secret is not None:
        say(f"Its secret, shown this once: {made.secret}")
    elif one.method == "none":
        say("It has no secret: PKCE protects its codes.")
    else:
        say("It proves itself by assertions signed with its own key (private_key_jwt).")


def _tell_clients(listed: Sequence[Registration]) -> None:
    for one in listed:
        state = f"revoked {one.revoked_at:%Y-%m-%d %H:%M}" if one.revoked_at else "active"
        if one.redirect_uris is None:
            use = f"{one.audience}  {one.role}  {one.party or '-'}"
        else:
            use = f"login  {' '.join(one.redirect_uris)}"
        say(f"{one.client_id}  {one.method}  {use}  {state}")
    if not listed:
        say("No client is registered.")
