"""A reconciled and published plan: summary, proof, runs, publication, submissions; each role's part of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.access import grants_of
from app.config import Settings
from app.worker import work_off
from tests.schema.internal.conftest import opened

Ask = Callable[..., Awaitable[Any]]

DEPARTMENTS = ["sales", "operations", "procurement", "finance", "executive", "planner"]
FIGURES = {
    "demand": "netDemand",
    "volume": "constrainedDemand",
    "backlog": "backlog",
    "unmet": "unmetDemand",
    "revenue": "revenue",
    "margin": "contributionMargin",
    "inventoryValue": "inventoryValue",
    "service": "serviceLevel",
    "utilization": "utilization",
}
SUMMARY = f"""query ($per: Per) {{ plan {{ summary(per: $per) {{
  currency periods {{ start end }} {" ".join(FIGURES)} }} }} }}"""


async def grouped(ask: Ask, measure: str, per: str = "TOTAL", levels: str = "[]") -> list[float | None]:
    """Return the values of a measure added up over everything."""
    query = (
        f"{{ plan {{ series(measure: {measure}, groupBy: {levels}, per: {per}) {{ nodes {{ values }} }} }} }}"
    )
    values: list[float | None] = (await ask("executive", query)).data["plan"]["series"]["nodes"][0]["values"]
    return values


async def test_without_at_the_published_version_is_read(ask_planned: Ask) -> None:
    query = "{ plan { branch version { name kind commit { id } } commit { id rule inputsId } } }"
    plan = (await ask_planned("sales", query)).data["plan"]
    assert plan["version"] == {"name": "first", "kind": "final", "commit": {"id": plan["commit"]["id"]}}
    assert (plan["branch"], plan["commit"]["rule"]) == ("plan/weighted/1", "weighted")
    by_name = '{ plan(at: {version: "first"}) { commit { id } } }'
    assert (await ask_planned("sales", by_name)).data["plan"]["commit"]["id"] == plan["commit"]["id"]
    inputs = "query ($id: ID!) { node(id: $id) { ... on Commit { branch rule } } }"
    found = await ask_planned("sales", inputs, {"id": plan["commit"]["inputsId"]})
    assert found.data["node"] == {"branch": "main", "rule": None}


@pytest.mark.parametrize("role", [*DEPARTMENTS, "administrator"])
async def test_the_summary_has_the_figures_that_the_role_reads(ask_planned: Ask, role: str) -> None:
    answer = await ask_planned(role, SUMMARY, {"per": "YEAR"})
    summary = answer.body["data"]["plan"]["summary"]
    granted = {figure for figure, measure in FIGURES.items() if grants_of(role).reads(measure)}
    assert {figure for figure in FIGURES if summary[figure] is not None} == granted
    assert answer.codes == ["NOT_GRANTED"] * (len(FIGURES) - len(granted))
    assert all(len(summary[figure]) == len(summary["periods"]) for figure in granted)


async def test_the_summary_is_the_series_added_up(ask_planned: Ask) -> None:
    """Sums over the open buckets; the executive sees all."""
    summary = (await ask_planned("executive", SUMMARY, {"per": "TOTAL"})).data["plan"]["summary"]
    assert summary["currency"] == "EUR"
    assert [p["start"] for p in summary["periods"]] == ["2025-09-01"]
    for figure in ("demand", "volume", "unmet", "revenue", "margin"):
        assert summary[figure] == pytest.approx(await grouped(ask_planned, FIGURES[figure]))
    for figure in ("backlog", "inventoryValue"):
        last = (await grouped(ask_planned, FIGURES[figure], per="BUCKET"))[-1]
        assert summary[figure] == [pytest.approx(last)]
    assert summary["demand"][0] == pytest.approx(
        summary["volume"][0] + summary["unmet"][0] + summary["backlog"][0], rel=1e-6
    )
    assert 0 < summary["service"][0] <= 100


async def test_a_quotient_is_recomputed_from_its_parts(ask_planned: Ask) -> None:
    required = (await grouped(ask_planned, "capacityRequired"))[0]
    available = (await grouped(ask_planned, "capacityAvailable"))[0]
    assert required is not None
    assert available is not None
    assert await grouped(ask_planned, "utilization") == [pytest.approx(100 * required / available)]


async def test_a_price_is_the_revenue_of_what_is_delivered_at_it(ask_planned: Ask) -> None:
    prices = await grouped(ask_planned, "sellingPrice", per="BUCKET")
    revenue = await grouped(ask_planned, "revenue", per="BUCKET")
    volume = await grouped(ask_planned, "constrainedDemand", per="BUCKET")
    delivered = [place for place, quantity in enumerate(volume) if quantity]
    assert len(delivered) > 10
    for place in delivered:
        assert prices[place] == pytest.approx((revenue[place] or 0) / (volume[place] or 1))


RECONCILIATION = """{ plan { reconciliation { rule status objective bound gap currency seconds components
  certificate { primal dual complementarity gap accepted rounding notes { code subject text } }
  outcomes { stakeholder objective unit concession noConflict best worst value money }
  payoff { rowStakeholder columnStakeholder value money }
  bindingLimits(first: 5) {
    nodes { kind text itemCode siteCode supplierCode resourceCode start amount shadowPrice }
    pageInfo { hasNextPage } } } } }"""


@pytest.mark.parametrize("role", ["finance", "executive"])
async def test_finance_and_executives_see_the_proof_and_all_money(ask_planned: Ask, role: str) -> None:
    found = (await ask_planned(role, RECONCILIATION)).data["plan"]["reconciliation"]
    assert (found["rule"], found["status"], found["currency"]) == ("weighted", "optimal", "EUR")
    assert found["certificate"]["accepted"] is True
    assert found["gap"] == pytest.approx(0, abs=1e-6)
    assert found["bound"] <= found["objective"] + 1e-6 * (1 + abs(found["objective"]))
    names = [outcome["stakeholder"] for outcome in found["outcomes"]]
    assert names == sorted(names)
    assert {"sales", "operations", "finance"} <= set(names)
    for outcome in found["outcomes"]:
        if not outcome["noConflict"]:
            share = (outcome["best"] - outcome["value"]) / (outcome["best"] - outcome["worst"])
            assert outcome["concession"] == pytest.approx(share, abs=1e-6)
    cells = {(cell["rowStakeholder"], cell["columnStakeholder"]) for cell in found["payoff"]}
    assert cells == {(row, column) for row in names for column in names}
    prices = [limit["shadowPrice"] for limit in found["bindingLimits"]["nodes"]]
    assert len(prices) == 5
    assert prices == sorted(prices, reverse=True)
    assert all(limit["text"] and limit["start"] for limit in found["bindingLimits"]["nodes"])


@pytest.mark.parametrize(
    ("role", "stakeholders", "certificate", "limits"),
    [
        ("sales", {"sales"}, False, False),
        ("operations", {"operations"}, False, True),
        ("procurement", set(), False, False),
        ("planner", {"sales", "operations", "finance"}, True, True),
    ],
)
async def test_the_others_see_their_own_concession_and_no_money(
    ask_planned: Ask, role: str, stakeholders: set[str], certificate: bool, limits: bool
) -> None:
    answer = await ask_planned(role, RECONCILIATION)
    found = answer.body["data"]["plan"]["reconciliation"]
    assert set(answer.codes) == {"NOT_GRANTED"}
    assert (found["status"], found["gap"] is not None) == ("optimal", True)
    assert (found["objective"], found["bound"], found["payoff"]) == (None, None, None)
    assert (found["certificate"] is not None) is certificate
    assert (found["bindingLimits"] is not None) is limits
    assert {outcome["stakeholder"] for outcome in found["outcomes"]} == stakeholders
    for outcome in found["outcomes"]:
        assert 0 <= outcome["concession"] <= 1
        assert [outcome[name] for name in ("best", "worst", "value", "money")] == [None] * 4
    for limit in found["bindingLimits"]["nodes"] if limits else []:
        assert limit["shadowPrice"] is None


async def test_binding_limits_are_paged(ask_planned: Ask) -> None:
    query = """query ($after: String, $first: Int) { plan { reconciliation {
      bindingLimits(first: $first, after: $after) {
      nodes { text } pageInfo { hasNextPage endCursor } } } } }"""
    texts: list[str] = []
    after, more = None, True
    while more:
        answer = await ask_planned("planner", query, {"after": after, "first": 40})
        page = answer.data["plan"]["reconciliation"]["bindingLimits"]
        texts += [node["text"] for node in page["nodes"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    whole = await ask_planned("planner", query, {"first": 1000})
    assert texts == [node["text"] for node in whole.data["plan"]["reconciliation"]["bindingLimits"]["nodes"]]


async def test_inputs_have_no_reconciliation(ask_planned: Ask) -> None:
    query = '{ plan(at: {branch: "main"}) { version { name } reconciliation { status } } }'
    assert (await ask_planned("planner", query)).data["plan"] == {"version": None, "reconciliation": None}


async def test_who_may_not_read_the_seal_is_told_so(ask_planned: Ask) -> None:
    query = "{ versions { nodes { id name sealedHash } } }"
    sealed = (await ask_planned("planner", query)).data["versions"]["nodes"][0]
    assert (sealed["name"], len(sealed["sealedHash"])) == ("first", 64)
    answer = await ask_planned("sales", query)
    assert answer.codes == ["NOT_GRANTED"]
    assert answer.body["data"]["versions"]["nodes"] == [{**sealed, "sealedHash": None}]
    node = "query ($id: ID!) { node(id: $id) { ... on Version { name commit { rule } } } }"
    found = await ask_planned("sales", node, {"id": sealed["id"]})
    assert found.data["node"] == {"name": "first", "commit": {"rule": "weighted"}}


RECONCILED = """query ($at: PlanAt, $rule: Rule) { reconciledPlan(at: $at, rule: $rule, waitSeconds: 0) {
  plan { commit { id } } run { id state rule branch error: errorCode } } }"""


async def test_known_inputs_are_answered_with_the_known_plan(ask_planned: Ask) -> None:
    known = (await ask_planned("sales", "{ plan { commit { id } } }")).data["plan"]
    for at in ({"branch": "main"}, {"version": "first"}, {"commit": known["commit"]["id"]}):
        answer = await ask_planned("sales", RECONCILED, {"at": at, "rule": "WEIGHTED"})
        assert answer.data["reconciledPlan"]["plan"] == known, at


async def change_a_scenario(ask: Ask, name: str) -> None:
    """Fork a scenario of main's inputs and change a forecast on it."""
    fork = "mutation ($i: ScenarioCreateInput!) { scenarioCreate(input: $i) { userErrors { code } } }"
    await ask("sales", fork, {"i": {"name": name, "source": {"branch": "main"}}})
    submit = "mutation ($i: SeriesSubmitInput!) { seriesSubmit(input: $i) { userErrors { code message } } }"
    series = {
        "salesForecast": {"item": "A100", "customer": "FJELLHUS", "start": "2025-11-03", "values": [99]}
    }
    given = {"series": [series], "reason": "try", "idempotencyKey": name, "branch": name}
    assert (await ask("sales", submit, {"i": given})).data["seriesSubmit"]["userErrors"] == []


