"""The chain over the audit log: sealing, reading it in order, and what breaks it.

A seal is SHA-256 over the hash of the seal before and the event's canonical text: a JSON object with sorted
keys and no spaces of exactly the fields of `Link` but its hash. One sealer at a time, under an advisory lock;
any number of processes may try. An event that waits is sealed in the order of its id, so the chain follows
commits, not starts.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from app.access import SEALER
from app.store.audit import bookkeeping
from app.store.database import Database, Transaction

GENESIS: Final = bytes(32)
"""What stands before the first seal."""
SEAL_LOCK: Final = "concord audit seal"
_TURN: Final = (
    "SELECT CASE WHEN EXISTS (SELECT FROM audit.unsealed) "
    "THEN pg_try_advisory_xact_lock(hashtextextended(%s, 0)) ELSE false END"
)
"""Whether there is something to do, and nobody else is at it."""
BATCH: Final = 500
EVENT_FIELDS: Final = (
    "at",
    "kind",
    "act",
    "actor",
    "role",
    "audience",
    "party",
    "origin",
    "target",
    "branch",
    "before_commit",
    "after_commit",
    "times",
    "detail",
    "policy_digest",
)
_EVENT: Final = (
    "e.id, e.at, e.kind, e.act, e.actor, e.role, e.audience, e.party, e.origin, e.target, e.branch, "
    "e.before_commit, e.after_commit, e.times, e.detail::text AS detail, e.policy_digest"
)


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain: position 0 and GENESIS before the first seal."""

    position: int
    hash: bytes


def moment(at: datetime) -> str:
    """Return a moment as the chain writes it: UTC, to the microsecond."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def link(position: int, sealed_at: datetime, event: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a seal covers of an event (a row of audit.event, `detail` as text)."""
    fields = {name: event[name] for name in EVENT_FIELDS}
    return {
        **fields,
        "at": moment(event["at"]),
        "detail": orjson.loads(event["detail"]),
        "event": event["id"],
        "position": position,
        "sealed_at": moment(sealed_at),
    }


def seal_hash(before: bytes, covered: Mapping[str, Any]) -> bytes:
    """Return the hash of a seal over the one before and what it covers."""
    return hashlib.sha256(before + orjson.dumps(covered, option=orjson.OPT_SORT_KEYS)).digest()


async def head(tx: Transaction) -> Head:
    """Return the end of the chain."""
    row = await tx.fetch_one("SELECT position, hash FROM audit.seal ORDER BY position DESC LIMIT 1")
    return Head(0, GENESIS) if row is None else Head(row["position"], bytes(row["hash"]))


async def hash_at(tx: Transaction, position: int) -> bytes | None:
    """Return the hash of a seal, None where there is no such seal."""
    if position == 0:
        return GENESIS
    found = await tx.fetch_value("SELECT hash FROM audit.seal WHERE position = %s", (position,))
    return None if found is None else bytes(found)


async def seal_pending(database: Database) -> int:
    """Seal all events that wait, unless another process is at it; return how many were sealed."""
    total = 0
    while made := await _seal_batch(database):
        total += made
        if made < BATCH:
            break
    return total


async def _seal_batch(database: Database) -> int:
    async with database.write(SEALER) as tx:
        bookkeeping(tx, "sealing")
        if not await tx.fetch_value(_TURN, (SEAL_LOCK,)):
            return 0
        waiting = await tx.fetch(
            f"SELECT {_EVENT}, clock_timestamp() AS sealed_at FROM audit.unsealed u "  # noqa: S608  constants
            "JOIN audit.event e ON e.id = u.event_id ORDER BY e.id LIMIT %s",
            (BATCH,),
        )
        await _append(tx, await head(tx), waiting)
        return len(waiting)


async def _append(tx: Transaction, end: Head, waiting: list[dict[str, Any]]) -> None:
    """Append a seal for each event, and take the events from those that wait."""
    positions, numbers, moments, hashes = [], [], [], []
    latest = end.hash
    for position, event in enumerate(waiting, start=end.position + 1):
        latest = seal_hash(latest, link(position, event["sealed_at"], event))
        positions.append(position)
        numbers.append(event["id"])
        moments.append(event["sealed_at"])
        hashes.append(latest)
    await tx.execute(
        "INSERT INTO audit.seal (position, event_id, sealed_at, hash) "
        "SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::bytea[])",
        (positions, numbers, moments, hashes),
    )
    await tx.execute("DELETE FROM audit.unsealed WHERE event_id = ANY (%s)", (numbers,))


