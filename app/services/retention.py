"""Retention: old states that nobody published or built on are given up, and that is put on record."""

from datetime import UTC, datetime, timedelta

from app.access import RETENTION, Scope, on_behalf
from app.errors import InputError
from app.store.audit import Event, record
from app.store.database import Database
from app.store.retention import Retained, retain

SHORTEST_DAYS = 1


async def give_up(database: Database, scope: Scope, keep_days: int, *, dry_run: bool = False) -> Retained:
    """Give up what only states older than `keep_days` days can see; with `dry_run`, only count it.

    All of it or nothing. Raises InputError for less than a day: what is being worked on has to stay.
    """
    if keep_days < SHORTEST_DAYS:
        raise InputError(reason=f"at least {SHORTEST_DAYS} day must be kept, not {keep_days}")
    try:
        since = datetime.now(UTC) - timedelta(days=keep_days)
    except OverflowError:
        raise InputError(reason=f"{keep_days} days reach back to before the calendar began") from None
    async with database.write(on_behalf(RETENTION, scope)) as tx:
        found = await retain(tx, since, dry_run=dry_run)
        if not dry_run:
            counted: dict[str, int | str] = {
                "since": since.isoformat(timespec="seconds"),
                "states": found.commits,
                "rows": found.rows,
            }
            await record(tx, Event("erasure", "retain", "plan history", detail=counted))
        return found
