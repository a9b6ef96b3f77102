"""What outside parties have submitted, as far as the role reads the measures that it states."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.services.grants import require_table
from app.services.views.pages import Page, page_of
from app.store.database import Transaction
from app.store.inbox_pages import PENDING, InboxEntry, InboxPlace, read_inbox_page

SEPARATOR = "|"


@dataclass(frozen=True, slots=True)
class SubmissionView:
    """A submission with what became of it; `state` is pending until the host has dealt with it."""

    party_code: str
    audience: str
    ordinal: int
    kind: str
    payload: Mapping[str, object]
    submitted_by: str
    submitted_at: datetime
    state: str
    reason: str | None
    decided_at: datetime | None


async def submission_page(
    tx: Transaction, *, party: str | None, state: str | None, limit: int, after: str | None
) -> Page[SubmissionView]:
    """Return submissions, latest first, of one party and in one state if named."""
    require_table(tx.scope, "outside.inbox")
    before = None if after is None else _place(after)
    entries = await read_inbox_page(tx, party=party, state=state, before=before, first=limit + 1)
    return page_of(entries, limit, _key).map(_view)


def _key(entry: InboxEntry) -> str:
    place = entry.place
    parts = (place.submitted_at.isoformat(), str(place.party_id), place.audience, str(place.ordinal))
    return SEPARATOR.join(parts)


def _place(key: str) -> InboxPlace:
    at, party_id, audience, ordinal = key.split(SEPARATOR)
    return InboxPlace(datetime.fromisoformat(at), int(party_id), audience, int(ordinal))


def _view(entry: InboxEntry) -> SubmissionView:
    submission = entry.submission
    return SubmissionView(
        party_code=entry.party,
        audience=entry.place.audience,
        ordinal=submission.ordinal,
        kind=submission.kind,
        payload=submission.payload,
        submitted_by=submission.submitted_by,
        submitted_at=submission.submitted_at,
        state=submission.state or PENDING,
        reason=submission.reason,
        decided_at=submission.decided_at,
    )
