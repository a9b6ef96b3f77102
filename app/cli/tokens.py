"""`token`: an access token signed by the local key set, for a person or a machine."""

from __future__ import annotations

from typing import Annotated

import typer

from app.auth import issue_token
from app.cli.output import Json, answer, command, say
from app.cli.session import note_if_kept, with_database
from app.config import load_settings
from app.store.audit import Event

DEFAULT_ROLES = {"internal": "planner", "supplier": "supplier_planner", "customer": "customer_planner"}


@command
def token(
    audience: Annotated[str, typer.Option(help="Graph: internal, supplier or customer.")],
    role: Annotated[
        str | None, typer.Option(help="Role (planner, supplier_planner or customer_planner unless given).")
    ] = None,
    party: Annotated[
        str | None, typer.Option(help="Department, supplier's or customer's party code.")
    ] = None,
    ttl: Annotated[int | None, typer.Option(help="Seconds that it holds (CONCORD_TOKEN_TTL_SECONDS)")] = None,
    json: Json = False,
) -> None:
    """Print an access token, and nothing else.

    Example: python -m app token --audience supplier --party V07
    """
    chosen = role if role is not None else DEFAULT_ROLES.get(audience, "")
    text = issue_token(load_settings(), audience, chosen, party, ttl)
    target = f"{audience} {chosen} {party or 'the company'}"
    with_database(
        lambda database: note_if_kept(database, Event("grant", "token.issue", target)), current=False
    )
    data = {"token": text, "audience": audience, "role": chosen, "party": party}
    answer(data, json=json, text=lambda: say(text))