async def test_unknown_inputs_start_a_run_that_leads_to_their_plan(
    ask_planned: Ask, planned_company: Settings
) -> None:
    await change_a_scenario(ask_planned, "try/run")
    at = {"at": {"branch": "try/run"}, "rule": "WEIGHTED"}
    asked = (await ask_planned("planner", RECONCILED, at)).data["reconciledPlan"]
    assert (asked["plan"], asked["run"]["state"], asked["run"]["rule"]) == (None, "queued", "WEIGHTED")
    again = (await ask_planned("sales", RECONCILED, at)).data["reconciledPlan"]
    assert again["run"]["id"] == asked["run"]["id"]
    async with opened(planned_company) as database:
        await work_off(database)
    query = "query ($id: ID!) { run(id: $id) { id state progress finishedAt plan { commit { id rule } } } }"
    run = (await ask_planned("planner", query, {"id": asked["run"]["id"]})).data["run"]
    assert (run["state"], run["progress"], run["plan"]["commit"]["rule"]) == ("done", 1, "weighted")
    done = (await ask_planned("sales", RECONCILED, at)).data["reconciledPlan"]
    assert done["plan"]["commit"]["id"] == run["plan"]["commit"]["id"]
    node = "query ($id: ID!) { node(id: $id) { ... on Run { state errorDetail } } }"
    assert (await ask_planned("planner", node, {"id": run["id"]})).data["node"]["state"] == "done"
    assert (await ask_planned("sales", node, {"id": run["id"]})).codes == ["NOT_GRANTED"]


