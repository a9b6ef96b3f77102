"""`party`: parties that are kept out for a while."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import typer

from app.access import IDENTITY
from app.cli.output import Json, answer, command, say
from app.cli.session import operator, with_database
from app.errors import InputError
from app.services.suspending import reinstate, suspend
from app.store.database import Database
from app.store.suspensions import Suspension, suspensions

Action = Literal["suspend", "reinstate", "list"]


@command
def party(
    action: Annotated[Action, typer.Argument(help="suspend, reinstate or list.")],
    code: Annotated[str | None, typer.Argument(help="Code of the party (suspend, reinstate).")] = None,
    reason: Annotated[str | None, typer.Option(help="Why it is suspended; goes on record.")] = None,
    json: Json = False,
) -> None:
    """Keep a party out, let it in again, or list who is kept out; its data stay as they are.

    Tokens are refused at once by all servers, sessions and streams end within seconds.

    Example: python -m app party suspend VALTEC --reason "contract ended"
    """
    if action == "list":
        listed = with_database(_list)
        data = [{name: getattr(one, name) for name in Suspension.__slots__} for one in listed]
        answer({"suspended": data}, json=json, text=lambda: _tell(listed))
        return
    if code is None:
        raise InputError(reason=f"{action} which party? Give its code")
    if action == "suspend":
        changed = with_database(lambda database: suspend(database, operator(), code, reason=reason or ""))
        words = f"{code} is suspended." if changed else f"{code} was suspended already."
    else:
        changed = with_database(lambda database: reinstate(database, operator(), code))
        words = f"{code} is let in again." if changed else f"{code} was not suspended."
    answer({"party": code, "changed": changed}, json=json, text=lambda: say(words))


async def _list(database: Database) -> list[Suspension]:
    async with database.read(IDENTITY) as tx:
        return await suspensions(tx)


def _tell(listed: Sequence[Suspension]) -> None:
    for one in listed:
        say(f"{one.party}  since {one.suspended_at:%Y-%m-%d %H:%M}  by {one.suspended_by}: {one.reason}")
    if not listed:
        say("No party is suspended.")
