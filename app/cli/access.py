"""`access`: who sees and does what, as the policies say it; for one principal, and why not more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from app.access import DIRECTORY, Holdings, load
from app.access.explain import Explainer, Verdict
from app.access.matrix import render
from app.cli.output import Json, answer, command, say
from app.cli.session import with_database
from app.cli.tokens import DEFAULT_ROLES
from app.errors import InputError, StoreError
from app.store.database import Database
from app.store.directory import find_holdings

COMPANY = "the company as such: no region or site narrows its rows"


@command
def access(
    as_: Annotated[
        str | None, typer.Option("--as", help="For one principal: AUDIENCE, or AUDIENCE:PARTY.")
    ] = None,
    role: Annotated[
        str | None,
        typer.Option(help="Its role; unless given: planner, supplier_planner, customer_planner."),
    ] = None,
    why: Annotated[
        str | None, typer.Option(help="Only this measure, kind, table, column, action or field, and why.")
    ] = None,
    json: Json = False,
) -> None:
    """Print the matrix of roles, measures, reference data and actions; or what one principal sees, and why.

    Example: python -m app access --as supplier:V07 --why purchasePrice
    """
    if as_ is None:
        if role is not None or why is not None:
            raise InputError(reason="--role and --why are about one principal: name it by --as")
        _matrix(json=json)
        return
    audience, _, party = as_.partition(":")
    chosen = _role(audience, role)
    explainer = Explainer(load(), chosen)
    found = explainer.everything() if why is None else explainer.why(why)
    standing = (
        _standing(audience, party) if party else "the company as such: no region or site narrows its rows"
    )
    data = {
        "audience": audience,
        "party": party or None,
        "role": chosen,
        "database_role": load().database_role(chosen),
        "standing": standing,
        "verdicts": [asdict(verdict) for verdict in found],
    }
    answer(data, json=json, text=lambda: _tell(as_, chosen, standing, found))


def _matrix(*, json: bool) -> None:
    policies = load()
    data = {
        "roles": {name: role.doc for name, role in policies.parties.role.items()},
        "measures": policies.measures,
        "kinds": policies.kinds,
        "actions": {name: action.roles for name, action in policies.actions.action.items()},
    }
    answer(data, json=json, text=lambda: say(render(policies)))


def _role(audience: str, role: str | None) -> str:
    """Return the role meant; raises InputError for one that is not of the audience."""
    if audience not in DEFAULT_ROLES:
        raise InputError(reason=f"audience is {audience!r}, expected one of {', '.join(DEFAULT_ROLES)}")
    chosen = role if role is not None else DEFAULT_ROLES[audience]
    roles = load().roles_of(audience)
    if chosen not in roles:
        raise InputError(reason=f"role is {chosen!r}, expected one of {', '.join(roles)}")
    return chosen


def _standing(audience: str, party: str) -> str:
    """Return whether main's head admits the party today, and what narrows its rows."""

    async def look_up(database: Database) -> Holdings | None:
        async with database.read(DIRECTORY) as tx:
            return await find_holdings(tx, party)

    try:
        return _admission(audience, party, with_database(look_up))
    except StoreError as error:
        return f"not looked up ({error.code}): what follows is what its role is granted"


def _admission(audience: str, party: str, held: Holdings | None) -> str:
    wanted = load().parties.audience[audience]
    if held is None:
        return f"refused: the head of main knows no party {party}"
    if not held.active:
        return f"refused: {party} is suspended (party.active)"
    if held.kind != wanted.party_kind:
        return f"refused: {party} is of kind {held.kind}, not {wanted.party_kind}"
    if (wanted.holds == "supplier" and not held.is_supplier) or (
        wanted.holds == "customer" and not held.is_customer
    ):
        return f"refused: {party} holds no {wanted.holds} code"
    reach = [("regions", held.regions), ("sites", held.sites)]
    narrowed = [f"{name} {', '.join(one.codes)}" for name, one in reach if one is not None]
    return "admitted" + (f"; narrowed to {' and '.join(narrowed)}" if narrowed else "")


def _tell(who: str, role: str, standing: str, found: Sequence[Verdict]) -> None:
    say(f"{who} as {role} (database role {load().database_role(role)}): {standing}.")
    for granted, title in ((True, "Granted"), (False, "Not granted")):
        listed = [verdict for verdict in found if verdict.granted == granted]
        if listed:
            say()
            say(title)
        for verdict in listed:
            say(f"  {verdict.what:8} {verdict.name:36} {verdict.how}  [{verdict.line}]")
