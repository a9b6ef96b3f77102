"""What a customer reads and hands in, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from app.services.intake import take_in
from app.store.database import Database
from tests.outside import PLAN, Served, demand, head_of, release, result

ANSWERS = """
query ($at: ReleaseAt, $item: String) {
  supplyAnswers(at: $at, item: $item) {
    nodes { id item ownItem customer shipTo shipToName unit requested onTime late lateUntil notSupplied
            firmness reasons confirmed previousConfirmed changes release { number responseDue } }
  }
}"""
SIGNAL = """
mutation ($input: DemandSignalSubmitInput!) {
  demandSignalSubmit(input: $input) {
    demandSignal { id number kind basis state reason releaseNumber
                   series { customer item unit entries { start end quantity } } }
    userErrors { code message field row }
  }
}"""
LISTED = "{ demandSignals { nodes { number kind state reason } } }"


def signal(key: str = "k", kind: str = "FORECAST", **other: Any) -> dict[str, Any]:
    """The input of a demand signal: 25 bicycles in the week of 5 January unless told otherwise."""
    series = [{"item": "pc1-bike", "entries": [{"date": "2026-01-05", "quantity": 25}]}]
    return {"kind": kind, "series": series, "idempotencyKey": key, **other}


async def test_the_answer_says_how_much_when_and_why(served: Served) -> None:
    data = await served.client("customer", "PC1", "customer_viewer").ask(ANSWERS)
    (line,) = data["supplyAnswers"]["nodes"]
    assert (line["item"], line["ownItem"], line["shipTo"]) == ("BIKE", "pc1-bike", "S1")
    assert line["requested"] == [10, 10, 10, 0, 0, 40, 0, 0]
    assert line["onTime"] == [10, 4, 6, 0, 0, 26, 0, 0]
    assert line["late"] == [0, 6, 4, 0, 0, 4, 0, 0]
    assert line["lateUntil"][1:3] == ["2026-01-25", "2026-03-31"]
    assert line["notSupplied"] == [0, 0, 0, 0, 0, 10, 0, 0]
    assert line["confirmed"] == [10, 10, 10, 0, 0, 30, 0, 0]
    assert line["firmness"][1:3] == ["FIRM", "INDICATIVE"]
    assert line["reasons"][:3] == ["NONE", "ALLOCATION", "ALLOCATION"]
    assert line["release"] == {"number": 1, "responseDue": None}


async def test_orders_and_catalogue_are_the_partys_own(served: Served) -> None:
    data = await served.client("customer", "PC1").ask(
        "{ openOrders { nodes { orderNumber ownItem quantity requestedDate promisedDate shipTo } }"
        "  items { nodes { customer item ownItem unit } } viewer { codes } }"
    )
    assert data["openOrders"]["nodes"] == [
        {
            "orderNumber": "SO-1",
            "ownItem": "pc1-bike",
            "quantity": 7.0,
            "requestedDate": "2026-01-14",
            "promisedDate": "2026-01-16",
            "shipTo": "S1",
        }
    ]
    assert data["items"]["nodes"] == [{"customer": "C1", "item": "BIKE", "ownItem": "pc1-bike", "unit": "EA"}]
    assert data["viewer"]["codes"] == ["C1"]


async def test_the_next_release_says_what_has_changed(served: Served, database: Database) -> None:
    less = {**PLAN, demand("constrainedDemand", "C1", "S1"): [10, 4, 12, 0, 0, 20, 0, 0]}
    await release(database, await result(database, await head_of(database), "2", less))
    (line,) = (await served.client("customer", "PC1").ask(ANSWERS))["supplyAnswers"]["nodes"]
    assert line["previousConfirmed"] == [10, 10, 10, 0, 0, 30, 0, 0]
    assert line["changes"] == [0, 0, 0, 0, 0, 0, 0, 0]
    assert (line["onTime"][5], line["late"][5], line["lateUntil"][5]) == (16, 14, None)


async def test_a_signal_is_kept_taken_in_and_answered(served: Served, database: Database) -> None:
    client = served.client("customer", "PC1")
    kept = (await client.ask(SIGNAL, input=signal(basis="NET")))["demandSignalSubmit"]
    assert kept["userErrors"] == []
    assert kept["demandSignal"]["series"] == [
        {
            "customer": "C1",
            "item": "BIKE",
            "unit": "EA",
            "entries": [{"start": "2026-01-05", "end": "2026-01-12", "quantity": 25.0}],
        }
    ]
    states = [kept["demandSignal"]["state"]]
    await take_in(database)
    states.append((await client.ask(LISTED))["demandSignals"]["nodes"][0]["state"])
    await release(database, await result(database, await head_of(database), "2"))
    states.append((await client.ask(LISTED))["demandSignals"]["nodes"][0]["state"])
    assert states == ["VALIDATED", "INCLUDED", "ANSWERED"]


async def test_sell_out_and_stock_look_back(served: Served, database: Database) -> None:
    client = served.client("customer", "PC1")
    for kind in ("SELL_OUT", "STOCK"):
        series = [{"item": "BIKE", "entries": [{"date": "2025-12-03", "quantity": 5}]}]
        kept = await client.ask(SIGNAL, input=signal(kind, kind, series=series))
        assert kept["demandSignalSubmit"]["userErrors"] == []
    assert [outcome.kind for outcome in await take_in(database)] == ["pointOfSale", "customerStock"]
    listed = (await client.ask(LISTED))["demandSignals"]["nodes"]
    assert [(node["kind"], node["state"]) for node in listed] == [
        ("STOCK", "INCLUDED"),
        ("SELL_OUT", "INCLUDED"),
    ]


async def test_what_lies_outside_the_plan_is_rejected_with_the_reason(
    served: Served, database: Database
) -> None:
    client = served.client("customer", "PC1")
    series = [{"item": "BIKE", "entries": [{"date": "2024-12-03", "quantity": 5}]}]
    await client.ask(SIGNAL, input=signal(kind="SELL_OUT", series=series))
    await take_in(database)
    (node,) = (await client.ask(LISTED))["demandSignals"]["nodes"]
    assert node["state"] == "REJECTED"
    assert "2025-11-01" in node["reason"]


async def test_the_same_key_gives_the_same_answer_and_another_content_a_conflict(served: Served) -> None:
    client = served.client("customer", "PC1")
    first = await client.ask(SIGNAL, input=signal())
    assert await client.ask(SIGNAL, input=signal()) == first
    other = (await client.ask(SIGNAL, input=signal(kind="ORDER_FORECAST")))["demandSignalSubmit"]
    assert [error["code"] for error in other["userErrors"]] == ["IDEMPOTENCY_CONFLICT"]


@pytest.mark.parametrize(
    ("series", "code", "field", "row"),
    [
        (
            {"item": "pc2-secret-bike", "entries": [{"date": "2026-01-05", "quantity": 1}]},
            "UNKNOWN_KEY",
            ["series", "0", "item"],
            0,
        ),
        (
            {"item": "BIKE", "customer": "C2", "entries": [{"date": "2026-01-05", "quantity": 1}]},
            "UNKNOWN_KEY",
            ["series", "0", "customer"],
            0,
        ),
        (
            {"item": "BIKE", "entries": [{"date": "2026-01-06", "quantity": 1}]},
            "BAD_VALUE",
            ["series", "0", "entries", "0", "date"],
            0,
        ),
        (
            {"item": "BIKE", "entries": [{"date": "2026-01-05", "quantity": -1}]},
            "BAD_VALUE",
            ["series", "0", "entries", "0", "quantity"],
            0,
        ),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_kept(
    served: Served, series: dict[str, Any], code: str, field: list[str], row: int
) -> None:
    client = served.client("customer", "PC1")
    answer = (await client.ask(SIGNAL, input=signal(series=[series])))["demandSignalSubmit"]
    assert answer["demandSignal"] is None
    (error,) = answer["userErrors"]
    assert (error["code"], error["field"], error["row"]) == (code, field, row)
    assert (await client.ask(LISTED))["demandSignals"]["nodes"] == []


async def test_a_viewer_hands_nothing_in(served: Served) -> None:
    answer = await served.client("customer", "PC1", "customer_viewer").ask(SIGNAL, input=signal())
    assert answer["demandSignalSubmit"]["userErrors"][0]["code"] == "FORBIDDEN"
