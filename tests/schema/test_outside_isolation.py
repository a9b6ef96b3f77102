"""No party's answers hold anything of another's, and reading costs the same however much is there."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from pydantic import SecretStr

from app.access import SEALER
from app.config import Settings
from app.store import database as store
from app.store.database import Database
from tests.outside import (
    ENTITIES,
    PLAN,
    Client,
    Served,
    demand,
    plant,
    projection,
    release,
    result,
    serving,
)

SUPPLIER = """{
  viewer { party name role codes subject release { number answeredThrough planDate } }
  releases { nodes { id number kind planDate buckets { start zone } } pageInfo { endCursor } }
  purchaseProjections { edges { cursor node { id item ownItem itemName supplier shipTo shipToName unit
    quantities previousQuantities changes promisedQuantities receiptDates orderDates zones state } } }
  openOrders { edges { cursor node { id orderNumber orderLine item ownItem quantity dueDate status } } }
  items { nodes { id supplier item ownItem itemName unit } }
  forecastCommits { nodes { id number } } capacities { nodes { id number } }
}"""
CUSTOMER = """{
  viewer { party name role codes subject release { number answeredThrough planDate } }
  releases { nodes { id number kind planDate buckets { start zone } } pageInfo { endCursor } }
  supplyAnswers { edges { cursor node { id item ownItem itemName customer shipTo shipToName unit requested
    onTime late lateUntil notSupplied firmness reasons confirmed previousConfirmed changes } } }
  openOrders { edges { cursor node { id orderNumber orderLine item ownItem quantity requestedDate } } }
  items { nodes { id customer item ownItem itemName unit } }
  demandSignals { nodes { id number } }
}"""
EVERYTHING = {"supplier": SUPPLIER, "customer": CUSTOMER}
PARTIES = [("supplier", "PV1"), ("supplier", "PV2"), ("supplier", "PB")]
PARTIES += [("customer", "PC1"), ("customer", "PC2"), ("customer", "PB")]


def others_world() -> tuple[dict[str, list[dict[str, Any]]], dict[Any, Any]]:
    """The company with everything that is not PV1's or PC1's different: codes, names, orders, figures."""
    entities = deepcopy(ENTITIES)
    for row in entities["item_code"]:
        if row["party"] not in ("PV1", "PC1"):
            row["code"] = f"changed-{row['code']}"
    for row in entities["party"]:
        if row["party"] not in ("PV1", "PC1"):
            row["name"] = "Changed"
    entities["purchase_order"][1] |= {"order": "PO-0", "quantity": 990.0}
    entities["sales_order"][1] |= {"order": "SO-0", "quantity": 991.0}
    entities["sales_order"].append(
        {**entities["sales_order"][1], "order": "SO-00", "customer": "C3", "ship_to": "S3"}
    )
    entities["supplier_item"].append({**entities["supplier_item"][3], "item": "BOLT", "unit": "EA"})
    plan = {
        **PLAN,
        projection("RIM", "V2"): [9, 9, 9, 9, 9, 9, 9, 9],
        projection("BOLT", "V2"): [7, 7, 7, 7, 7, 7, 7, 7],
        demand("netDemand", "C2", "S2"): [80, 80, 80, 0, 0, 0, 0, 0],
        demand("constrainedDemand", "C2", "S2"): [8, 8, 0, 0, 0, 0, 0, 0],
    }
    return entities, plan


@pytest.mark.parametrize(("audience", "party"), PARTIES)
async def test_no_secret_of_another_party_is_in_a_partys_answers(
    served: Served, audience: str, party: str
) -> None:
    answer = (await served.client(audience, party).post(EVERYTHING[audience])).text
    secrets = {"pv2-secret": "PV2", "pc2-secret": "PC2", "PO-2-secret": "PV2", "SO-2-secret": "PC2"}
    codes = {"V1": "PV1", "V1B": "PV1", "V2": "PV2", "V3": "PB", "C1": "PC1", "C2": "PC2", "C3": "PB"}
    for word, owner in {**secrets, **{f'"{code}"': owner for code, owner in codes.items()}}.items():
        if owner != party:
            assert word not in answer


@pytest.mark.parametrize(("audience", "party"), [("supplier", "PV1"), ("customer", "PC1")])
async def test_what_others_have_changes_no_byte_of_a_partys_answers(
    settings: Settings, new_database: Callable[[], str], audience: str, party: str
) -> None:
    answers = []
    for entities, plan in ((ENTITIES, PLAN), others_world()):
        elsewhere = settings.model_copy(update={"database_url": SecretStr(new_database())})
        opened = await Database.open(elsewhere)
        try:
            inputs = await plant(opened, entities)
            if plan is not PLAN:  # more history inside, and a draft round with the suppliers
                await result(opened, inputs, "0", PLAN)
                if audience == "customer":
                    await release(opened, await result(opened, inputs, "00", plan), "draft")
            await release(opened, await result(opened, inputs, "1", plan))
        finally:
            await opened.close()
        async with serving(elsewhere) as served:
            answers.append((await served.client(audience, party).post(EVERYTHING[audience])).content)
    assert answers[0] == answers[1]


async def test_a_party_on_both_sides_sees_each_in_its_own_graph(served: Served) -> None:
    bought = await served.client("supplier", "PB").ask(SUPPLIER)
    sold = await served.client("customer", "PB").ask(CUSTOMER)
    assert bought["viewer"]["codes"] == ["V3"]
    assert sold["viewer"]["codes"] == ["C3"]
    assert [edge["node"]["ownItem"] for edge in bought["purchaseProjections"]["edges"]] == ["pb-tube"]
    assert [edge["node"]["item"] for edge in sold["supplyAnswers"]["edges"]] == ["BIKE"]
    for audience, other in (("supplier", "{ supplyAnswers { nodes { id } } }"), ("customer", SUPPLIER)):
        answer = await served.client(audience, "PB").post(other)
        assert answer.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


async def test_ids_and_cursors_of_one_party_mean_nothing_to_another(served: Served) -> None:
    page = (
        "query ($after: String) { purchaseProjections(first: 1, after: $after) { pageInfo { endCursor } } }"
    )
    theirs = (await served.client("supplier", "PV1").ask(page))["purchaseProjections"]["pageInfo"]
    answer = await served.client("supplier", "PV2").post(page, after=theirs["endCursor"])
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_ID"


async def count(client: Client, query: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Number of statements that a request sends, binding and looking up the party included."""
    opened: list[store.Transaction] = []

    class Recorded(store.Transaction):
        """A transaction that is remembered."""

        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            opened.append(self)

    with monkeypatch.context() as patch:
        patch.setattr(store, "Transaction", Recorded)
        await client.ask(query)
    own = [transaction for transaction in opened if transaction.scope != SEALER]  # the log is kept beside it
    return sum(transaction.statements for transaction in own)


async def test_the_number_of_statements_does_not_grow_with_the_lines(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "{ purchaseProjections { nodes { quantities state promisedQuantities release { number } } } }"
    answers = "{ supplyAnswers { nodes { requested confirmed release { number } } } }"
    binding = await count(served.client("supplier", "PV2"), "{ __typename }", monkeypatch)
    one = await count(served.client("supplier", "PV2"), lines, monkeypatch)
    three = await count(served.client("supplier", "PV1"), lines, monkeypatch)
    customer = await count(served.client("customer", "PC1"), answers, monkeypatch)
    looking_up_the_party = 2
    assert binding == 0
    assert one == three == looking_up_the_party + 4  # role, release, lines, own submissions
    assert customer == looking_up_the_party + 3  # role, release, lines
