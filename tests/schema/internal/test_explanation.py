"""A figure of a published plan explained and pegged, as far as each role may read it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

Ask = Callable[..., Awaitable[Any]]

EXPLAIN = """query ($measure: MeasureName!, $key: SeriesKeyInput!, $start: Date!) { plan {
  explain(measure: $measure, key: $key, start: $start) {
    text verdict value wanted possible
    reasons { kind text resourceCode supplierCode start amount unit alone flip more less } } } }"""
MONEY = """query ($measure: MeasureName!, $key: SeriesKeyInput!, $start: Date!) { plan {
  explain(measure: $measure, key: $key, start: $start) { more less } } }"""
PEGGING = """query ($measure: MeasureName!, $key: SeriesKeyInput!, $start: Date!, $way: PegDirection) { plan {
  pegging(measure: $measure, key: $key, start: $start, direction: $way) {
    quantity pegs { parent depth kind item site partner into rank start landing quantity share }
    hours { peg resource start hours } } } }"""
SERIES = """query ($measure: MeasureName!) { plan { series(measure: $measure, first: 100) {
  periods { start } nodes { itemCode siteCode customerCode supplierCode resourceCode values } } } }"""
CODES = {"itemCode": "item", "siteCode": "site", "customerCode": "customer",
         "supplierCode": "supplier", "resourceCode": "resource"}  # fmt: skip


async def largest(ask: Ask, measure: str) -> dict[str, Any]:
    """Return the variables that name the largest figure of a measure."""
    series = (await ask("planner", SERIES, {"measure": measure})).data["plan"]["series"]
    cells = [
        (value, place, node)
        for node in series["nodes"]
        for place, value in enumerate(node["values"])
        if value is not None
    ]
    value, place, node = max(cells, key=lambda cell: cell[0])
    key = {name: node[field] for field, name in CODES.items() if node[field] is not None}
    return {"measure": measure, "key": key, "start": series["periods"][place]["start"], "value": value}


def variables(found: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {name: found[name] for name in ("measure", "key", "start")} | more


LONG = [pytest.param(name, marks=pytest.mark.slow) for name in ("productionPlan", "projectedBalance")]


@pytest.mark.parametrize("measure", ["utilization", "purchaseProjection", *LONG])
async def test_a_figure_is_explained(ask_planned: Ask, measure: str) -> None:
    found = await largest(ask_planned, measure)
    (first, *_) = (await ask_planned("planner", EXPLAIN, variables(found))).data["plan"]["explain"]
    assert first["verdict"] in {"met", "late", "early", "limited", "held", "missing", "built_ahead", "free"}
    assert first["text"]
    assert all(reason["more"] is None and reason["less"] is None for reason in first["reasons"])


async def test_money_goes_to_finance_alone(ask_planned: Ask) -> None:
    found = variables(await largest(ask_planned, "utilization"))
    cells = (await ask_planned("finance", MONEY, found)).data["plan"]["explain"]
    assert all(cell["more"] is None or isinstance(cell["more"], float) for cell in cells)
    refused = await ask_planned("operations", MONEY, found)
    assert set(refused.codes) == {"NOT_GRANTED"}
    assert all(cell == {"more": None, "less": None} for cell in refused.body["data"]["plan"]["explain"])


@pytest.mark.parametrize("role", ["sales", "procurement", "administrator"])
async def test_who_reads_no_limits_gets_no_explanation(ask_planned: Ask, role: str) -> None:
    found = variables(await largest(ask_planned, "utilization"))
    refused = await ask_planned(role, EXPLAIN, found)
    assert (refused.body["data"]["plan"]["explain"], refused.codes) == (None, ["NOT_GRANTED"])


async def test_a_purchase_is_pegged_up_and_a_delivery_down(ask_planned: Ask) -> None:
    found = await largest(ask_planned, "purchaseProjection")
    up = (await ask_planned("planner", PEGGING, variables(found, way="UP"))).data["plan"]["pegging"]
    assert up["quantity"] == pytest.approx(found["value"])
    ends = [peg for peg in up["pegs"] if peg["kind"] in {"delivery", "safety", "stock", "beyond"}]
    assert sum(peg["share"] for peg in ends) == pytest.approx(found["value"])
    found = await largest(ask_planned, "constrainedDemand")
    down = (await ask_planned("planner", PEGGING, variables(found))).data["plan"]["pegging"]
    assert down["quantity"] == pytest.approx(found["value"])
    roots = [peg for peg in down["pegs"] if peg["parent"] is None]
    assert sum(peg["share"] for peg in roots) == pytest.approx(found["value"])
    without = (await ask_planned("procurement", PEGGING, variables(found))).data["plan"]["pegging"]
    assert without == {**down, "hours": None}
    refused = await ask_planned("finance", PEGGING, variables(found))
    assert (refused.body["data"]["plan"]["pegging"], refused.codes) == (None, ["NOT_GRANTED"])


async def test_what_cannot_be_explained_is_said(ask_planned: Ask) -> None:
    found = variables(await largest(ask_planned, "utilization"))
    for wrong, code in (
        ({"key": {"item": "NONE"}}, "GRAIN_MISMATCH"),
        ({"key": {"resource": "NONE"}}, "NOT_FOUND"),
        ({"start": "1999-01-01"}, "BAD_VALUE"),
        ({"measure": "capacityAvailable"}, "BAD_VALUE"),
    ):
        assert (await ask_planned("planner", EXPLAIN, found | wrong)).codes == [code]
    inputs = EXPLAIN.replace("{ plan {", '{ plan(at: {branch: "main"}) {')
    assert (await ask_planned("planner", inputs, found)).codes == ["CONFLICT"]
