"""`planReconcile`: runs, from the request to the commit of the result.

A run takes in the inbox, reads the inputs, and looks for a run that had exactly these inputs (by content)
under the same rule: its result is the answer. Else it plans in a thread, so that the event loop stays free,
and writes the result on a branch of its own, `plan/<rule>/<n>`, forked from the inputs. Any number of workers
may run; one run is active per branch and rule, and one whose worker died is started again.
"""

import asyncio
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Final
from uuid import UUID

from app.access import HOST, Scope, acting_host
from app.engine.cache import Cache
from app.engine.component import Result
from app.engine.reconcile import RULES
from app.engine.runner import Executor
from app.errors import BadValue, ConcordError, Conflict, NotFound, PlanCancelled
from app.exchange.dataset import Dataset
from app.services.datasets import RESULTS, blocks_of, load_inputs, series_changes
from app.services.grants import require_action
from app.services.intake.taking import take_in
from app.services.planning.content import inputs_hash
from app.services.planning.previous import DECISIONS, PreviousPlan
from app.services.planning.run import Plan, make_plan
from app.services.recording import recorded
from app.store.audit import Event, Who, bookkeeping, record
from app.store.branches import (
    MAIN,
    At,
    Branch,
    Commit,
    branch,
    branches,
    commit,
    fork,
    head,
    lock_names,
    resolve,
)
from app.store.calendars import load_calendar
from app.store.commits import write_commit
from app.store.database import Database, Transaction
from app.store.idempotency import given_answer, keep_answer, request_hash
from app.store.queue import JobQueue
from app.store.reconciliations import write_reconciliation
from app.store.runs import (
    Run,
    cancel_run,
    done_with,
    fail_run,
    finish_run,
    keep_inputs,
    report_progress,
    request_run,
    run,
    start_run,
)
from app.store.series import read_series
from app.store.versions import latest_final

JOB: Final = "reconcile"
DEFAULT_RULE: Final = "leximin"
PINNED: Final = "inputs/"
REPORT_SECONDS: Final = 0.5


@dataclass(frozen=True)
class Inputs:
    """What a plan is made from, and the hash over it (the last published plan apart)."""

    commit: Commit
    dataset: Dataset
    previous: PreviousPlan | None
    digest: bytes


@dataclass(frozen=True)
class Means:
    """What a worker lends to planning: answers to components known already, and processes for new ones."""

    cache: Cache[Result] | None
    executor: Executor | None


async def request(
    database: Database,
    scope: Scope,
    *,
    branch_name: str = MAIN,
    rule: str = DEFAULT_RULE,
    idempotency_key: str | None = None,
) -> Run:
    """Ask for the reconciled plan of a branch of inputs; return the run, or the one already active.

    Raises Forbidden, BadValue for an unknown rule, NotFound for an unknown branch.
    """
    require_action(scope, "planReconcile")
    if rule not in RULES:
        raise BadValue(field=["rule"], expected=" or ".join(sorted(RULES)), found=rule[:100])
    async with database.write(acting_host(scope)) as tx:
        digest = request_hash({"act": "planReconcile", "branch": branch_name, "rule": rule})
        answer = None if idempotency_key is None else await given_answer(tx, idempotency_key, digest)
        if answer is not None:
            return await run(tx, UUID(answer["run"]))
        asked = await _ask(tx, database, await _branch_of_inputs(tx, branch_name), rule, scope.subject)
        if idempotency_key is not None:
            await keep_answer(tx, idempotency_key, digest, {"run": str(asked.id)})
        return asked


