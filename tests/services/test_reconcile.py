import asyncio
from dataclasses import replace
from uuid import UUID

import numpy as np
import orjson
import pytest

from app.access import HOST
from app.errors import BadValue, Conflict, PlanCancelled, PlanImpossible
from app.exchange import read_dataset
from app.services.datasets import blocks_of
from app.services.export import export
from app.services.importing import import_dataset
from app.services.reconcile import cancel, execute, read_inputs, reconciled, request
from app.store.branches import At, branch, commit, fork, head, resolve
from app.store.commits import write_commit
from app.store.deltas import EntityChanges, SeriesChanges
from app.store.identity import SeriesKey
from app.store.reconciliations import read_limits, read_payoff, read_stakeholders, read_summary
from app.store.runs import run, start_run
from app.store.series import read_series
from app.store.versions import seal
from app.vocabulary import MEASURES
from app.worker import work_off


@pytest.fixture
async def imported(database, company):
    await import_dataset(database, company.dataset(), author="test")
    return database


async def plan_of(database, asked):
    """Carry the queue out and return the run and the commit of its result."""
    await work_off(database)
    async with database.read(HOST) as tx:
        done = await run(tx, asked.id)
        return done, None if done.result_commit_id is None else await commit(tx, done.result_commit_id)


async def series(database, found, *measures):
    async with database.read(HOST) as tx:
        return blocks_of(await read_series(tx, found, measures=list(measures) or None))


async def test_a_dataset_comes_back_from_the_store_as_it_went_in(imported, company):
    async with imported.read(HOST) as tx:
        found = await read_inputs(tx, await head(tx), "leximin")
    before = company.dataset()
    assert found.dataset.calendar == before.calendar
    for block in before.series:
        stored = found.dataset.block(block.measure)
        assert sorted(stored.keys, key=str) == sorted(block.keys, key=str)
    again, changed = await import_dataset(imported, before, author="test")
    assert not changed
    assert again.id == found.commit.id


async def test_a_run_ends_in_a_commit_that_names_inputs_rule_and_proof(imported):
    asked = await request(imported, HOST, rule="leximin")
    assert asked.state == "queued"
    again = await request(imported, HOST, rule="leximin")
    assert again.id == asked.id, "one run is active per branch and rule"
    done, result = await plan_of(imported, asked)
    assert done.state == "done"
    assert done.progress == 1
    assert result.branch == "plan/leximin/1"
    assert result.rule == "leximin"
    async with imported.read(HOST) as tx:
        main = await head(tx)
        assert result.inputs_commit_id == main.id
        summary = await read_summary(tx, result)
        stakeholders = await read_stakeholders(tx, result)
        payoff = await read_payoff(tx, result)
    assert summary.status == "optimal"
    assert summary.certificate["accepted"] is True
    assert {one.stakeholder for one in stakeholders} == {"sales", "operations", "finance"}
    assert all(0 <= one.concession <= 1 for one in stakeholders)
    assert len(payoff) == 9
    blocks = {block.measure: block for block in await series(imported, result)}
    assert {"productionPlan", "projectedBalance", "supplyAnswer", "revenue"} <= set(blocks)
    assert np.nanmin(blocks["projectedBalance"].values) >= 0
    assert "productionPlan" not in {block.measure for block in await series(imported, main)}


async def test_the_same_inputs_twice_give_the_same_commit_by_content(imported, company):
    _, first = await plan_of(imported, await request(imported, HOST))
    done, second = await plan_of(imported, await request(imported, HOST))
    assert done.state == "done"
    assert second.id == first.id
    known, found = await reconciled(imported, HOST, At(branch="main"))
    assert known.id == first.id
    assert found.state == "done"


async def test_planning_again_after_publication_changes_nothing(imported):
    _, first = await plan_of(imported, await request(imported, HOST))
    async with imported.write(HOST) as tx:
        await seal(tx, first, "2026-01", "final", by="test")
    done, second = await plan_of(imported, await request(imported, HOST))
    assert done.state == "done"
    assert second.id == first.id


