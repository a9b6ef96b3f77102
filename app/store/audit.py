"""The audit log: who did what, as what, from where, before and after by commit, under which policies.

`record` writes an event in the act's own transaction, so that act and record are there both or neither. The
event names its actor by a pseudonym; who that is stands in audit.subject alone and can be erased there.
Chaining and checking is `app.store.audit_chain`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Final, Literal

import orjson

from app.store.branches import Commit
from app.store.database import Transaction

Kind = Literal["write", "publication", "grant", "login", "refusal", "export", "read", "erasure"]
KINDS: Final[tuple[Kind, ...]] = (
    "write",
    "publication",
    "grant",
    "login",
    "refusal",
    "export",
    "read",
    "erasure",
)
Bookkeeping = Literal[
    "progress of a run",
    "start of a run",
    "sealing",
    "attempts counted",
    "code taken",
    "snapshot",
    "login under way",
    "use of a session",
]
"""Changes that are no acts: nobody decided them, and what they are about has events of its own."""
Value = str | int | bool | None | list[str] | list[int]
"""What a detail may be; no fractions, so that every reader hashes the same text."""


@dataclass(frozen=True, slots=True)
class Who:
    """Who acts, where the transaction was not opened in their name (a login, a refused token)."""

    subject: str | None = None
    role: str | None = None
    audience: str | None = None
    party: str | None = None
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """An act. `act` is the mutation, command or protocol step; `target` names what it was done to.

    `before` and `after` are commits of `branch`. Put no business values and no more of a person in `detail`
    than the act needs: it is kept for good.
    """

    kind: Kind
    act: str
    target: str | None = None
    branch: str | None = None
    before: int | None = None
    after: int | None = None
    times: int = 1
    detail: Mapping[str, Value] = field(default_factory=dict)
    who: Who = field(default_factory=Who)


async def record(tx: Transaction, event: Event) -> None:
    """Write an event in this transaction. Not for a party's role: its inbox records by itself."""
    who = event.who
    await tx.execute(
        "SELECT audit.note(%s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s, %s, %s, %s)",
        (
            event.kind,
            event.act,
            event.target,
            event.branch,
            event.before,
            event.after,
            event.times,
            orjson.dumps(dict(event.detail)).decode(),
            who.subject,
            who.role,
            who.audience,
            who.party,
            who.origin,
        ),
    )
    tx.on_record = True


async def record_commit(
    tx: Transaction, act: str, before: Commit | None, after: Commit, **detail: Value
) -> None:
    """Write the event of an act that led from one commit to another; nothing where nothing was committed."""
    if before is not None and before.id == after.id:
        tx.on_record = True
        return
    earlier = None if before is None else before.id
    await record(tx, Event("write", act, branch=after.branch, before=earlier, after=after.id, detail=detail))


def bookkeeping(tx: Transaction, why: Bookkeeping) -> None:
    """Say that what this transaction changes is no act and leaves no event."""
    del why  # read by people
    tx.on_record = True


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events are asked for; None = any. `since` inclusive, `until` exclusive."""

    kind: Kind | None = None
    act: str | None = None
    subject: str | None = None
    role: str | None = None
    party: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as it was recorded; `subject` is None where nobody was known or the name was erased.

    `position` and `hash` are its place in the chain, None until it is sealed.
    """

    id: int
    at: datetime
    kind: str
    act: str
    actor: str | None
    subject: str | None
    role: str | None
    audience: str | None
    party: str | None
    origin: str
    target: str | None
    branch: str | None
    before_commit: int | None
    after_commit: int | None
    times: int
    detail: Mapping[str, Value]
    policy_digest: str | None
    position: int | None
    hash: bytes | None


_COLUMNS: Final = (
    "e.id, e.at, e.kind, e.act, e.actor, s.subject, e.role, e.audience, e.party, e.origin, e.target, "
    "e.branch, e.before_commit, e.after_commit, e.times, e.detail::text AS detail, e.policy_digest, "
    "c.position, c.hash"
)
_FROM: Final = (
    "FROM audit.event e LEFT JOIN audit.subject s ON s.pseudonym = e.actor "
    "LEFT JOIN audit.seal c ON c.event_id = e.id"
)


async def events(tx: Transaction, wanted: Filter, *, before: int | None = None, first: int) -> list[Recorded]:
    """Return the newest `first` events (of those before the event `before`), newest first."""
    where, parameters = _conditions(wanted)
    if before is not None:
        where.append("e.id < %s")
        parameters.append(before)
    condition = f"WHERE {' AND '.join(where)}" if where else ""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} {_FROM} {condition} ORDER BY e.id DESC LIMIT %s", (*parameters, first)
    )
    return [recorded(row) for row in rows]


def _conditions(wanted: Filter) -> tuple[list[str], list[object]]:
    """Return the conditions of a filter and their parameters."""
    asked: tuple[tuple[str, object], ...] = (
        ("e.kind = %s", wanted.kind),
        ("e.act = %s", wanted.act),
        ("e.actor = (SELECT n.pseudonym FROM audit.subject n WHERE n.subject = %s)", wanted.subject),
        ("e.role = %s", wanted.role),
        ("e.party = %s", wanted.party),
        ("e.at >= %s", wanted.since),
        ("e.at < %s", wanted.until),
    )
    given = [(condition, value) for condition, value in asked if value is not None]
    return [condition for condition, _ in given], [value for _, value in given]


def recorded(row: Mapping[str, Any]) -> Recorded:
    """Return a row of the log as an event."""
    found = None if row["hash"] is None else bytes(row["hash"])
    return Recorded(**{**row, "detail": orjson.loads(row["detail"]), "hash": found})


async def erase(tx: Transaction, subject: str) -> str | None:
    """Erase the name behind a pseudonym; return the pseudonym, None where the name is not in the log."""
    found: str | None = await tx.fetch_value(
        "SELECT pseudonym FROM audit.subject WHERE subject = %s", (subject,)
    )
    if found is not None:
        await tx.execute(
            "UPDATE audit.subject SET subject = NULL, key = NULL, erased_at = clock_timestamp() "
            "WHERE pseudonym = %s",
            (found,),
        )
    return found


def network(address: str) -> str:
    """Return the network that an address is in, as the log keeps it: IPv4 to 24 bits, IPv6 to 48."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    bits = 24 if isinstance(parsed, IPv4Address) else 48
    return str(ip_network((parsed, bits), strict=False))
