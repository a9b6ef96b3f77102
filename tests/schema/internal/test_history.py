"""Commits, branches, scenarios, objects by id, states at a time, comparisons."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

Ask = Callable[..., Awaitable[Any]]

FORK = """mutation ($input: ScenarioCreateInput!) { scenarioCreate(input: $input) {
  branch { id name state createdBy head { id } } userErrors { code field } } }"""
SUBMIT = """mutation ($input: SeriesSubmitInput!) { seriesSubmit(input: $input) {
  commit { id } changedSeries userErrors { code field } } }"""
COMPARE = """query ($base: PlanAt!, $target: PlanAt!, $only: [MeasureName!], $after: String) {
  compare(base: $base, target: $target) {
    base { id } target { id }
    summary(measures: $only) { measure unit series cells net absolute }
    series(measures: $only, first: 1, after: $after) {
      nodes { measure itemCode customerCode siteCode cells { start end base target } }
      pageInfo { hasNextPage endCursor } } } }"""


async def fork(ask: Ask, name: str, role: str = "planner", **more: Any) -> dict[str, Any]:
    """Fork a scenario and return the payload."""
    payload: dict[str, Any] = (await ask(role, FORK, {"input": {"name": name, **more}})).data[
        "scenarioCreate"
    ]
    return payload


async def change(ask: Ask, branch: str, values: list[float], key: str, item: str = "A100") -> str:
    """Change the forecast on a branch and return the commit."""
    series = {
        "salesForecast": {"item": item, "customer": "FJELLHUS", "start": "2026-03-01", "values": values}
    }
    variables = {"input": {"series": [series], "reason": "try", "idempotencyKey": key, "branch": branch}}
    payload = (await ask("sales", SUBMIT, variables)).data["seriesSubmit"]
    assert payload["userErrors"] == []
    commit: str = payload["commit"]["id"]
    return commit


async def head(ask: Ask, branch: str = "main") -> str:
    """Return the id of a branch's latest commit."""
    query = "query ($at: PlanAt) { plan(at: $at) { commit { id } } }"
    commit: str = (await ask("planner", query, {"at": {"branch": branch}})).data["plan"]["commit"]["id"]
    return commit


async def test_a_scenario_starts_as_its_source_and_leaves_it_alone(ask_own: Ask) -> None:
    main = await head(ask_own)
    payload = await fork(ask_own, "try/one")
    assert payload["userErrors"] == []
    assert payload["branch"]["head"]["id"] == main
    assert (payload["branch"]["state"], payload["branch"]["createdBy"]) == ("open", "planner@PLANNING")
    changed = await change(ask_own, "try/one", [5000], "scenario-1")
    assert await head(ask_own, "try/one") == changed
    assert await head(ask_own) == main


async def test_two_states_are_compared_down_to_the_cell(ask_own: Ask) -> None:
    await fork(ask_own, "try/two")
    await change(ask_own, "try/two", [5000, 6000], "compare-1")
    await change(ask_own, "try/two", [7000], "compare-2", item="A200")
    states = {"base": {"branch": "main"}, "target": {"branch": "try/two"}}
    compared = (await ask_own("planner", COMPARE, states)).data["compare"]
    (summary,) = compared["summary"]
    assert (summary["measure"], summary["series"], summary["cells"]) == ("salesForecast", 2, 3)
    assert summary["absolute"] == pytest.approx(abs(summary["net"]))
    first = compared["series"]
    again = {**states, "after": first["pageInfo"]["endCursor"]}
    second = (await ask_own("planner", COMPARE, again)).data["compare"]["series"]
    changes = {page["nodes"][0]["itemCode"]: page["nodes"][0] for page in (first, second)}
    assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)
    assert [(cell["start"], cell["target"]) for cell in changes["A100"]["cells"]] == [
        ("2026-03-01", 5000),
        ("2026-04-01", 6000),
    ]
    assert [(cell["start"], cell["target"]) for cell in changes["A200"]["cells"]] == [("2026-03-01", 7000)]
    net = sum(c["target"] - (c["base"] or 0) for node in changes.values() for c in node["cells"])
    assert summary["net"] == pytest.approx(net)
    only = (await ask_own("planner", COMPARE, {**states, "only": ["annualPlan"]})).data["compare"]
    assert (only["summary"], only["series"]["nodes"]) == ([], [])


