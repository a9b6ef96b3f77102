"""`seriesSubmit`: a department hands in values of its measures, as one commit or not at all.

Everything that can be wrong is found before anything is written, and all of it is reported. Who may write
which series is decided by the database; that a role does not submit a measure at all is said beforehand.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.access import Scope
from app.errors import ConcordError, Conflict, HeadMoved, Rejected
from app.services.grants import require_action
from app.services.submit_checks import (
    SUBMITTABLE,
    SeriesEntry,
    grant_problems,
    key_problems,
    request_problems,
    value_problems,
)
from app.services.views.history import CommitView, commit_view
from app.store.audit import Event, record
from app.store.branches import Branch, Commit, branch, commit
from app.store.calendars import load_calendar
from app.store.cells import Matrix, same
from app.store.commits import write_commit
from app.store.database import Database, Transaction
from app.store.deltas import SeriesChanges, dense
from app.store.entities import read_rows
from app.store.idempotency import given_answer, keep_answer, request_hash
from app.store.identity import Reference, entity_ids, series_ids
from app.store.series import read_ids
from app.vocabulary import Calendar

__all__ = ["SUBMITTABLE", "SeriesEntry", "SubmitRequest", "Submitted", "submit_series"]


@dataclass(frozen=True, slots=True)
class SubmitRequest:
    """What a department asks for; `expected_head` is the commit that it has seen last on the branch."""

    branch: str
    reason: str
    idempotency_key: str
    expected_head: int | None
    entries: tuple[SeriesEntry, ...]

    def digest(self) -> bytes:
        """Return what tells this request from another one under the same key."""
        entries = [
            [entry.measure, dict(entry.key), entry.start.isoformat(), list(entry.values)]
            for entry in self.entries
        ]
        return request_hash(
            {
                "act": "seriesSubmit",
                "branch": self.branch,
                "reason": self.reason,
                "expected_head": self.expected_head,
                "entries": entries,
            }
        )


@dataclass(frozen=True, slots=True)
class Submitted:
    """The commit with the values, and how many series it changed (0 = none, and no new commit)."""

    commit: CommitView
    changed: int


async def submit_series(database: Database, scope: Scope, request: SubmitRequest) -> Submitted:
    """Write the values as one commit; raises `Rejected` with every problem that the input has.

    The same request under the same key again returns the first answer and writes nothing. Without an expected
    head the values replace what is there; with one, cells that have been changed since raise `HeadMoved`.
    """
    require_action(scope, "seriesSubmit")
    refuse(request_problems(request.entries, request.reason, request.idempotency_key))
    refuse(grant_problems(scope, request.entries))
    async with database.write(scope) as tx:
        answer = await given_answer(tx, request.idempotency_key, request.digest())
        if answer is not None:
            return Submitted(commit_view(await commit(tx, answer["commit"])), answer["changed"])
        done = await _submit(tx, request)
        kept = {"commit": done.commit.number, "changed": done.changed}
        await keep_answer(tx, request.idempotency_key, request.digest(), kept)
        measures = {entry.measure for entry in request.entries}
        await record(tx, written_event("seriesSubmit", request.branch, measures, done))
        return done


def written_event(act: str, branch_name: str, named: Iterable[str], done: Submitted) -> Event:
    """Return what the audit log says of it: which measures, how many series, no values."""
    measures = sorted(named)
    return Event(
        "write",
        act,
        target=", ".join(measures),
        branch=branch_name,
        before=done.commit.parent if done.changed else done.commit.number,
        after=done.commit.number,
        detail={"measures": measures, "series": done.changed},
    )


async def _submit(tx: Transaction, request: SubmitRequest) -> Submitted:
    on = await branch_of_inputs(tx, request.branch)
    head = await commit(tx, on.head)
    seen = head if request.expected_head is None else await commit(tx, request.expected_head)
    base = on_calendar_of(head, seen)
    calendar = await load_calendar(tx, head)
    known = await _known(tx, head, request.entries)
    refuse([*key_problems(request.entries, known), *value_problems(request.entries, calendar)])
    try:
        return await write_entries(tx, on, base, calendar, request)
    except HeadMoved:
        if request.expected_head is not None:
            raise
        # Somebody else was faster with the same cells. The branch is locked by now: this time nobody can be.
        newest = await commit(tx, (await branch(tx, on.name)).head)
        return await write_entries(tx, on, newest, calendar, request)


def on_calendar_of(head: Commit, seen: Commit) -> Commit:
    """Return an earlier state as it reads on the calendar of the head."""
    return replace(seen, calendar_id=head.calendar_id, plan_date=head.plan_date, buckets=head.buckets)


async def branch_of_inputs(tx: Transaction, name: str) -> Branch:
    """Return the branch; the result of a reconciliation takes no inputs."""
    found = await branch(tx, name)
    if (await commit(tx, found.head)).rule is not None:
        raise Conflict(reason=f"{name} holds a reconciled plan and takes no inputs", field=["branch"])
    return found


async def _known(tx: Transaction, head: Commit, entries: Sequence[SeriesEntry]) -> set[Reference]:
    """Return the reference data that the entries name and that is there for the caller."""
    named = {reference for entry in entries for reference in entry.series.references()}
    kinds, codes = {kind for kind, _ in named}, {code for _, code in named}
    return set(await read_rows(tx, head, kinds, codes))


async def write_entries(
    tx: Transaction, on: Branch, base: Commit, calendar: Calendar, request: SubmitRequest
) -> Submitted:
    """Lay the values over those of `base` and commit; a series is written as a whole."""
    keys = [entry.series for entry in request.entries]
    known = await entity_ids(tx, base.plan_id, (part for key in keys for part in key.references()))
    numbers = await series_ids(tx, base.plan_id, keys, known)
    ids = np.array(sorted(numbers.values()), dtype=np.int64)
    present = dense(await read_ids(tx, base, ids.tolist()), ids, len(calendar))
    empty = np.full(len(calendar), np.nan)
    before = np.array(
        [present[np.searchsorted(ids, numbers[key])] if key in numbers else empty for key in keys]
    )
    after = _laid_over(before, request.entries, calendar)
    written = await write_commit(
        tx,
        on,
        author=tx.scope.subject,
        reason=request.reason,
        series=SeriesChanges(keys, after),
        expected_head=base.id,
    )
    return Submitted(commit_view(written), int((~same(before, after).all(axis=1)).sum()))


def _laid_over(before: Matrix, entries: Sequence[SeriesEntry], calendar: Calendar) -> Matrix:
    """Return the values (n, T) with those of the entries in their buckets."""
    after = before.copy()
    for row, entry in enumerate(entries):
        first = calendar.index_of(entry.start) or 0
        values = [np.nan if value is None else value for value in entry.values]
        after[row, first : first + len(values)] = values
    return after


def refuse(problems: Iterable[ConcordError]) -> None:
    """Raise `Rejected` with all problems, if there are any."""
    found = tuple(problems)
    if found:
        raise Rejected(found)
