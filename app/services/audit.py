"""The audit log taken out: exported with its head, checked without a database, followed; and erased from."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from app.access import KEEPER, RECORDER, Scope, load, on_behalf
from app.errors import InputError, NotFound
from app.store.audit import Event, erase, record
from app.store.audit_chain import ChainCheck, Head, Link, head, links
from app.store.database import Database

FOLLOW_SECONDS = 0.3
HEAD = "head"


@dataclass(frozen=True, slots=True)
class FileCheck:
    """How an exported chain stands: what does not hold, in words, and the head that it claims."""

    head: Head
    findings: tuple[str, ...] = field(default=())


async def note(database: Database, scope: Scope, event: Event) -> None:
    """Put an act on record that has no transaction of its own, in the name that the scope carries."""
    async with database.write(on_behalf(RECORDER, scope)) as tx:
        await record(tx, event)


async def note_sensitive(database: Database, scope: Scope, measures: Collection[str]) -> None:
    """Put on record that the caller reads those of the measures that are sensitive for its role."""
    role = scope.principal.role if scope.principal is not None else None
    sensitive = load().sensitive
    read = sorted(measure for measure in measures if role in sensitive.get(measure, ()))
    if read:
        await note(database, scope, Event("read", "sensitive", ", ".join(read), detail={"measures": read}))


async def chain_head(database: Database) -> Head:
    """Return the end of the chain."""
    async with database.read(KEEPER) as tx:
        return await head(tx)


async def export_log(database: Database, scope: Scope, write: Callable[[bytes], object]) -> Head:
    """Write the whole chain as JSON lines, and as the last line its head; return the head.

    Each line is what its seal covers, with the hash; actors are pseudonyms, whose names are not exported.
    """
    await note(database, scope, Event("export", "audit.export"))
    end = Head(0, bytes(32))
    async with database.read(KEEPER) as tx:
        async for each in links(tx):
            write(line(each) + b"\n")
            end = Head(each.position, each.hash)
    write(orjson.dumps({HEAD: end.hash.hex(), "position": end.position}) + b"\n")
    return end


def line(each: Link) -> bytes:
    """Return a seal with its event as one line of JSON, keys sorted."""
    covered = {} if each.covered is None else dict(each.covered)
    covered |= {"position": each.position, "event": each.event_id, "hash": each.hash.hex()}
    return orjson.dumps(covered, option=orjson.OPT_SORT_KEYS)


def check_export(lines: Iterable[bytes], expected: Head | None = None) -> FileCheck:
    """Check an exported chain by itself, and against a head that was kept elsewhere if one is given.

    Raises InputError for a file that is no export.
    """
    check, claimed, seen = ChainCheck(), None, expected is None or expected.position == 0
    for number, text in enumerate(lines, start=1):
        if claimed is not None:
            raise InputError(reason=f"line {number}: nothing follows the line with the head")
        entry = _parsed(text, number)
        if HEAD in entry:
            claimed = Head(_position(entry, number), _hash(entry, HEAD, number))
            continue
        found, position = _hash(entry, "hash", number), _position(entry, number)
        covered = {name: value for name, value in entry.items() if name != "hash"}
        check.take(position, entry.get("event"), covered, found)
        seen = seen or expected == Head(position, found)
    if claimed is None:
        raise InputError(reason="the last line with the head is missing: the file is cut off")
    findings = list(check.findings)
    if check.head != claimed:
        findings.append(f"the head names seal {claimed.position}, the last line is {check.head.position}")
    if not seen and expected is not None:
        findings.append(f"seal {expected.position} with the hash kept elsewhere is not in it")
    return FileCheck(claimed, tuple(findings))


def _parsed(text: bytes, number: int) -> dict[str, Any]:
    try:
        entry = orjson.loads(text)
    except orjson.JSONDecodeError:
        entry = None
    if not isinstance(entry, dict):
        raise InputError(reason=f"line {number} is no JSON object")
    return entry


def _position(entry: dict[str, Any], number: int) -> int:
    position = entry.get("position")
    if not isinstance(position, int):
        raise InputError(reason=f"line {number} has no position")
    return position


def _hash(entry: dict[str, Any], name: str, number: int) -> bytes:
    try:
        return bytes.fromhex(entry[name])
    except (KeyError, TypeError, ValueError):
        raise InputError(reason=f"line {number} has no {name}") from None


def parse_head(text: str) -> Head:
    """Read POSITION:HASH, as `audit --head` prints it; raises InputError."""
    position, _, digits = text.strip().partition(":")
    try:
        return Head(int(position), bytes.fromhex(digits))
    except ValueError:
        raise InputError(reason=f"{text[:80]!r} is no head, expected POSITION:HASH") from None


def check_file(path: Path, expected: Head | None = None) -> FileCheck:
    """Check an exported file; raises InputError where it cannot be read or is no export."""
    try:
        with path.open("rb") as stream:
            return check_export(stream, expected)
    except OSError as error:
        raise InputError(reason=f"{path}: {error.strerror}") from None


async def follow(database: Database, after: int) -> AsyncIterator[Link]:
    """Yield seals as they are made, from the one after a position on, without an end."""
    while True:
        async with database.read(KEEPER) as tx:
            made = [each async for each in links(tx, after)]
        for each in made:
            yield each
            after = each.position
        await asyncio.sleep(FOLLOW_SECONDS)


async def erase_subject(database: Database, scope: Scope, subject: str) -> str:
    """Erase a name from the log and return its pseudonym, which stays; raises NotFound."""
    async with database.write(on_behalf(KEEPER, scope)) as tx:
        pseudonym = await erase(tx, subject)
        if pseudonym is None:
            raise NotFound(kind="subject of audit events", name=subject)
        await record(tx, Event("erasure", "audit.erase", pseudonym))
        return pseudonym
