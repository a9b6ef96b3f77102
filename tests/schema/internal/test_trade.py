"""Frontier, prices, attribution and scenarios side by side, in the internal graph."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest

Ask = Callable[..., Awaitable[Any]]

FRONTIER = """query ($first: String!, $second: String!) { plan {
  frontier(first: $first, second: $second) { first second gap points { first second rate } } } }"""
PRICES = "{ plan { prices { name value more less } } }"
ATTRIBUTION = """{ compare(base: {version: "first"}, target: {version: "first"}) {
  attribution { total base target parts { group part } } } }"""
SCENARIOS = """query ($branches: [String!]!) { reconciledPlans(branches: $branches, rule: WEIGHTED) {
  branch plan { branch reconciliation { status outcomes { stakeholder concession } } } run { state } } }"""


@pytest.mark.slow
async def test_the_frontier_falls_from_one_optimum_to_the_other(ask_planned: Ask) -> None:
    asked = {"first": "sales", "second": "operations"}
    found = (await ask_planned("finance", FRONTIER, asked)).data["plan"]["frontier"]
    points = found["points"]
    assert (found["first"], found["second"]) == ("sales", "operations")
    assert points[-1]["rate"] is None
    for left, right in pairwise(points):
        assert left["first"] >= right["first"]
        assert left["second"] <= right["second"]
    wrong = await ask_planned("finance", FRONTIER, {"first": "sales", "second": "sales"})
    assert wrong.codes == ["BAD_VALUE"]


async def test_prices_are_named(ask_planned: Ask) -> None:
    found = (await ask_planned("executive", PRICES)).data["plan"]["prices"]
    assert {"service", "stock"} <= {one["name"] for one in found}
    assert all((one["more"] or 0) >= -1e-3 for one in found)


async def test_a_plan_differs_from_itself_by_nothing(ask_planned: Ask) -> None:
    found = (await ask_planned("finance", ATTRIBUTION)).data["compare"]["attribution"]
    assert {"margin", "revenue", "backlog"} <= {one["total"] for one in found}
    for one in found:
        assert one["base"] == one["target"]
        assert {part["group"] for part in one["parts"]} == {
            "demand", "capacity", "cost", "price", "supply", "rules"
        }  # fmt: skip
        assert all(part["part"] == 0 for part in one["parts"])


@pytest.mark.parametrize("role", ["sales", "operations", "procurement", "planner"])
async def test_who_reads_no_payoffs_gets_none_of_it(ask_planned: Ask, role: str) -> None:
    asked = {"first": "sales", "second": "operations"}
    for query, variables in ((FRONTIER, asked), (PRICES, None), (ATTRIBUTION, None)):
        assert (await ask_planned(role, query, variables)).codes == ["NOT_GRANTED"]


async def test_scenarios_come_side_by_side(ask_planned: Ask) -> None:
    (main,) = (await ask_planned("planner", SCENARIOS, {"branches": ["main"]})).data["reconciledPlans"]
    assert main["branch"] == "main"
    assert main["plan"]["reconciliation"]["status"] == "optimal"
    assert (await ask_planned("planner", SCENARIOS, {"branches": ["main"] * 11})).codes == ["LIMIT_EXCEEDED"]
    assert (await ask_planned("planner", SCENARIOS, {"branches": ["nowhere"]})).codes == ["NOT_FOUND"]
