"""`user`: people who log in at the built-in issuer."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from typing import Annotated, Literal

import typer

from app.cli.output import Json, answer, command, say
from app.cli.secret_input import ask_secret
from app.cli.session import with_database
from app.errors import InputError
from app.services.identity.accounts import (
    add_account,
    all_accounts,
    change_password,
    disable_account,
    enable_account,
)
from app.store.accounts import AccountListed

UserAction = Literal["add", "list", "password", "disable", "enable"]
DONE = {
    "add": "{name} can log in now.",
    "password": "{name} has another password; sessions begun with the old one have ended.",
    "disable": "{name} can no longer log in, and all sessions have ended.",
    "enable": "{name} can log in again.",
}


@command
def user(
    action: Annotated[UserAction, typer.Argument(help="add, list, password, disable or enable.")],
    name: Annotated[str | None, typer.Argument(help="Name that the person logs in with.")] = None,
    audience: Annotated[str, typer.Option(help="Graph: internal, supplier or customer.")] = "internal",
    role: Annotated[str | None, typer.Option(help="Role of the person (add).")] = None,
    party: Annotated[
        str | None, typer.Option(help="Department, supplier's or customer's party code.")
    ] = None,
    json: Json = False,
) -> None:
    """Add, list, disable or enable people who log in, or change a password.

    A password is asked for, or read from standard input; it is never part of the command.

    Example: python -m app user add anna --role sales --party SALES-NORTH
    """
    if action == "list":
        listed = with_database(all_accounts)
        answer({"users": [_data(one) for one in listed]}, json=json, text=lambda: _tell(listed))
        return
    if name is None:
        raise InputError(reason=f"{action} which user? Give a name")
    if action == "add":
        _add(name, audience, role, party)
    elif action == "password":
        password = ask_secret("Password", twice=True)
        with_database(lambda database: change_password(database, name, password, by=getpass.getuser()))
    elif action == "disable":
        with_database(lambda database: disable_account(database, name, by=getpass.getuser()))
    else:
        with_database(lambda database: enable_account(database, name, by=getpass.getuser()))
    answer({action: name}, json=json, text=lambda: say(DONE[action].format(name=name)))


def _add(name: str, audience: str, role: str | None, party: str | None) -> None:
    if role is None:
        raise InputError(reason="a user needs a --role")
    password = ask_secret("Password", twice=True)
    with_database(
        lambda database: add_account(
            database, name, password, audience=audience, role=role, party=party, by=getpass.getuser()
        )
    )


def _data(one: AccountListed) -> dict[str, object]:
    return {name: getattr(one, name) for name in AccountListed.__slots__}


def _tell(listed: Sequence[AccountListed]) -> None:
    for one in listed:
        state = f"disabled {one.disabled_at:%Y-%m-%d %H:%M}" if one.disabled_at else "active"
        say(f"{one.name}  {one.audience}  {one.role}  {one.party or '-'}  {state}")
    if not listed:
        say("No user is registered.")
