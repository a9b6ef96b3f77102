"""`audit`: who did what, read, followed, exported, checked and forgotten."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from app.access import KEEPER
from app.cli.output import Json, answer, command, say
from app.cli.session import operator, with_database
from app.errors import InputError, StoreCorrupt
from app.services.audit import (
    FileCheck,
    chain_head,
    check_file,
    erase_subject,
    export_log,
    follow,
    line,
    parse_head,
)
from app.store.audit import KINDS, Filter, Kind, Recorded, events
from app.store.audit_chain import Head
from app.store.database import Database

Action = Literal["show", "erase"]


@command
def audit(
    action: Annotated[Action, typer.Argument(help="show, or erase a subject's name.")] = "show",
    subject: Annotated[str | None, typer.Argument(help="Whose acts, or whose name to erase.")] = None,
    kind: Annotated[str | None, typer.Option(help=f"Only these: {', '.join(KINDS)}.")] = None,
    act: Annotated[str | None, typer.Option(help="Only this mutation, command, step or error code.")] = None,
    role: Annotated[str | None, typer.Option(help="Only acts in this role.")] = None,
    party: Annotated[str | None, typer.Option(help="Only acts for this department or party.")] = None,
    since: Annotated[datetime | None, typer.Option(help="From this moment on, UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Before this moment, UTC.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the newest.")] = 50,
    follow_: Annotated[bool, typer.Option("--follow", help="Tell events as they are sealed.")] = False,
    export: Annotated[
        Path | None,
        typer.Option(help="Write the whole chain to this file as JSON lines (- prints them)."),
    ] = None,
    head: Annotated[bool, typer.Option("--head", help="Print the end of the chain: POSITION:HASH.")] = False,
    check: Annotated[
        Path | None, typer.Option(help="Check an exported file by itself; needs no database.")
    ] = None,
    expect: Annotated[
        str | None, typer.Option(help="A head kept elsewhere, which the checked file must contain.")
    ] = None,
    json: Json = False,
) -> None:
    """Show who did what; follow it, export it with the chain's head, check an export, erase a name.

    Example: python -m app audit --export audit.jsonl
    """
    if action == "erase":
        _erase(subject, json=json)
    elif check is not None:
        _check(check, expect, json=json)
    elif export is not None:
        _export(export, json=json)
    elif head:
        end = with_database(chain_head)
        answer(_head_data(end), json=json, text=lambda: say(f"{end.position}:{end.hash.hex()}"))
    elif follow_:
        with contextlib.suppress(KeyboardInterrupt):
            with_database(lambda database: _follow(database, json=json))
    else:
        _show(Filter(_kind(kind), act, subject, role, party, since, until), limit, json=json)


def _show(wanted: Filter, limit: int, *, json: bool) -> None:
    async def read(database: Database) -> list[Recorded]:
        async with database.read(KEEPER) as tx:
            return await events(tx, wanted, first=limit)

    found = list(reversed(with_database(read)))
    data = {"events": [{name: getattr(each, name) for name in Recorded.__slots__} for each in found]}
    for entry in data["events"]:
        entry["hash"] = None if entry["hash"] is None else entry["hash"].hex()
    answer(data, json=json, text=lambda: _tell(found))


def _tell(found: list[Recorded]) -> None:
    for each in found:
        _tell_one({name: getattr(each, name) for name in Recorded.__slots__}, each.subject or each.actor)
    if not found:
        say("No such event.")


def _tell_one(event: Mapping[str, Any], who: str | None) -> None:
    """Print an event in one line: when, who as what from where, what, before and after."""
    at = event["at"]
    moment = f"{at:%Y-%m-%d %H:%M:%S}" if isinstance(at, datetime) else str(at)[:19].replace("T", " ")
    as_what = "/".join(part for part in (event["audience"], event["role"], event["party"]) if part)
    parts = [moment, f"{event['kind']:11}", event["act"], event["target"] or ""]
    parts.append(f"by {who or 'unknown'} ({as_what}) from {event['origin']}")
    if event["after_commit"] is not None:
        parts.append(f"[{event['branch']}: {event['before_commit'] or '-'} → {event['after_commit']}]")
    if event["times"] > 1:
        parts.append(f"{event['times']} times")
    say("  ".join(part for part in parts if part))


async def _follow(database: Database, *, json: bool) -> None:
    end = await chain_head(database)
    async for each in follow(database, end.position):
        if json:
            sys.stdout.write(line(each).decode() + "\n")
            sys.stdout.flush()
        elif each.covered is not None:
            _tell_one(each.covered, each.subject or each.covered["actor"])


def _export(path: Path, *, json: bool) -> None:
    if str(path) == "-":
        with_database(lambda database: export_log(database, operator(), sys.stdout.buffer.write))
        sys.stdout.flush()
        return
    try:
        with path.open("xb") as stream:
            end = with_database(lambda database: export_log(database, operator(), stream.write))
    except OSError as error:
        raise InputError(reason=f"{path}: {error.strerror}") from None
    answer(_head_data(end), json=json, text=lambda: say(f"{end.position:,} events, head {end.hash.hex()}."))


def _check(path: Path, expect: str | None, *, json: bool) -> None:
    found: FileCheck = check_file(path, None if expect is None else parse_head(expect))
    data = {"holds": not found.findings, "findings": found.findings, **_head_data(found.head)}
    answer(data, json=json, text=lambda: _tell_check(found))
    if found.findings:
        raise StoreCorrupt(count=len(found.findings), first=found.findings[0])


def _tell_check(found: FileCheck) -> None:
    for finding in found.findings:
        say(f"BROKEN {finding}")
    if not found.findings:
        say(f"holds: {found.head.position:,} events, head {found.head.hash.hex()}")


def _erase(subject: str | None, *, json: bool) -> None:
    if subject is None:
        raise InputError(reason="erase whose name? Give the subject")
    pseudonym = with_database(lambda database: erase_subject(database, operator(), subject))
    answer(
        {"erased": subject, "pseudonym": pseudonym},
        json=json,
        text=lambda: say(f"The log knows {pseudonym}, and no longer who that was."),
    )


def _head_data(end: Head) -> dict[str, object]:
    return {"position": end.position, "head": end.hash.hex()}


def _kind(text: str | None) -> Kind | None:
    if text is not None and text not in KINDS:
        raise InputError(reason=f"--kind is {text!r}, expected one of {', '.join(KINDS)}")
    return text
