"""Runs and what a reconciliation says of itself."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from app.access import HOST, Scope
from app.errors import NotFound
from app.store import branches, runs
from app.store.branches import Branch, Commit
from app.store.commits import write_commit
from app.store.database import Database
from app.store.deltas import EntityChanges
from app.store.reconciliations import (
    BindingLimit,
    Payoff,
    Reconciliation,
    Stakeholder,
    Summary,
    read_limits,
    read_payoff,
    read_stakeholders,
    read_summary,
    write_reconciliation,
)
from tests.store.world import items, weeks

RULE = "leximin"


async def begin(database: Database) -> tuple[Branch, Commit]:
    """Return main and its first commit."""
    async with database.write(HOST) as tx:
        main = await branches.create_plan(tx, author="test")
        rows = EntityChanges(rows=items("A"))
        first = await write_commit(tx, main, author="test", reason="import", calendar=weeks(3), entities=rows)
    return main, first


async def test_one_run_is_active_per_branch_and_rule(database: Database) -> None:
    main, _ = await begin(database)

    async def ask() -> tuple[runs.Run, bool]:
        async with database.write(HOST) as tx:
            return await runs.request_run(tx, main, RULE, by="planner")

    answers = await asyncio.gather(*(ask() for _ in range(5)))
    assert len({run.id for run, _ in answers}) == 1
    assert sum(new for _, new in answers) == 1
    async with database.write(HOST) as tx:
        other, new = await runs.request_run(tx, main, "weighted", by="planner")
        assert new
        assert {run.id for run in await runs.runs(tx, active_only=True)} == {answers[0][0].id, other.id}
        with pytest.raises(NotFound):
            await runs.run(tx, uuid4())


async def test_a_run_goes_from_queued_to_done_and_is_found_by_its_inputs(database: Database) -> None:
    main, first = await begin(database)
    async with database.write(HOST) as tx:
        asked, _ = await runs.request_run(tx, main, RULE, by="planner")
        assert asked.active
        started = await runs.start_run(tx, asked.id)
        assert started is not None
        assert (started.state, started.attempts) == ("running", 1)
        await runs.keep_inputs(tx, asked.id, first.id, b"i" * 32)
        assert await runs.report_progress(tx, asked.id, 0.5)
        assert await runs.done_with(tx, b"i" * 32, RULE) is None
        assert await runs.finish_run(tx, asked.id, first.id)
        done = await runs.run(tx, asked.id)
        assert (done.state, done.progress, done.result_commit_id) == ("done", 1.0, first.id)
        assert await runs.done_with(tx, b"i" * 32, RULE) == done
        assert await runs.done_with(tx, b"i" * 32, "weighted") is None
        assert await runs.start_run(tx, asked.id) is None
        assert not await runs.fail_run(tx, asked.id, "X", "too late")
        _, new = await runs.request_run(tx, main, RULE, by="planner")
        assert new, "the next one may be asked for"


async def test_a_cancelled_run_learns_it_and_stays_cancelled(database: Database) -> None:
    main, first = await begin(database)
    async with database.write(HOST) as tx:
        asked, _ = await runs.request_run(tx, main, RULE, by="planner")
        await runs.start_run(tx, asked.id)
        assert (await runs.cancel_run(tx, asked.id)).state == "cancelled"
        assert not await runs.report_progress(tx, asked.id, 0.5)
        assert not await runs.finish_run(tx, asked.id, first.id)
        assert (await runs.run(tx, asked.id)).state == "cancelled"


async def test_a_run_that_kills_its_workers_fails(database: Database) -> None:
    main, _ = await begin(database)
    async with database.write(HOST) as tx:
        asked, _ = await runs.request_run(tx, main, RULE, by="planner")
        for attempt in range(1, runs.MOST_ATTEMPTS + 1):
            started = await runs.start_run(tx, asked.id)
            assert started is not None
            assert started.attempts == attempt
        assert await runs.start_run(tx, asked.id) is None
        failed = await runs.run(tx, asked.id)
        assert (failed.state, failed.error_code) == ("failed", "WORKER_LOST")
        assert await runs.error_detail(tx, asked.id) == "the worker was lost 3 times"


SAID = Reconciliation(
    Summary(RULE, b"h" * 32, "optimal", 10.0, 10.0, 0.0, "EUR", 1.5, 3, {"primal": 1e-9}),
    [
        Stakeholder("finance", "margin", "EUR", 9.0, 1.0, 5.0, 0.5, False, 4.0),
        Stakeholder("sales", "service", "share", 1.0, 0.5, 0.9, 0.2, False, 2.0),
    ],
    [Payoff("finance", "sales", 0.5, 7.0), Payoff("sales", "finance", 1.0, None)],
    [BindingLimit("demand", "A", "S1", None, None, 1, 4.0, 2.5, "A is short in week 2")],
)


async def test_what_a_reconciliation_says_is_read_as_far_as_the_role_goes(database: Database) -> None:
    _, result = await begin(database)
    async with database.write(HOST) as tx:
        await write_reconciliation(tx, result, SAID)
        assert await read_summary(tx, result) == SAID.summary
        assert await read_stakeholders(tx, result) == SAID.stakeholders
        assert await read_payoff(tx, result) == SAID.payoff
        assert await read_limits(tx, result) == SAID.limits
    async with database.read(Scope("concord_internal", "concord_finance")) as tx:
        assert await read_payoff(tx, result) == SAID.payoff
        assert [s.money for s in await read_stakeholders(tx, result)] == [4.0, 2.0]
    async with database.read(Scope("concord_internal", "concord_sales")) as tx:
        summary = await read_summary(tx, result)
        assert summary is not None
        assert (summary.status, summary.gap, summary.objective, summary.certificate) == (
            "optimal",
            0.0,
            None,
            None,
        )
        assert [(s.stakeholder, s.concession, s.money) for s in await read_stakeholders(tx, result)] == [
            ("sales", 0.2, None)
        ]
        assert await read_payoff(tx, result) == []
        assert await read_limits(tx, result) == []
    async with database.read(Scope("concord_internal", "concord_operations")) as tx:
        assert [(limit.item, limit.shadow_price) for limit in await read_limits(tx, result)] == [("A", None)]
    async with database.read(HOST) as tx:
        assert await read_summary(tx, await branches.commit(tx, 1)) is None
