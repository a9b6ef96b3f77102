"""What must hold of every published plan, held against companies drawn at random and whatever comes after.

The glossary's invariants: a sealed version's hash never changes; only sealed versions are published; the same
inputs give the same plan. What a plan says of itself is held by the independent checker.
"""

import random
from datetime import UTC, datetime

import numpy as np
import pytest
from pydantic import SecretStr

from app.access import HOST, RETENTION
from app.checker import check_plan
from app.config import Settings
from app.errors import Conflict, PlanNotPublishable
from app.exchange import read_dataset
from app.services.export import export
from app.services.importing import import_dataset
from app.services.publish import publish
from app.services.reconcile import request
from app.services.verify import verify_store
from app.store.branches import At, branch, commit, fork, head, resolve
from app.store.commits import write_commit
from app.store.database import Database
from app.store.deltas import SeriesChanges
from app.store.identity import SeriesKey
from app.store.merges import merge
from app.store.retention import retain
from app.store.runs import run
from app.store.versions import content_hash, sealed_hash
from app.worker import work_off
from tests.conftest import SLOW

SEEDS = range(12 if SLOW else 2)
FORECAST = SeriesKey("consensusDemand", item="BIKE", site="S2", customer="C2")


def drawn(company, chance):
    """Change the company at random: demand, stock, capacity, lead times, prices."""
    for (item, customer), quantity in {
        ("BIKE", "C1"): 40.0,
        ("BIKE", "C2"): 30.0,
        ("EBIKE", "C1"): 12.0,
    }.items():
        scale = chance.uniform(0.2, 2.5)
        months = {f"{y}-{m:02}-01": round(quantity * scale) for y in (2024, 2025) for m in range(1, 13)}
        company.set("actualDemand", months, item=item, customer=customer)
    for item, site in (("BIKE", "W"), ("FRAME", "P"), ("WHEEL", "P"), ("TUBE", "P")):
        company.set("openingStock", {"2026-01-05": float(chance.randint(0, 120))}, item=item, site=site)
    company.rows["capacity"][0]["hours_per_day"] = chance.uniform(3.0, 14.0)
    for row in company.rows["supplier_item"]:
        row["lead_time_days"] = float(chance.randint(0, 21))
    for row in company.rows["selling_price"]:
        row["price"] *= chance.uniform(0.5, 1.5)
    return company.dataset()


async def planned(database, rule):
    """Plan main as it is now; return the commit of the result."""
    asked = await request(database, HOST, rule=rule)
    await work_off(database)
    async with database.read(HOST) as tx:
        done = await run(tx, asked.id)
        return await commit(tx, done.result_commit_id)


async def happen(database, chance, step):
    """Do something that a published plan must not notice."""
    async with database.write(HOST) as tx:
        main = await branch(tx, "main")
        now = await resolve(tx, At(branch="main"))
        values = np.full((1, now.buckets), np.nan)
        values[0, -chance.randint(1, 4) :] = chance.uniform(0, 90)
        changes = SeriesChanges([FORECAST], values)
        if chance.random() < 0.5:
            await write_commit(tx, main, author="test", reason=f"step {step}", series=changes)
        else:
            made = await fork(tx, now, f"scenario/{step}", author="test")
            await write_commit(tx, made, author="test", reason="what if", series=changes)
            await merge(tx, main, await head(tx, made.name), author="test", reason="agreed")


async def seal_of(database, version):
    """Return the hash a version was sealed with, and the one that its content gives now."""
    async with database.read(HOST) as tx:
        shown = await resolve(tx, At(version=version.name))
        return await sealed_hash(tx, version), await content_hash(tx, shown)


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_published_plan_holds_and_never_changes(database, company, tmp_path, seed):
    chance = random.Random(seed)
    await import_dataset(database, drawn(company, chance), author="test")
    plan = await planned(database, chance.choice(["leximin", "weighted"]))
    first = await publish(database, HOST, At(commit=plan.id), kind="final", name="first")
    await export(database, At(version="first"), tmp_path / "then")
    report = check_plan(tmp_path / "then")
    assert report.ok, report.text()
    sealed = await seal_of(database, first)
    assert sealed[0] == sealed[1]

    for step in range(4):
        await happen(database, chance, step)
    second = await planned(database, "weighted")
    await publish(database, HOST, At(commit=second.id), kind="final", name="second")
    async with database.write(RETENTION) as tx:
        await retain(tx, datetime.now(UTC))
    assert await seal_of(database, first) == sealed
    await export(database, At(version="first"), tmp_path / "now")
    then, now = (read_dataset(tmp_path / name).dataset for name in ("then", "now"))
    assert now.entities == then.entities
    for one, other in zip(now.series, then.series, strict=True):
        assert (one.measure, one.keys) == (other.measure, other.keys)
        np.testing.assert_array_equal(one.values, other.values)
    assert (await verify_store(database)).findings == []


async def test_only_sealed_plans_are_released(database, company):
    await import_dataset(database, company.dataset(), author="test")
    plan = await planned(database, "weighted")
    with pytest.raises(PlanNotPublishable):
        await publish(database, HOST, At(branch="main"), kind="final", name="inputs")
    await publish(database, HOST, At(commit=plan.id), kind="final", name="plan")
    with pytest.raises((Conflict, PlanNotPublishable)):
        await publish(database, HOST, At(commit=plan.id), kind="final", name="again")
    async with database.read(HOST) as tx:
        releases = await tx.fetch_rows("SELECT party_id, audience, released_at FROM outside.release")
        published = await tx.fetch_rows("SELECT published_at FROM plan.version")
    assert releases
    assert {at for _, _, at in releases} == {at for (at,) in published}


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_same_inputs_give_the_same_plan(new_database, company, seed, tmp_path):
    data = drawn(company, random.Random(seed))
    hashes = []
    for name in ("one", "other"):
        database = await Database.open(Settings(home=tmp_path / name, database_url=SecretStr(new_database())))
        try:
            await import_dataset(database, data, author=name)
            plan = await planned(database, "leximin")
            async with database.read(HOST) as tx:
                hashes.append(await content_hash(tx, plan))
        finally:
            await database.close()
    assert hashes[0] == hashes[1]
