"""Writing commits: one change of a branch at a time, and nothing lost.

The branch's row is locked first; the head is compared, merged over and read under that lock, and the commit's
id is drawn under it, so that ids rise along every path.
"""

# ruff: noqa: S608  statements are composed of constants of this layer, values go as parameters

from __future__ import annotations

from dataclasses import replace

import numpy as np
from psycopg.errors import ReadOnlySqlTransaction

from app.errors import Conflict, InputError, NotFound
from app.store import branches
from app.store.branches import Branch, Commit
from app.store.calendars import ensure_calendar
from app.store.cells import CELL, pack
from app.store.database import Transaction
from app.store.deltas import (
    EntityChanges,
    EntityDelta,
    SeriesChanges,
    SeriesDelta,
    entity_delta,
    series_delta,
)
from app.store.entities import SCOPE_KINDS, canonical_text, read_rows, references
from app.store.identity import ID_COLUMNS, entity_ids
from app.vocabulary import ENTITIES, Calendar

ROWS_AT_ONCE = 20_000


async def write_commit(
    tx: Transaction,
    branch: Branch,
    *,
    author: str,
    reason: str,
    message: str = "",
    series: SeriesChanges | None = None,
    entities: EntityChanges | None = None,
    expected_head: int | None = None,
    calendar: Calendar | None = None,
    inputs_commit: Commit | None = None,
    rule: str | None = None,
) -> Commit:
    """Write the changes on a branch and return the commit; changes that alter nothing return the head.

    With `expected_head`, the changes were made on that state of the branch: if it has moved on since, they
    are merged cell by cell, and `HeadMoved` is raised where both sides changed the same. Without, they are
    made on whatever the branch shows. `calendar` brings buckets and plan date; without, they stay.
    """
    head = await lock(tx, branch)
    target = await _with_calendar(tx, head, calendar)
    base = await _base(tx, target, expected_head)
    rows = await entity_delta(tx, target, base, entities) if entities else {}
    await _name(tx, target, rows)
    values = await series_delta(tx, target, base, series) if series else None
    moved = (target.plan_date, target.calendar_id) != (head.plan_date, head.calendar_id)
    if not (rows or (values is not None and len(values.ids)) or moved or inputs_commit or rule):
        return head
    made = replace(
        target,
        branch_id=branch.id,
        author=author,
        reason=reason,
        message=message,
        merged_id=None,
        inputs_commit_id=inputs_commit.id if inputs_commit else None,
        rule=rule,
    )
    return await write(tx, made, rows, values)


async def lock(tx: Transaction, branch: Branch) -> Commit:
    """Lock the branch until the transaction ends and return its head."""
    found = await tx.fetch_one(
        "SELECT state, head_id FROM plan.branch WHERE id = %s FOR UPDATE", (branch.id,)
    )
    if found is None:
        raise NotFound(kind="branch", name=branch.name)
    if found["state"] != "open":
        raise Conflict(reason=f"branch {branch.name} is closed")
    return await branches.commit(tx, found["head_id"])


async def _with_calendar(tx: Transaction, head: Commit, calendar: Calendar | None) -> Commit:
    """Return the head as it reads on the new commit's calendar."""
    if calendar is None:
        return head
    calendar_id = await ensure_calendar(tx, head.plan_id, calendar)
    return replace(head, plan_date=calendar.plan_date, calendar_id=calendar_id, buckets=len(calendar))


async def _base(tx: Transaction, target: Commit, expected: int | None) -> Commit | None:
    """Return the state that the changes were made on if it is not the head, on the same calendar."""
    if expected is None or expected == target.id:
        return None
    base = await branches.commit(tx, expected)
    await branches.hold(tx, base)
    seen = dict(zip(target.path_branches, target.path_uptos, strict=True))
    if base.id > seen.get(base.branch_id, -1):
        raise InputError(reason=f"commit {expected} is not part of branch {target.branch}")
    return replace(base, calendar_id=target.calendar_id, buckets=target.buckets)


async def _name(tx: Transaction, target: Commit, rows: EntityDelta) -> None:
    """Give every row that comes in, and what it names, an identity."""
    wanted = {reference for reference, row in rows.items() if row is not None}
    for (kind, _), row in rows.items():
        if row is not None:
            wanted.update(references(ENTITIES[kind], row).values())
    await entity_ids(tx, target.plan_id, wanted, create=True)


