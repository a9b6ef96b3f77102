"""`unit:` on series: quantities by conversions, prices per unit, worth by prices, and what is refused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.schema.internal.test_series import FAMILY, FORECAST, read, series, total

Ask = Callable[..., Awaitable[Any]]
WEIGHT = {row["item"]: float(row["factor"]) for row in read("unit_conversion.csv") if row["to_unit"] == "KG"}


async def page(ask: Ask, role: str, query: str) -> dict[str, Any]:
    found: dict[str, Any] = (await ask(role, query)).data["plan"]["series"]
    return found


async def test_quantities_are_told_in_kilograms_before_they_are_added_up(ask: Ask) -> None:
    query = series('measure: salesForecast, groupBy: [FAMILY], per: TOTAL, unit: "KG"', "familyCode values")
    found = await page(ask, "planner", query)
    wanted: dict[str, float] = defaultdict(float)
    for row in FORECAST:
        wanted[FAMILY[row["item"]]] += float(row["value"]) * WEIGHT[row["item"]]
    assert found["unit"] == "KG"
    assert {node["familyCode"]: total(node) for node in found["nodes"]} == pytest.approx(dict(wanted))


@pytest.mark.parametrize(("unit", "size"), [("CTN", 12), ("PAL", 480), ("EA", 1)])
async def test_a_series_by_itself_is_converted_too(ask: Ask, unit: str, size: int) -> None:
    plain = 'measure: salesForecast, filter: {items: ["A100"], customers: ["ALPENSPORT"]}'
    pieces = (await page(ask, "planner", series(plain)))["nodes"][0]
    packed = (await page(ask, "planner", series(f'{plain}, unit: "{unit}"')))["nodes"][0]
    for one, other in zip(pieces["values"], packed["values"], strict=True):
        assert other == (None if one is None else pytest.approx(one / size))


async def test_with_a_unit_unlike_items_are_added_up(ask: Ask) -> None:
    filter_ = 'filter: { items: ["BRASS", "G100"] }'
    mixed = series(f"measure: openingStock, groupBy: [SITE], {filter_}", "siteCode values")
    assert (await ask("planner", mixed)).codes == ["GROUPING_UNDEFINED"]
    weighed = series(f'measure: openingStock, groupBy: [SITE], {filter_}, unit: "KG"', "siteCode values")
    nodes = {node["siteCode"]: total(node) for node in (await page(ask, "planner", weighed))["nodes"]}
    stock: dict[str, float] = defaultdict(float)
    for row in read("series/openingStock.csv"):
        if row["item"] in ("BRASS", "G100"):
            stock[row["site"]] += float(row["value"]) * WEIGHT.get(row["item"], 1.0)
    assert nodes == pytest.approx(dict(stock))


async def test_converting_and_adding_up_may_change_places(ask: Ask) -> None:
    """Cartons hold 12 pieces of everything, so adding up first gives the same."""
    for how in ("groupBy: [FAMILY], per: MONTH, divide: WORKING_TIME", 'levels: ["category"], per: YEAR'):
        pieces = await page(ask, "planner", series(f"measure: salesForecast, {how}", "values"))
        cartons = await page(ask, "planner", series(f'measure: salesForecast, {how}, unit: "CTN"', "values"))
        for one, other in zip(pieces["nodes"], cartons["nodes"], strict=True):
            assert [v and v * 12 for v in other["values"]] == pytest.approx(one["values"])


@pytest.mark.parametrize(
    ("role", "query", "code"),
    [
        ("planner", 'measure: openingStock, unit: "KG"', "UNIT_UNDEFINED"),
        ("planner", 'measure: salesForecast, unit: "TONNE"', "UNKNOWN_KEY"),
        ("planner", 'measure: salesForecast, unit: ""', "UNKNOWN_KEY"),
        ("planner", 'measure: salesForecast, unit: "EUR"', "NOT_GRANTED"),
        ("finance", 'measure: annualPlan, unit: "KG"', "UNIT_UNDEFINED"),
        ("finance", 'measure: openingStock, unit: "GBP"', "UNKNOWN_KEY"),
    ],
)
async def test_what_is_not_known_is_refused(ask: Ask, role: str, query: str, code: str) -> None:
    answer = await ask(role, series(query, "values"))
    assert answer.codes == [code]


async def test_money_is_told_in_a_currency_with_a_rate(ask: Ask) -> None:
    euros = await page(ask, "finance", series("measure: annualPlan, groupBy: [], per: TOTAL", "values"))
    dollars = series('measure: annualPlan, groupBy: [], per: TOTAL, unit: "USD"', "values")
    found = await page(ask, "finance", dollars)
    assert found["unit"] == "USD"
    assert total(found["nodes"][0]) == pytest.approx(total(euros["nodes"][0]) / 0.92)


async def test_what_is_delivered_is_worth_the_revenue(ask_planned: Ask) -> None:
    """Deliveries at selling prices are the plan's revenue, family by family and month by month."""
    how = "groupBy: [FAMILY], per: MONTH"
    worth = series(f'measure: constrainedDemand, {how}, unit: "EUR"', "familyCode values")
    revenue = series(f"measure: revenue, {how}", "familyCode values")
    for role in ("finance", "sales"):
        found = {n["familyCode"]: n["values"] for n in (await page(ask_planned, role, worth))["nodes"]}
        stated = {n["familyCode"]: n["values"] for n in (await page(ask_planned, role, revenue))["nodes"]}
        assert found.keys() == stated.keys()
        for family, values in stated.items():
            for one, other in zip(found[family], values, strict=True):
                assert (one or 0.0) == pytest.approx(other or 0.0, rel=1e-6, abs=1e-6)


async def test_stock_is_worth_its_standard_cost(ask_planned: Ask) -> None:
    how = "groupBy: [SITE], per: TOTAL"
    worth = series(f'measure: projectedBalance, {how}, unit: "EUR"', "siteCode values")
    value = series(f"measure: inventoryValue, {how}", "siteCode values")
    found = {n["siteCode"]: n["values"][0] for n in (await page(ask_planned, "finance", worth))["nodes"]}
    stated = {n["siteCode"]: n["values"][0] for n in (await page(ask_planned, "finance", value))["nodes"]}
    assert found == pytest.approx(stated, rel=1e-6)


async def test_prices_are_told_per_carton(ask_planned: Ask) -> None:
    plain = "measure: sellingPrice, groupBy: [CHANNEL], per: TOTAL"
    piece = await page(ask_planned, "finance", series(plain, "channel values"))
    carton = await page(ask_planned, "finance", series(f'{plain}, unit: "CTN"', "channel values"))
    assert carton["unit"] == "currency/CTN"
    for one, other in zip(piece["nodes"], carton["nodes"], strict=True):
        assert other["values"][0] == pytest.approx(one["values"][0] * 12)


async def test_a_share_is_weighed_in_the_unit(ask_planned: Ask) -> None:
    """Service by weight is another figure than service by pieces; within one item it is the same."""
    how = "measure: serviceLevel, per: TOTAL, groupBy: [GROUP]"
    for group, same in (("ITEM", True), ("FAMILY", False)):
        plain = series(how.replace("GROUP", group), "values")
        weighed = series(how.replace("GROUP", group) + ', unit: "KG"', "values")
        pieces = await page(ask_planned, "planner", plain)
        weight = await page(ask_planned, "planner", weighed)
        assert (pieces["unit"], weight["unit"]) == ("%", "%")
        found = [node["values"][0] for node in weight["nodes"]]
        assert (found == pytest.approx([node["values"][0] for node in pieces["nodes"]])) is same
