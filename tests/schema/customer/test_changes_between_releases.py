"""What a customer sees of the difference between two releases, and of how an answer came about, over HTTP."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from app.access import HOST
from app.store.branches import branch, head
from app.store.commits import write_commit
from app.store.database import Database
from app.store.deltas import EntityChanges
from tests.outside import ENTITIES, PLAN, Client, Served, demand, head_of, release, result

CHANGES = """
query ($since: ReleaseAt!, $at: ReleaseAt) {
  supplyAnswerChanges(changesSince: $since, at: $at) {
    nodes { kind customer item ownItem shipTo unit requestedBefore requested confirmedBefore confirmed changes
            bucketDates since { number } release { number } }
  }
}"""
ORDERS = """
query ($since: ReleaseAt!) {
  openOrderChanges(changesSince: $since) {
    nodes { kind before { orderNumber promisedDate } after { orderNumber promisedDate } }
  }
}"""
HISTORY = """
query ($item: String!, $shipTo: String) {
  supplyAnswerHistory(item: $item, shipTo: $shipTo) { nodes { release { number } customer confirmed } }
}"""
BETTER = {
    **PLAN,
    demand("constrainedDemand", "C1", "S1"): [10, 10, 10, 0, 0, 35, 0, 0],
    demand("unmetDemand", "C1", "S1"): [0, 0, 0, 0, 0, 5, 0, 0],
}


@pytest.fixture
async def client(served: Served, database: Database) -> Client:
    """A customer with two releases."""
    await release(database, await result(database, await head_of(database), "2", BETTER))
    return served.client("customer", "PC1")


async def changed(client: Client, since: int = 1) -> list[dict[str, Any]]:
    """The answers that differ between a release and the latest one."""
    nodes: list[dict[str, Any]] = (await client.ask(CHANGES, since={"release": since}))[
        "supplyAnswerChanges"
    ]["nodes"]
    return nodes


async def test_an_answer_that_became_better_says_by_how_much(client: Client) -> None:
    (line,) = await changed(client)
    assert (line["kind"], line["item"], line["ownItem"], line["shipTo"]) == (
        "CHANGED",
        "BIKE",
        "pc1-bike",
        "S1",
    )
    assert line["requestedBefore"] == line["requested"]
    assert sum(line["confirmed"]) == sum(line["confirmedBefore"]) + 5
    assert line["changes"] == [
        now - before for now, before in zip(line["confirmed"], line["confirmedBefore"], strict=True)
    ]
    assert await changed(client, 2) == []


async def test_history_tells_each_release(client: Client) -> None:
    (now,) = await changed(client)
    nodes = (await client.ask(HISTORY, item="pc1-bike", shipTo="S1"))["supplyAnswerHistory"]["nodes"]
    assert [node["release"]["number"] for node in nodes] == [2, 1]
    assert [node["confirmed"] for node in nodes] == [now["confirmed"], now["confirmedBefore"]]
    assert (await client.ask(HISTORY, item="BIKE", shipTo="S2"))["supplyAnswerHistory"]["nodes"] == []


async def test_orders_that_moved_or_went_are_changes(client: Client, database: Database) -> None:
    first = ENTITIES["sales_order"][0]
    moved = [{**first, "promised_date": date(2026, 1, 20)}, {**first, "order": "SO-9"}]
    async with database.write(HOST) as tx:
        await write_commit(
            tx,
            await branch(tx, "main"),
            author="test",
            reason="import",
            entities=EntityChanges({"sales_order": moved}),
        )
        inputs = await head(tx)
    await release(database, await result(database, inputs, "3", BETTER))
    nodes = (await client.ask(ORDERS, since={"release": 1}))["openOrderChanges"]["nodes"]
    assert [node["kind"] for node in nodes] == ["CHANGED", "ADDED"]
    assert nodes[0]["before"]["promisedDate"] == "2026-01-16"
    assert nodes[0]["after"]["promisedDate"] == "2026-01-20"
    assert nodes[1]["before"] is None
    assert nodes[1]["after"]["orderNumber"] == "SO-9"


async def test_another_customer_sees_nothing_of_it(client: Client, served: Served) -> None:
    assert await changed(served.client("customer", "PC2")) == []
    assert await changed(client) != []