async def test_a_comparison_shows_only_what_the_role_reads(ask_own: Ask) -> None:
    await fork(ask_own, "try/three")
    await change(ask_own, "try/three", [5000], "compare-3")
    states = {"base": {"branch": "main"}, "target": {"branch": "try/three"}}
    assert (await ask_own("sales", COMPARE, states, party="SALES-SOUTH")).data["compare"]["summary"] == []
    assert (await ask_own("sales", COMPARE, states)).data["compare"]["summary"] != []
    assert (await ask_own("administrator", COMPARE, states)).codes == ["NOT_GRANTED"]


async def test_a_scenario_needs_a_name_of_its_own(ask_own: Ask) -> None:
    await fork(ask_own, "try/four")
    assert [e["code"] for e in (await fork(ask_own, "try/four"))["userErrors"]] == ["CONFLICT"]
    for name in ("main", "plan/leximin/1", "", "no blanks", "x" * 101):
        payload = await fork(ask_own, name)
        assert [(e["code"], e["field"]) for e in payload["userErrors"]] == [("BAD_VALUE", ["name"])], name


async def test_a_scenario_is_created_once_under_one_key(ask_own: Ask) -> None:
    first = await fork(ask_own, "try/five", idempotencyKey="fork-5")
    assert await fork(ask_own, "try/five", idempotencyKey="fork-5") == first
    other = await fork(ask_own, "try/six", idempotencyKey="fork-5")
    assert [error["code"] for error in other["userErrors"]] == ["IDEMPOTENCY_CONFLICT"]


async def test_a_scenario_starts_from_any_state(ask_own: Ask) -> None:
    old = await head(ask_own)
    await change(ask_own, "main", [8000], "any-1")
    payload = await fork(ask_own, "try/seven", source={"commit": old})
    assert payload["branch"]["head"]["id"] == old


async def test_an_administrator_forks_nothing(ask_own: Ask) -> None:
    payload = await fork(ask_own, "try/admin", "administrator")
    assert [error["code"] for error in payload["userErrors"]] == ["FORBIDDEN"]


async def test_a_state_is_found_by_time(ask_own: Ask) -> None:
    before, when = await head(ask_own), datetime.now(UTC).isoformat()
    await change(ask_own, "main", [9000], "time-1")
    query = "query ($at: PlanAt) { plan(at: $at) { commit { id } } }"
    assert (await ask_own("planner", query, {"at": {"time": when}})).data["plan"]["commit"]["id"] == before
    early = await ask_own("planner", query, {"at": {"time": "2001-01-01T00:00:00Z"}})
    assert early.codes == ["NOT_FOUND"]


@pytest.mark.parametrize("at", [{"branch": "nowhere"}, {"version": "nothing"}])
async def test_a_state_that_is_not_there_is_not_found(ask: Ask, at: dict[str, str]) -> None:
    answer = await ask("planner", "query ($at: PlanAt) { plan(at: $at) { planDate } }", {"at": at})
    assert answer.codes == ["NOT_FOUND"]


@pytest.mark.parametrize("at", ['{branch: "main", version: "v"}', "{}", "{branch: null}"])
async def test_a_state_is_named_by_exactly_one_thing(ask: Ask, at: str) -> None:
    answer = await ask("planner", f"{{ plan(at: {at}) {{ planDate }} }}")
    assert answer.codes == ["GRAPHQL_VALIDATION_FAILED"]


