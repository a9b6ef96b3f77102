"""Runs: reconciliations that were asked for, and how far they are. One is active per branch and rule.

queued → running → done | failed | cancelled. A run whose worker died is started again by the next one. Every
change is announced (app.store.announcements).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID, uuid4

from app.errors import NotFound
from app.store.announcements import announce_run
from app.store.branches import Branch
from app.store.database import Transaction

MOST_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Run:
    """A run and its state; `progress` is a share of 1."""

    id: UUID
    branch: str
    rule: str
    state: str
    requested_by: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    attempts: int
    progress: float
    inputs_commit_id: int | None
    result_commit_id: int | None
    error_code: str | None

    @property
    def active(self) -> bool:
        """Whether it is still to come to an end."""
        return self.state in ("queued", "running")


_RUN = """
SELECT r.id, b.name AS branch, r.rule, r.state, r.requested_by, r.requested_at, r.started_at, r.finished_at,
       r.attempts, r.progress, r.inputs_commit_id, r.result_commit_id, r.error_code
FROM plan.run r JOIN plan.branch b ON b.id = r.branch_id
"""


async def request_run(tx: Transaction, branch: Branch, rule: str, *, by: str) -> tuple[Run, bool]:
    """Return a queued run and True, or the one that is active for this branch and rule and False."""
    made = await tx.fetch_value(
        "INSERT INTO plan.run (id, plan_id, branch_id, rule, requested_by) VALUES (%s, %s, %s, %s, %s) "
        "ON CONFLICT (branch_id, rule) WHERE state IN ('queued', 'running') DO NOTHING RETURNING id",
        (uuid4(), branch.plan_id, branch.id, rule, by),
    )
    if made is not None:
        return await run(tx, made), True
    found = await tx.fetch_one(
        f"{_RUN} WHERE r.branch_id = %s AND r.rule = %s AND r.state IN ('queued', 'running')",
        (branch.id, rule),
    )
    if found is None:  # it came to its end in between
        return await request_run(tx, branch, rule, by=by)
    return Run(**found), False


async def run(tx: Transaction, run_id: UUID) -> Run:
    """Return a run."""
    found = await tx.fetch_one(f"{_RUN} WHERE r.id = %s", (run_id,))
    if found is None:
        raise NotFound(kind="run", name=run_id)
    return Run(**found)


async def runs(tx: Transaction, *, first: int = 50, active_only: bool = False) -> list[Run]:
    """Return runs, newest first."""
    where = "WHERE r.state IN ('queued', 'running')" if active_only else ""
    rows = await tx.fetch(f"{_RUN} {where} ORDER BY r.requested_at DESC, r.id LIMIT %s", (first,))
    return [Run(**row) for row in rows]


async def error_detail(tx: Transaction, run_id: UUID) -> str | None:
    """Return what went wrong in detail; it may name figures, so not every role may read it."""
    found = await tx.fetch_one("SELECT error_detail FROM plan.run WHERE id = %s", (run_id,))
    return None if found is None else cast("str | None", found["error_detail"])


async def done_with(tx: Transaction, inputs_hash: bytes, rule: str) -> Run | None:
    """Return the run that reconciled exactly these inputs under this rule, None if there is none yet."""
    found = await tx.fetch_one(
        f"{_RUN} WHERE r.inputs_hash = %s AND r.rule = %s AND r.state = 'done' "
        "AND NOT EXISTS (SELECT FROM plan.retired_commit g WHERE g.commit_id = r.result_commit_id) "
        "ORDER BY r.finished_at LIMIT 1",
        (inputs_hash, rule),
    )
    return None if found is None else Run(**found)


async def start_run(tx: Transaction, run_id: UUID) -> Run | None:
    """Start a queued run, or start again one whose worker died; None if there is nothing left to do.

    A run that was started `MOST_ATTEMPTS` times fails: it may be what kills its workers.
    """
    current = await _lock(tx, run_id)
    if not current.active:
        return None
    if current.attempts >= MOST_ATTEMPTS:
        await fail_run(tx, run_id, "WORKER_LOST", f"the worker was lost {current.attempts} times")
        return None
    await tx.execute(
        "UPDATE plan.run SET state = 'running', started_at = clock_timestamp(), attempts = attempts + 1, "
        "progress = 0 WHERE id = %s",
        (run_id,),
    )
    await announce_run(tx, run_id)
    return await run(tx, run_id)


async def keep_inputs(tx: Transaction, run_id: UUID, inputs_commit_id: int, inputs_hash: bytes) -> None:
    """Note which inputs a run works on."""
    await tx.execute(
        "UPDATE plan.run SET inputs_commit_id = %s, inputs_hash = %s WHERE id = %s AND state = 'running'",
        (inputs_commit_id, inputs_hash, run_id),
    )


async def report_progress(tx: Transaction, run_id: UUID, share: float) -> bool:
    """Note how far a run is; False says that it was cancelled and should stop."""
    changed = await tx.execute(
        "UPDATE plan.run SET progress = %s WHERE id = %s AND state = 'running'", (share, run_id)
    )
    await announce_run(tx, run_id)
    return changed == 1


async def finish_run(tx: Transaction, run_id: UUID, result_commit_id: int) -> bool:
    """Note the result of a run; False if it was cancelled in the meantime."""
    changed = await tx.execute(
        "UPDATE plan.run SET state = 'done', progress = 1, finished_at = clock_timestamp(), "
        "result_commit_id = %s WHERE id = %s AND state = 'running'",
        (result_commit_id, run_id),
    )
    await announce_run(tx, run_id)
    return changed == 1


async def fail_run(tx: Transaction, run_id: UUID, code: str, detail: str) -> bool:
    """Note that a run failed, and why; False if it had ended before."""
    changed = await tx.execute(
        "UPDATE plan.run SET state = 'failed', finished_at = clock_timestamp(), error_code = %s, "
        "error_detail = %s WHERE id = %s AND state IN ('queued', 'running')",
        (code, detail, run_id),
    )
    await announce_run(tx, run_id)
    return changed == 1


async def cancel_run(tx: Transaction, run_id: UUID) -> Run:
    """Cancel a run; one that has ended stays as it is."""
    await tx.execute(
        "UPDATE plan.run SET state = 'cancelled', finished_at = clock_timestamp() "
        "WHERE id = %s AND state IN ('queued', 'running')",
        (run_id,),
    )
    await announce_run(tx, run_id)
    return await run(tx, run_id)


async def _lock(tx: Transaction, run_id: UUID) -> Run:
    """Lock a run until the transaction ends and return it."""
    await tx.execute("SELECT id FROM plan.run WHERE id = %s FOR UPDATE", (run_id,))
    return await run(tx, run_id)
