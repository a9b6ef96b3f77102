"""The inbox: the only way in. A party appends submissions, the host says what became of each.

A submission is numbered per party and side. Its kind is the measure that it states (or `acknowledgement`).
"""

# ruff: noqa: S608  the texts are put together from this module's own names, never from values

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from app.errors import IdempotencyConflict
from app.store.branches import PATH, Commit
from app.store.database import Transaction

INTAKE_LOCK = "concord intake"


@dataclass(frozen=True, slots=True)
class Submission:
    """A submission as its party sees it; `state` is None until the host has dealt with it."""

    ordinal: int
    kind: str
    payload: Mapping[str, Any]
    submitted_by: str
    submitted_at: datetime
    state: str | None = None
    reason: str | None = None
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PendingSubmission:
    """A submission that waits for the host, with whose it is."""

    party_id: int
    party: str
    audience: str
    submission: Submission


OWN = "i.ordinal, i.kind, i.payload, i.submitted_by, i.submitted_at"
OUTCOME = "LEFT JOIN outside.inbox_outcome o USING (party_id, audience, ordinal)"
DECIDED = "o.state, o.reason, o.at AS decided_at"


async def submit(
    tx: Transaction,
    party_id: int,
    audience: str,
    *,
    kind: str,
    payload: Mapping[str, object],
    idempotency_key: str,
    request_hash: bytes,
) -> Submission:
    """Append a submission; the caller has looked for the key under `lock_inbox` in this transaction."""
    row = await tx.fetch_one(
        "INSERT INTO outside.inbox AS i "
        "(party_id, audience, ordinal, kind, payload, idempotency_key, request_hash, submitted_by) "
        "SELECT %s, %s, 1 + coalesce(max(ordinal), 0), %s, %s::jsonb, %s, %s, %s "
        f"FROM outside.inbox WHERE party_id = %s AND audience = %s RETURNING {OWN}",
        (
            *(party_id, audience, kind, orjson.dumps(payload).decode(), idempotency_key, request_hash),
            *(tx.scope.subject, party_id, audience),
        ),
    )
    if row is None:
        raise RuntimeError("an aggregate insert returned no row")
    return Submission(**row)


async def lock_inbox(tx: Transaction, party_id: int, audience: str) -> None:
    """Let a party's submissions of one side come one after another, until the transaction ends."""
    await tx.execute(
        "SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (party_id, f"concord inbox {audience}")
    )


async def find_submission(
    tx: Transaction, party_id: int, audience: str, idempotency_key: str, request_hash: bytes
) -> Submission | None:
    """Return the submission made under a key before; raises IdempotencyConflict for another content."""
    row = await tx.fetch_one(
        f"SELECT {OWN}, {DECIDED}, i.request_hash FROM outside.inbox i {OUTCOME} "
        "WHERE party_id = %s AND audience = %s AND idempotency_key = %s",
        (party_id, audience, idempotency_key),
    )
    if row is None:
        return None
    if bytes(row.pop("request_hash")) != request_hash:
        raise IdempotencyConflict(field=("idempotencyKey",))
    return Submission(**row)


async def list_submissions(
    tx: Transaction,
    party_id: int,
    audience: str,
    kinds: Sequence[str],
    *,
    releases: Sequence[int] | None = None,
    before: int | None = None,
    limit: int | None = None,
) -> list[Submission]:
    """Return submissions of these kinds, the latest first: to some releases, or numbered below `before`."""
    named = None if releases is None else list(releases)
    rows = await tx.fetch(
        f"SELECT {OWN}, {DECIDED} FROM outside.inbox i {OUTCOME} "
        "WHERE party_id = %s AND audience = %s AND i.kind = ANY(%s) "
        "AND (%s::int IS NULL OR ordinal < %s::int) "
        "AND (%s::int[] IS NULL OR (i.payload ->> 'release')::int = ANY(%s::int[])) "
        "ORDER BY ordinal DESC LIMIT %s",
        (party_id, audience, list(kinds), before, before, named, named, limit),
    )
    return [Submission(**row) for row in rows]


async def lock_intake(tx: Transaction) -> None:
    """Let one worker at a time take submissions in, until the transaction ends."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (INTAKE_LOCK,))


async def oldest_pending(tx: Transaction) -> PendingSubmission | None:
    """Return the oldest submission without an outcome (a party's in its own order); host only."""
    row = await tx.fetch_one(
        f"SELECT i.party_id, e.code AS party, i.audience, {OWN} "
        "FROM outside.inbox i JOIN plan.entity e ON e.id = i.party_id "
        "WHERE NOT EXISTS (SELECT FROM outside.inbox_outcome o WHERE o.party_id = i.party_id "
        "AND o.audience = i.audience AND o.ordinal = i.ordinal) "
        "ORDER BY i.submitted_at, i.party_id, i.audience, i.ordinal LIMIT 1"
    )
    if row is None:
        return None
    party_id, party, audience = row.pop("party_id"), row.pop("party"), row.pop("audience")
    return PendingSubmission(party_id, party, audience, Submission(**row))


async def record_outcome(
    tx: Transaction, pending: PendingSubmission, state: str, reason: str | None, commit_id: int | None
) -> None:
    """Say what became of a submission: included (by a commit) or rejected (with a reason); once for each."""
    await tx.execute(
        "INSERT INTO outside.inbox_outcome (party_id, audience, ordinal, kind, state, reason, commit_id) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (
            *(pending.party_id, pending.audience, pending.submission.ordinal, pending.submission.kind),
            *(state, reason, commit_id),
        ),
    )


async def included_through(tx: Transaction, commit: Commit) -> dict[tuple[int, str], int]:
    """Return, by party and side, the last submission that a state has taken in; host only."""
    rows = await tx.fetch_rows(
        f"SELECT o.party_id, o.audience, max(o.ordinal) FROM {PATH} "
        "JOIN plan.commit c ON c.branch_id = path.branch_id AND c.id <= path.upto "
        "JOIN outside.inbox_outcome o ON o.commit_id = c.id AND o.state = 'included' "
        "GROUP BY o.party_id, o.audience",
        commit.path,
    )
    return {(party_id, audience): int(ordinal) for party_id, audience, ordinal in rows}