async def reconciled(
    database: Database, scope: Scope, at: At | None = None, rule: str = DEFAULT_RULE
) -> tuple[Commit | None, Run | None]:
    """Return the reconciled plan of exactly the inputs at an address, or the run that was started for it.

    The result of a reconciliation under this rule is its own answer; another one stands for its inputs.
    """
    require_action(scope, "planReconcile")
    async with database.read(HOST) as tx:
        found = await resolve(tx, at or At(branch=MAIN))
        if found.rule == rule:
            return found, None
        if found.inputs_commit_id is not None:
            found = await commit(tx, found.inputs_commit_id)
        inputs = await read_inputs(tx, found, rule)
        known = await done_with(tx, inputs.digest, rule)
        if known is not None and known.result_commit_id is not None:
            return await commit(tx, known.result_commit_id), known
    async with database.write(acting_host(scope)) as tx:
        pinned = await _pinned(tx, found)
        return None, await _ask(tx, database, pinned, rule, scope.subject)


async def cancel(database: Database, scope: Scope, run_id: UUID) -> Run:
    """Cancel a run; one that has ended stays as it is."""
    require_action(scope, "runCancel")
    async with database.write(acting_host(scope)) as tx:
        stopped = await cancel_run(tx, run_id)
        await record(tx, Event("write", "runCancel", target=str(run_id), branch=stopped.branch))
        return stopped


async def read_inputs(tx: Transaction, found: Commit, rule: str) -> Inputs:
    """Read what a plan of this state is made from: its inputs, and the last published decisions."""
    dataset = await load_inputs(tx, found)
    digest = await asyncio.to_thread(inputs_hash, dataset, rule)
    return Inputs(found, dataset, await _last_published(tx), digest)


async def execute(
    database: Database,
    run_id: UUID,
    cache: Cache[Result] | None = None,
    executor: Executor | None = None,
) -> None:
    """Carry out a run to its end, whatever it is; what fails is written in the run, not raised.

    Components solved before are taken from `cache`; the others are solved by `executor`, else one by one.

    Only being stopped from outside (asyncio.CancelledError) leaves it running, for the next worker.
    """
    async with database.write(HOST) as tx:
        bookkeeping(tx, "start of a run")
        started = await start_run(tx, run_id)
    if started is None:
        return
    try:
        await _carry_out(database, started, Means(cache, executor))
    except PlanCancelled:
        await cancel(database, HOST, run_id)
    except ConcordError as error:
        await _fail(database, run_id, error.code, error.message)
    except Exception as error:
        await _fail(database, run_id, "INTERNAL", f"{type(error).__name__}: {error}")
        raise


async def _carry_out(database: Database, started: Run, means: Means) -> None:
    began = monotonic()
    if started.branch == MAIN:
        await take_in(database)
    async with database.write(HOST) as tx:
        inputs = await read_inputs(tx, await head(tx, started.branch), started.rule)
        await keep_inputs(tx, started.id, inputs.commit.id, inputs.digest)
        known = await done_with(tx, inputs.digest, started.rule)
        if known is not None and known.result_commit_id is not None:
            await finish_run(tx, started.id, known.result_commit_id)
            found = await commit(tx, known.result_commit_id)
            await record(tx, _event(started, "reconcile.known", inputs.commit, found))
            return
        bookkeeping(tx, "start of a run")
    plan = await _plan(database, started, inputs, means)
    async with database.write(HOST) as tx:
        result = await _write(tx, started, inputs, plan, monotonic() - began)
        await record(tx, _event(started, "reconcile", inputs.commit, result))
        if not await finish_run(tx, started.id, result.id):
            raise PlanCancelled


def _event(started: Run, act: str, inputs: Commit, result: Commit) -> Event:
    """Return what the audit log says of a run's result: from which inputs, for whom."""
    return Event(
        "write",
        act,
        target=str(started.id),
        branch=result.branch,
        before=inputs.id,
        after=result.id,
        detail={"rule": started.rule},
        who=Who(subject=started.requested_by),
    )


@dataclass(slots=True)
class _Watch:
    """What the thread that plans and the loop that watches it tell each other."""

    share: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)

    def progress(self, done: int, total: int, text: str) -> None:
        """Note how far a stage is; the stages after the first payoff are taken as equally long."""
        del text
        self.share = min(max(self.share, 0.9 * done / max(total, 1)), 0.95)


