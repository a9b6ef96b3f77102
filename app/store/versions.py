"""Published versions: a commit under a name, sealed by a hash over everything it shows.

The hash depends on content alone (codes, dates, figures), not on ids or on the database it lies in: figures
are hashed on the state's calendar, series and rows in the order of their keys.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from psycopg.errors import UniqueViolation

from app.errors import Conflict, NotFound
from app.store.announcements import announce_published
from app.store.branches import PLAN, Commit, commit, hold
from app.store.calendars import spans
from app.store.cells import encode
from app.store.database import Transaction
from app.store.entities import canonical_text, read_rows
from app.store.series import read_series
from app.store.snapshots import take_snapshot
from app.vocabulary import ENTITIES

FORMAT = b"concord-seal-1"
Kind = Literal["draft", "final"]


@dataclass(frozen=True, slots=True)
class Version:
    """A published state."""

    id: int
    name: str
    kind: Kind
    commit_id: int
    published_at: datetime
    published_by: str


_VERSION = """
SELECT v.id, v.name, v.kind, v.commit_id, v.published_at, v.published_by
FROM plan.version v JOIN plan.plan p ON p.id = v.plan_id
"""


async def seal(tx: Transaction, state: Commit, name: str, kind: Kind, *, by: str) -> Version:
    """Publish a state under a name; it can never change again. Takes a snapshot for fast reading."""
    await hold(tx, state)
    digest = await content_hash(tx, state)
    try:
        made = await tx.fetch_one(
            "INSERT INTO plan.version (plan_id, commit_id, name, kind, sealed_hash, published_by) "
            "VALUES (%s, %s, %s, %s, %s, %s) "
            "RETURNING id, name, kind, commit_id, published_at, published_by",
            (state.plan_id, state.id, name, kind, digest, by),
        )
    except UniqueViolation as error:
        taken = (
            "this state is published already" if "commit_id" in str(error) else f"{name} is published already"
        )
        raise Conflict(reason=taken) from None
    await take_snapshot(tx, state)
    if made is None:
        raise NotFound(kind="version", name=name)
    await announce_published(tx)
    return Version(**made)


async def version(tx: Transaction, name: str, *, plan: str = PLAN) -> Version:
    """Return a version by name."""
    found = await tx.fetch_one(f"{_VERSION} WHERE p.name = %s AND v.name = %s", (plan, name))
    if found is None:
        raise NotFound(kind="version", name=name)
    return Version(**found)


async def versions(tx: Transaction, *, plan: str = PLAN) -> list[Version]:
    """Return all versions, oldest first."""
    return [Version(**row) for row in await tx.fetch(f"{_VERSION} WHERE p.name = %s ORDER BY v.id", (plan,))]


async def latest_final(tx: Transaction, *, plan: str = PLAN) -> Version | None:
    """Return the plan that was published last, None before the first."""
    found = await tx.fetch_one(
        f"{_VERSION} WHERE p.name = %s AND v.kind = 'final' ORDER BY v.id DESC LIMIT 1", (plan,)
    )
    return None if found is None else Version(**found)


async def sealed_hash(tx: Transaction, sealed: Version) -> bytes:
    """Return the hash that a version was sealed with."""
    return bytes(await tx.fetch_value("SELECT sealed_hash FROM plan.version WHERE id = %s", (sealed.id,)))


@dataclass(frozen=True, slots=True)
class Seal:
    """A version's hash as it was sealed, and as its content gives it now, read in both ways."""

    sealed: bytes
    from_history: bytes
    from_snapshot: bytes

    @property
    def holds(self) -> bool:
        """Whether what the version shows is still what was sealed."""
        return self.sealed == self.from_history == self.from_snapshot


async def verify(tx: Transaction, sealed: Version) -> bool:
    """Return whether what the version shows is still what was sealed."""
    return (await recompute(tx, sealed)).holds


async def recompute(tx: Transaction, sealed: Version) -> Seal:
    """Hash a version's content again, from the history alone and as it is read."""
    state = await commit(tx, sealed.commit_id)
    return Seal(
        sealed=await sealed_hash(tx, sealed),
        from_history=await content_hash(tx, replace(state, snapshot_id=None)),
        from_snapshot=await content_hash(tx, state),
    )


async def content_hash(tx: Transaction, state: Commit) -> bytes:
    """Return the SHA-256 over calendar, reference data and series of a state.

    The caller must see all of it (the host does): the hash is over what is visible.
    """
    digest = hashlib.sha256()
    for part in (FORMAT, *await _calendar(tx, state)):
        _add(digest, part)
    rows = await read_rows(tx, state, ENTITIES)
    for (kind, code), row in rows.items():
        _add(digest, kind.encode(), code.encode(), canonical_text(row).encode())
    frame = await read_series(tx, state)
    first, cells = encode(frame.values)
    keys = [tuple(part or "" for part in key) for key in frame.keys]
    for place in sorted(range(len(keys)), key=keys.__getitem__):
        key = (part.encode() for part in keys[place])
        _add(digest, *key, str(first[place]).encode(), cells[place] or b"")
    return digest.digest()


async def _calendar(tx: Transaction, state: Commit) -> list[bytes]:
    if state.calendar_id is None:
        return [b""]
    days = [f"{start}/{end}" for start, end in await spans(tx, state.calendar_id)]
    return [str(state.plan_date).encode(), ";".join(days).encode()]


def _add(digest: hashlib._Hash, *parts: bytes) -> None:
    """Hash parts with their lengths, so that no two sequences of parts give the same bytes."""
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
