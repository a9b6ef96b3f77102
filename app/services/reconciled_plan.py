"""`reconciledPlan`: the plan of exactly these inputs, known already or awaited for a while."""

import asyncio
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

from app.access import Scope
from app.services.reconcile import reconciled
from app.store.branches import At
from app.store.database import Database
from app.store.runs import Run, run

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 0.5


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The number of the plan's commit, where it is known, and the run that leads or has led to it."""

    commit: int | None
    run: UUID | None


async def reconciled_plan(
    database: Database, scope: Scope, at: At | None, rule: str, wait_seconds: float = 0.0
) -> Reconciled:
    """Return the reconciled plan of the inputs at a state; where nobody has asked before, a run is started.

    Waits up to `wait_seconds` for the run to end. A run that fails or is cancelled ends the waiting too: its
    state and code say so.
    """
    found, asked = await reconciled(database, scope, at, rule)
    if found is not None or asked is None:
        number = None if asked is None else asked.id
        return Reconciled(None if found is None else found.id, number)
    ended = await wait_for_run(database, scope, asked.id, wait_seconds)
    return Reconciled(ended.result_commit_id, ended.id)


async def wait_for_run(database: Database, scope: Scope, number: UUID, seconds: float) -> Run:
    """Return the run when it has ended or the time is over; no transaction is held open meanwhile."""
    until, pause = monotonic() + seconds, FIRST_PAUSE
    while True:
        async with database.read(scope) as tx:
            found = await run(tx, number)
        left = until - monotonic()
        if not found.active or left <= 0:
            return found
        await asyncio.sleep(min(pause, left))
        pause = min(2 * pause, LONGEST_PAUSE)
