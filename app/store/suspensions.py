"""Suspensions: parties whose tokens are refused for a while (app.store.directory asks at every binding)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.store.announcements import announce_ended
from app.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Suspension:
    """A party that is kept out: since when, by whom, and why."""

    party: str
    suspended_at: datetime
    suspended_by: str
    reason: str


_COLUMNS = "party, suspended_at, suspended_by, reason"


async def suspensions(tx: Transaction) -> list[Suspension]:
    """Return who is suspended now, by party."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM identity.suspension WHERE reinstated_at IS NULL ORDER BY party"  # noqa: S608
    )
    return [Suspension(**row) for row in rows]


async def suspend_party(tx: Transaction, party: str, *, by: str, reason: str) -> bool:
    """Keep a party out from now on, and cut off its streams; False if it was suspended already."""
    made = await tx.execute(
        "INSERT INTO identity.suspension (party, suspended_by, reason) VALUES (%s, %s, %s) "
        "ON CONFLICT (party) WHERE reinstated_at IS NULL DO NOTHING",
        (party, by, reason),
    )
    await announce_ended(tx, "party", party)
    return made == 1


async def reinstate_party(tx: Transaction, party: str, *, by: str) -> bool:
    """Let a party in again; False if it was not suspended."""
    changed = await tx.execute(
        "UPDATE identity.suspension SET reinstated_at = clock_timestamp(), reinstated_by = %s "
        "WHERE party = %s AND reinstated_at IS NULL",
        (by, party),
    )
    return changed == 1
