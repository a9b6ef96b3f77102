"""The waterfall through the endpoint: a published plan's value, its lag, and who reads it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

Ask = Callable[..., Awaitable[Any]]

SERIES = """{ plan(at: { version: "first" }) { planDate series(measure: netDemand, first: 1) {
  periods { start end } nodes { itemCode siteCode customerCode values } } } }"""
WATERFALL = """query ($measure: MeasureName!, $key: SeriesKeyInput!, $start: Date!, $lag: Int) {
  waterfall(measure: $measure, key: $key, start: $start, lag: $lag) {
    version planDate start end value lag } }"""


async def test_a_published_plan_is_a_step_of_the_waterfall(ask_planned: Ask) -> None:
    plan = (await ask_planned("planner", SERIES)).data["plan"]
    (node,) = plan["series"]["nodes"]
    place = next(i for i, value in reversed(list(enumerate(node["values"]))) if value is not None)
    period = plan["series"]["periods"][place]
    key = {"item": node["itemCode"], "site": node["siteCode"], "customer": node["customerCode"]}
    asked = {"measure": "netDemand", "key": key, "start": period["start"]}
    (step,) = (await ask_planned("planner", WATERFALL, asked)).data["waterfall"]
    year, month = (int(part) for part in period["start"].split("-")[:2])
    made_year, made_month = (int(part) for part in plan["planDate"].split("-")[:2])
    lag = 12 * (year - made_year) + month - made_month
    assert step == {
        "version": "first",
        "planDate": plan["planDate"],
        **period,
        "value": node["values"][place],
        "lag": lag,
    }
    same = (await ask_planned("planner", WATERFALL, {**asked, "lag": lag})).data["waterfall"]
    none = (await ask_planned("planner", WATERFALL, {**asked, "lag": lag + 1})).data["waterfall"]
    assert (same, none) == ([step], [])
    assert (await ask_planned("planner", WATERFALL, {**asked, "lag": -1})).codes == ["BAD_VALUE"]
    refused = await ask_planned("planner", WATERFALL, {**asked, "key": {"item": key["item"]}})
    assert refused.codes == ["GRAIN_MISMATCH"]


async def test_a_measure_that_the_role_does_not_read_has_no_waterfall(ask_planned: Ask) -> None:
    asked = {"measure": "annualPlan", "key": {"family": "ACCESS"}, "start": "2026-03-01"}
    assert (await ask_planned("planner", WATERFALL, asked)).codes == ["NOT_GRANTED"]
    assert (await ask_planned("administrator", WATERFALL, asked)).codes == ["NOT_GRANTED"]
    assert (await ask_planned("finance", WATERFALL, asked)).codes == []
