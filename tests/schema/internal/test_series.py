"""Series of a plan: values as imported, filters, levels under the measure's rule, pages, grants."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from app.access import grants_of
from app.vocabulary import MEASURES
from tests.schema.internal.conftest import PARTIES

Ask = Callable[..., Awaitable[Any]]
COMPANY = Path(str(files("app.demo") / "company"))


def read(name: str) -> list[dict[str, str]]:
    """Return the rows of a file of the demonstration company."""
    with (COMPANY / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


FORECAST = read("series/salesForecast.csv")
REGION = {row["customer"]: row["region"] for row in read("customer.csv")}
FAMILY = {row["item"]: row["family"] for row in read("item.csv")}


def series(arguments: str, fields: str = "itemCode customerCode values") -> str:
    """Return a query of one measure's series."""
    return f"""{{ plan {{ series({arguments}) {{ measure unit periods {{ ordinal start end days }}
      nodes {{ {fields} }} pageInfo {{ hasNextPage endCursor }} }} }} }}"""


def total(node: dict[str, Any]) -> float:
    """Return the sum of the values that are there."""
    return sum(value for value in node["values"] if value is not None)


async def test_values_stand_at_their_buckets(ask: Ask) -> None:
    query = series('measure: salesForecast, filter: {items: ["A100"], customers: ["ALPENSPORT"]}')
    page = (await ask("planner", query)).data["plan"]["series"]
    assert (page["measure"], page["unit"], len(page["nodes"])) == ("salesForecast", "UoM", 1)
    node = page["nodes"][0]
    stated = [r for r in FORECAST if (r["item"], r["customer"]) == ("A100", "ALPENSPORT")]
    assert len(node["values"]) == len(page["periods"])
    by_start = {p["start"]: value for p, value in zip(page["periods"], node["values"], strict=True)}
    monthly = {f"{r['start']}-01": float(r["value"]) for r in stated if r["start"] > "2025-12"}
    assert monthly
    assert {start: by_start[start] for start in monthly} == monthly
    assert by_start["2025-08-01"] is None


@pytest.mark.parametrize(
    ("filter_", "keep"),
    [
        ('regions: ["NORTH"]', lambda row: REGION[row["customer"]] == "NORTH"),
        ('families: ["ACCESS"]', lambda row: FAMILY[row["item"]] == "ACCESS"),
        ('items: ["A100", "A200"]', lambda row: row["item"] in {"A100", "A200"}),
        (
            'regions: ["NORTH"], customers: ["FJELLHUS", "ALPENSPORT"]',
            lambda row: row["customer"] == "FJELLHUS",
        ),
        ('regions: ["NOWHERE"]', lambda row: False),
        ("items: []", lambda row: False),
        ('suppliers: ["V-TRAMONT"]', lambda row: False),
    ],
)
async def test_filters_keep_the_series_that_they_name(
    ask: Ask, filter_: str, keep: Callable[[dict[str, str]], bool]
) -> None:
    query = series(f"measure: salesForecast, filter: {{{filter_}}}, first: 1000")
    nodes = (await ask("planner", query)).data["plan"]["series"]["nodes"]
    wanted = {(row["item"], row["customer"]) for row in FORECAST if keep(row)}
    assert {(node["itemCode"], node["customerCode"]) for node in nodes} == wanted


@pytest.mark.parametrize(
    ("levels", "label", "fields"),
    [
        ("[]", lambda row: (), []),
        ("[REGION]", lambda row: (REGION[row["customer"]],), ["regionCode"]),
        (
            "[FAMILY, CUSTOMER]",
            lambda row: (FAMILY[row["item"]], row["customer"]),
            ["familyCode", "customerCode"],
        ),
    ],
)
@pytest.mark.parametrize("per", ["BUCKET", "MONTH", "QUARTER", "YEAR", "TOTAL"])
async def test_a_quantity_adds_up_over_levels_and_periods(
    ask: Ask, levels: str, label: Callable[[dict[str, str]], tuple[str, ...]], fields: list[str], per: str
) -> None:
    query = series(
        f"measure: salesForecast, groupBy: {levels}, per: {per}, first: 1000", " ".join([*fields, "values"])
    )
    page = (await ask("planner", query)).data["plan"]["series"]
    wanted: dict[tuple[str, ...], float] = defaultdict(float)
    for row in FORECAST:
        wanted[label(row)] += float(row["value"])
    found = {tuple(node[field] for field in fields): total(node) for node in page["nodes"]}
    assert found == pytest.approx(dict(wanted))
    assert len(page["periods"]) == {"BUCKET": 52, "MONTH": 42, "QUARTER": 15, "YEAR": 5, "TOTAL": 1}[per]


