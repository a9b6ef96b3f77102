"""`reconcile`, `publish` and `check-plan`: the plan made, sealed and checked from the command line."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from app.access import HOST
from app.checker import Report, check_plan
from app.cli.output import Json, answer, command, progress, say
from app.cli.session import Branch, Rule, address, operator, with_database
from app.errors import PlanningError, PlanRefuted
from app.services.export import export
from app.services.publish import publish as publish_plan
from app.services.reconcile import DEFAULT_RULE, request
from app.services.summary import PlanSummary, summarise
from app.store.branches import MAIN, At, Commit
from app.store.branches import commit as read_commit
from app.store.database import Database
from app.store.runs import Run
from app.store.runs import run as read_run
from app.store.versions import Kind, Version
from app.worker import work_off

POLL_SECONDS = 0.3


@command
def reconcile(branch: Branch = MAIN, rule: Rule = DEFAULT_RULE, json: Json = False) -> None:
    """Compute the reconciled plan of a branch's inputs, here and now, and summarise it.

    Example: python -m app reconcile --branch main --rule leximin
    """

    async def work(database: Database) -> tuple[Commit, PlanSummary]:
        made = await reconcile_now(database, branch, rule)
        return made, await summarise(database, HOST, At(commit=made.id))

    made, summary = with_database(work)
    data = {"commit": made.id, "branch": made.branch, "rule": rule, "summary": summary.data()}
    answer(data, json=json, text=lambda: _tell_plan(made, summary))


@command
def publish(
    branch: Branch = MAIN,
    rule: Rule = DEFAULT_RULE,
    kind: Annotated[Kind, typer.Option(help="A round for answers, or final.")] = "final",
    name: Annotated[str | None, typer.Option(help="Name; month and kind unless given.")] = None,
    json: Json = False,
) -> None:
    """Seal the reconciled plan of a branch's inputs and release to each party what it may see.

    Example: python -m app publish --kind draft --name "2025-09 first round"
    """

    async def work(database: Database) -> Version:
        plan = await reconcile_now(database, branch, rule)  # known already where the inputs are the same
        return await publish_plan(
            database, operator(), At(commit=plan.id), kind=kind, name=name or version_name(plan, kind)
        )

    made = with_database(work)
    data = {"version": made.name, "kind": made.kind, "at": made.published_at, "commit": made.commit_id}
    answer(data, json=json, text=lambda: say(f"Published “{made.name}” ({made.kind})."))


@command
def check(
    directory: Annotated[
        Path | None, typer.Argument(help="Exported plan; without it, a state of the database is checked.")
    ] = None,
    branch: Annotated[str | None, typer.Option(help="Check the head of this branch.")] = None,
    version: Annotated[str | None, typer.Option(help="Check this published version.")] = None,
    commit: Annotated[int | None, typer.Option(help="Check this commit.")] = None,
    json: Json = False,
) -> None:
    """Check a plan independently of what made it: balances, lead times, capacity, lots, commits, money.

    Without a directory or a state, the plan published last is checked.
    Example: python -m app check-plan out/
    """
    if directory is not None:
        report = check_plan(directory)
    else:
        empty = branch is None and version is None and commit is None
        at = At() if empty else address(branch, version, commit)
        report = with_database(lambda database: check_state(database, at))
    violations = [str(violation) for violation in report.violations]
    data = {
        "holds": report.ok,
        "checked": dict(report.checked),
        "violations": violations,
        "notes": report.notes,
    }
    answer(data, json=json, text=lambda: say(report.text()))
    if not report.ok:
        raise PlanRefuted(count=len(violations))


async def check_state(database: Database, at: At) -> Report:
    """Export a state into a temporary directory and check it there."""
    with tempfile.TemporaryDirectory(prefix="concord-") as place:
        target = Path(place) / "plan"
        await export(database, at, target)
        return await asyncio.to_thread(check_plan, target)


async def reconcile_now(database: Database, branch: str, rule: str) -> Commit:
    """Ask for a run, work it off unless another worker does, and return the commit of its result.

    Raises PlanningError with the run's own reason where it fails or is cancelled.
    """
    asked = await request(database, operator(), branch_name=branch, rule=rule)
    working = asyncio.create_task(work_off(database))
    try:
        ended = await _follow(database, asked, working)
        await working
    finally:  # before the database closes: a run that is cut off goes back into the queue
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    if ended.state != "done" or ended.result_commit_id is None:
        raise PlanningError(reason=f"the run ended {ended.state} ({ended.error_code or 'no reason given'})")
    async with database.read(HOST) as tx:
        return await read_commit(tx, ended.result_commit_id)


async def _follow(database: Database, asked: Run, working: asyncio.Task[None]) -> Run:
    """Tell the progress of a run until it has come to an end."""
    told = -1
    while True:
        failed = working.done() and working.exception() is not None
        async with database.read(HOST) as tx:
            current = await read_run(tx, asked.id)
        if not current.active or failed:
            return current
        share = int(10 * current.progress)
        if share > told:
            told = share
            progress(f"reconciling {current.branch} under {current.rule}: {10 * share} %")
        await asyncio.sleep(POLL_SECONDS)


def version_name(plan: Commit, kind: str) -> str:
    """Return the usual name of a version: plan month and kind, such as “2025-09 final”."""
    return f"{plan.plan_date:%Y-%m} {kind}" if plan.plan_date is not None else kind


def _tell_plan(made: Commit, summary: PlanSummary) -> None:
    say(summary.text())
    say()
    say(f"The plan is commit {made.id} on {made.branch}; `publish` seals and releases it.")
