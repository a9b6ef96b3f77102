"""`explain`: why a figure of a plan is what it is, and what it is made of or ends in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated

import typer

from app.access import HOST
from app.cli.output import Json, answer, command, say
from app.cli.session import with_database
from app.errors import InputError
from app.services.explaining.cells import Figure
from app.services.explaining.explain import ExplainedCell, Reason
from app.services.explaining.explain import explain as explain_figure
from app.services.explaining.pegging import Direction, Pegging
from app.services.explaining.pegging import pegging as peg_figure
from app.store.branches import At
from app.store.database import Database
from app.vocabulary import DIMENSIONS

SHOWN = 60  # pegs printed


@command
def explain(
    measure: Annotated[str, typer.Argument(help="Measure of the figure, such as backlog or productionPlan.")],
    key: Annotated[str, typer.Argument(help="Codes of its series: item=…,site=…,customer=….")],
    start: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="A day of its bucket.")],
    branch: Annotated[str | None, typer.Option(help="Branch of the plan, such as plan/leximin/1.")] = None,
    version: Annotated[str | None, typer.Option(help="Published version; the last one unless given.")] = None,
    commit: Annotated[int | None, typer.Option(help="Commit of the plan.")] = None,
    pegs: Annotated[str | None, typer.Option(help="Peg it instead: down to its sources, or up.")] = None,
    json: Json = False,
) -> None:
    """Say which limits are behind a figure of a plan, what a unit more is worth, and what would flip it.

    Example: python -m app explain backlog item=BIKE,site=SHOP,customer=C1 2026-03-01
    """
    figure = Figure(measure, _codes(key), start.date())
    at = _address(branch, version, commit)
    if pegs is None:

        async def work(database: Database) -> list[ExplainedCell]:
            async with database.read(HOST) as tx:
                return await explain_figure(database, tx, at, figure)

        cells = with_database(work)
        answer({"decisions": [asdict(one) for one in cells]}, json=json, text=lambda: _tell(cells))
        return
    direction = _direction(pegs)

    async def peg(database: Database) -> Pegging:
        async with database.read(HOST) as tx:
            return await peg_figure(database, tx, at, figure, direction)

    found = with_database(peg)
    answer(asdict(found), json=json, text=lambda: _tell_pegs(found))


def _codes(key: str) -> dict[str, str]:
    """Read `item=X,site=Y`; raises InputError for a part that is no code of a dimension."""
    codes = {}
    for part in key.split(","):
        name, sign, code = part.partition("=")
        if not sign or name.strip() not in DIMENSIONS:
            raise InputError(
                reason=f"{part!r} is not of the form item=CODE; dimensions: {', '.join(DIMENSIONS)}"
            )
        codes[name.strip()] = code.strip()
    return codes


def _address(branch: str | None, version: str | None, commit: int | None) -> At:
    if sum(option is not None for option in (branch, version, commit)) > 1:
        raise InputError(reason="name the state by one of --branch, --version and --commit")
    return At(branch=branch, version=version, commit=commit)


def _direction(word: str) -> Direction:
    if word == "down":
        return "down"
    if word == "up":
        return "up"
    raise InputError(reason=f"--pegs goes down or up, not {word}")


def _tell(cells: Sequence[ExplainedCell]) -> None:
    for cell in cells:
        say(cell.text)
        say(f"  A unit more: {_change(cell.more)}; a unit less: {_change(cell.less)}.")
        if not cell.possible:
            say("  No plan has it a unit nearer to what is wanted.")
        for reason in cell.reasons:
            for line in _reason(reason):
                say(f"  {line}")


def _reason(reason: Reason) -> Iterator[str]:
    yield f"- {reason.text}"
    if reason.kind == "cost":
        yield (
            f"    as wanted it would cost {reason.flip:,.2f} a unit more" if reason.flip else "    at no cost"
        )
        return
    yield f"    a unit more gains {_money(reason.more)}, one less costs {_money(reason.less)}"
    if reason.flip is not None:
        yield f"    {reason.flip:,.4g} {reason.unit} more of it alone, and it is as wanted"


def _change(money: float | None) -> str:
    return "no plan" if money is None else f"cost {money:+,.2f}"


def _money(money: float | None) -> str:
    return "—" if money is None else f"{money:,.2f}"


def _tell_pegs(found: Pegging) -> None:
    say(f"{found.quantity:,.4g} pegged, first in first out:")
    for peg in found.pegs[:SHOWN]:
        partner = f" {peg.partner}" if peg.partner else ""
        into = f" for {peg.into}" if peg.into else ""
        landing = peg.landing.isoformat() if isinstance(peg.landing, date) else "after the horizon"
        say(
            f"{'  ' * (peg.depth + 1)}{peg.quantity:,.4g} {peg.item} {peg.kind}{partner}{into} "
            f"at {peg.site}, {landing} ({peg.share:,.4g})"
        )
    if len(found.pegs) > SHOWN:
        say(f"… and {len(found.pegs) - SHOWN} more (--json shows all)")
    for resource in sorted({one.resource for one in found.hours or ()}):
        hours = sum(one.hours for one in found.hours or () if one.resource == resource)
        say(f"  {hours:,.4g} hours of {resource}")