async def test_pages_of_series_join_to_all_of_them(ask: Ask) -> None:
    """By key and by level, a page resumes where the one before it ended."""
    for group in ("", ", groupBy: [ITEM, CUSTOMER]"):
        query = (
            f"query ($after: String) {series(f'measure: salesForecast, first: 100, after: $after{group}')}"
        )
        keys: list[tuple[str, str]] = []
        after, more = None, True
        while more:
            page = (await ask("planner", query, {"after": after})).data["plan"]["series"]
            keys += [(node["itemCode"], node["customerCode"]) for node in page["nodes"]]
            after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        assert len(keys) == len(set(keys))
        assert set(keys) == {(row["item"], row["customer"]) for row in FORECAST}


async def test_a_cursor_of_groups_is_none_of_series(ask: Ask) -> None:
    query = "query ($after: String) " + series(
        "measure: salesForecast, first: 1, after: $after GROUP", "values"
    )
    for one, other in (("", ", groupBy: [REGION]"), (", groupBy: [REGION]", "")):
        page = (await ask("planner", query.replace("GROUP", one))).data["plan"]["series"]
        after = {"after": page["pageInfo"]["endCursor"]}
        assert (await ask("planner", query.replace("GROUP", other), after)).codes == ["BAD_ID"]


async def test_a_refused_field_leaves_the_others_alone(ask: Ask) -> None:
    query = """{ plan { no: series(measure: unitCost) { measure } wrong: series(measure: salesForecast,
      groupBy: [SITE]) { measure } yes: series(measure: salesForecast, first: 1) { measure } } }"""
    answer = await ask("sales", query)
    assert answer.body["data"]["plan"] == {"no": None, "wrong": None, "yes": {"measure": "salesForecast"}}
    assert sorted(answer.codes) == ["GROUPING_UNDEFINED", "NOT_GRANTED"]


async def test_records_behind_the_key_come_with_the_series(ask: Ask) -> None:
    fields = "itemCode item { name family { code } } customerCode customer { region { code } }"
    nodes = (await ask("planner", series("measure: salesForecast, first: 50", fields))).data["plan"][
        "series"
    ]["nodes"]
    assert len(nodes) == 50
    for node in nodes:
        assert node["item"]["family"]["code"] == FAMILY[node["itemCode"]]
        assert node["customer"]["region"]["code"] == REGION[node["customerCode"]]


async def test_a_level_that_the_measure_is_not_kept_by_is_refused(ask: Ask) -> None:
    answer = await ask("planner", series("measure: salesForecast, groupBy: [SUPPLIER]", "values"))
    assert answer.codes == ["GROUPING_UNDEFINED"]
    assert "item, customer" in answer.body["errors"][0]["message"]


async def test_unlike_units_are_not_added_up(ask: Ask) -> None:
    mixed = await ask("planner", series("measure: openingStock, groupBy: [SITE]", "values"))
    assert mixed.codes == ["GROUPING_UNDEFINED"]
    assert "cannot be added up" in mixed.body["errors"][0]["message"]
    for one_unit in ("groupBy: [SITE, ITEM]", 'groupBy: [SITE], filter: { items: ["G100", "G120"] }'):
        assert (await ask("planner", series(f"measure: openingStock, {one_unit}", "values"))).codes == []


async def test_a_quotient_without_a_denominator_is_refused(ask: Ask) -> None:
    answer = await ask("planner", series("measure: daysOfSupply, groupBy: [SITE]", "values"))
    assert answer.codes == ["GROUPING_UNDEFINED"]


@pytest.mark.parametrize("role", PARTIES)
async def test_each_role_reads_exactly_the_measures_granted(ask: Ask, role: str) -> None:
    fields = "\n".join(f"{name}: series(measure: {name}, first: 1) {{ measure }}" for name in MEASURES)
    answer = await ask(role, f"{{ plan {{ {fields} }} }}")
    granted = {name for name in MEASURES if grants_of(role).reads(name)}
    assert {name for name, page in answer.body["data"]["plan"].items() if page is not None} == granted
    assert answer.codes == ["NOT_GRANTED"] * (len(MEASURES) - len(granted))


async def test_sales_sees_its_regions_alone(ask: Ask) -> None:
    query = series(
        "measure: salesForecast, groupBy: [REGION, CUSTOMER], per: TOTAL", "regionCode customerCode values"
    )
    north = (await ask("sales", query, party="SALES-NORTH")).data["plan"]["series"]["nodes"]
    everyone = (await ask("sales", query, party="SALES")).data["plan"]["series"]["nodes"]
    assert {node["regionCode"] for node in north} == {"NORTH"}
    assert {node["regionCode"] for node in everyone} == {"NORTH", "CENTRAL", "SOUTH"}
    assert [node for node in everyone if node["regionCode"] == "NORTH"] == north
    other = series('measure: salesForecast, filter: {regions: ["SOUTH"]}')
    assert (await ask("sales", other, party="SALES-NORTH")).data["plan"]["series"]["nodes"] == []