async def _plan(database: Database, started: Run, inputs: Inputs, means: Means) -> Plan:
    """Plan in a thread; report progress, and stop when the run is cancelled."""
    watch = _Watch()
    work = asyncio.create_task(
        asyncio.to_thread(
            make_plan,
            inputs.dataset,
            started.rule,
            inputs.previous,
            cache=means.cache,
            executor=means.executor,
            progress=watch.progress,
            cancelled=watch.stop.is_set,
        )
    )
    try:
        while not work.done():
            await asyncio.wait([work], timeout=REPORT_SECONDS)
            async with database.write(HOST) as tx:
                bookkeeping(tx, "progress of a run")
                if not await report_progress(tx, started.id, watch.share):
                    watch.stop.set()
    finally:
        watch.stop.set()
    return await work


async def _write(tx: Transaction, started: Run, inputs: Inputs, plan: Plan, seconds: float) -> Commit:
    """Write the plan on a branch of its own and what is said of it; return the commit."""
    own = await _fork_result(tx, inputs.commit, started.rule)
    made = await write_commit(
        tx,
        own,
        author=started.requested_by,
        reason="reconcile",
        message=f"Reconciled {started.branch} under {started.rule}.",
        series=series_changes(plan.series),
        inputs_commit=inputs.commit,
        rule=started.rule,
    )
    await write_reconciliation(tx, made, recorded(plan, inputs.digest, seconds))
    return made


async def _fork_result(tx: Transaction, source: Commit, rule: str) -> Branch:
    """Fork the next `plan/<rule>/<n>`."""
    prefix = f"{RESULTS}{rule}/"
    await lock_names(tx, prefix)
    taken = [one.name.removeprefix(prefix) for one in await branches(tx) if one.name.startswith(prefix)]
    number = 1 + max((int(name) for name in taken if name.isdigit()), default=0)
    return await fork(tx, source, f"{prefix}{number}", author=HOST.subject)


async def _last_published(tx: Transaction) -> PreviousPlan | None:
    """Return the decisions of the last final version; None before the first."""
    version = await latest_final(tx)
    if version is None:
        return None
    published = await commit(tx, version.commit_id)
    frame = await read_series(tx, published, measures=list(DECISIONS))
    return PreviousPlan.of(await load_calendar(tx, published), blocks_of(frame))


async def _ask(tx: Transaction, database: Database, inputs: Branch, rule: str, by: str) -> Run:
    asked, new = await request_run(tx, inputs, rule, by=by)
    if new:
        await JobQueue(database).put(tx, JOB, run_id=str(asked.id))
    await record(
        tx,
        Event(
            "write",
            "planReconcile",
            target=str(asked.id),
            branch=inputs.name,
            before=inputs.head,
            detail={"rule": rule, "new": new},
        ),
    )
    return asked


async def _branch_of_inputs(tx: Transaction, name: str) -> Branch:
    """Return a branch that can be planned; the result of a plan cannot."""
    if name.startswith(RESULTS):
        raise Conflict(reason=f"{name} holds the result of a reconciliation, not inputs")
    return await branch(tx, name)


async def _pinned(tx: Transaction, found: Commit) -> Branch:
    """Return a branch that shows exactly this state and stays: forked once, nothing is copied."""
    name = f"{PINNED}{found.id}"
    await lock_names(tx, name)
    with suppress(NotFound):
        return await branch(tx, name)
    return await fork(tx, found, name, author=HOST.subject)


async def _fail(database: Database, run_id: UUID, code: str, detail: str) -> None:
    async with database.write(HOST) as tx:
        await fail_run(tx, run_id, code, detail)
        await record(tx, Event("write", "reconcile.failed", target=str(run_id), detail={"code": code}))
