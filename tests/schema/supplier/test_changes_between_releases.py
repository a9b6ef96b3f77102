"""What a supplier sees of the difference between two releases, and of how its lines came about, over HTTP."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from app.access import HOST
from app.store.branches import branch, head
from app.store.commits import write_commit
from app.store.database import Database
from app.store.deltas import EntityChanges
from tests.outside import ENTITIES, PLAN, Client, Served, head_of, projection, release, result

CHANGES = """
query ($since: ReleaseAt!, $at: ReleaseAt, $item: String, $first: Int, $after: String) {
  projectionChanges(changesSince: $since, at: $at, item: $item, first: $first, after: $after) {
    nodes { kind supplier item ownItem shipTo unit quantitiesBefore quantities changes receiptDates
            since { number } release { number } }
    pageInfo { hasNextPage endCursor }
  }
}"""
ORDERS = """
query ($since: ReleaseAt!) {
  openOrderChanges(changesSince: $since) {
    nodes { kind before { orderNumber quantity dueDate } after { orderNumber quantity dueDate } }
  }
}"""
HISTORY = """
query ($item: String!, $supplier: String, $first: Int, $after: String) {
  projectionHistory(item: $item, supplier: $supplier, first: $first, after: $after) {
    nodes { supplier quantities state release { number } }
    pageInfo { hasNextPage endCursor }
  }
}"""
SECOND = {**PLAN, projection("RIM", "V1"): [0, 120, 50, 0, 200, 0, 0, 0]}
THIRD = {
    **{key: values for key, values in SECOND.items() if key != projection("BOLT", "V1")},
    projection("RIM", "V1B"): [0, 0, 17, 4, 0, 0, 0, 0],
}


@pytest.fixture
async def client(served: Served, database: Database) -> Client:
    """A supplier with three releases of one calendar."""
    inputs = await head_of(database)
    for name, plan in (("2", SECOND), ("3", THIRD)):
        await release(database, await result(database, inputs, name, plan))
    return served.client("supplier", "PV1")


async def changed(client: Client, since: int, at: int | None = None, **more: Any) -> list[dict[str, Any]]:
    """The projection lines that differ."""
    until = None if at is None else {"release": at}
    data = await client.ask(CHANGES, since={"release": since}, at=until, **more)
    nodes: list[dict[str, Any]] = data["projectionChanges"]["nodes"]
    return nodes


async def test_only_lines_that_differ_are_told_with_both_figures(client: Client) -> None:
    (line,) = await changed(client, 1, 2)
    assert (line["kind"], line["supplier"], line["item"], line["unit"]) == ("CHANGED", "V1", "RIM", "BOX")
    assert line["quantitiesBefore"] == [0, 10, 5, 0, 20, 3, 0, 0]
    assert line["quantities"] == [0, 12, 5, 0, 20, 0, 0, 0]
    assert line["changes"] == [0, 2, 0, 0, 0, -3, 0, 0]
    assert (line["since"], line["release"]) == ({"number": 1}, {"number": 2})
    assert line["receiptDates"][:2] == ["2026-01-05", "2026-01-12"]
    assert await changed(client, 2, 2) == []


async def test_changes_add_up_over_the_releases_between(client: Client) -> None:
    def total(lines: list[dict[str, Any]]) -> dict[tuple[str, str], list[float]]:
        return {(line["supplier"], line["item"]): line["changes"] for line in lines}

    first, second = total(await changed(client, 1, 2)), total(await changed(client, 2, 3))
    whole, nothing = total(await changed(client, 1)), [0.0] * 8
    assert whole.keys() == first.keys() | second.keys() == {("V1", "RIM"), ("V1", "BOLT"), ("V1B", "RIM")}
    for key, change in whole.items():
        parts = zip(first.get(key, nothing), second.get(key, nothing), strict=True)
        assert change == [one + other for one, other in parts]
    back = total(await changed(client, 3, 1))
    assert back == {key: [-one for one in change] for key, change in whole.items()}


async def test_a_line_that_fell_away_is_told_as_removed(client: Client, database: Database) -> None:
    await release(database, await result(database, await head_of(database), "4", THIRD))
    kinds = {line["item"]: line["kind"] for line in await changed(client, 1, item="BOLT")}
    assert kinds == {"BOLT": "REMOVED"}
    assert {line["item"]: line["kind"] for line in await changed(client, 4, 1, item="BOLT")} == {
        "BOLT": "ADDED"
    }


async def test_pages_give_every_change_once(client: Client) -> None:
    seen, after = [], None
    for _ in range(4):
        data = await client.ask(CHANGES, since={"release": 1}, first=1, after=after)
        page = data["projectionChanges"]
        seen += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == await changed(client, 1)


async def test_another_day_of_an_open_order_is_a_change(client: Client, database: Database) -> None:
    later = [{**row, "due_date": date(2026, 1, 16)} for row in ENTITIES["purchase_order"]]
    async with database.write(HOST) as tx:
        await write_commit(
            tx,
            await branch(tx, "main"),
            author="test",
            reason="import",
            entities=EntityChanges({"purchase_order": later}),
        )
        inputs = await head(tx)
    await release(database, await result(database, inputs, "4", THIRD))
    (change,) = (await client.ask(ORDERS, since={"release": 1}))["openOrderChanges"]["nodes"]
    assert change["kind"] == "CHANGED"
    assert change["before"] == {"orderNumber": "PO-1", "quantity": 4, "dueDate": "2026-01-09"}
    assert change["after"] == {"orderNumber": "PO-1", "quantity": 4, "dueDate": "2026-01-16"}


async def test_history_of_a_line_is_the_latest_release_first(client: Client) -> None:
    data = await client.ask(HISTORY, item="pv1-rim", supplier="V1")
    nodes = data["projectionHistory"]["nodes"]
    assert [node["release"]["number"] for node in nodes] == [3, 2, 1]
    assert [node["state"] for node in nodes] == ["PUBLISHED", "EXPIRED", "EXPIRED"]
    assert [node["quantities"][1] for node in nodes] == [12, 12, 10]
    both = (await client.ask(HISTORY, item="RIM"))["projectionHistory"]["nodes"]
    paged, after = [], None
    for _ in both:
        page = (await client.ask(HISTORY, item="RIM", first=1, after=after))["projectionHistory"]
        paged += page["nodes"]
        after = page["pageInfo"]["endCursor"]
    assert paged == both
    assert not page["pageInfo"]["hasNextPage"]


async def test_releases_and_viewer_answer_for_an_earlier_time(client: Client) -> None:
    data = await client.ask(
        "{ releases(at: {release: 2}) { nodes { number } } viewer(at: {release: 1}) { release { number } } }"
    )
    assert data["releases"]["nodes"] == [{"number": 2}, {"number": 1}]
    assert data["viewer"]["release"] == {"number": 1}


async def test_a_release_that_is_not_there_is_not_found(client: Client) -> None:
    long_ago = datetime(2001, 1, 1, tzinfo=UTC).isoformat()
    for given in ({"release": 9}, {"time": long_ago}):
        answer = (await client.post(CHANGES, since=given)).json()
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["NOT_FOUND"]


async def test_another_supplier_sees_nothing_of_it(client: Client, served: Served) -> None:
    other = served.client("supplier", "PV2")
    assert await changed(other, 1) == []
    nodes = (await other.ask(HISTORY, item="pv1-rim"))["projectionHistory"]["nodes"]
    assert nodes == []
    assert await changed(client, 1) != []
