"""Snapshots: all series of a state in one place, so that reading it needs no history.

Derived from series_version, and droppable at any time: a state reads the newest snapshot on its path and, of
the history, only what came after it; without one it reads the history. Every published state gets one when it
is sealed. A branch of inputs gets one when a tenth of the plan has been written anew since the last; of
those, a branch keeps the newest.
"""

# ruff: noqa: S608  statements are composed of constants of this layer, values go as parameters

from __future__ import annotations

from app.store.branches import PATH, Commit, commit
from app.store.database import Transaction
from app.store.selecting import COLUMNS, latest, path_parameters

SHARE = 10
"""A snapshot pays once every tenth series of the last one has been written anew …"""
LEAST = 2_000
"""… and so many rows at least: below, the overlay costs less than the statement."""

_COLUMNS = ", ".join(COLUMNS)
_SEALED = "EXISTS (SELECT FROM plan.version p WHERE p.commit_id = s.commit_id)"


async def take_snapshot(tx: Transaction, state: Commit) -> int:
    """Copy the series visible at a state, unless it has its snapshot; returns how many were copied.

    The caller must see all series (the host does). Two who try at once wait for each other; one copies.
    """
    if not await tx.execute(
        "INSERT INTO plan.snapshot (commit_id) VALUES (%s) ON CONFLICT DO NOTHING", (state.id,)
    ):
        return 0
    return await tx.execute(
        f"INSERT INTO plan.snapshot_series (snapshot_commit_id, {_COLUMNS}) "
        f"SELECT %(of)s, {_COLUMNS} FROM ({latest(state)}) q ORDER BY series_id",
        {**path_parameters(state), "of": state.id},
    )


async def due(tx: Transaction) -> list[Commit]:
    """Return heads of open branches for which a snapshot pays; reconciled plans get theirs when published."""
    heads = await tx.fetch_rows(
        "SELECT b.head_id FROM plan.branch b JOIN plan.commit c ON c.id = b.head_id "
        "WHERE b.state = 'open' AND c.rule IS NULL AND c.branch_id = b.id AND c.calendar_id IS NOT NULL "
        "ORDER BY b.id"
    )
    states = [await commit(tx, number) for (number,) in heads]
    return [state for state in states if state.snapshot_id != state.id and await _pays(tx, state)]


async def _pays(tx: Transaction, state: Commit) -> bool:
    """Say whether enough was written on a state's path since its snapshot."""
    enough = await tx.fetch_value(
        "SELECT greatest(%s, count(*) / %s) FROM plan.snapshot_series WHERE snapshot_commit_id = %s",
        (LEAST, SHARE, state.snapshot_id),
    )
    written = await tx.fetch_value(
        f"""SELECT count(*) FROM (
            SELECT FROM {PATH} JOIN plan.series_version v ON v.branch_id = path.branch_id
                AND v.commit_id <= path.upto AND v.commit_id > coalesce(%(snapshot)s::bigint, 0)
            LIMIT %(enough)s) found""",
        {**state.path, "snapshot": state.snapshot_id, "enough": enough},
    )
    return bool(written >= enough)


async def drop_older(tx: Transaction, state: Commit) -> int:
    """Drop the branch's older snapshots that belong to no published version; returns how many."""
    dropped = await tx.fetch_rows(
        f"""DELETE FROM plan.snapshot s USING plan.commit c
        WHERE c.id = s.commit_id AND c.branch_id = %s AND c.id < %s AND NOT {_SEALED}
        RETURNING s.commit_id""",
        (state.branch_id, state.id),
    )
    numbers = [number for (number,) in dropped]
    if numbers:
        await tx.execute("DELETE FROM plan.snapshot_series WHERE snapshot_commit_id = ANY(%s)", (numbers,))
    return len(numbers)
