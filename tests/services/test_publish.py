"""Publication: what may be published, and that version, releases and answer are one act."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest

from app.access import HOST
from app.auth import Principal
from app.errors import BadValue, Conflict, Forbidden, IdempotencyConflict, PlanNotPublishable
from app.services.publish import publish
from app.store.branches import At, Commit
from app.store.database import Database
from app.store.identity import entity_ids
from app.store.reconciliations import BindingLimit, Reconciliation, Summary, write_reconciliation
from app.store.releases import (
    Release,
    ReleasedAnswer,
    ReleasedProjection,
    find_release,
    list_releases,
    read_lines,
)
from app.store.versions import verify
from tests.outside import CALENDAR, ENTITIES, PLAN, demand, plant, projection, release, result

PLANNER = replace(
    HOST,
    settings={"concord.subject": "planner@PLAN"},
    principal=Principal("planner@PLAN", "internal", "PLAN", "planner", 2**31, "test", "t"),
)


async def reconciled(
    database: Database, name: str = "1", status: str = "optimal", limits: tuple[BindingLimit, ...] = ()
) -> Commit:
    """A result commit with what its reconciliation says of it."""
    commit = await result(database, await plant(database), name)
    summary = Summary("weighted", b"\0" * 32, status, 1.0, 1.0, 0.0, "EUR", 0.1, 1, {})
    async with database.write(HOST) as tx:
        await write_reconciliation(tx, commit, Reconciliation(summary, limits=limits))
    return commit


async def latest(database: Database, party: str, audience: str) -> tuple[int, Release | None]:
    """A party's id and latest release, as the host sees it."""
    async with database.read(HOST) as tx:
        party_id = (await entity_ids(tx, 1, [("party", party)]))["party", party]
        return party_id, await find_release(tx, party_id, audience)


async def test_every_released_line_equals_the_sealed_plans(database: Database) -> None:
    commit = await reconciled(database)
    made = await publish(database, PLANNER, At(commit=commit.id), kind="final", name="2026-01")
    async with database.read(HOST) as tx:
        assert await verify(tx, made)
    released = {}
    for party in ("PV1", "PV2", "PB"):
        party_id, release = await latest(database, party, "supplier")
        assert release is not None
        assert release.released_at == made.published_at
        async with database.read(HOST) as tx:
            for line in await read_lines(tx, ReleasedProjection, party_id, release.ordinal):
                base = [quantity * line.base_factor for quantity in line.quantities]
                released[projection(line.item, line.supplier, line.site)] = base
    planned = {key: list(row) for key, row in PLAN.items() if key.measure == "purchaseProjection"}
    assert released == planned
    party_id, release = await latest(database, "PC1", "customer")
    assert release is not None
    async with database.read(HOST) as tx:
        (answer,) = await read_lines(tx, ReleasedAnswer, party_id, release.ordinal)
    assert list(answer.requested) == PLAN[demand("netDemand", "C1", "S1")]


async def test_the_reason_of_a_shortage_comes_from_the_limits_on_record(database: Database) -> None:
    full = BindingLimit(
        "capacity", None, "P", None, "ASM", CALENDAR.first_open + 1, 10.0, 5.0, "Assembly is full"
    )
    commit = await reconciled(database, limits=(full,))
    await publish(database, PLANNER, At(commit=commit.id), kind="final", name="2026-01")
    party_id, release = await latest(database, "PC1", "customer")
    assert release is not None
    async with database.read(HOST) as tx:
        (answer,) = await read_lines(tx, ReleasedAnswer, party_id, release.ordinal)
    assert answer.reason[:4] == ("none", "capacity", "capacity", "none")


async def test_a_draft_round_reaches_suppliers_only_and_counts_as_a_release(database: Database) -> None:
    commit = await reconciled(database)
    await publish(database, PLANNER, At(commit=commit.id), kind="draft", name="2026-01 draft")
    party_id, draft = await latest(database, "PV1", "supplier")
    assert draft is not None
    assert (draft.ordinal, draft.kind) == (1, "draft")
    assert (await latest(database, "PC1", "customer"))[1] is None
    await publish(database, PLANNER, At(commit=commit.id), kind="final", name="2026-01")
    async with database.read(HOST) as tx:
        kinds = [release.kind for release in await list_releases(tx, party_id, "supplier", limit=9)]
        (line, *_) = await read_lines(tx, ReleasedProjection, party_id, 2)
    assert kinds == ["final", "draft"]
    assert line.previous == line.quantities
    _, first = await latest(database, "PC1", "customer")
    assert first is not None
    assert first.ordinal == 1


async def test_a_suspended_party_and_a_department_are_released_nothing(database: Database) -> None:
    entities = deepcopy(ENTITIES)
    next(row for row in entities["party"] if row["party"] == "PV2")["active"] = False
    entities["supplier"][-1]["party"] = "PLAN"
    plan = await result(database, await plant(database, entities), "1")
    await release(database, plan)
    for party, expected in (("PV1", True), ("PV2", False), ("PLAN", False)):
        assert ((await latest(database, party, "supplier"))[1] is not None) is expected


async def test_only_a_plan_proven_optimal_is_published(database: Database) -> None:
    unproven = await reconciled(database, status="time_limit")
    with pytest.raises(PlanNotPublishable, match="time_limit"):
        await publish(database, PLANNER, At(commit=unproven.id), kind="final", name="2026-01")
    with pytest.raises(PlanNotPublishable, match="holds inputs"):
        await publish(database, PLANNER, At(branch="main"), kind="final", name="2026-01")
    bare = await result(database, await plant(database), "2")
    with pytest.raises(PlanNotPublishable, match="not on record"):
        await publish(database, PLANNER, At(commit=bare.id), kind="final", name="2026-01")
    assert (await latest(database, "PV1", "supplier"))[1] is None


async def test_a_refused_publication_leaves_nothing_behind(database: Database) -> None:
    commit = await reconciled(database)
    await publish(database, PLANNER, At(commit=commit.id), kind="final", name="2026-01")
    with pytest.raises(Conflict):
        await publish(database, PLANNER, At(commit=commit.id), kind="final", name="2026-01 again")
    with pytest.raises(Conflict):
        await publish(database, PLANNER, At(commit=commit.id), kind="draft", name="2026-01")
    _, release = await latest(database, "PV1", "supplier")
    assert release is not None
    assert release.ordinal == 1


async def test_the_same_request_again_gives_the_first_version(database: Database) -> None:
    commit = await reconciled(database)
    at = At(commit=commit.id)
    first = await publish(database, PLANNER, at, kind="final", name="2026-01", idempotency_key="k")
    again = await publish(database, PLANNER, at, kind="final", name="2026-01", idempotency_key="k")
    assert again == first
    with pytest.raises(IdempotencyConflict):
        await publish(database, PLANNER, at, kind="draft", name="2026-01", idempotency_key="k")


async def test_who_may_not_publish_is_refused(database: Database) -> None:
    commit = await reconciled(database)
    assert PLANNER.principal is not None
    sales = replace(PLANNER, principal=replace(PLANNER.principal, role="sales"))
    with pytest.raises(Forbidden):
        await publish(database, sales, At(commit=commit.id), kind="final", name="2026-01")


@pytest.mark.parametrize("name", ["", "x" * 201, "a\nb"])
async def test_a_name_is_short_and_printable(database: Database, name: str) -> None:
    with pytest.raises(BadValue):
        await publish(database, PLANNER, At(branch="main"), kind="final", name=name)
