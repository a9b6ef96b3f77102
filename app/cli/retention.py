"""`retain`: old states of the plan that nobody published or built on are given up."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from app.cli.output import Json, answer, command, say
from app.cli.session import operator, with_database
from app.services.retention import give_up
from app.store.retention import Retained


@command
def retain(
    keep_days: Annotated[int, typer.Option(help="Every state of this many days stays as it is.")] = 400,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count only; delete nothing.")] = False,
    json: Json = False,
) -> None:
    """Delete what only old states can see that nobody published, forked from, merged or looked back to.

    Published versions with their inputs, heads of branches, forks and merges stay for good.

    Example: python -m app retain --keep-days 400 --dry-run
    """
    found = with_database(lambda database: give_up(database, operator(), keep_days, dry_run=dry_run))
    answer({**asdict(found), "dry_run": dry_run}, json=json, text=lambda: _tell(found, dry_run=dry_run))


def _tell(found: Retained, *, dry_run: bool) -> None:
    done = "would be" if dry_run else "are"
    say(f"{found.kept:,} states are kept; all those since {found.since:%Y-%m-%d %H:%M} UTC are among them.")
    say(
        f"{found.commits:,} older states {done} given up: {found.rows:,} rows of history "
        f"({found.bytes / 1e6:,.1f} MB of figures), {found.branches:,} plans that nobody published."
    )
