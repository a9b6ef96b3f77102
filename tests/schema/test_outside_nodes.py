"""Every id that a party is given finds its object again, for that party alone."""

from __future__ import annotations

import pytest

from tests.outside import Served
from tests.schema.customer.test_customer_graph import SIGNAL, signal
from tests.schema.supplier.test_supplier_graph import ACKNOWLEDGE, CAPACITY, COMMIT, commit

LISTS = {
    "supplier": "releases purchaseProjections openOrders items forecastCommits capacities",
    "customer": "releases supplyAnswers openOrders items demandSignals",
}
NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"


async def hand_in(served: Served) -> None:
    """One submission of every kind."""
    supplier, customer = served.client("supplier", "PV1"), served.client("customer", "PC1")
    entries = [{"date": "2026-01-12", "quantity": 7}]
    series = [{"item": "RIM", "supplier": "V1", "entries": entries}]
    await supplier.ask(ACKNOWLEDGE, input={"release": 1, "idempotencyKey": "a"})
    await supplier.ask(COMMIT, input=commit())
    await supplier.ask(CAPACITY, input={"series": series, "idempotencyKey": "c"})
    await customer.ask(SIGNAL, input=signal())


@pytest.mark.parametrize(
    ("audience", "party", "other", "kinds"),
    [("supplier", "PV1", "PV2", 6), ("customer", "PC1", "PC2", 5)],
)
async def test_every_id_finds_its_object_and_only_for_its_party(
    served: Served, audience: str, party: str, other: str, kinds: int
) -> None:
    await hand_in(served)
    client = served.client(audience, party)
    lists = " ".join(f"{name} {{ nodes {{ __typename id }} }}" for name in LISTS[audience].split())
    given = [node for page in (await client.ask(f"{{ {lists} }}")).values() for node in page["nodes"]]
    assert len({node["__typename"] for node in given}) == kinds
    for node in given:
        assert (await client.ask(NODE, id=node["id"]))["node"] == node
    answer = (await served.client(audience, other).post(NODE, id=given[0]["id"])).json()
    assert answer["errors"][0]["extensions"]["code"] == "BAD_ID"


async def test_an_acknowledgement_is_found_too_and_a_cursor_is_no_id(served: Served) -> None:
    client = served.client("supplier", "PV1")
    kept = await client.ask(
        "mutation ($input: ProjectionAcknowledgeInput!) {"
        "  projectionAcknowledge(input: $input) { acknowledgement { __typename id } } }",
        input={"release": 1, "idempotencyKey": "a"},
    )
    made = kept["projectionAcknowledge"]["acknowledgement"]
    assert (await client.ask(NODE, id=made["id"]))["node"] == made
    page = await client.ask("{ releases { pageInfo { endCursor } } }")
    answer = (await client.post(NODE, id=page["releases"]["pageInfo"]["endCursor"])).json()
    assert answer["errors"][0]["extensions"]["code"] == "BAD_ID"
