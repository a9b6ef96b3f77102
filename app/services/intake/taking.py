"""From the inbox to main: one submission, one commit and its outcome in one transaction of the host.

A lock lets one worker at a time take in, so that submissions become commits in the order in which they were
made. A worker that dies leaves either both the commit and the outcome, or neither.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.access import HOST
from app.errors import InputError
from app.services.intake.changes import Cells, Handed, cells_set
from app.services.parties.states import ACKNOWLEDGEMENT
from app.services.releasing.reference import Reference
from app.store.audit import Event, record
from app.store.branches import MAIN, Commit, branch, head
from app.store.calendars import load_calendar
from app.store.commits import write_commit
from app.store.database import Database, Transaction
from app.store.deltas import SeriesChanges
from app.store.entities import read_entities
from app.store.inbox import (
    PendingSubmission,
    list_submissions,
    lock_intake,
    oldest_pending,
    record_outcome,
)
from app.store.series import read_series

INCLUDED, REJECTED = "included", "rejected"
LOOKING_BACK = ("pointOfSale", "customerStock")
KINDS_READ = ("customer", "item", "sales_order", "site", "supplier")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a submission, for the host."""

    party: str
    audience: str
    ordinal: int
    kind: str
    state: str
    reason: str | None


async def take_in(database: Database) -> tuple[Outcome, ...]:
    """Take in all submissions that wait, oldest first, and return what became of each.

    Safe to run at any time, twice, and by several workers at once.
    """
    outcomes = []
    while (outcome := await take_one(database)) is not None:
        outcomes.append(outcome)
    return tuple(outcomes)


async def take_one(database: Database) -> Outcome | None:
    """Take the oldest waiting submission in; None if none waits."""
    async with database.write(HOST) as tx:
        await lock_intake(tx)
        pending = await oldest_pending(tx)
        if pending is None:
            return None
        main = await head(tx)
        try:
            cells = await _cells(tx, pending, main)
        except InputError as error:
            return await _record(tx, pending, main, REJECTED, reason=error.message)
        commit = await _write(tx, pending, main, cells) if cells else None
        return await _record(tx, pending, main, INCLUDED, commit=commit)


async def _cells(tx: Transaction, pending: PendingSubmission, main: Commit) -> Cells:
    """Return what a submission sets on main as it is now; an acknowledgement sets nothing."""
    kind, payload = pending.submission.kind, pending.submission.payload
    if kind == ACKNOWLEDGEMENT:
        return {}
    reference = Reference(await read_entities(tx, main, KINDS_READ))
    calendar = await load_calendar(tx, main)
    earlier = await _earlier(tx, pending) if kind in LOOKING_BACK else ()
    try:
        return cells_set(Handed(pending.party, kind, payload, earlier), reference, calendar)
    except (KeyError, TypeError, ValueError, AttributeError):
        # The party's role can write to the inbox without our checks; one such row must not stop the others.
        raise InputError(reason="the submission is not in the form of its kind") from None


async def _earlier(tx: Transaction, pending: PendingSubmission) -> Sequence[Mapping[str, Any]]:
    """Return what the party handed in of this kind before and was taken in, oldest first."""
    found = await list_submissions(
        tx,
        pending.party_id,
        pending.audience,
        (pending.submission.kind,),
        before=pending.submission.ordinal,
    )
    return [entry.payload for entry in reversed(found) if entry.state == INCLUDED]


async def _write(tx: Transaction, pending: PendingSubmission, main: Commit, cells: Cells) -> Commit:
    """Write the cells over those that main holds and return the commit (main's head, if nothing changes)."""
    keys = list(cells)
    frame = await read_series(
        tx, main, measures=[pending.submission.kind], items=sorted({str(key.item) for key in keys})
    )
    before = dict(zip(frame.keys, frame.values, strict=True))
    nothing = np.full(main.buckets, np.nan)
    values = [np.where(np.isnan(cells[key]), before.get(key, nothing), cells[key]) for key in keys]
    return await write_commit(
        tx,
        await branch(tx, MAIN),
        author=pending.submission.submitted_by,
        reason=f"{pending.submission.kind} of {pending.party}, submission {pending.submission.ordinal}",
        series=SeriesChanges(keys, np.array(values)),
    )


async def _record(
    tx: Transaction,
    pending: PendingSubmission,
    main: Commit,
    state: str,
    *,
    reason: str | None = None,
    commit: Commit | None = None,
) -> Outcome:
    """Write what became of a submission, for the party, the host and the audit log."""
    await record_outcome(tx, pending, state, reason, None if commit is None else commit.id)
    submission = pending.submission
    target = f"{pending.party} {pending.audience} submission {submission.ordinal}"
    after = main.id if commit is None else commit.id
    await record(tx, Event("write", f"intake.{state}", target, MAIN, main.id, after))
    return Outcome(pending.party, pending.audience, submission.ordinal, submission.kind, state, reason)