async def write(tx: Transaction, made: Commit, rows: EntityDelta, values: SeriesDelta | None) -> Commit:
    """Write the commit, its rows and its series, and move the branch.

    `made` is the head as the new commit alters it: id, time and path are still the head's.
    """
    commit_id = await tx.fetch_value(
        "INSERT INTO plan.commit (id, branch_id, parent_id, merged_id, author, at, reason, message, "
        "plan_date, calendar_id, inputs_commit_id, rule) "
        "VALUES (nextval('plan.commit_id'), %(branch)s, %(parent)s, %(merged)s, %(author)s, "
        "greatest(clock_timestamp(), %(after)s), %(reason)s, %(message)s, "
        "%(plan_date)s, %(calendar)s, %(inputs)s, %(rule)s) RETURNING id",
        {
            "branch": made.branch_id,
            "parent": made.id,
            "merged": made.merged_id,
            "author": made.author,
            "after": made.at,
            "reason": made.reason,
            "message": made.message,
            "plan_date": made.plan_date,
            "calendar": made.calendar_id,
            "inputs": made.inputs_commit_id,
            "rule": made.rule,
        },
    )
    await _write_rows(tx, commit_id, made, rows)
    if values is not None:
        try:
            await _write_series(tx, commit_id, made, values)
        except ReadOnlySqlTransaction as refusal:  # the trigger `past`
            reason = "it would change what lies before the plan date, which the host alone corrects"
            raise Conflict(reason=reason) from refusal
    await tx.execute("UPDATE plan.branch SET head_id = %s WHERE id = %s", (commit_id, made.branch_id))
    return await branches.commit(tx, commit_id)


async def _write_series(tx: Transaction, commit_id: int, made: Commit, values: SeriesDelta) -> None:
    """Append the new versions; identity columns come from plan.series, so they cannot differ from it."""
    columns = ", ".join(f"s.{name}" for name in ("measure_id", *ID_COLUMNS))
    for start in range(0, len(values.ids), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        first, lengths, cells = pack(values.values[part])
        written = await tx.execute(
            f"INSERT INTO plan.series_version (branch_id, series_id, commit_id, "
            f"{columns.replace('s.', '')}, calendar_id, first_ordinal, cells) "
            f"SELECT %(branch)s, s.id, %(commit)s, {columns}, %(calendar)s, n.first, "
            "nullif(substring(%(cells)b::bytea FROM n.place FOR n.length), '') "
            "FROM unnest(%(ids)b::bigint[], %(first)b::int[], %(places)b::int[], %(lengths)b::int[]) "
            "n(id, first, place, length) JOIN plan.series s ON s.id = n.id",
            {
                "branch": made.branch_id,
                "commit": commit_id,
                "calendar": made.calendar_id,
                "ids": values.ids[part].tolist(),
                "first": first,
                "places": [1, *(1 + CELL.itemsize * np.cumsum(lengths[:-1])).tolist()],
                "lengths": [CELL.itemsize * length for length in lengths],
                "cells": cells,
            },
        )
        if written != len(first):
            raise InputError(reason="a series of this commit is not yours to write")


async def _write_rows(tx: Transaction, commit_id: int, made: Commit, rows: EntityDelta) -> None:
    """Append the new versions of reference data, with the ids of what each row names."""
    if not rows:
        return
    named = {
        reference: references(ENTITIES[reference[0]], row) if row is not None else {}
        for reference, row in rows.items()
    }
    if removed := [reference for reference, row in rows.items() if row is None]:
        before = await read_rows(tx, made, {kind for kind, _ in removed}, {code for _, code in removed})
        named |= {key: references(ENTITIES[key[0]], before[key]) for key in removed}
    ids = await entity_ids(
        tx, made.plan_id, {*rows, *(part for parts in named.values() for part in parts.values())}
    )
    columns = [
        [ids[named[key][kind]] if kind in named[key] else None for key in rows] for kind in SCOPE_KINDS
    ]
    scope_columns = ", ".join(f"{kind}_id" for kind in SCOPE_KINDS)
    await tx.execute(
        f"INSERT INTO plan.entity_version (branch_id, entity_id, commit_id, kind, {scope_columns}, row) "
        f"SELECT %s, n.id, %s, n.kind, {scope_columns}, n.row::jsonb "
        f"FROM unnest(%s::int[], %s::text[], {', '.join('%s::int[]' for _ in SCOPE_KINDS)}, %s::text[]) "
        f"n(id, kind, {scope_columns}, row)",
        (
            made.branch_id,
            commit_id,
            [ids[key] for key in rows],
            [kind for kind, _ in rows],
            *columns,
            [None if row is None else canonical_text(row) for row in rows.values()],
        ),
    )
