"""The outside: a party reads its own releases and submissions, and publication copies nothing too much."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from app.access import HOST, Scope
from app.errors import IdempotencyConflict, NotGranted
from app.services.releasing import copying, projections
from app.store.address import Address
from app.store.database import Database
from app.store.directory import bind
from app.store.inbox import (
    Submission,
    find_submission,
    list_submissions,
    lock_inbox,
    oldest_pending,
    record_outcome,
    submit,
)
from app.store.releases import (
    ReleasedAnswer,
    ReleasedItem,
    ReleasedProjection,
    ReleasedPurchaseOrder,
    ReleasedSalesOrder,
    find_release,
    list_releases,
    read_lines,
)
from tests.access.company import principal
from tests.access.lab import Lab
from tests.outside import ENTITIES, PLAN, Row, demand, plant, projection, release, result

MORNING, EVENING = datetime(2026, 1, 5, 8, tzinfo=UTC), datetime(2026, 1, 5, 20, tzinfo=UTC)
SIDES = [
    ("PV1", "supplier"),
    ("PV2", "supplier"),
    ("PB", "supplier"),
    ("PC1", "customer"),
    ("PB", "customer"),
]
LINES = [ReleasedItem, ReleasedProjection, ReleasedPurchaseOrder, ReleasedAnswer, ReleasedSalesOrder]


async def scope_of(database: Database, party: str, audience: Any, role: str = "planner") -> Scope:
    return await bind(database, principal(audience, f"{audience}_{role}", party))


def own_id(scope: Scope) -> int:
    assert scope.party_id is not None
    return scope.party_id


async def test_a_party_reads_its_own_releases_by_number_and_by_time(database: Database) -> None:
    plan = await result(database, await plant(database), "1")
    for at in (MORNING, EVENING):
        await release(database, plan, at=at)
    me, other = (
        await scope_of(database, "PV1", "supplier", "viewer"),
        await scope_of(database, "PV2", "supplier"),
    )
    async with database.read(me) as tx:
        heads = await list_releases(tx, own_id(me), "supplier", limit=10)
        assert [head.ordinal for head in heads] == [2, 1]
        first = await find_release(tx, own_id(me), "supplier", ordinal=1)
        assert first == heads[1]
        assert await find_release(tx, own_id(me), "supplier", at=MORNING) == first
        assert await find_release(tx, own_id(me), "supplier", at=datetime(2026, 1, 1, tzinfo=UTC)) is None
        assert await find_release(tx, own_id(other), "supplier") is None
        assert await find_release(tx, own_id(me), "customer") is None
        assert await read_lines(tx, ReleasedProjection, own_id(other), 1) == []
        lines = await read_lines(tx, ReleasedProjection, own_id(me), 1)
        assert {(line.supplier, line.item) for line in lines} == {
            ("V1", "RIM"),
            ("V1B", "RIM"),
            ("V1", "BOLT"),
        }
        pages = [
            await read_lines(tx, ReleasedProjection, own_id(me), 1, after=n - 1, limit=1) for n in range(4)
        ]
        assert repr([line for page in pages for line in page]) == repr(lines)
        by_item = await read_lines(tx, ReleasedProjection, own_id(me), 1, item="pv1-rim")
        assert {line.item for line in by_item} == {"RIM"}
    with pytest.raises(NotGranted):
        async with database.read(me) as tx:
            await read_lines(tx, ReleasedAnswer, own_id(me), 1)


async def test_a_party_on_both_sides_sees_each_in_its_own_graph(database: Database) -> None:
    await release(database, await result(database, await plant(database), "1"))
    for side, codes in (("supplier", {"V3"}), ("customer", {"C3"})):
        scope = await scope_of(database, "PB", side)
        async with database.read(scope) as tx:
            items = await read_lines(tx, ReleasedItem, own_id(scope), 1, audience=side)
            heads = await tx.fetch("SELECT DISTINCT audience FROM outside.release")
        assert {line.code for line in items} == codes
        assert heads == [{"audience": side}]


async def put(database: Database, scope: Scope, key: str, text: str) -> Submission:
    """Submit an acknowledgement under a key, once."""
    audience, digest = scope.login.removeprefix("concord_"), text.encode().ljust(32, b"\0")
    kind = "acknowledgement" if audience == "supplier" else "customerSignal"
    async with database.write(scope) as tx:
        await lock_inbox(tx, own_id(scope), audience)
        found = await find_submission(tx, own_id(scope), audience, key, digest)
        return found or await submit(
            tx,
            own_id(scope),
            audience,
            kind=kind,
            payload={"note": text, "day": MORNING.date()},
            idempotency_key=key,
            request_hash=digest,
        )


async def test_the_inbox_counts_by_party_and_takes_a_request_once(database: Database) -> None:
    await plant(database)
    one, other = await scope_of(database, "PV1", "supplier"), await scope_of(database, "PV2", "supplier")
    made = await asyncio.gather(*(put(database, one, f"key {n}", f"text {n}") for n in range(5)))
    assert sorted(submission.ordinal for submission in made) == [1, 2, 3, 4, 5]
    assert (await put(database, other, "key 1", "mine")).ordinal == 1, "keys and counts are the party's own"
    again = await put(database, one, "key 3", "text 3")
    assert again.ordinal == made[3].ordinal
    assert again.payload == {"note": "text 3", "day": "2026-01-05"}
    with pytest.raises(IdempotencyConflict):
        await put(database, one, "key 3", "another text")
    async with database.read(other) as tx:
        listed = await list_submissions(tx, own_id(other), "supplier", ["acknowledgement"])
        foreign = await list_submissions(tx, own_id(one), "supplier", ["acknowledgement"])
    assert [submission.ordinal for submission in listed] == [1]
    assert foreign == []


async def test_who_only_reads_cannot_submit(database: Database) -> None:
    await plant(database)
    viewer = await scope_of(database, "PV1", "supplier", "viewer")
    with pytest.raises(NotGranted):
        await put(database, viewer, "key", "text")


async def test_the_host_marks_and_the_party_reads_what_became_of_it(database: Database) -> None:
    await plant(database)
    party = await scope_of(database, "PC1", "customer")
    for n in (1, 2):
        await put(database, party, f"key {n}", f"text {n}")
    for state, reason in (("included", None), ("rejected", "too late")):
        async with database.write(HOST) as tx:
            pending = await oldest_pending(tx)
            assert pending is not None
            assert (pending.party, pending.audience) == ("PC1", "customer")
            await record_outcome(tx, pending, state, reason, None)
    async with database.read(HOST) as tx:
        assert await oldest_pending(tx) is None
    async with database.read(party) as tx:
        listed = await list_submissions(tx, own_id(party), "customer", ["customerSignal"])
    assert [(found.ordinal, found.state, found.reason) for found in listed] == [
        (2, "rejected", "too late"),
        (1, "included", None),
    ]
    assert pending is not None
    with pytest.raises(psycopg.errors.UniqueViolation):
        async with database.write(HOST) as tx:
            await record_outcome(tx, pending, "included", None, None)


async def test_a_submission_is_announced_without_saying_whose(database: Database) -> None:
    await plant(database)
    party = await scope_of(database, "PV1", "supplier")
    conninfo = database.address.login_conninfo("concord_service")
    listener = await psycopg.AsyncConnection.connect(conninfo, autocommit=True)
    async with listener:
        await listener.execute("LISTEN concord_inbox")
        await put(database, party, "key", "text")
        heard = [notice async for notice in listener.notifies(timeout=5, stop_after=1)]
    assert [notice.payload for notice in heard] == [""]


async def test_what_was_released_or_submitted_is_never_changed(database: Database) -> None:
    await release(database, await result(database, await plant(database), "1"))
    with psycopg.connect(database.address.admin_conninfo(), autocommit=True) as admin:
        for table in ("release", "released_projection", "released_answer", "released_item", "inbox"):
            for act in (f"UPDATE outside.{table} SET ordinal = 9", f"DELETE FROM outside.{table}"):
                with pytest.raises(psycopg.errors.ReadOnlySqlTransaction, match="only appended"):
                    admin.execute(act)
            with pytest.raises(psycopg.Error):
                admin.execute(f"TRUNCATE outside.{table}")


# --- publication is the only way out: what is hidden from a party leaves no trace in its releases ---------

OTHERS: dict[str, list[Row]] = {
    **ENTITIES,
    "purchase_order": [ENTITIES["purchase_order"][0], {**ENTITIES["purchase_order"][1], "quantity": 9_000.0}],
    "sales_order": [ENTITIES["sales_order"][0]],
    "item_code": [
        {**row, "code": "other"} if row["party"] in ("PV2", "PC2") else row for row in ENTITIES["item_code"]
    ],
    "purchase_price": [{"supplier": "V2", "item": "RIM", "price": 99.0, "currency": "EUR"}],
}
PLAN_OF_OTHERS = {
    **{key: row for key, row in PLAN.items() if key.customer != "C2"},
    projection("RIM", "V2"): [900, 0, 1, 0, 0, 0, 0, 77],
    projection("BOLT", "V2"): [3, 0, 0, 0, 0, 0, 0, 0],
    demand("netDemand", "C2", "S2", "CART"): [5, 5, 5, 5, 5, 5, 5, 5],
}
"""The same plan for PV1, PB and PC1; everything of PV2 and PC2 is otherwise."""


async def released_to(database: Database, party: str, audience: str) -> list[str]:
    """Return all that a party's own role finds out about the outside."""
    scope = await scope_of(database, party, audience)
    with psycopg.connect(database.address.admin_conninfo(), autocommit=True) as connection:
        lab = Lab(connection, {}, {})
        with lab.experiment():
            lab.become(scope.role, scope.settings)
            return lab.observe()


