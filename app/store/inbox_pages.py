"""The inbox as departments read it: all parties' submissions, latest first, a page at a time."""

# ruff: noqa: S608  the texts are put together from this module's own names, never from values

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.store.database import Transaction
from app.store.inbox import DECIDED, OUTCOME, OWN, Submission

PENDING = "pending"


@dataclass(frozen=True, slots=True)
class InboxPlace:
    """Where a submission lies in the order of the inbox."""

    submitted_at: datetime
    party_id: int
    audience: str
    ordinal: int


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """A submission with whose it is and where it lies."""

    party: str
    place: InboxPlace
    submission: Submission


async def read_inbox_page(
    tx: Transaction,
    *,
    party: str | None = None,
    state: str | None = None,
    before: InboxPlace | None = None,
    first: int,
) -> list[InboxEntry]:
    """Return up to `first` submissions that lie before a place, of one party and in one state if named.

    `state` is pending, or what the host has said of a submission.
    """
    after = (None, None, None, None) if before is None else _values(before)
    rows = await tx.fetch(
        f"SELECT e.code AS party, i.party_id, i.audience, {OWN}, {DECIDED} "
        f"FROM outside.inbox i JOIN plan.entity e ON e.id = i.party_id {OUTCOME} "
        "WHERE (%s::text IS NULL OR e.code = %s::text) "
        "AND (%s::text IS NULL OR coalesce(o.state, 'pending') = %s::text) "
        "AND (%s::timestamptz IS NULL OR (i.submitted_at, i.party_id, i.audience, i.ordinal) "
        "< (%s::timestamptz, %s::int, %s::text, %s::int)) "
        "ORDER BY i.submitted_at DESC, i.party_id DESC, i.audience DESC, i.ordinal DESC LIMIT %s",
        (party, party, state, state, after[0], *after, first),
    )
    return [_entry(row) for row in rows]


def _values(place: InboxPlace) -> tuple[datetime, int, str, int]:
    """Return a place as the statement compares it."""
    return place.submitted_at, place.party_id, place.audience, place.ordinal


def _entry(row: dict[str, object]) -> InboxEntry:
    party, party_id, audience = str(row.pop("party")), row.pop("party_id"), str(row.pop("audience"))
    submission = Submission(**row)  # type: ignore[arg-type]  # the columns are the fields
    place = InboxPlace(submission.submitted_at, int(str(party_id)), audience, submission.ordinal)
    return InboxEntry(party, place, submission)
