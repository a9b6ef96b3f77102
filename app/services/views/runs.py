"""Runs: a reconciliation asked for, from the queue to its result."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.errors import NotFound, NotGranted
from app.services.grants import reads_column
from app.services.views.plans import PlanView, plan_view
from app.store.branches import At
from app.store.database import Transaction
from app.store.runs import Run, error_detail, run


@dataclass(frozen=True, slots=True)
class RunView:
    """A run and how far it is; `result` is the number of its commit."""

    number: UUID
    state: str
    branch: str
    rule: str
    progress: float
    requested_by: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error_code: str | None
    result: int | None

    @property
    def node_key(self) -> str:
        """The run's number."""
        return str(self.number)

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state not in ("queued", "running")


@dataclass(frozen=True, slots=True)
class ReconciledView:
    """A reconciled plan and the run that leads or has led to it."""

    plan: PlanView | None
    run: RunView | None


def run_view(found: Run) -> RunView:
    """Return a run as the graph shows it."""
    return RunView(
        number=found.id,
        state=found.state,
        branch=found.branch,
        rule=found.rule,
        progress=round(found.progress, 4),  # it is kept in single precision
        requested_by=found.requested_by,
        requested_at=found.requested_at,
        started_at=found.started_at,
        finished_at=found.finished_at,
        error_code=found.error_code,
        result=found.result_commit_id,
    )


async def find_run(tx: Transaction, key: str) -> RunView | None:
    """Return a run by its key; None where there is none."""
    try:
        return run_view(await run(tx, UUID(key)))
    except NotFound:
        return None


async def run_error(tx: Transaction, view: RunView) -> str | None:
    """Return what went wrong in detail; raises `NotGranted` where the role may not read it."""
    if not reads_column(tx.scope, "plan.run", "error_detail"):
        raise NotGranted
    return await error_detail(tx, view.number)


async def result_plan(tx: Transaction, view: RunView) -> PlanView | None:
    """Return the plan that a run has led to; None until it is done."""
    return None if view.result is None else await plan_view(tx, At(commit=view.result))


async def reconciled_view(tx: Transaction, result: int | None, number: UUID | None) -> ReconciledView:
    """Return a reconciled plan, by the number of its commit, and its run."""
    return ReconciledView(
        plan=None if result is None else await plan_view(tx, At(commit=result)),
        run=None if number is None else run_view(await run(tx, number)),
    )