async def test_waiting_is_bounded(ask_planned: Ask) -> None:
    answer = await ask_planned("planner", "{ reconciledPlan(waitSeconds: 3601) { run { id } } }")
    assert answer.codes == ["LIMIT_EXCEEDED"]


RECONCILE = """mutation ($input: PlanReconcileInput!) { planReconcile(input: $input) {
  run { id state branch rule requestedBy } userErrors { code field } } }"""
CANCEL = """mutation ($input: RunCancelInput!) { runCancel(input: $input) {
  run { id state } userErrors { code } } }"""


async def test_a_run_is_asked_for_once_and_cancelled(ask_planned: Ask) -> None:
    variables = {"input": {"branch": "main", "rule": "LEXIMIN", "idempotencyKey": "run-1"}}
    asked = (await ask_planned("sales", RECONCILE, variables)).data["planReconcile"]
    assert asked["userErrors"] == []
    assert (asked["run"]["state"], asked["run"]["requestedBy"]) == ("queued", "sales@SALES-NORTH")
    active = {"input": {"branch": "main", "rule": "LEXIMIN"}}
    again = (await ask_planned("planner", RECONCILE, active)).data["planReconcile"]
    assert again["run"]["id"] == asked["run"]["id"]
    cancel = {"input": {"run": asked["run"]["id"]}}
    refused = (await ask_planned("sales", CANCEL, cancel)).data["runCancel"]
    assert [error["code"] for error in refused["userErrors"]] == ["FORBIDDEN"]
    stopped = (await ask_planned("planner", CANCEL, cancel)).data["runCancel"]
    assert stopped == {"run": {"id": asked["run"]["id"], "state": "cancelled"}, "userErrors": []}
    repeated = (await ask_planned("sales", RECONCILE, variables)).data["planReconcile"]
    assert (repeated["run"]["id"], repeated["run"]["state"]) == (asked["run"]["id"], "cancelled")


