"""`migrate`, `import` and `export`: the database's schema, and data in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.output import Json, answer, command, progress, say
from app.cli.session import address, operator, with_database
from app.errors import ImportRefused, InputError
from app.exchange import Finding
from app.services.export import export as export_state
from app.services.importing import Imported, import_directory
from app.store.audit_chain import seal_pending
from app.store.branches import Commit
from app.store.database import Database
from app.store.migrate import migrate as migrate_database

SHOWN_FINDINGS = 40


@command
def migrate(json: Json = False) -> None:
    """Bring the database to this program's schema and policies, all of it or nothing.

    Example: python -m app migrate
    """

    async def work(database: Database) -> None:
        await migrate_database(database, by=operator().settings)
        await seal_pending(database)

    with_database(work, current=False)
    answer({"migrated": True}, json=json, text=lambda: say("The database is up to date."))


@command
def import_(
    directory: Annotated[Path, typer.Argument(help="Directory of the data set, or of a foreign export.")],
    mapping: Annotated[
        Path | None, typer.Option(help="Mapping file (TOML) that says how a foreign export lies.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and check only; write nothing.")] = False,
    parameter: Annotated[
        list[str] | None, typer.Option(help="Override a planning parameter: name=value; may be repeated.")
    ] = None,
    json: Json = False,
) -> None:
    """Read a directory of files into one commit on main: all of it, or nothing and a list of every bad row.

    Example: python -m app import my-company/ --dry-run
    """
    overrides = _pairs(parameter or [])

    async def work(database: Database) -> Imported:
        await migrate_database(database, by=operator().settings)
        imported = await import_directory(
            database,
            directory,
            mapping=mapping,
            author="cli",
            scope=operator(),
            dry_run=dry_run,
            parameters=overrides,
            progress=lambda file, rows: progress(f"{file}: {rows:,} rows"),
        )
        await seal_pending(database)
        return imported

    imported = with_database(work, current=False)
    errors = [finding for finding in imported.reading.findings if finding.severity == "error"]
    answer(_import_json(imported), json=json, text=lambda: _tell_import(imported, dry_run))
    if errors:
        raise ImportRefused(errors=len(errors), first=str(errors[0]))


@command
def export(
    directory: Annotated[Path, typer.Argument(help="New or empty directory.")],
    branch: Annotated[str | None, typer.Option(help="State: head of this branch (main by default).")] = None,
    version: Annotated[str | None, typer.Option(help="State: this published version.")] = None,
    commit: Annotated[int | None, typer.Option(help="State: this commit.")] = None,
    compress: Annotated[bool, typer.Option("--compress", help="Write .csv.gz files.")] = False,
    json: Json = False,
) -> None:
    """Write a state of the plan as a data set directory; a reconciled plan comes with plan.json.

    Example: python -m app export out/ --version "2025-09 final"
    """
    at = address(branch, version, commit)

    async def work(database: Database) -> Commit:
        return await export_state(database, at, directory, scope=operator(), compress=compress)

    found = with_database(work)
    data = {"directory": str(directory), "commit": found.id, "branch": found.branch}
    answer(data, json=json, text=lambda: say(f"Commit {found.id} of {found.branch} is in {directory}."))


def _pairs(texts: list[str]) -> dict[str, str]:
    """Return `name=value` texts as a mapping; raises InputError for one without an equals sign."""
    pairs = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise InputError(reason=f"--parameter {text!r} is not of the form name=value")
        pairs[name] = value
    return pairs


def _import_json(imported: Imported) -> dict[str, object]:
    reading = imported.reading
    return {
        "commit": None if imported.commit is None else imported.commit.id,
        "changed": imported.changed,
        "rows": dict(reading.counts),
        "findings": [_finding_json(finding) for finding in reading.findings],
    }


def _finding_json(finding: Finding) -> dict[str, object]:
    names = ("severity", "code", "file", "line", "column", "found", "expected")
    return {name: getattr(finding, name) for name in names}


def _tell_import(imported: Imported, dry_run: bool) -> None:
    reading = imported.reading
    for finding in reading.findings[:SHOWN_FINDINGS]:
        say(str(finding))
    if len(reading.findings) > SHOWN_FINDINGS:
        say(f"… and {len(reading.findings) - SHOWN_FINDINGS:,} more findings (--json lists them all)")
    say(f"{sum(reading.counts.values()):,} rows of {len(reading.counts)} tables read.")
    if imported.commit is not None and imported.changed:
        say(f"Written as commit {imported.commit.id} on {imported.commit.branch}.")
    elif imported.commit is not None:
        say("Nothing has changed since the last import; nothing was written.")
    elif dry_run and reading.dataset is not None:
        say("The files are good; nothing was written (--dry-run).")
