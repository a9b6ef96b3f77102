"""Every mutation of every graph, every refusal, leaves its event; only an auditor reads them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.access import HOST, KEEPER
from app.access.policies import load
from app.config import Settings
from app.store.audit import Filter, Recorded, events
from app.store.branches import branch
from app.store.commits import write_commit
from app.store.database import Database
from app.store.identity import SeriesKey
from app.store.reconciliations import Reconciliation, Summary, write_reconciliation
from tests.outside import Served, changes, plant, release, result, serving

POLICIES = load()
START = "2026-01-12"
WHY = {"reason": "agreed", "idempotencyKey": "w"}
FORECAST = {"item": "BIKE", "customer": "C1", "start": START, "values": [5]}
OUTSIDE = [{"item": "pv1-rim", "supplier": "V1", "buckets": [{"start": START, "answer": {"full": True}}]}]
EDIT = {
    "measure": "salesForecast",
    "within": {"items": ["BIKE"], "customers": ["C1"]},
    "start": START,
    "values": [8],
    "split": "EVEN",
}
SPREAD = {"branch": "try", "reason": "e", "idempotencyKey": "e"}
PLAN = {"branch": "plan/weighted/1"}

Act = tuple[str, str, str, dict[str, Any]]
ACTS: list[Act] = [
    ("scenarioCreate", "internal", "planner", {"name": "try"}),
    ("seriesSubmit", "internal", "sales", {"branch": "try", "series": [{"salesForecast": FORECAST}], **WHY}),
    ("seriesSpread", "internal", "sales", {"edits": [EDIT], **SPREAD}),
    ("scenarioMerge", "internal", "planner", {"scenario": "try", **WHY}),
    ("scenarioRebase", "internal", "planner", {"scenario": "try", "reason": "b", "idempotencyKey": "b"}),
    ("scenarioPromote", "internal", "planner", {"scenario": "try", "reason": "p", "idempotencyKey": "p"}),
    ("planReconcile", "internal", "planner", {"rule": "WEIGHTED"}),
    ("runCancel", "internal", "planner", {"run": "RUN"}),
    (
        "planPublish",
        "internal",
        "planner",
        {"plan": PLAN, "kind": "FINAL", "name": "v"},
    ),
    ("projectionAcknowledge", "supplier", "supplier_planner", {"release": 2, "idempotencyKey": "a"}),
    (
        "forecastCommitSubmit",
        "supplier",
        "supplier_planner",
        {"release": 2, "lines": OUTSIDE, "idempotencyKey": "f"},
    ),
    (
        "capacitySubmit",
        "supplier",
        "supplier_planner",
        {"series": [{"item": "pv1-rim", "supplier": "V1", "entries": [{"date": START, "quantity": 9}]}]}
        | {"idempotencyKey": "c"},
    ),
    (
        "demandSignalSubmit",
        "customer",
        "customer_planner",
        {"kind": "FORECAST", "series": [{"item": "pc1-bike", "entries": [{"date": START, "quantity": 5}]}]}
        | {"idempotencyKey": "d"},
    ),
]
"""Each mutation with who uses it and an input that is accepted, in an order in which all are."""
ACTS += [
    ("partySuspend", "internal", "administrator", {"party": "PV2", "reason": "contract ended"}),
    ("partyReinstate", "internal", "administrator", {"party": "PV2"}),
]
RIGHTS = {"partySuspend": "party.suspend", "partyReinstate": "party.reinstate"}
"""Acts about rights go by the name that the command line gives them too."""
PARTY = {"internal": "PLAN", "supplier": "PV1", "customer": "PC1"}


@pytest.fixture
async def company(settings: Settings, database: Database) -> AsyncIterator[Served]:
    """The application with a released plan that can be published as a version too."""
    plan = await result(database, await plant(database), "1")
    summary = Summary("weighted", b"\0" * 32, "optimal", 1.0, 1.0, 0.0, "EUR", 0.1, 1, {})
    async with database.write(HOST) as tx:
        await write_reconciliation(tx, plan, Reconciliation(summary))
    await release(database, plan)
    async with serving(settings) as served:
        yield served


async def recorded(database: Database, **wanted: Any) -> list[Recorded]:
    """Return the newest events."""
    async with database.read(KEEPER) as tx:
        return await events(tx, Filter(**wanted), first=100)


def test_every_mutation_of_every_graph_is_tried() -> None:
    assert sorted(name for name, *_ in ACTS) == sorted(POLICIES.actions.action)


async def test_every_mutation_is_on_record(company: Served, database: Database) -> None:
    run = ""
    for name, audience, role, given in ACTS:
        chosen = {key: run if value == "RUN" else value for key, value in given.items()}
        kind = f"{name[0].upper()}{name[1:]}Input"
        made = "run { id }" if name == "planReconcile" else "__typename"
        asked = f"{name}(input: $input) {{ {made} userErrors {{ code message }} }}"
        document = f"mutation ($input: {kind}!) {{ {asked} }}"
        answer = await company.client(audience, PARTY[audience], role).ask(document, input=chosen)
        assert answer[name]["userErrors"] == [], name
        run = answer[name].get("run", {}).get("id", run)
        event, *_ = await recorded(database, role=role)
        assert (event.act, event.audience, event.party) == (RIGHTS.get(name, name), audience, PARTY[audience])
        assert event.subject is not None
        assert PARTY[audience] in event.subject
        assert event.origin == "127.0.0.0/24"
        assert event.policy_digest is not None
        changes_a_branch = name not in ("runCancel", "planReconcile", *RIGHTS) and audience == "internal"
        assert (event.after_commit is not None) == changes_a_branch, name
        kinds = {"planPublish": "publication", **dict.fromkeys(RIGHTS, "grant")}
        assert event.kind == kinds.get(name, "write")
    started = [event for event in await recorded(database) if event.origin != "process"]
    assert "unnamed" not in {event.act for event in started}
    submissions = [event for event in started if event.audience in ("supplier", "customer")]
    assert all(name in POLICIES.actions.action for name in {event.act for event in submissions})


async def test_an_event_is_sealed_within_a_second(company: Served, database: Database) -> None:
    client = company.client("internal", "PLAN", "planner")
    await client.ask(FORK, name="quick")
    await asyncio.sleep(1.0)
    (event,) = await recorded(database, act="scenarioCreate")
    assert event.position is not None


async def test_every_refusal_is_on_record_before_the_answer(company: Served, database: Database) -> None:
    publish = (
        'mutation { planPublish(input: { plan: { branch: "main" }, kind: FINAL, name: "v" }) { __typename } }'
    )
    sales = company.client("internal", "PLAN", "sales")
    await sales.ask(publish)
    (refused,) = await recorded(database, kind="refusal")
    assert (refused.act, refused.target, refused.role) == ("FORBIDDEN", "planPublish", "sales")
    await sales.post("{ plan { series(measure: contributionMargin) { nodes { values } } } }")
    (denied, _) = await recorded(database, kind="refusal")
    assert (denied.act, denied.target) == ("NOT_GRANTED", "contributionMargin")
    await company.client("internal", "NOBODY", "sales").post(
        "{ measures { name } branches { nodes { name } } }"
    )
    assert (await recorded(database, kind="refusal"))[0].act == "PARTY_REFUSED"
    headers = {"Authorization": "Bearer nonsense"}
    assert (await company.http.post("/graphql", json={"query": "{a}"}, headers=headers)).status_code == 401
    (unknown, *_) = await recorded(database, kind="refusal")
    assert (unknown.act, unknown.subject, unknown.origin) == ("UNAUTHENTICATED", None, "127.0.0.0/24")


PRICES = '{ plan(at: { branch: "main" }) { series(measure: purchasePrice) { nodes { values } } } }'


async def test_reading_a_sensitive_measure_is_on_record_before_the_answer(
    company: Served, database: Database
) -> None:
    async with database.write(HOST) as tx:
        prices = changes({SeriesKey("purchasePrice", item="RIM", supplier="V1"): [9] * 8})
        await write_commit(tx, await branch(tx, "main"), author="test", reason="prices", series=prices)
    await company.client("internal", "PLAN", "procurement").ask(PRICES)
    (event,) = await recorded(database, kind="read")
    assert (event.act, event.target, event.role) == ("sensitive", "purchasePrice", "procurement")
    assert event.origin == "127.0.0.0/24"
    refused = await company.client("internal", "PLAN", "sales").post(PRICES)
    assert "NOT_GRANTED" in refused.text
    await company.client("internal", "PLAN", "procurement").ask("{ suppliers { nodes { code } } }")
    assert len(await recorded(database, kind="read")) == 1, "nothing else is"


FORK = "mutation ($name: String!) { scenarioCreate(input: { name: $name }) { userErrors { code } } }"
LOG = """query ($after: String, $filter: AuditFilter) { auditHead { position seal }
  auditEvents(first: 2, after: $after, filter: $filter) {
    nodes { at kind act subject pseudonym role audience party origin target branch beforeId afterId times
            detail policyDigest position seal } pageInfo { hasNextPage endCursor } } }"""


async def test_an_auditor_reads_the_log_page_by_page(company: Served, database: Database) -> None:
    planner = company.client("internal", "PLAN", "planner")
    for name in ("one", "two", "three"):
        await planner.ask(
            f'mutation {{ scenarioCreate(input: {{ name: "{name}" }}) {{ userErrors {{ code }} }} }}'
        )
    auditor = company.client("internal", "PLAN", "auditor")
    only = {"act": "scenarioCreate", "kind": "WRITE", "role": "planner", "party": "PLAN"}
    first = (await auditor.ask(LOG, filter=only))["auditEvents"]
    assert [event["target"] for event in first["nodes"]] == ["three", "two"]
    assert first["nodes"][0]["afterId"] is not None
    rest = (await auditor.ask(LOG, filter=only, after=first["pageInfo"]["endCursor"]))["auditEvents"]
    assert [event["target"] for event in rest["nodes"]] == ["one"]
    assert not rest["pageInfo"]["hasNextPage"]


@pytest.mark.parametrize("role", [role for role in POLICIES.roles_of("internal") if role != "auditor"])
async def test_nobody_else_reads_the_log(company: Served, role: str) -> None:
    answer = (await company.client("internal", "PLAN", role).post(LOG)).json()
    assert answer["data"] == {"auditEvents": None, "auditHead": None}
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"NOT_GRANTED"}