async def test_commits_are_listed_newest_first_in_pages(ask_own: Ask) -> None:
    for n in range(3):
        await change(ask_own, "main", [n + 100.0], f"list-{n}")
    query = """query ($after: String) { commits(first: 2, after: $after) {
      nodes { id parentId reason at } pageInfo { hasNextPage endCursor } } }"""
    nodes: list[dict[str, Any]] = []
    after, more = None, True
    while more:
        page = (await ask_own("planner", query, {"after": after})).data["commits"]
        nodes += page["nodes"]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert [node["parentId"] for node in nodes] == [node["id"] for node in nodes[1:]] + [None]
    assert nodes[0]["id"] == await head(ask_own)
    assert [node["reason"] for node in nodes][-2:] == ["import", "create"]


async def test_branches_are_listed_by_name(ask_own: Ask) -> None:
    await fork(ask_own, "try/listed")
    nodes = (await ask_own("sales", "{ branches { nodes { name head { id } } } }")).data["branches"]["nodes"]
    names = [node["name"] for node in nodes]
    assert names == sorted(names)
    assert {"main", "try/listed"} <= set(names)


async def test_objects_are_found_by_their_ids_at_their_places(ask_own: Ask) -> None:
    made = await fork(ask_own, "try/node")
    items = (await ask_own("planner", '{ items(code: ["A100", "A200"]) { nodes { id code } } }')).data[
        "items"
    ]
    ids = [items["nodes"][1]["id"], made["branch"]["id"], await head(ask_own), items["nodes"][0]["id"]]
    query = """query ($ids: [ID!]!, $at: PlanAt) { nodes(ids: $ids, at: $at) { __typename id
      ... on Item { code family { code } } ... on Branch { name } ... on Commit { branch } } }"""
    nodes = (await ask_own("planner", query, {"ids": ids, "at": {"branch": "main"}})).data["nodes"]
    assert [node["id"] for node in nodes] == ids
    assert [node["__typename"] for node in nodes] == ["Item", "Branch", "Commit", "Item"]
    assert (nodes[0]["code"], nodes[0]["family"]) == ("A200", {"code": "ACCESS"})
    assert nodes[1]["name"] == "try/node"


async def test_a_plan_is_found_by_its_id(ask: Ask) -> None:
    plan = (await ask("planner", "{ plan { id planDate commit { id } } }")).data["plan"]
    query = "query ($id: ID!) { node(id: $id) { ... on Plan { id planDate commit { id } } } }"
    assert (await ask("planner", query, {"id": plan["id"]})).data["node"] == plan
    by_plan = "query ($at: PlanAt) { plan(at: $at) { id planDate commit { id } } }"
    assert (await ask("planner", by_plan, {"at": {"commit": plan["id"]}})).data["plan"] == plan


async def test_what_a_role_may_not_read_has_no_node(ask: Ask) -> None:
    """Neither a record of a kind that is not granted, nor one outside the role's regions."""
    customers = (await ask("planner", "{ customers { nodes { id code region { code } } } }")).data[
        "customers"
    ]
    resources = (await ask("planner", "{ resources { nodes { id } } }")).data["resources"]
    south = next(node["id"] for node in customers["nodes"] if node["region"]["code"] == "SOUTH")
    north = next(node["id"] for node in customers["nodes"] if node["region"]["code"] == "NORTH")
    ids = [south, resources["nodes"][0]["id"], north]
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename } }"
    answer = (await ask("sales", query, {"ids": ids})).data["nodes"]
    assert answer == [None, None, {"__typename": "Customer"}]


@pytest.mark.parametrize("bad", ["", "x", "A100", "SXRlbTpBMTAw", "é", "a" * 5000])
async def test_an_id_that_was_never_given_is_refused(ask: Ask, bad: str) -> None:
    answer = await ask("planner", "query ($id: ID!) { node(id: $id) { id } }", {"id": bad})
    assert answer.codes == ["BAD_ID"]
    run = await ask("planner", "query ($id: ID!) { run(id: $id) { id } }", {"id": bad})
    assert run.codes == ["BAD_ID"]


async def test_too_many_ids_are_refused(ask: Ask) -> None:
    items = (await ask("planner", "{ items(first: 1) { nodes { id } } }")).data["items"]["nodes"]
    answer = await ask(
        "planner", "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": [items[0]["id"]] * 101}
    )
    assert answer.codes == ["LIMIT_EXCEEDED"]