@pytest.mark.parametrize(("branch", "code"), [("nowhere", "NOT_FOUND"), ("plan/weighted/1", "CONFLICT")])
async def test_only_a_branch_of_inputs_is_reconciled(ask_planned: Ask, branch: str, code: str) -> None:
    payload = (await ask_planned("planner", RECONCILE, {"input": {"branch": branch}})).data["planReconcile"]
    assert [error["code"] for error in payload["userErrors"]] == [code]


async def test_an_administrator_asks_for_no_plan(ask_planned: Ask) -> None:
    payload = (await ask_planned("administrator", RECONCILE, {"input": {}})).data["planReconcile"]
    assert [error["code"] for error in payload["userErrors"]] == ["FORBIDDEN"]
    assert (await ask_planned("administrator", RECONCILED)).codes == ["FORBIDDEN"]


PUBLISH = """mutation ($input: PlanPublishInput!) { planPublish(input: $input) {
  version { name kind publishedBy commit { id } } userErrors { code field message } } }"""


async def test_a_planner_publishes_a_draft_round_once(ask_planned: Ask) -> None:
    variables = {
        "input": {
            "plan": {"branch": "plan/weighted/1"},
            "kind": "DRAFT",
            "name": "draft 1",
            "idempotencyKey": "draft-1",
        }
    }
    payload = (await ask_planned("planner", PUBLISH, variables)).data["planPublish"]
    assert payload["userErrors"] == []
    assert (payload["version"]["kind"], payload["version"]["publishedBy"]) == ("draft", "planner@PLANNING")
    assert (await ask_planned("planner", PUBLISH, variables)).data["planPublish"] == payload
    latest = (await ask_planned("sales", "{ plan { version { name } } versions { nodes { name } } }")).data
    assert [node["name"] for node in latest["versions"]["nodes"]] == ["draft 1", "first"]


