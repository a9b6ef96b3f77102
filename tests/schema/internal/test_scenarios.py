"""Scenarios brought together through the endpoint: conflicts as data, decisions, allow and deny."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

Ask = Callable[..., Awaitable[Any]]
NUMBERS = itertools.count()

FORK = """mutation ($input: ScenarioCreateInput!) { scenarioCreate(input: $input) { userErrors { code } } }"""
SUBMIT = """mutation ($input: SeriesSubmitInput!) { seriesSubmit(input: $input) {
  commit { id } userErrors { code } } }"""
CONFLICTS = """conflicts { count hidden rows { kind code column } series { id measure itemCode familyCode
  customerCode siteCode cells { start end base ours theirs } } } userErrors { code field row }"""
MERGE = f"""mutation ($input: ScenarioMergeInput!) {{ scenarioMerge(input: $input) {{
  commit {{ id branch author reason }} {CONFLICTS} }} }}"""
REBASE = f"""mutation ($input: ScenarioRebaseInput!) {{ scenarioRebase(input: $input) {{
  branch {{ name state head {{ id parentId }} }} {CONFLICTS} }} }}"""
PROMOTE = """mutation ($input: ScenarioPromoteInput!) { scenarioPromote(input: $input) {
  commit { id branch } userErrors { code field } } }"""
VALUES = """query ($at: PlanAt, $item: String!) { plan(at: $at) {
  series(measure: salesForecast, filter: { items: [$item], customers: ["FJELLHUS"] }) {
    nodes { values } } } }"""


async def act(ask: Ask, document: str, role: str = "planner", **given: Any) -> dict[str, Any]:
    """Send a mutation with its one input and return the payload."""
    given = {"reason": "agreed", "idempotencyKey": f"key-{next(NUMBERS)}", **given}
    (payload,) = (await ask(role, document, {"input": given})).data.values()
    return payload  # type: ignore[no-any-return]  # JSON


async def fork(ask: Ask, name: str) -> None:
    payload = (await ask("planner", FORK, {"input": {"name": name}})).data["scenarioCreate"]
    assert payload["userErrors"] == []


async def forecast(ask: Ask, branch: str, item: str, value: float) -> str:
    """Set one month of a forecast on a branch and return the commit."""
    series = {
        "salesForecast": {"item": item, "customer": "FJELLHUS", "start": "2026-03-01", "values": [value]}
    }
    return await submit(ask, "sales", branch, series)


async def submit(ask: Ask, role: str, branch: str, series: dict[str, Any]) -> str:
    payload = await act(ask, SUBMIT, role, branch=branch, series=[series])
    assert payload["userErrors"] == []
    commit: str = payload["commit"]["id"]
    return commit


async def month(ask: Ask, branch: str, item: str) -> float | None:
    """Return what `forecast` has set."""
    plan = (await ask("planner", VALUES, {"at": {"branch": branch}, "item": item})).data["plan"]
    calendar = await ask(
        "planner",
        "query ($at: PlanAt) { calendar(at: $at) { buckets { start } } }",
        {"at": {"branch": branch}},
    )
    starts = [bucket["start"] for bucket in calendar.data["calendar"]["buckets"]]
    value: float | None = plan["series"]["nodes"][0]["values"][starts.index("2026-03-01")]
    return value


def codes(payload: dict[str, Any]) -> list[str]:
    return [error["code"] for error in payload["userErrors"]]


async def parted(ask: Ask, name: str, item: str, ours: float = 100, theirs: float = 200) -> None:
    """Fork a scenario; main and the scenario set the forecast to different values, new to both."""
    await fork(ask, name)
    await forecast(ask, "main", item, ours)
    await forecast(ask, name, item, theirs)


async def test_conflicts_are_listed_and_decided_bucket_by_bucket(ask_own: Ask) -> None:
    await parted(ask_own, "merge/one", "A100")
    refused = await act(ask_own, MERGE, scenario="merge/one")
    assert (codes(refused), refused["commit"]) == (["MERGE_CONFLICTS"], None)
    assert (refused["conflicts"]["count"], refused["conflicts"]["hidden"]) == (1, False)
    (series,) = refused["conflicts"]["series"]
    assert (series["measure"], series["itemCode"], series["customerCode"]) == (
        "salesForecast",
        "A100",
        "FJELLHUS",
    )
    (cell,) = series["cells"]
    assert (cell["start"], cell["ours"], cell["theirs"]) == ("2026-03-01", 100, 200)
    assert await month(ask_own, "main", "A100") == 100
    decision = {"conflict": series["id"], "start": "2026-03-01", "take": {"side": "THEIRS"}}
    made = await act(ask_own, MERGE, scenario="merge/one", decisions=[decision], idempotencyKey="one")
    assert (codes(made), made["conflicts"]) == ([], None)
    assert (made["commit"]["branch"], made["commit"]["author"]) == ("main", "planner@PLANNING")
    assert made["commit"]["reason"] == "agreed"
    assert await month(ask_own, "main", "A100") == 200
    again = await act(ask_own, MERGE, scenario="merge/one", decisions=[decision], idempotencyKey="one")
    assert again == made
    other = await act(ask_own, MERGE, scenario="merge/one", side="OURS", idempotencyKey="one")
    assert codes(other) == ["IDEMPOTENCY_CONFLICT"]


async def test_a_value_of_ones_own_only_for_ones_own_measure(ask_own: Ask) -> None:
    await parted(ask_own, "merge/two", "A200")
    series = (await act(ask_own, MERGE, scenario="merge/two"))["conflicts"]["series"][0]
    decision = {"conflict": series["id"], "start": "2026-03-01", "take": {"value": 150}}
    refused = await act(ask_own, MERGE, scenario="merge/two", decisions=[decision])
    assert [(e["code"], e["field"]) for e in refused["userErrors"]] == [("FORBIDDEN", ["decisions", "0"])]
    elsewhere = {**decision, "start": "2026-04-01", "take": {"side": "OURS"}}
    refused = await act(ask_own, MERGE, scenario="merge/two", decisions=[elsewhere])
    assert codes(refused) == ["BAD_VALUE"]
    assert await month(ask_own, "main", "A200") == 100


async def test_what_the_role_does_not_read_is_not_listed(ask_own: Ask) -> None:
    await fork(ask_own, "merge/three")
    for branch, value in (("main", 1000), ("merge/three", 2000)):
        plan = {"family": "ACCESS", "start": "2026-03-01", "values": [value]}
        await submit(ask_own, "finance", branch, {"annualPlan": plan})
    hidden = await act(ask_own, MERGE, scenario="merge/three")
    assert (codes(hidden), hidden["conflicts"]) == (
        ["MERGE_CONFLICTS"],
        {"count": 0, "hidden": True, "rows": [], "series": []},
    )
    shown = (await act(ask_own, MERGE, "executive", scenario="merge/three"))["conflicts"]
    assert (shown["hidden"], shown["series"][0]["familyCode"]) == (False, "ACCESS")
    made = await act(ask_own, MERGE, scenario="merge/three", side="OURS")
    assert codes(made) == []


@pytest.mark.parametrize("role", ["sales", "operations", "procurement", "finance", "administrator"])
async def test_only_the_planner_and_executives_bring_branches_together(ask_own: Ask, role: str) -> None:
    for document in (MERGE, REBASE, PROMOTE):
        assert codes(await act(ask_own, document, role, scenario="merge/none")) == ["FORBIDDEN"]


@pytest.mark.parametrize("document", [MERGE, REBASE, PROMOTE])
async def test_what_is_no_scenario_is_refused(ask_own: Ask, document: str) -> None:
    assert codes(await act(ask_own, document, scenario="main")) == ["CONFLICT"]
    assert codes(await act(ask_own, document, scenario="plan/leximin/1")) == ["CONFLICT"]
    assert codes(await act(ask_own, document, scenario="merge/none")) == ["NOT_FOUND"]
    assert codes(await act(ask_own, document, scenario="merge/none", reason=" ")) == ["BAD_VALUE"]


async def test_a_rebased_scenario_goes_on_and_the_old_one_stays_readable(ask_own: Ask) -> None:
    await parted(ask_own, "rebase/one", "A100", 101, 201)
    head = await forecast(ask_own, "main", "A200", 300)
    refused = await act(ask_own, REBASE, scenario="rebase/one")
    assert (codes(refused), refused["conflicts"]["count"]) == (["MERGE_CONFLICTS"], 1)
    asked = {"scenario": "rebase/one", "side": "THEIRS", "idempotencyKey": "rebase"}
    made = await act(ask_own, REBASE, "executive", **asked)
    assert codes(made) == []
    assert (made["branch"]["name"], made["branch"]["state"]) == ("rebase/one", "open")
    assert made["branch"]["head"]["parentId"] == head
    assert [await month(ask_own, "rebase/one", item) for item in ("A100", "A200")] == [201, 300]
    assert await month(ask_own, "rebase/one@1", "A100") == 201
    assert await act(ask_own, REBASE, "executive", **asked) == made
    assert codes(await act(ask_own, MERGE, scenario="rebase/one")) == [], (
        "what was decided is not asked again"
    )


async def test_a_scenario_is_promoted_once_it_has_all_of_main(ask_own: Ask) -> None:
    await parted(ask_own, "promote/one", "A100", 102, 202)
    assert codes(await act(ask_own, PROMOTE, scenario="promote/one")) == ["CONFLICT"]
    assert codes(await act(ask_own, REBASE, scenario="promote/one", side="THEIRS")) == []
    made = await act(ask_own, PROMOTE, scenario="promote/one", idempotencyKey="promote")
    assert (codes(made), made["commit"]["branch"]) == ([], "main")
    assert await month(ask_own, "main", "A100") == 202
    closed = await act(ask_own, PROMOTE, scenario="promote/one", idempotencyKey="promote again")
    assert codes(closed) == ["CONFLICT"]


async def test_a_merge_decided_on_another_head_is_refused(ask_own: Ask) -> None:
    await fork(ask_own, "merge/head")
    await forecast(ask_own, "merge/head", "A100", 250)
    seen = await forecast(ask_own, "main", "A200", 10)
    now = await forecast(ask_own, "main", "A200", 11)
    assert codes(await act(ask_own, MERGE, scenario="merge/head", expectedHead=seen)) == ["CONFLICT"]
    assert codes(await act(ask_own, MERGE, scenario="merge/head", expectedHead=now)) == []
