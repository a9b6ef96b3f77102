"""`backup` and `restore`: the whole database to one file, and back into an empty one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.output import Json, answer, command, progress, say
from app.cli.session import operator, with_database
from app.errors import StoreCorrupt
from app.services.backup import backup as write_backup
from app.services.backup import restore as read_backup


@command
def backup(
    file: Annotated[Path, typer.Argument(help="New file; an existing one is never replaced.")],
    json: Json = False,
) -> None:
    """Write the whole database to one file, of one state, while it is in use.

    Keys and passwords of CONCORD_HOME are not in it; `key backup` keeps those.

    Example: python -m app backup monday.backup
    """
    size = with_database(lambda database: write_backup(database, operator(), file))
    answer(
        {"file": str(file), "bytes": size},
        json=json,
        text=lambda: say(f"The database is in {file} ({size / 1e6:,.1f} MB)."),
    )


@command
def restore(
    file: Annotated[Path, typer.Argument(help="File that `backup` wrote.")],
    json: Json = False,
) -> None:
    """Fill an empty database from a backup, all of it or nothing, and verify what came back.

    Example: python -m app restore monday.backup
    """
    found = with_database(
        lambda database: read_backup(database, operator(), file, progress=progress), current=False
    )
    data = {"file": str(file), "holds": not found.findings, "findings": found.findings, "rows": found.rows}
    answer(data, json=json, text=lambda: _tell(file, found.findings, len(found.versions)))
    if found.findings:
        raise StoreCorrupt(count=found.breaches, first=found.findings[0])


def _tell(file: Path, findings: list[str], versions: int) -> None:
    for finding in findings:
        say(f"BROKEN {finding}")
    if not findings:
        say(f"{file} is restored: every rule of the store and the seals of {versions} versions hold.")