async def test_the_next_plan_stays_near_to_the_published_one(imported):
    _, first = await plan_of(imported, await request(imported, HOST))
    async with imported.write(HOST) as tx:
        await seal(tx, first, "2026-01", "final", by="test")
    await change_forecast(imported, 31.0)
    _, second = await plan_of(imported, await request(imported, HOST))
    assert second.id != first.id
    for measure in ("productionPlan", "purchaseProjection", "transfers"):
        (before,), (after,) = [await series(imported, found, measure) for found in (first, second)]
        assert before.keys == after.keys
        change = np.nansum(np.abs(before.values - after.values))
        assert change < 0.05 * np.nansum(before.values)


async def test_reconciled_starts_a_run_for_inputs_nobody_planned_yet(imported):
    async with imported.read(HOST) as tx:
        before = await head(tx)
    await change_forecast(imported, 500.0)
    known, asked = await reconciled(imported, HOST, At(commit=before.id), "weighted")
    assert known is None
    done, result = await plan_of(imported, asked)
    assert done.state == "done"
    async with imported.read(HOST) as tx:
        inputs = await commit(tx, result.inputs_commit_id)
    assert inputs.id == before.id
    known, _ = await reconciled(imported, HOST, At(commit=before.id), "weighted")
    assert known.id == result.id
    itself, nothing = await reconciled(imported, HOST, At(commit=result.id), "weighted")
    assert (itself.id, nothing) == (result.id, None)


async def change_forecast(database, quantity, name="main"):
    async with database.write(HOST) as tx:
        found = await resolve(tx, At(branch=name))
        values = np.full((1, found.buckets), np.nan)
        values[0, -1] = quantity
        key = SeriesKey("salesForecast", item="BIKE", customer="C2")
        await write_commit(
            tx, await branch(tx, name), author="test", reason="submit", series=SeriesChanges([key], values)
        )


async def test_a_changed_forecast_changes_the_plan(imported):
    _, first = await plan_of(imported, await request(imported, HOST))
    await change_forecast(imported, 90.0)
    _, second = await plan_of(imported, await request(imported, HOST))
    assert second.id != first.id
    before, after = [await series(imported, found, "netDemand") for found in (first, second)]
    assert np.nansum(after[0].values) > np.nansum(before[0].values)


async def test_a_cancelled_run_stays_cancelled_and_writes_nothing(imported):
    asked = await request(imported, HOST)
    assert (await cancel(imported, HOST, asked.id)).state == "cancelled"
    done, result = await plan_of(imported, asked)
    assert (done.state, result) == ("cancelled", None)


async def test_a_run_is_cancelled_while_it_plans(imported, monkeypatch):
    asked = await request(imported, HOST)
    started = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(dataset, rule, previous, *, progress, cancelled, **_):
        loop.call_soon_threadsafe(started.set)
        while not cancelled():
            progress(1, 2, "waiting")
        raise PlanCancelled

    monkeypatch.setattr("app.services.reconcile.make_plan", slow)
    working = asyncio.create_task(execute(imported, asked.id))
    await started.wait()
    await cancel(imported, HOST, asked.id)
    await working
    async with imported.read(HOST) as tx:
        assert (await run(tx, asked.id)).state == "cancelled"


async def test_a_run_whose_worker_died_is_carried_out_by_the_next(imported):
    asked = await request(imported, HOST)
    async with imported.write(HOST) as tx:
        assert (await start_run(tx, asked.id)).state == "running"
    done, result = await plan_of(imported, asked)
    assert done.state == "done"
    assert done.attempts == 2
    assert result is not None


