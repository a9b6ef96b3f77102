"""Levels, working time and hierarchies through the graph, against the demonstration company's own files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.schema.internal.test_series import FAMILY, FORECAST, REGION, read, series, total

Ask = Callable[..., Awaitable[Any]]
CATEGORY = {row["family"]: row["parent"] or row["family"] for row in read("family.csv")}
ACTUAL = read("series/actualDemand.csv")


def group(node: dict[str, Any]) -> str | None:
    """Return the code of a node's only named level."""
    (found,) = node["groups"]
    return found["code"]  # type: ignore[no-any-return]  # JSON


async def test_figures_are_grouped_by_a_named_level(ask: Ask) -> None:
    query = series('measure: salesForecast, levels: ["category"], per: TOTAL', "groups { level code } values")
    nodes = (await ask("planner", query)).data["plan"]["series"]["nodes"]
    wanted: dict[str, float] = defaultdict(float)
    for row in FORECAST:
        wanted[CATEGORY[FAMILY[row["item"]]]] += float(row["value"])
    assert {group(node): total(node) for node in nodes} == pytest.approx(dict(wanted))


async def test_a_family_s_own_series_are_grouped_by_the_levels_above_it(ask: Ask) -> None:
    query = series('measure: annualPlan, levels: ["category"], per: TOTAL', "groups { code } values")
    nodes = (await ask("finance", query)).data["plan"]["series"]["nodes"]
    wanted: dict[str, float] = defaultdict(float)
    for row in read("series/annualPlan.csv"):
        wanted[CATEGORY[row["family"]]] += float(row["value"])
    assert {group(node): total(node) for node in nodes} == pytest.approx(dict(wanted))


@pytest.mark.parametrize(
    ("level", "code"), [("country", "GROUPING_UNDEFINED"), ("galaxy", "UNKNOWN_KEY"), ("", "UNKNOWN_KEY")]
)
async def test_a_level_that_is_none_of_the_measure_s_is_refused(ask: Ask, level: str, code: str) -> None:
    answer = await ask("planner", series(f'measure: salesForecast, levels: ["{level}"]', "values"))
    assert answer.codes == [code]


async def test_levels_and_dimensions_go_together(ask: Ask) -> None:
    query = series(
        'measure: actualDemand, groupBy: [REGION], levels: ["category", "zone"], per: TOTAL, first: 1000',
        "regionCode groups { level code } values",
    )
    nodes = (await ask("planner", query)).data["plan"]["series"]["nodes"]
    assert {node["regionCode"] for node in nodes} == {"NORTH", "CENTRAL", "SOUTH"}
    assert all([one["level"] for one in node["groups"]] == ["category", "zone"] for node in nodes)
    assert sum(map(total, nodes)) == pytest.approx(sum(float(row["value"]) for row in ACTUAL))


async def test_history_stands_under_today_s_groups_unless_asked_otherwise(ask: Ask) -> None:
    """POLARNET was in CENTRAL until 2024; A200 was cookware until July 2024."""
    found = {}
    for structure in ("PLAN_DATE", "BUCKET"):
        query = series(
            f"measure: actualDemand, groupBy: [REGION], structure: {structure}, per: YEAR",
            "regionCode values",
        )
        nodes = (await ask("planner", query)).data["plan"]["series"]["nodes"]
        found[structure] = {node["regionCode"]: node["values"][0] for node in nodes}
    moved = sum(
        float(row["value"]) for row in ACTUAL if row["customer"] == "POLARNET" and row["start"] < "2024"
    )
    assert moved > 0
    assert found["PLAN_DATE"]["NORTH"] - found["BUCKET"]["NORTH"] == pytest.approx(moved)
    assert found["BUCKET"]["CENTRAL"] - found["PLAN_DATE"]["CENTRAL"] == pytest.approx(moved)


async def test_a_group_that_moves_takes_its_figures_along(ask: Ask) -> None:
    """Until 2025 cooking systems stood below stoves, and below kitchen since."""
    query = series(
        'measure: actualDemand, levels: ["category"], structure: BUCKET, per: YEAR', "groups { code } values"
    )
    nodes = (await ask("planner", query)).data["plan"]["series"]["nodes"]
    kitchen = next(node["values"] for node in nodes if group(node) == "KITCHEN")
    years: dict[str, float] = defaultdict(float)
    for row in ACTUAL:
        family = FAMILY[row["item"]]
        family = "COOK" if row["item"] == "A200" and row["start"] < "2024-07" else family
        if family == "COOK" or (family == "SYSTEM" and row["start"] >= "2025"):
            years[row["start"][:4]] += float(row["value"])
    assert kitchen[:3] == pytest.approx([years["2023"], years["2024"], years["2025"]])


