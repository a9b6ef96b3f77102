"""What a supplier reads and hands in, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.services.intake import take_in
from app.store.database import Database
from tests.outside import PLAN, Served, head_of, projection, release, result

LINES = """
query ($at: ReleaseAt, $item: String, $first: Int, $after: String) {
  purchaseProjections(at: $at, item: $item, first: $first, after: $after) {
    nodes { id item ownItem itemName supplier shipTo shipToName unit leadTimeDays quantities
            previousQuantities changes promisedQuantities receiptDates orderDates zones state responseDue
            release { number } }
    pageInfo { hasNextPage endCursor }
  }
}"""
COMMIT = """
mutation ($input: ForecastCommitSubmitInput!) {
  forecastCommitSubmit(input: $input) {
    forecastCommit { id number releaseNumber state reason
                     lines { supplier item shipTo unit
                             answers { start kind reason note deliveries { date quantity } }
                             promises { start end quantity } } }
    userErrors { code message field row }
  }
}"""
ACKNOWLEDGE = """
mutation ($input: ProjectionAcknowledgeInput!) {
  projectionAcknowledge(input: $input) { acknowledgement { number state note } userErrors { code field } }
}"""
CAPACITY = """
mutation ($input: CapacitySubmitInput!) {
  capacitySubmit(input: $input) {
    capacity { number state series { supplier item unit entries { start end quantity } } }
    userErrors { code message field row }
  }
}"""


def commit(key: str = "k", release: int = 1, **line: Any) -> dict[str, Any]:
    """The input of a forecast commit: RIM of V1 in full in the week of 12 January unless told otherwise."""
    full = [{"start": "2026-01-12", "answer": {"full": True}}]
    lines = [{"item": "pv1-rim", "supplier": "V1", "buckets": full, **line}]
    return {"release": release, "lines": lines, "idempotencyKey": key}


async def test_a_line_says_everything_a_supplier_asks_for(served: Served) -> None:
    data = await served.client("supplier", "PV1").ask(LINES, item="pv1-rim", first=1)
    (line,) = data["purchaseProjections"]["nodes"]
    assert (line["item"], line["ownItem"]) == ("RIM", "pv1-rim")
    assert (line["supplier"], line["shipTo"], line["shipToName"]) == ("V1", "P", "Plant")
    assert (line["unit"], line["leadTimeDays"]) == ("BOX", 10.0)
    assert line["quantities"] == [0, 10, 5, 0, 20, 3, 0, 0]
    assert line["previousQuantities"] == line["changes"] == line["promisedQuantities"] == [None] * 8
    assert line["receiptDates"][:3] == ["2026-01-05", "2026-01-12", "2026-01-19"]
    assert line["orderDates"][:3] == ["2025-12-26", "2026-01-02", "2026-01-09"]
    assert line["zones"][1:4] == ["FIRM", "TRADE_OFF", "TRADE_OFF"]
    assert line["state"] == "PUBLISHED"
    assert line["responseDue"] == str(datetime.now(UTC).date() + timedelta(days=5))


async def test_the_viewer_and_the_catalogue_name_the_partys_own_codes(served: Served) -> None:
    data = await served.client("supplier", "PV1", "supplier_viewer").ask(
        "{ viewer { party name role codes release { number kind buckets { start end days zone } } }"
        "  items { nodes { supplier } } openOrders { nodes { orderNumber quantity unit } } }"
    )
    viewer = data["viewer"]
    assert (viewer["party"], viewer["name"], viewer["role"]) == ("PV1", "Party PV1", "supplier_viewer")
    assert viewer["codes"] == ["V1", "V1B"]
    assert viewer["release"]["kind"] == "FINAL"
    assert viewer["release"]["buckets"][0] == {
        "start": "2026-01-05",
        "end": "2026-01-12",
        "days": 7,
        "zone": "FIRM",
    }
    assert data["openOrders"]["nodes"] == [{"orderNumber": "PO-1", "quantity": 4.0, "unit": "BOX"}]
    assert [node["supplier"] for node in data["items"]["nodes"]] == ["V1", "V1", "V1B"]


async def test_pages_follow_one_another_without_gap_or_repeat(served: Served) -> None:
    client, after, seen = served.client("supplier", "PV1"), None, []
    for _ in range(3):
        page = (await client.ask(LINES, first=1, after=after))["purchaseProjections"]
        seen += [(node["supplier"], node["item"]) for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert seen == [("V1", "BOLT"), ("V1", "RIM"), ("V1B", "RIM")]
    assert page["pageInfo"]["hasNextPage"] is False


async def test_a_later_release_compares_by_date_and_expires_the_earlier_lines(
    served: Served, database: Database
) -> None:
    client = served.client("supplier", "PV1")
    before = datetime.now(UTC)
    more = {**PLAN, projection("RIM", "V1"): [0, 120, 50, 0, 200, 30, 0, 0]}
    inputs = await head_of(database)
    await release(database, await result(database, inputs, "2", more))
    (now,) = (await client.ask(LINES, item="RIM", first=1))["purchaseProjections"]["nodes"]
    assert now["previousQuantities"] == [0, 10, 5, 0, 20, 3, 0, 0]
    assert now["changes"][:3] == [0, 2, 0]
    for at in ({"release": 1}, {"time": before.isoformat()}):
        (old,) = (await client.ask(LINES, at=at, item="RIM", first=1))["purchaseProjections"]["nodes"]
        assert (old["state"], old["release"]["number"]) == ("EXPIRED", 1)
    answer = (await client.post(LINES, at={"release": 3})).json()
    assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_acknowledged_then_committed(served: Served) -> None:
    client = served.client("supplier", "PV1")
    kept = await client.ask(ACKNOWLEDGE, input={"release": 1, "idempotencyKey": "a"})
    assert kept["projectionAcknowledge"]["acknowledgement"]["state"] == "VALIDATED"
    states = await client.ask(LINES)
    assert {node["state"] for node in states["purchaseProjections"]["nodes"]} == {"ACKNOWLEDGED"}
    await client.ask(COMMIT, input=commit())
    nodes = (await client.ask(LINES))["purchaseProjections"]["nodes"]
    assert [node["state"] for node in nodes] == ["ACKNOWLEDGED", "COMMITTED", "ACKNOWLEDGED"]
    assert nodes[1]["promisedQuantities"][:3] == [None, 10.0, None]


async def test_a_commit_is_kept_as_given_with_the_promise_that_follows(served: Served) -> None:
    buckets = [
        {"start": "2026-01-12", "answer": {"partial": [{"date": "2026-01-20", "quantity": 4}]}},
        {"start": "2026-02-02", "answer": {"declined": {"reason": "MATERIAL", "note": "no steel"}}},
    ]
    client = served.client("supplier", "PV1")
    answer = (await client.ask(COMMIT, input=commit(buckets=buckets)))["forecastCommitSubmit"]
    assert answer["userErrors"] == []
    (line,) = answer["forecastCommit"]["lines"]
    assert line["answers"] == [
        {
            "start": "2026-01-12",
            "kind": "PARTIAL",
            "reason": None,
            "note": None,
            "deliveries": [{"date": "2026-01-20", "quantity": 4.0}],
        },
        {
            "start": "2026-02-02",
            "kind": "DECLINED",
            "reason": "MATERIAL",
            "note": "no steel",
            "deliveries": [],
        },
    ]
    assert [(promise["start"], promise["quantity"]) for promise in line["promises"]] == [
        ("2026-01-12", 0.0),
        ("2026-01-19", 9.0),
        ("2026-02-02", 0.0),
    ]
    listed = await client.ask("{ forecastCommits { nodes { id number state } } }")
    assert listed["forecastCommits"]["nodes"] == [
        {"id": answer["forecastCommit"]["id"], "number": 1, "state": "VALIDATED"}
    ]


async def test_the_same_key_gives_the_same_answer_and_another_content_a_conflict(served: Served) -> None:
    client = served.client("supplier", "PV1")
    first = await client.ask(COMMIT, input=commit())
    assert await client.ask(COMMIT, input=commit()) == first
    other = await client.ask(COMMIT, input=commit(item="BOLT"))
    assert other["forecastCommitSubmit"]["forecastCommit"] is None
    assert other["forecastCommitSubmit"]["userErrors"][0]["code"] == "IDEMPOTENCY_CONFLICT"
    listed = await client.ask("{ forecastCommits { nodes { number } } }")
    assert len(listed["forecastCommits"]["nodes"]) == 1


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        (commit(item="pv2-secret-rim"), "UNKNOWN_KEY", ["lines", "0", "item"]),
        (commit(supplier=None), "BAD_VALUE", ["lines", "0", "shipTo"]),
        (commit(release=2), "NOT_FOUND", ["release"]),
        (commit(key=""), "BAD_VALUE", ["idempotencyKey"]),
        (commit(buckets=[]), "BAD_VALUE", ["lines", "0", "buckets"]),
        (
            commit(buckets=[{"start": "2026-01-13", "answer": {"full": True}}]),
            "BAD_VALUE",
            ["lines", "0", "buckets", "0", "start"],
        ),
        (
            commit(buckets=[{"start": "2026-01-12", "answer": {"full": False}}]),
            "BAD_VALUE",
            ["lines", "0", "buckets", "0", "answer", "full"],
        ),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_kept(
    served: Served, given: dict[str, Any], code: str, field: list[str]
) -> None:
    client = served.client("supplier", "PV1")
    answer = (await client.ask(COMMIT, input=given))["forecastCommitSubmit"]
    assert answer["forecastCommit"] is None
    assert (answer["userErrors"][0]["code"], answer["userErrors"][0]["field"]) == (code, field)
    listed = await client.ask("{ forecastCommits { nodes { number } } }")
    assert listed["forecastCommits"]["nodes"] == []


async def test_answers_are_due(served: Served, database: Database) -> None:
    inputs = await head_of(database)
    long_ago = datetime.now(UTC) + timedelta(days=-30)
    await release(database, await result(database, inputs, "2"), at=long_ago)
    client = served.client("supplier", "PV1")
    late = (await client.ask(COMMIT, input=commit(release=2)))["forecastCommitSubmit"]
    assert late["userErrors"][0]["code"] == "RESPONSE_PAST_DUE"
    superseded = (await client.ask(COMMIT, input=commit()))["forecastCommitSubmit"]
    assert superseded["userErrors"][0]["code"] == "RELEASE_SUPERSEDED"
    read = await client.ask(ACKNOWLEDGE, input={"release": 2, "idempotencyKey": "a"})
    assert read["projectionAcknowledge"]["userErrors"] == []


async def test_a_viewer_hands_nothing_in(served: Served) -> None:
    answer = await served.client("supplier", "PV1", "supplier_viewer").ask(COMMIT, input=commit())
    assert answer["forecastCommitSubmit"]["userErrors"][0]["code"] == "FORBIDDEN"


async def test_capacity_is_kept_and_taken_in(served: Served, database: Database) -> None:
    client = served.client("supplier", "PV1")
    entries = [{"date": "2026-01-12", "quantity": 7}]
    given = {"series": [{"item": "RIM", "supplier": "V1", "entries": entries}], "idempotencyKey": "c"}
    kept = (await client.ask(CAPACITY, input=given))["capacitySubmit"]
    assert kept["userErrors"] == []
    assert kept["capacity"]["series"][0]["unit"] == "BOX"
    (outcome,) = await take_in(database)
    assert (outcome.kind, outcome.state) == ("supplierCapacity", "included")
    listed = await client.ask("{ capacities { nodes { state } } }")
    assert listed["capacities"]["nodes"] == [{"state": "INCLUDED"}]


async def test_a_commit_is_answered_once_a_release_stands_on_it(served: Served, database: Database) -> None:
    client = served.client("supplier", "PV1")
    await client.ask(COMMIT, input=commit())
    without = await head_of(database)
    await take_in(database)
    with_it = await head_of(database)
    states = []
    for name, inputs in (("2", without), ("3", with_it)):
        await release(database, await result(database, inputs, name))
        nodes = (await client.ask("{ forecastCommits { nodes { state } } }"))["forecastCommits"]["nodes"]
        states.append(nodes[0]["state"])
    assert states == ["INCLUDED", "ANSWERED"]
