"""`verify`: the store checked from the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.output import Json, answer, command, progress, say
from app.cli.session import with_database
from app.errors import StoreCorrupt
from app.services.audit import parse_head
from app.services.verify import INTACT, Verification, verify_store


@command
def verify(
    version: Annotated[
        str | None, typer.Option(help="Recompute the hash of this version only; all of them unless given.")
    ] = None,
    audit_head: Annotated[
        str | None, typer.Option(help="A head of the audit log kept elsewhere (POSITION:HASH).")
    ] = None,
    json: Json = False,
) -> None:
    """Recompute the sealed hash of published versions, check the store's rows and the audit log's chain.

    Example: python -m app verify --version "2025-09 final"
    """
    kept = None if audit_head is None else parse_head(audit_head)
    found = with_database(
        lambda database: verify_store(database, name=version, log_head=kept, progress=progress)
    )
    answer(_json(found), json=json, text=lambda: _tell(found))
    if found.findings:
        raise StoreCorrupt(count=found.breaches, first=found.findings[0])


def _json(found: Verification) -> dict[str, object]:
    invariants = [
        {
            "name": outcome.invariant.name,
            "says": outcome.invariant.says,
            "breaches": outcome.breaches,
            "places": outcome.places,
        }
        for outcome in found.invariants
    ]
    versions = [
        {
            "name": outcome.version.name,
            "kind": outcome.version.kind,
            "commit": outcome.version.commit_id,
            "sealed_hash": outcome.sealed_hash,
            "state": outcome.state,
        }
        for outcome in found.versions
    ]
    return {
        "holds": not found.findings,
        "rows": found.rows,
        "invariants": invariants,
        "versions": versions,
        "audit_log": {
            "sealed": found.log.head.position,
            "head": found.log.head.hash.hex(),
            "waiting": found.log.waiting,
            "findings": found.log.findings,
        },
    }


def _tell(found: Verification) -> None:
    say("Looked at " + ", ".join(f"{rows:,} rows of {table}" for table, rows in found.rows.items()) + ".")
    for outcome in found.invariants:
        say(f"{_mark(outcome.breaches == 0)} {outcome.invariant.name}: {outcome.invariant.says}")
        for place in outcome.places:
            say(f"       {place}")
        if outcome.breaches > len(outcome.places):
            say(f"       … and {outcome.breaches - len(outcome.places):,} more")
    for seal in found.versions:
        hashed = "" if seal.sealed_hash is None else f", sealed as {seal.sealed_hash}"
        say(f"{_mark(seal.state == INTACT)} version “{seal.version.name}”: {seal.state}{hashed}")
    if not found.versions:
        say("No version is published yet.")
    log = found.log
    say(f"{_mark(not log.findings)} audit log: {log.head.position:,} events sealed, {log.waiting} waiting")
    for finding in log.findings:
        say(f"       {finding}")


def _mark(holds: bool) -> str:
    return "holds " if holds else "BROKEN"
