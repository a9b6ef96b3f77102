"""A whole round with a real plan: released lines are the plan's, what parties say changes the next one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from app.access import HOST
from app.config import Settings
from app.services.importing import import_dataset
from app.services.publish import publish
from app.services.reconcile import request
from app.store.branches import At, Commit, commit
from app.store.database import Database
from app.store.runs import run
from app.store.series import read_series
from app.worker import work_off
from tests.outside import Client, Served, serving

PROJECTIONS = """{ purchaseProjections(first: 1000) { nodes {
    supplier item shipTo unit quantities receiptDates previousQuantities changes release { number } } } }"""
ANSWERS = """{ supplyAnswers(first: 1000) { nodes {
    customer item shipTo requested onTime late lateUntil notSupplied reasons } } }"""
COMMIT = """mutation ($input: ForecastCommitSubmitInput!) {
  forecastCommitSubmit(input: $input) { forecastCommit { number } userErrors { code message field } } }"""
SIGNAL = """mutation ($input: DemandSignalSubmitInput!) {
  demandSignalSubmit(input: $input) { demandSignal { number } userErrors { code message field } } }"""
BOX = 10.0
HALF = 0.5 + 1e-6
"""A customer's answer is in whole units: running totals are off by half of one at most (decision 0051)."""

Floats = npt.NDArray[np.float64]


class Round:
    """Plans and publishes on one database."""

    def __init__(self, database: Database, first_open: int) -> None:
        self.database = database
        self.first_open = first_open
        self.published = 0

    async def plan(self) -> Commit:
        """The reconciled plan of main as it is now, inbox included."""
        asked = await request(self.database, HOST, rule="leximin")
        await work_off(self.database)
        async with self.database.read(HOST) as tx:
            done = await run(tx, asked.id)
            assert done.result_commit_id is not None, done
            return await commit(tx, done.result_commit_id)

    async def publish(self, plan: Commit, kind: Any = "final") -> None:
        """Publish a plan under the next name."""
        self.published += 1
        await publish(self.database, HOST, At(commit=plan.id), kind=kind, name=f"round {self.published}")

    async def series(self, plan: Commit, measure: str) -> dict[tuple[str | None, ...], Floats]:
        """Series of a plan by (item, site, supplier, customer), open buckets, gaps as zero."""
        async with self.database.read(HOST) as tx:
            frame = await read_series(tx, plan, measures=[measure])
        return {
            (key.item, key.site, key.supplier, key.customer): np.nan_to_num(row[self.first_open :])
            for key, row in zip(frame.keys, frame.values, strict=True)
        }


@pytest.fixture
async def rounds(database: Database, company: Any) -> Round:
    """The company of these tests in a database."""
    dataset = company.dataset()
    await import_dataset(database, dataset, author="test")
    return Round(database, dataset.calendar.first_open)


def off(released: Floats, planned: Floats) -> float:
    """How far the running totals of two rows are apart at most."""
    return float(np.abs(np.cumsum(released) - np.cumsum(planned)).max())


async def projections(served: Served, party: str) -> list[dict[str, Any]]:
    """What a supplier reads."""
    data = await served.client("supplier", party).ask(PROJECTIONS)
    nodes: list[dict[str, Any]] = data["purchaseProjections"]["nodes"]
    return nodes


async def supplier_bytes(served: Served) -> list[bytes]:
    """What both suppliers read, byte for byte."""
    return [(await served.client("supplier", party).post(PROJECTIONS)).content for party in ("PV1", "PV2")]


async def submit(client: Client, mutation: str, given: dict[str, Any]) -> None:
    """Hand something in that must be kept."""
    (payload,) = (await client.ask(mutation, input=given)).values()
    assert payload["userErrors"] == []