async def test_moving_changes_no_total(ask: Ask) -> None:
    totals = set()
    for structure in ("PLAN_DATE", "BUCKET"):
        query = series(
            f'measure: actualDemand, levels: ["category", "market"], structure: {structure}, per: TOTAL',
            "values",
        )
        totals.add(round(sum(map(total, (await ask("planner", query)).data["plan"]["series"]["nodes"])), 6))
    assert len(totals) == 1


async def test_figures_are_shared_out_to_weeks_and_months_by_working_time(ask: Ask) -> None:
    for per in ("WEEK", "MONTH", "QUARTER"):
        query = series(f"measure: salesForecast, groupBy: [], per: {per}, divide: WORKING_TIME", "values")
        page = (await ask("planner", query)).data["plan"]["series"]
        assert total(page["nodes"][0]) == pytest.approx(sum(float(row["value"]) for row in FORECAST))
        days = {period["days"] for period in page["periods"][1:-1]}
        assert days <= {"WEEK": {7}, "MONTH": {28, 29, 30, 31}, "QUARTER": {90, 91, 92}}[per]


async def test_a_sum_over_a_part_of_the_measure_says_so(ask: Ask) -> None:
    asked = {
        "all": "groupBy: []",
        "family": "groupBy: [FAMILY]",
        "region": "groupBy: [REGION]",
        "customer": "groupBy: [CUSTOMER, FAMILY]",
        "then": "groupBy: [REGION], structure: BUCKET",
        "market": 'levels: ["market"]',
        "each": "first: 1",
    }
    fields = [f"{name}: series(measure: salesForecast, {how}) {{ partial }}" for name, how in asked.items()]
    query = f"{{ plan {{ {' '.join(fields)} }} }}"
    own = (await ask("sales", query, party="SALES-NORTH")).data["plan"]
    assert {name for name, page in own.items() if page["partial"]} == {"all", "family", "then", "market"}
    for role, party in (("sales", "SALES"), ("planner", None)):
        everything = (await ask(role, query, party=party)).data["plan"]
        assert not any(page["partial"] for page in everything.values())


HIERARCHIES = """query ($on: Date) { hierarchies(on: $on) { name dimension levels { code position }
  groups(first: 100) { nodes { code level parent } } members(first: 100) { nodes { code groups } } } }"""


async def test_hierarchies_show_levels_groups_and_members(ask: Ask) -> None:
    found = {one["name"]: one for one in (await ask("planner", HIERARCHIES)).data["hierarchies"]}
    assert {name: one["dimension"] for name, one in found.items()} == {
        "family": "item",
        "region": "customer",
        "channel": "customer",
        "area": "site",
        "supplier_group": "supplier",
    }
    assert [one["code"] for one in found["family"]["levels"]] == ["family", "category"]
    groups = {one["code"]: one for one in found["family"]["groups"]["nodes"]}
    assert (groups["SYSTEM"]["parent"], groups["SYSTEM"]["level"]) == ("KITCHEN", "family")
    members = {one["code"]: one["groups"] for one in found["region"]["members"]["nodes"]}
    assert members == {code: [region, "EUROPE"] for code, region in REGION.items()}
    then = (await ask("planner", HIERARCHIES, {"on": "2023-12-31"})).data["hierarchies"]
    before = {one["name"]: one for one in then}
    moved = {one["code"]: one["groups"] for one in before["region"]["members"]["nodes"]}
    assert {code for code in members if members[code] != moved[code]} == {"POLARNET"}
    assert {one["code"]: one["parent"] for one in before["family"]["groups"]["nodes"]}["SYSTEM"] == "STOVES"


async def test_sales_sees_the_members_of_its_regions_alone(ask: Ask) -> None:
    found = (await ask("sales", HIERARCHIES, party="SALES-NORTH")).data["hierarchies"]
    members = {one["name"]: [m["code"] for m in one["members"]["nodes"]] for one in found}
    assert set(members["region"]) == {code for code, region in REGION.items() if region == "NORTH"}
    assert not [code for code in members["area"] if code.startswith("SIERRA")]
    rows = "{ customerMemberships { nodes { customerCode } } }"
    own = (await ask("sales", rows, party="SALES-NORTH")).data["customerMemberships"]["nodes"]
    assert [row["customerCode"] for row in own] == ["POLARNET"]


async def test_who_reads_no_levels_is_told_so(ask: Ask) -> None:
    answer = await ask("administrator", "{ hierarchies { name } }")
    assert (answer.body["data"], answer.codes) == ({"hierarchies": None}, ["NOT_GRANTED"])


async def test_a_summary_of_a_part_says_so(ask: Ask) -> None:
    query = "{ plan { summary(per: TOTAL) { partial } } }"
    asked = {"SALES-NORTH": ("sales", True), "SALES": ("sales", False), "FINANCE": ("finance", False)}
    for party, (role, partial) in asked.items():
        summary = (await ask(role, query, party=party)).data["plan"]["summary"]
        assert summary == {"partial": partial}
