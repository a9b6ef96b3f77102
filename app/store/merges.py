"""Bringing branches together: merge, rebase and promote.

All three are one three-way merge: what the source changed since a base is brought to a target. What both
sides changed is returned as data until it is decided; then the result is one commit, and nothing was lost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.errors import Conflict, InputError
from app.store import branches
from app.store.branches import Branch, Commit
from app.store.cells import same
from app.store.commits import lock, write
from app.store.comparing import changed_entities, changed_series, merge_base
from app.store.database import Transaction
from app.store.deltas import EntityDelta, SeriesDelta
from app.store.entities import read_rows
from app.store.identity import SeriesKey
from app.store.merging import merge_rows, merge_values
from app.store.resolving import Clashes, Resolution, RowClash, SeriesClash, resolve_row, resolve_values
from app.store.series import read_ids, read_values

UNDECIDED = Resolution()
RETIRED = "@"
"""A rebased branch stays under its name, this sign and a number."""


@dataclass(frozen=True, slots=True)
class _Combined:
    """What bringing a source to a target changes there."""

    rows: EntityDelta
    values: SeriesDelta
    clashes: Clashes
    decided: bool

    @property
    def writes(self) -> bool:
        """Whether there is anything to write: changes, or decisions that shall not be asked for again."""
        return bool(self.rows or len(self.values.ids) or self.clashes)


async def merge(
    tx: Transaction,
    branch: Branch,
    source: Commit,
    *,
    author: str,
    reason: str,
    message: str = "",
    resolution: Resolution = UNDECIDED,
    expected_head: int | None = None,
) -> Commit | Clashes:
    """Bring into a branch what `source` changed since the two parted; returns the branch's head after it.

    Reads only what the source changed. Clashes that `resolution` does not decide are returned and nothing is
    written; a source that brings nothing new writes nothing either. With `expected_head`, a branch that has
    moved on is refused.
    """
    head = await lock(tx, branch)
    if expected_head not in (None, head.id):
        raise Conflict(reason=f"{branch.name} has moved on since commit {expected_head}")
    base = await merge_base(tx, head, source)
    if base.id == source.id:
        return head
    await branches.hold(tx, base, source)
    combined = await _combine(tx, head, base, source, resolution)
    if not combined.decided:
        return combined.clashes
    if not combined.writes:
        return head
    made = _next(head, branch, author, reason, message, merged=source.id)
    return await write(tx, made, combined.rows, combined.values)


async def rebase(
    tx: Transaction,
    branch: Branch,
    onto: Commit,
    *,
    author: str,
    reason: str,
    message: str = "",
    resolution: Resolution = UNDECIDED,
) -> Branch | Clashes:
    """Make a new branch under the branch's name that starts at `onto` and has what the branch changed.

    The branch itself is closed and stays readable under a name of its own (`name@1`, `name@2` …). Clashes
    that `resolution` does not decide are returned, and nothing has changed.
    """
    source = await lock(tx, branch)
    base = await _base_of_rebase(tx, branch, source, onto)
    await branches.hold(tx, base, onto)
    combined = await _combine(tx, onto, base, source, resolution)
    if not combined.decided:
        return combined.clashes
    await _retire(tx, branch)
    made = await branches.fork(tx, onto, branch.name, author=author)
    if combined.writes:
        commit = _next(onto, made, author, reason, message, merged=None)
        written = await write(tx, commit, combined.rows, combined.values)
        made = replace(made, head=written.id)
    return made


async def promote(
    tx: Transaction, branch: Branch, into: Branch, *, author: str, reason: str, message: str = ""
) -> Commit:
    """Make `into` show exactly what the branch shows, as one commit, and close the branch.

    Refused with `Conflict` where `into` has commits that the branch does not contain: a promotion loses
    nothing, so the branch has to be rebased or merged first.
    """
    for each in sorted((branch, into), key=lambda one: one.id):  # one order for all: no deadlock
        await lock(tx, each)
    head, source = await lock(tx, into), await lock(tx, branch)
    if (await merge_base(tx, head, source)).id != head.id:
        raise Conflict(reason=f"{into.name} has changes that {branch.name} does not have: rebase it first")
    made = await merge(tx, into, source, author=author, reason=reason, message=message)
    if isinstance(made, Clashes):  # a head that the source contains changed nothing by itself
        raise Conflict(reason=f"{branch.name} and {into.name} changed the same")
    await tx.execute("UPDATE plan.branch SET state = 'closed' WHERE id = %s", (branch.id,))
    return made


async def parent_of(tx: Transaction, branch: Branch) -> Branch:
    """Return the branch that a branch was forked from: the one on which its first commit builds."""
    origin = await _origin(tx, branch)
    return await branches.branch(tx, origin.branch)


async def _origin(tx: Transaction, branch: Branch) -> Commit:
    """Return the commit at which a branch was forked; main has none."""
    number = await tx.fetch_value("SELECT forked_from_id FROM plan.branch WHERE id = %s", (branch.id,))
    if number is None:
        raise Conflict(reason=f"{branch.name} was not forked from another branch")
    return await branches.commit(tx, number)


async def _base_of_rebase(tx: Transaction, branch: Branch, source: Commit, onto: Commit) -> Commit:
    """Return the state since which a branch's changes are its own.

    That is its fork, or what both have come to share since then by merging.
    """
    if onto.branch_id == branch.id:
        raise InputError(reason=f"{branch.name} cannot be rebased onto itself")
    origin, shared = await _origin(tx, branch), await merge_base(tx, onto, source)
    return max(origin, shared, key=lambda commit: commit.id)


async def _retire(tx: Transaction, branch: Branch) -> None:
    """Close a branch and give its name free; it stays under the next name of its own."""
    prefix = f"{branch.name}{RETIRED}"
    await branches.lock_names(tx, prefix)
    await tx.execute(
        "UPDATE plan.branch SET state = 'closed', name = %(prefix)s || (SELECT count(*) + 1 "
        "FROM plan.branch b WHERE b.plan_id = %(plan)s AND starts_with(b.name, %(prefix)s)) "
        "WHERE id = %(id)s",
        {"prefix": prefix, "plan": branch.plan_id, "id": branch.id},
    )


def _next(
    head: Commit, branch: Branch, author: str, reason: str, message: str, *, merged: int | None
) -> Commit:
    """Return the commit after `head` on a branch, as `write` takes it."""
    return replace(
        head,
        branch_id=branch.id,
        author=author,
        reason=reason,
        message=message,
        merged_id=merged,
        inputs_commit_id=None,
        rule=None,
    )


async def _combine(
    tx: Transaction, target: Commit, base: Commit, source: Commit, resolution: Resolution
) -> _Combined:
    """Return what bringing to `target` what `source` changed since `base` changes there."""
    if source.calendar_id not in (target.calendar_id, None):
        raise Conflict(reason="the two branches are on different calendars")
    rows, row_clashes, rows_decided = await _combine_rows(tx, target, base, source, resolution)
    values, clashes, decided = await _combine_series(tx, target, base, source, resolution)
    return _Combined(rows, values, Clashes(clashes, row_clashes), rows_decided and decided)


async def _combine_series(
    tx: Transaction, target: Commit, base: Commit, source: Commit, resolution: Resolution
) -> tuple[SeriesDelta, tuple[SeriesClash, ...], bool]:
    ids = await changed_series(tx, base, source)
    states = [
        replace(state, calendar_id=target.calendar_id, buckets=target.buckets)
        for state in (base, target, source)
    ]
    before, ours, theirs = [await read_values(tx, state, ids) for state in states]
    keys: dict[int, SeriesKey] = {}
    if (
        resolution.cells or merge_values(before, ours, theirs)[1].any()
    ):  # somebody has to be told what clashes
        for state in states:
            frame = await read_ids(tx, state, ids.tolist())
            keys |= zip(frame.ids.tolist(), frame.keys, strict=True)
    result, clashes, decided = resolve_values(keys, ids, (before, ours, theirs), resolution)
    changed = ~same(result, ours).all(axis=1)
    return SeriesDelta(ids[changed], result[changed]), clashes, decided


async def _combine_rows(
    tx: Transaction, target: Commit, base: Commit, source: Commit, resolution: Resolution
) -> tuple[EntityDelta, tuple[RowClash, ...], bool]:
    touched = await changed_entities(tx, base, source)
    kinds, codes = {kind for kind, _ in touched}, {code for _, code in touched}
    before, ours, theirs = [
        await read_rows(tx, state, kinds, codes) if touched else {} for state in (base, target, source)
    ]
    delta: EntityDelta = {}
    clashes: list[RowClash] = []
    decided = True
    for reference in touched:
        sides = (before.get(reference), ours.get(reference), theirs.get(reference))
        merged, columns = merge_rows(*sides)
        row, found, settled = resolve_row(reference, sides, merged, columns, resolution)
        clashes += found
        decided &= settled
        if row != sides[1]:
            delta[reference] = row
    unknown = resolution.rows.keys() - {(clash.row, clash.column) for clash in clashes}
    if unknown:
        (kind, code), column = min(unknown)
        raise InputError(reason=f"{kind} {code} does not clash in {column}")
    return delta, tuple(clashes), decided