async def test_every_released_figure_is_the_sealed_plans(settings: Settings, rounds: Round) -> None:
    plan = await rounds.plan()
    await rounds.publish(plan)
    planned = await rounds.series(plan, "purchaseProjection")
    requested, unmet = await rounds.series(plan, "netDemand"), await rounds.series(plan, "unmetDemand")
    delivered = await rounds.series(plan, "constrainedDemand")
    async with serving(settings) as served:
        bought = [line for party in ("PV1", "PV2") for line in await projections(served, party)]
        answers = []
        for party in ("PC1", "PC2", "PC3"):
            answers += (await served.client("customer", party).ask(ANSWERS))["supplyAnswers"]["nodes"]
    assert bought
    for line in bought:
        key = (line["item"], line["shipTo"], line["supplier"], None)
        factor = BOX if line["unit"] == "BOX" else 1.0
        np.testing.assert_allclose(np.array(line["quantities"]) * factor, planned.pop(key))
        assert line["unit"] == "KG" or all(quantity == int(quantity) for quantity in line["quantities"])
    assert not any(values.any() for values in planned.values())
    for line in answers:
        key = (line["item"], line["shipTo"], None, line["customer"])
        on_time, late = np.array(line["onTime"]), np.array(line["late"])
        lost = np.array(line["notSupplied"])
        assert off(on_time + late + lost, requested.pop(key)) <= HALF
        assert off(lost, unmet.get(key, np.zeros(len(lost)))) <= 2 * HALF  # requested less accepted
        arrived = sum(late[place] for place, until in enumerate(line["lateUntil"]) if until is not None)
        assert on_time.sum() + arrived <= delivered[key].sum() + HALF
        assert all(
            (reason == "NONE") == (short < 1e-6)
            for reason, short in zip(line["reasons"], late + lost, strict=True)
        )
    assert all(values.sum() < HALF for values in requested.values())


async def test_a_signal_changes_the_next_plan_and_no_suppliers_answers_until_publication(
    settings: Settings, rounds: Round
) -> None:
    first = await rounds.plan()
    await rounds.publish(first)
    async with serving(settings) as served:
        before = await supplier_bytes(served)
        client = served.client("customer", "PC2")
        starts = (await client.ask("{ viewer { release { buckets { start } } } }"))["viewer"]["release"]
        entries = [{"date": bucket["start"], "quantity": 300} for bucket in starts["buckets"][2:8]]
        series = [{"item": "BIKE", "entries": entries}]
        await submit(client, SIGNAL, {"kind": "FORECAST", "series": series, "idempotencyKey": "s"})
        second = await rounds.plan()
        bikes = [
            (await rounds.series(plan, "netDemand"))["BIKE", "S2", None, "C2"] for plan in (first, second)
        ]
        wheels = [
            sum(
                row.sum()
                for key, row in (await rounds.series(plan, "purchaseProjection")).items()
                if key[0] == "WHEEL"
            )
            for plan in (first, second)
        ]
        assert bikes[1].sum() > bikes[0].sum() + 100
        assert wheels[1] > wheels[0]
        assert await supplier_bytes(served) == before
        await rounds.publish(second)
        after = await projections(served, "PV1")
        assert {line["release"]["number"] for line in after} == {2}
        assert any(change for line in after for change in line["changes"] if change)
        listed = await client.ask("{ demandSignals { nodes { state } } }")
        assert listed["demandSignals"]["nodes"] == [{"state": "ANSWERED"}]


async def test_a_commit_caps_its_buckets_and_declined_means_zero_in_the_next_plan(
    settings: Settings, rounds: Round
) -> None:
    await rounds.publish(await rounds.plan(), "draft")
    async with serving(settings) as served:
        (line,) = (one for one in await projections(served, "PV1") if one["item"] == "WHEEL")
        asked = [
            (place, start, quantity)
            for place, (start, quantity) in enumerate(
                zip(line["receiptDates"], line["quantities"], strict=True)
            )
            if quantity >= 2
        ]
        (declined, *_), (capped, capped_start, quantity) = asked[0], asked[1]
        buckets = [
            {"start": asked[0][1], "answer": {"declined": {"reason": "CAPACITY"}}},
            {
                "start": capped_start,
                "answer": {"partial": [{"date": capped_start, "quantity": quantity - 1}]},
            },
        ]
        answer = {"item": "WHEEL", "buckets": buckets}
        given = {"release": 1, "lines": [answer], "idempotencyKey": "c"}
        await submit(served.client("supplier", "PV1"), COMMIT, given)
        plan = await rounds.plan()
    bought = (await rounds.series(plan, "purchaseProjection"))["WHEEL", line["shipTo"], "V1", None]
    assert bought[declined] == 0
    assert bought[capped] <= (quantity - 1) * BOX