@pytest.mark.parametrize(
    ("role", "plan", "kind", "name", "code"),
    [
        ("sales", {"branch": "plan/weighted/1"}, "FINAL", "second", "FORBIDDEN"),
        ("finance", {"branch": "plan/weighted/1"}, "FINAL", "second", "FORBIDDEN"),
        ("planner", {"branch": "main"}, "FINAL", "second", "PLAN_NOT_PUBLISHABLE"),
        ("planner", {"branch": "nowhere"}, "FINAL", "second", "NOT_FOUND"),
        ("executive", {"branch": "plan/weighted/1"}, "FINAL", "", "BAD_VALUE"),
        ("executive", {"branch": "plan/weighted/1"}, "FINAL", "first", "CONFLICT"),
    ],
)
async def test_what_cannot_be_published_is_refused(
    ask_planned: Ask, *, role: str, plan: dict[str, str], kind: str, name: str, code: str
) -> None:
    variables = {"input": {"plan": plan, "kind": kind, "name": name}}
    payload = (await ask_planned(role, PUBLISH, variables)).data["planPublish"]
    assert (payload["version"], [error["code"] for error in payload["userErrors"]]) == (None, [code])


async def test_result_branches_take_no_inputs(ask_planned: Ask) -> None:
    query = """mutation ($input: SeriesSubmitInput!) { seriesSubmit(input: $input) {
      userErrors { code field } } }"""
    series = {"salesForecast": {"item": "A100", "customer": "FJELLHUS", "start": "2026-03-01", "values": [1]}}
    variables = {
        "input": {"series": [series], "reason": "x", "idempotencyKey": "r", "branch": "plan/weighted/1"}
    }
    payload = (await ask_planned("sales", query, variables)).data["seriesSubmit"]
    assert payload["userErrors"] == [{"code": "CONFLICT", "field": ["branch"]}]


SIGNAL = """mutation ($input: DemandSignalSubmitInput!) { demandSignalSubmit(input: $input) {
  demandSignal { number } userErrors { code message field } } }"""
SUBMISSIONS = """query ($party: String, $state: String, $after: String) {
  submissions(party: $party, state: $state, first: 1, after: $after) {
    nodes { partyCode audience ordinal kind payload submittedBy state reason }
    pageInfo { hasNextPage endCursor } } }"""


async def signal(ask: Ask, party: str, key: str) -> None:
    """Hand in a customer's forecast."""
    entries = [{"date": "2025-11-03", "quantity": 40}]
    series = [{"item": "A100", "entries": entries}]
    given = {"input": {"kind": "FORECAST", "series": series, "idempotencyKey": key}}
    answer = await ask("customer_planner", SIGNAL, given, party=party, audience="customer")
    assert answer.data["demandSignalSubmit"]["userErrors"] == []


async def submitted(ask: Ask, role: str, **variables: Any) -> list[dict[str, Any]]:
    """Return all submissions that a role sees, read one a page."""
    nodes: list[dict[str, Any]] = []
    after, more = None, True
    while more:
        page = (await ask(role, SUBMISSIONS, {**variables, "after": after})).data["submissions"]
        nodes += page["nodes"]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    return nodes


async def test_submissions_are_seen_as_far_as_their_measure_is(ask_planned: Ask) -> None:
    await signal(ask_planned, "FJELLHUS", "s1")
    await signal(ask_planned, "MERCATONET", "s2")
    seen = await submitted(ask_planned, "planner")
    assert [(node["partyCode"], node["ordinal"], node["state"]) for node in seen] == [
        ("MERCATONET", 1, "pending"),
        ("FJELLHUS", 1, "pending"),
    ]
    assert {node["kind"] for node in seen} == {"customerSignal"}
    assert [node["partyCode"] for node in await submitted(ask_planned, "planner", party="FJELLHUS")] == [
        "FJELLHUS"
    ]
    assert await submitted(ask_planned, "planner", state="rejected") == []
    assert [node["partyCode"] for node in await submitted(ask_planned, "sales")] == ["FJELLHUS"]
    for role in ("finance", "executive", "administrator"):
        assert (await ask_planned(role, SUBMISSIONS)).codes == ["NOT_GRANTED"], role
