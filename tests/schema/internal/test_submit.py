"""`seriesSubmit`: written as one commit, read back, repeated safely; every refusal with its place."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.access import grants_of

Ask = Callable[..., Awaitable[Any]]

SUBMIT = """mutation ($input: SeriesSubmitInput!) { seriesSubmit(input: $input) {
  commit { id author reason branch parentId } changedSeries userErrors { code message field row } } }"""
READ = """query ($at: PlanAt, $items: [String!], $customers: [String!]) {
  plan(at: $at) { series(measure: salesForecast, filter: {items: $items, customers: $customers}) {
    periods { start } nodes { values } } } }"""


def forecast(values: list[float | None], start: str = "2026-03-01", **key: str) -> dict[str, Any]:
    """Return one series of the input."""
    return {
        "salesForecast": {"item": "A100", "customer": "FJELLHUS", "start": start, "values": values, **key}
    }


def given(*series: dict[str, Any], key: str, **more: Any) -> dict[str, Any]:
    """Return the variables of a submission."""
    return {"input": {"series": list(series), "reason": "test", "idempotencyKey": key, **more}}


async def submit(ask: Ask, variables: dict[str, Any], role: str = "sales", **who: str) -> dict[str, Any]:
    """Submit and return the payload."""
    payload: dict[str, Any] = (await ask(role, SUBMIT, variables, **who)).data["seriesSubmit"]
    return payload


async def values_at(ask: Ask, at: dict[str, Any] | None = None) -> dict[str, float | None]:
    """Return the forecast that the tests change, by the first day of its buckets."""
    variables = {"at": at or {"branch": "main"}, "items": ["A100"], "customers": ["FJELLHUS"]}
    page = (await ask("planner", READ, variables)).data["plan"]["series"]
    return {p["start"]: v for p, v in zip(page["periods"], page["nodes"][0]["values"], strict=True)}


async def test_submitted_values_are_a_commit_that_names_who_and_why(ask_own: Ask) -> None:
    before = await values_at(ask_own)
    payload = await submit(ask_own, given(forecast([120, 130]), key="first", reason="spring"))
    assert payload["userErrors"] == []
    assert payload["changedSeries"] == 1
    assert payload["commit"]["author"] == "sales@SALES-NORTH"
    assert (payload["commit"]["reason"], payload["commit"]["branch"]) == ("spring", "main")
    after = await values_at(ask_own)
    assert (after["2026-03-01"], after["2026-04-01"]) == (120, 130)
    assert {k: v for k, v in after.items() if k not in {"2026-03-01", "2026-04-01"}} == {
        k: v for k, v in before.items() if k not in {"2026-03-01", "2026-04-01"}
    }
    assert await values_at(ask_own, {"commit": payload["commit"]["parentId"]}) == before


async def test_null_takes_a_value_away(ask_own: Ask) -> None:
    await submit(ask_own, given(forecast([77]), key="null-1"))
    assert (await submit(ask_own, given(forecast([None]), key="null-2")))["changedSeries"] == 1
    assert (await values_at(ask_own))["2026-03-01"] is None


async def test_the_same_request_again_is_answered_with_the_first_commit(ask_own: Ask) -> None:
    variables = given(forecast([201]), key="again")
    first = await submit(ask_own, variables)
    await submit(ask_own, given(forecast([202]), key="in-between"))
    assert await submit(ask_own, variables) == first
    assert (await values_at(ask_own))["2026-03-01"] == 202


async def test_one_key_for_two_requests_is_refused(ask_own: Ask) -> None:
    await submit(ask_own, given(forecast([301]), key="twice"))
    payload = await submit(ask_own, given(forecast([302]), key="twice"))
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [
        ("IDEMPOTENCY_CONFLICT", ["idempotencyKey"])
    ]
    assert (await values_at(ask_own))["2026-03-01"] == 301


async def test_a_key_belongs_to_its_caller(ask_own: Ask) -> None:
    first = await submit(ask_own, given(forecast([303]), key="shared"))
    other = await submit(ask_own, given(forecast([304]), key="shared"), party="SALES")
    assert (first["userErrors"], other["userErrors"]) == ([], [])


async def test_what_changes_nothing_writes_no_commit(ask_own: Ask) -> None:
    first = await submit(ask_own, given(forecast([401]), key="same-1"))
    second = await submit(ask_own, given(forecast([401]), key="same-2"))
    assert (second["changedSeries"], second["commit"]["id"]) == (0, first["commit"]["id"])


async def test_an_expected_head_lets_other_cells_pass_and_refuses_the_same(ask_own: Ask) -> None:
    seen = (await submit(ask_own, given(forecast([501]), key="head-1")))["commit"]["id"]
    await submit(ask_own, given(forecast([502]), key="head-2"))
    merged = await submit(ask_own, given(forecast([60], "2026-05-01"), key="head-3", expectedHead=seen))
    assert merged["userErrors"] == []
    values = await values_at(ask_own)
    assert (values["2026-03-01"], values["2026-05-01"]) == (502, 60)
    clash = await submit(ask_own, given(forecast([503]), key="head-4", expectedHead=seen))
    assert [error["code"] for error in clash["userErrors"]] == ["HEAD_MOVED"]
    assert (await values_at(ask_own))["2026-03-01"] == 502


async def test_submissions_at_once_lose_nothing(ask_own: Ask) -> None:
    """Twelve submissions of different buckets at the same time are all there afterwards."""
    months = [f"2026-{month:02d}-01" for month in range(1, 13)]
    payloads = await asyncio.gather(
        *(submit(ask_own, given(forecast([n + 1000.0], m), key=f"at-once-{n}")) for n, m in enumerate(months))
    )
    assert all(payload["userErrors"] == [] for payload in payloads)
    values = await values_at(ask_own)
    assert [values[month] for month in months] == [n + 1000.0 for n in range(12)]


async def test_submissions_of_one_cell_at_once_all_succeed(ask_own: Ask) -> None:
    payloads = await asyncio.gather(
        *(submit(ask_own, given(forecast([n + 2000.0]), key=f"one-cell-{n}")) for n in range(8))
    )
    assert all(payload["userErrors"] == [] for payload in payloads)
    assert (await values_at(ask_own))["2026-03-01"] in {n + 2000.0 for n in range(8)}


PROBLEMS = [
    (forecast([1], item="NO-ITEM"), "UNKNOWN_KEY", ["series", "0", "salesForecast", "item"]),
    (forecast([1], customer="WANDERWELT"), "UNKNOWN_KEY", ["series", "0", "salesForecast", "customer"]),
    (forecast([1], "2025-08-01"), "BUCKET_FROZEN", ["series", "0", "salesForecast", "values", "0"]),
    (forecast([1], "2026-03-02"), "BAD_VALUE", ["series", "0", "salesForecast", "start"]),
    (forecast([1], "2031-01-01"), "BAD_VALUE", ["series", "0", "salesForecast", "start"]),
    (forecast([1] * 99), "BAD_VALUE", ["series", "0", "salesForecast", "values"]),
    (forecast([]), "BAD_VALUE", ["series", "0", "salesForecast", "values"]),
    (forecast([5, -1]), "BAD_VALUE", ["series", "0", "salesForecast", "values", "1"]),
    (
        {"capacityAvailable": {"resource": "R-MACH", "start": "2026-03-01", "values": [1]}},
        "FORBIDDEN",
        ["series", "0", "capacityAvailable"],
    ),
]


@pytest.mark.parametrize(("series", "code", "field"), PROBLEMS)
async def test_a_problem_is_named_with_its_place(
    ask_own: Ask, series: dict[str, Any], code: str, field: list[str]
) -> None:
    """A customer of another region is no more there for this department than one that does not exist."""
    payload = await submit(ask_own, given(series, key=f"problem {code} {field}"))
    assert payload["commit"] is None
    assert [(e["code"], e["field"], e["row"]) for e in payload["userErrors"]] == [(code, field, 0)]
    assert all(error["message"] for error in payload["userErrors"])


async def test_every_problem_is_reported_and_nothing_is_written(ask_own: Ask) -> None:
    before = await values_at(ask_own)
    series = [forecast([999]), forecast([-1], item="A200"), forecast([1], "2025-08-01", item="NONE")]
    payload = await submit(ask_own, given(*series, key="many"))
    assert [(e["code"], e["row"]) for e in payload["userErrors"]] == [
        ("UNKNOWN_KEY", 2),
        ("BAD_VALUE", 1),
        ("BUCKET_FROZEN", 2),
    ]
    assert await values_at(ask_own) == before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"reason": "  "}, ["reason"]),
        ({"idempotencyKey": ""}, ["idempotencyKey"]),
        ({"series": []}, ["series"]),
    ],
)
async def test_what_every_submission_needs_is_required(
    ask_own: Ask, change: dict[str, Any], field: list[str]
) -> None:
    payload = await submit(ask_own, given(forecast([1]), **{"key": "needs"}) | {})
    variables = given(forecast([1]), key="needs-2")
    variables["input"] |= change
    payload = await submit(ask_own, variables)
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [("BAD_VALUE", field)]


async def test_a_series_twice_in_one_submission_is_refused(ask_own: Ask) -> None:
    payload = await submit(ask_own, given(forecast([1]), forecast([2], "2026-04-01"), key="doubled"))
    assert [(e["code"], e["row"]) for e in payload["userErrors"]] == [("BAD_VALUE", 1)]


async def test_an_unknown_branch_is_refused(ask_own: Ask) -> None:
    payload = await submit(ask_own, given(forecast([1]), key="nowhere", branch="nowhere"))
    assert [error["code"] for error in payload["userErrors"]] == ["NOT_FOUND"]


@pytest.mark.parametrize("role", ["procurement", "executive", "administrator"])
async def test_a_role_without_the_action_is_refused(ask_own: Ask, role: str) -> None:
    payload = await submit(ask_own, given(forecast([1]), key="no-role"), role)
    assert [error["code"] for error in payload["userErrors"]] == ["FORBIDDEN"]


SUBMISSIONS = {
    "sales": {"marketingUplift": {"item": "A100", "customer": "FJELLHUS"}},
    "operations": {"capacityAvailable": {"resource": "R-MACH"}},
    "finance": {"annualPlan": {"family": "ACCESS"}},
    "planner": {"consensusDemand": {"item": "A100", "site": "FJELLHUS-ST1", "customer": "FJELLHUS"}},
}


@pytest.mark.parametrize("role", SUBMISSIONS)
async def test_each_department_submits_its_own_measures(ask_own: Ask, role: str) -> None:
    ((measure, key),) = SUBMISSIONS[role].items()
    series = {measure: {**key, "start": "2026-03-01", "values": [11]}}
    payload = await submit(ask_own, given(series, key=f"own {role}"), role)
    assert (payload["userErrors"], payload["changedSeries"]) == ([], 1)
    for other in SUBMISSIONS:
        if measure not in grants_of(other).submits:
            refused = await submit(ask_own, given(series, key=f"not own {role}"), other)
            assert {error["code"] for error in refused["userErrors"]} == {"FORBIDDEN"}


async def test_a_plant_submits_for_its_own_site_alone(ask_own: Ask) -> None:
    def stock(site: str) -> dict[str, Any]:
        return {"openingStock": {"item": "G100", "site": site, "start": "2025-09-01", "values": [7]}}

    own = await submit(ask_own, given(stock("PLANT-S"), key="plant-1"), "operations", party="OPS-SOUTH")
    other = await submit(ask_own, given(stock("PLANT-N"), key="plant-2"), "operations", party="OPS-SOUTH")
    assert own["userErrors"] == []
    assert [error["code"] for error in other["userErrors"]] == ["NOT_GRANTED"]
    later = {"openingStock": {"item": "G100", "site": "PLANT-S", "start": "2025-09-08", "values": [7]}}
    frozen = await submit(ask_own, given(later, key="plant-3"), "operations", party="OPS-SOUTH")
    assert [error["code"] for error in frozen["userErrors"]] == ["BUCKET_FROZEN"]
