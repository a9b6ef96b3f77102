"""Calendars as rows: equal sequences of buckets are one calendar, and a calendar never changes."""

from __future__ import annotations

import hashlib
from datetime import date

from app.errors import NotFound
from app.store.branches import Commit
from app.store.database import Transaction
from app.vocabulary import Bucket, Calendar, working_days

Span = tuple[date, date]


def digest(spans: list[Span]) -> bytes:
    """Return the SHA-256 over all starts and ends."""
    text = ";".join(f"{start.isoformat()}/{end.isoformat()}" for start, end in spans)
    return hashlib.sha256(text.encode()).digest()


async def ensure_calendar(tx: Transaction, plan_id: int, calendar: Calendar) -> int:
    """Return the id of this calendar's buckets, storing them if they are new."""
    spans = [(bucket.start, bucket.end) for bucket in calendar.buckets]
    find = "SELECT id FROM plan.calendar WHERE plan_id = %s AND digest = %s"
    key = (plan_id, digest(spans))
    found = await tx.fetch_value(find, key)
    if found is not None:
        return int(found)
    made = await tx.fetch_value(
        "INSERT INTO plan.calendar (plan_id, digest) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING id", key
    )
    if made is None:  # another transaction was faster
        return int(await tx.fetch_value(find, key))
    await tx.execute(
        "INSERT INTO plan.bucket (calendar_id, ordinal, start_date, end_date, working_days) "
        "SELECT %s, n.* FROM unnest(%s::int[], %s::date[], %s::date[], %s::int[]) n",
        (
            made,
            [bucket.ordinal for bucket in calendar.buckets],
            [start for start, _ in spans],
            [end for _, end in spans],
            [int(working_days(bucket, ())) for bucket in calendar.buckets],
        ),
    )
    return int(made)


async def load_calendar(tx: Transaction, commit: Commit) -> Calendar:
    """Return the calendar of a state; a plan without data has none."""
    if commit.calendar_id is None or commit.plan_date is None:
        raise NotFound(kind="calendar", name=f"of commit {commit.id}")
    buckets = await spans(tx, commit.calendar_id)
    return Calendar(
        tuple(Bucket(ordinal, start, end) for ordinal, (start, end) in enumerate(buckets)), commit.plan_date
    )


async def spans(tx: Transaction, calendar_id: int) -> list[Span]:
    """Return start and end of each bucket, in order."""
    return await tx.fetch_rows(
        "SELECT start_date, end_date FROM plan.bucket WHERE calendar_id = %s ORDER BY ordinal", (calendar_id,)
    )


async def positions(tx: Transaction, source: int, target: int) -> list[int]:
    """Return for each bucket of one calendar its ordinal in another, -1 where none has the same dates."""
    place = {span: ordinal for ordinal, span in enumerate(await spans(tx, target))}
    return [place.get(span, -1) for span in await spans(tx, source)]
