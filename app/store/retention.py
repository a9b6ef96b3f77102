"""Retention: what no kept state can see any more is deleted; everything else stays, provably.

Kept are the heads of branches, what they were forked from and what was merged into them, published versions
and their inputs, every state of the time asked for, and the state in force when that time began. A row of
history goes only if no kept state shows it. Commits themselves stay, with author, reason and time; the state
of one that is not kept can no longer be read, and says so (COMMIT_RETIRED).

Plans that nobody published, built on or has looked back to within that time are given up with their branches.
"""

# ruff: noqa: S608  statements are composed of constants of this layer, values go as parameters

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.store.branches import RETENTION_LOCK
from app.store.database import Transaction

HISTORY = {"series_version": "series_id", "entity_version": "entity_id"}
"""Tables that retention thins out, each with what its rows are versions of."""

_RESULTS_GIVEN_UP = """
SELECT b.id FROM plan.branch b JOIN plan.commit h ON h.id = b.head_id
WHERE h.branch_id = b.id AND h.rule IS NOT NULL AND h.at < %(since)s
    AND NOT EXISTS (SELECT FROM plan.version v JOIN plan.commit k ON k.id = v.commit_id
                    WHERE k.branch_id = b.id)
    AND NOT EXISTS (SELECT FROM plan.branch d JOIN plan.commit k ON k.id = d.forked_from_id
                    WHERE k.branch_id = b.id)
    AND NOT EXISTS (SELECT FROM plan.commit m JOIN plan.commit k ON k.id = m.merged_id
                    WHERE k.branch_id = b.id)
"""

_KEPT = """
SELECT head_id AS id FROM plan.branch WHERE id <> ALL(%(given_up)s) AND head_id IS NOT NULL
UNION SELECT forked_from_id FROM plan.branch WHERE id <> ALL(%(given_up)s) AND forked_from_id IS NOT NULL
UNION SELECT merged_id FROM plan.commit WHERE merged_id IS NOT NULL
UNION SELECT commit_id FROM plan.version
UNION SELECT inputs_commit_id FROM plan.commit
    WHERE inputs_commit_id IS NOT NULL AND branch_id <> ALL(%(given_up)s)
UNION SELECT inputs_commit_id FROM plan.run
    WHERE inputs_commit_id IS NOT NULL AND state IN ('queued', 'running')
UNION SELECT id FROM plan.commit WHERE at >= %(since)s
UNION (SELECT DISTINCT ON (branch_id) id FROM plan.commit
       WHERE at < %(since)s AND branch_id <> ALL(%(given_up)s) ORDER BY branch_id, id DESC)
"""

_POINTS = """
SELECT branch_id, array_agg(DISTINCT at_commit ORDER BY at_commit) AS points FROM (
    SELECT c.branch_id, c.id AS at_commit FROM plan.commit c WHERE c.id = ANY(%(kept)s)
    UNION ALL
    SELECT p.ancestor_id, p.upto_commit_id FROM plan.branch_path p
    WHERE EXISTS (SELECT FROM plan.commit c WHERE c.branch_id = p.branch_id AND c.id = ANY(%(kept)s))
) seen GROUP BY branch_id
"""
"""Up to which commits each branch is seen by kept states."""


@dataclass(frozen=True, slots=True)
class Retained:
    """What was given up, or would be: states, branches of unpublished plans, rows and bytes of history."""

    since: datetime
    commits: int
    branches: int
    rows: int
    bytes: int
    kept: int


async def retain(tx: Transaction, since: datetime, *, dry_run: bool = False) -> Retained:
    """Give up what only states before `since` can see; with `dry_run`, only count it.

    For the retention role. Others may read and write meanwhile; who forks, merges or publishes an old state
    waits, and is told if it is gone.
    """
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (RETENTION_LOCK,))
    given_up = [row[0] for row in await tx.fetch_rows(_RESULTS_GIVEN_UP, {"since": since})]
    known = {"since": since, "given_up": given_up}
    kept = [row[0] for row in await tx.fetch_rows(_KEPT, known)]
    retired = await tx.fetch_rows(
        "SELECT c.id, c.branch_id FROM plan.commit c WHERE c.id <> ALL(%s) "
        "AND NOT EXISTS (SELECT FROM plan.retired_commit r WHERE r.commit_id = c.id)",
        (kept,),
    )
    points = dict(await tx.fetch_rows(_POINTS, {"kept": kept}))
    rows = size = 0
    for branch in sorted({branch for _, branch in retired}):
        for table, identity in HISTORY.items():
            count, freed = await _thin(tx, table, identity, branch, points.get(branch, []), dry_run=dry_run)
            rows, size = rows + count, size + freed
    numbers = [number for number, _ in retired]
    if not dry_run:
        await _retire(tx, numbers, given_up)
    return Retained(since, len(numbers), len(given_up), rows, size, len(kept))


async def _thin(
    tx: Transaction, table: str, identity: str, branch: int, points: Sequence[int], *, dry_run: bool
) -> tuple[int, int]:
    """Delete a branch's rows that are seen from none of `points`; returns how many, and the bytes in them.

    A row is seen from the points between its own commit and the next one that has the same series or row.
    """
    content = "octet_length(cells)" if table == "series_version" else "pg_column_size(row)"
    unseen = f"""SELECT v.* FROM (
            SELECT {identity}, commit_id, {content} AS size,
                lead(commit_id) OVER (PARTITION BY {identity} ORDER BY commit_id) AS next
            FROM plan.{table} WHERE branch_id = %(branch)s) v
        WHERE width_bucket(coalesce(v.next, 9223372036854775807) - 1, %(points)s::bigint[])
            = width_bucket(v.commit_id - 1, %(points)s::bigint[])"""
    known: dict[str, Any] = {"branch": branch, "points": list(points)}
    (found,) = await tx.fetch_rows(
        f"SELECT count(*), coalesce(sum(size), 0)::bigint FROM ({unseen}) u", known
    )
    if not dry_run and found[0]:
        await tx.execute(
            f"DELETE FROM plan.{table} t USING ({unseen}) u WHERE t.branch_id = %(branch)s "
            f"AND t.{identity} = u.{identity} AND t.commit_id = u.commit_id",
            known,
        )
    return found[0], found[1]


async def _retire(tx: Transaction, commits: list[int], branches: list[int]) -> None:
    """Note which states are gone, drop their snapshots, close branches that nobody will come back to."""
    await tx.execute("INSERT INTO plan.retired_commit (commit_id) SELECT unnest(%s::bigint[])", (commits,))
    await tx.execute("DELETE FROM plan.snapshot WHERE commit_id = ANY(%s)", (commits,))
    await tx.execute("DELETE FROM plan.snapshot_series WHERE snapshot_commit_id = ANY(%s)", (commits,))
    await tx.execute("UPDATE plan.branch SET state = 'closed' WHERE id = ANY(%s)", (branches,))