async def test_what_fails_is_said_in_the_run(imported, monkeypatch):
    def impossible(*_, **__):
        raise PlanImpossible(status="infeasible", reason="nothing fits.")

    monkeypatch.setattr("app.services.reconcile.make_plan", impossible)
    done, result = await plan_of(imported, await request(imported, HOST))
    assert (done.state, done.error_code, result) == ("failed", "PLAN_IMPOSSIBLE", None)


async def test_unknown_rules_and_result_branches_are_refused(imported):
    with pytest.raises(BadValue):
        await request(imported, HOST, rule="fair")
    with pytest.raises(Conflict):
        await request(imported, HOST, branch_name="plan/leximin/1")


async def test_the_same_key_gives_the_same_run(imported):
    first = await request(imported, HOST, idempotency_key="k1")
    await plan_of(imported, first)
    second = await request(imported, HOST, idempotency_key="k1")
    assert isinstance(second.id, UUID)
    assert second.id == first.id


async def test_an_exported_plan_reads_back_and_says_its_totals(imported, tmp_path):
    _, result = await plan_of(imported, await request(imported, HOST))
    await export(imported, At(commit=result.id), tmp_path / "plan")
    reading = read_dataset(tmp_path / "plan")
    assert not reading.errors
    measures = {block.measure for block in reading.dataset.series}
    assert measures >= {"productionPlan", "constrainedDemand", "openingStock"}
    assert measures <= set(MEASURES)
    claims = orjson.loads((tmp_path / "plan" / "plan.json").read_bytes())
    assert claims["status"] == "optimal"
    assert claims["rule"] == "leximin"
    revenue = reading.dataset.block("revenue").values
    assert claims["totals"]["revenue"] == pytest.approx(np.nansum(revenue))
    with pytest.raises(Conflict):
        await export(imported, At(commit=result.id), tmp_path / "plan")


async def test_limits_are_told_in_words(database, company):
    company.rows["capacity"][0]["hours_per_day"] = 5.0
    await import_dataset(database, company.dataset(), author="test")
    _, result = await plan_of(database, await request(database, HOST, rule="weighted"))
    async with database.read(HOST) as tx:
        limits = await read_limits(tx, result)
    loaded = [limit for limit in limits if limit.resource == "ASM"]
    assert loaded
    assert all(limit.shadow_price >= 0 for limit in limits)
    assert "Assembly (ASM) is fully loaded in" in loaded[0].text
    assert replace(loaded[0], shadow_price=None).text == loaded[0].text


async def test_a_scenario_forked_from_a_plan_does_not_take_its_figures_for_submitted_ones(imported):
    _, first = await plan_of(imported, await request(imported, HOST))
    async with imported.write(HOST) as tx:
        await fork(tx, first, "what-if", author="test")
    await work_off(imported)
    done, same = await plan_of(imported, await request(imported, HOST, branch_name="what-if"))
    assert done.state == "done"
    assert same.id == first.id, "nothing was changed, so the inputs are those of the plan"
    await change_forecast(imported, 90.0, "what-if")
    done, other = await plan_of(imported, await request(imported, HOST, branch_name="what-if"))
    before, after = [await series(imported, found, "netDemand") for found in (first, other)]
    assert np.nansum(after[0].values) > np.nansum(before[0].values)


async def test_capacity_changed_in_a_scenario_of_a_plan_counts(imported, company):
    _, first = await plan_of(imported, await request(imported, HOST))
    async with imported.write(HOST) as tx:
        made = await fork(tx, first, "what-if", author="test")
        row = {**company.dataset().entities["capacity"][0], "hours_per_day": 4.0}
        changes = EntityChanges(rows={"capacity": [row]})
        await write_commit(tx, made, author="test", reason="submit", entities=changes)
    _, other = await plan_of(imported, await request(imported, HOST, branch_name="what-if"))
    before, after = [await series(imported, found, "capacityAvailable") for found in (first, other)]
    assert np.nansum(after[0].values) < 0.5 * np.nansum(before[0].values)