@dataclass(frozen=True, slots=True)
class Link:
    """A seal with its event: `covered` is what it is to cover, None where its event is gone.

    `subject` is the actor's name as far as it is known; no part of what is sealed.
    """

    position: int
    event_id: int
    covered: Mapping[str, Any] | None
    hash: bytes
    subject: str | None = None


async def links(tx: Transaction, after: int = 0) -> AsyncIterator[Link]:
    """Yield the chain in order, from the seal after a position on, in bounded batches."""
    while True:
        rows = await tx.fetch(
            f"SELECT c.position, c.event_id, c.sealed_at, c.hash, {_EVENT}, s.subject "  # noqa: S608  constants
            "FROM audit.seal c LEFT JOIN audit.event e ON e.id = c.event_id "
            "LEFT JOIN audit.subject s ON s.pseudonym = e.actor "
            "WHERE c.position > %s ORDER BY c.position LIMIT %s",
            (after, BATCH),
        )
        for row in rows:
            covered = None if row["id"] is None else link(row["position"], row["sealed_at"], row)
            yield Link(row["position"], row["event_id"], covered, bytes(row["hash"]), row["subject"])
        if len(rows) < BATCH:
            return
        after = rows[-1]["position"]


class ChainCheck:
    """Checks a chain seal by seal, from its first: `take` each in order, then read `findings`."""

    def __init__(self) -> None:
        """Begin before the first seal."""
        self.findings: list[str] = []
        self.head = Head(0, GENESIS)

    def take(self, position: int, event_id: object, covered: Mapping[str, Any] | None, found: bytes) -> None:
        """Check the next seal against the one before; what is wrong with it is noted once."""
        expected = self.head.position + 1
        if position != expected:
            gap = f"seals {expected} to {position - 1}" if position - 1 > expected else f"seal {expected}"
            self.findings.append(f"{gap} missing before seal {position} (event {event_id}): removed")
        elif covered is None:
            self.findings.append(f"seal {position}: its event {event_id} was removed")
        elif seal_hash(self.head.hash, covered) != found:
            self.findings.append(
                f"seal {position} does not hold for event {event_id}: "
                "the event or the seal was changed, moved or inserted"
            )
        self.head = Head(position, found)


_STRAY: Final = """
SELECT e.id FROM audit.event e WHERE NOT EXISTS (SELECT FROM audit.seal c WHERE c.event_id = e.id)
    AND NOT EXISTS (SELECT FROM audit.unsealed u WHERE u.event_id = e.id) ORDER BY 1 LIMIT 10
"""
_WRONG_NAME: Final = """
SELECT s.pseudonym FROM audit.subject s WHERE s.key IS NOT NULL
    AND s.pseudonym <> left(encode(sha256(s.key || convert_to(s.subject, 'UTF8')), 'hex'), 32)
ORDER BY 1 LIMIT 10
"""


_UNGUARDED: Final = """
SELECT t.relname FROM pg_catalog.pg_class t
WHERE t.relnamespace = 'audit'::regnamespace AND t.relkind = 'r' AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_trigger g WHERE g.tgrelid = t.oid AND g.tgenabled IN ('O', 'A')
        AND g.tgfoid = to_regproc('audit.refuse_change') AND g.tgtype & 32 = 32)
ORDER BY 1
"""
"""`tgtype & 32`: on TRUNCATE, which every guard of the log refuses."""


@dataclass(frozen=True, slots=True)
class ChainOutcome:
    """How the chain stands: its end, events not sealed yet, and what does not hold, in words."""

    head: Head
    waiting: int
    findings: tuple[str, ...]


async def check_chain(tx: Transaction) -> ChainOutcome:
    """Check the whole chain against the log: changed, removed, reordered, inserted events are named."""
    check = ChainCheck()
    async for each in links(tx):
        check.take(each.position, each.event_id, each.covered, each.hash)
    stray = [f"event {number} was inserted past the log" for (number,) in await tx.fetch_rows(_STRAY)]
    names = [f"pseudonym {name} was given another name" for (name,) in await tx.fetch_rows(_WRONG_NAME)]
    open_ = [f"nothing guards the table {name}" for (name,) in await tx.fetch_rows(_UNGUARDED)]
    waiting = await tx.fetch_value("SELECT count(*) FROM audit.unsealed")
    return ChainOutcome(check.head, waiting, (*check.findings, *stray, *names, *open_))
