"""Branches and published versions as lists, a page at a time."""

# ruff: noqa: S608  the texts are put together from this module's own names, never from values

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.store.branches import PLAN, Branch
from app.store.database import Transaction


def _versions(hashes: bool) -> str:
    """Return the query of all versions; the hash is a column of its own grant, so it is asked for or not."""
    sealed = "encode(v.sealed_hash, 'hex')" if hashes else "NULL::text"
    return (
        f"SELECT v.id, v.name, v.kind, v.commit_id, {sealed} AS sealed_hash, v.published_at, v.published_by "
        "FROM plan.version v JOIN plan.plan p ON p.id = v.plan_id"
    )


@dataclass(frozen=True, slots=True)
class PublishedVersion:
    """A published version; `sealed_hash` in hexadecimal digits, None where it was not asked for."""

    id: int
    name: str
    kind: str
    commit_id: int
    sealed_hash: str | None
    published_at: datetime
    published_by: str


async def branch_page(
    tx: Transaction, *, plan: str = PLAN, after: str | None = None, first: int
) -> list[Branch]:
    """Return up to `first` branches by name, after the name `after`."""
    rows = await tx.fetch(
        """SELECT b.id, b.plan_id, b.name, b.state, b.head_id AS head, b.created_by, b.created_at
        FROM plan.branch b JOIN plan.plan p ON p.id = b.plan_id
        WHERE p.name = %(plan)s AND (%(after)s::text IS NULL OR b.name > %(after)s::text COLLATE "C")
        ORDER BY b.name LIMIT %(first)s""",
        {"plan": plan, "after": after, "first": first},
    )
    return [Branch(**row) for row in rows]


async def version_page(
    tx: Transaction, *, plan: str = PLAN, before: int | None = None, first: int, hashes: bool
) -> list[PublishedVersion]:
    """Return up to `first` versions, newest first, older than the one with the id `before`."""
    rows = await tx.fetch(
        f"{_versions(hashes)} WHERE p.name = %(plan)s "
        "AND (%(before)s::int IS NULL OR v.id < %(before)s::int) ORDER BY v.id DESC LIMIT %(first)s",
        {"plan": plan, "before": before, "first": first},
    )
    return [PublishedVersion(**row) for row in rows]


async def version_named(
    tx: Transaction, name: str, *, plan: str = PLAN, hashes: bool
) -> PublishedVersion | None:
    """Return the version with a name, None if there is none."""
    row = await tx.fetch_one(f"{_versions(hashes)} WHERE p.name = %s AND v.name = %s", (plan, name))
    return None if row is None else PublishedVersion(**row)


async def latest_version_of(tx: Transaction, commit_id: int, *, hashes: bool) -> PublishedVersion | None:
    """Return the version that a commit was published as last, None if it was not."""
    row = await tx.fetch_one(
        f"{_versions(hashes)} WHERE v.commit_id = %s ORDER BY v.id DESC LIMIT 1",
        (commit_id,),
    )
    return None if row is None else PublishedVersion(**row)


async def versions_after(
    tx: Transaction, number: int, *, plan: str = PLAN, first: int, hashes: bool
) -> list[PublishedVersion]:
    """Return up to `first` versions with a higher id, the earliest first; publications take turns."""
    rows = await tx.fetch(
        f"{_versions(hashes)} WHERE p.name = %s AND v.id > %s::int ORDER BY v.id LIMIT %s",
        (plan, number, first),
    )
    return [PublishedVersion(**row) for row in rows]