async def published(address: str, entities: dict[str, list[Row]], series: Any) -> Database:
    database = Database(Address.from_url(address, b""))
    await release(database, await result(database, await plant(database, entities), "1", series), at=MORNING)
    return database


async def tell_apart(new_database: Callable[[], str], party: str, audience: str) -> bool:
    """Say whether a party can tell a company from one in which only other parties' affairs are different."""
    seen = []
    for entities, series in ((ENTITIES, PLAN), (OTHERS, PLAN_OF_OTHERS)):
        database = await published(new_database(), entities, series)
        try:
            seen.append(await released_to(database, party, audience))
        finally:
            await database.close()
    assert any("count [(0,)]" not in line for line in seen[0] if " count " in line), "nothing was released"
    return seen[0] != seen[1]


@pytest.mark.parametrize(
    ("party", "audience"), [("PV1", "supplier"), ("PB", "supplier"), ("PC1", "customer")]
)
async def test_a_release_holds_nothing_of_others(
    new_database: Callable[[], str], party: str, audience: str
) -> None:
    assert not await tell_apart(new_database, party, audience)


async def test_a_release_that_copies_one_row_too_many_is_caught(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = projections.purchase_orders

    def careless(view: Any, party: str) -> tuple[ReleasedPurchaseOrder, ...]:
        own = honest(view, party)
        foreign = honest(view, "PV2") if party == "PV1" else ()
        return own + tuple(replace(line, line=len(own) + n) for n, line in enumerate(foreign))

    monkeypatch.setattr(copying, "purchase_orders", careless)
    assert await tell_apart(new_database, "PV1", "supplier")
