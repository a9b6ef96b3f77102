"""`seriesSpread`: an edit at a level reads back as it was made; what stands in the way is said."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.schema.internal.test_series import FAMILY, REGION, read

Ask = Callable[..., Awaitable[Any]]
NUMBERS = itertools.count(1)
SPREAD = """mutation ($input: SeriesSpreadInput!) { seriesSpread(input: $input) {
  commit { id branch author } changedSeries userErrors { code message field row } } }"""


@pytest.fixture
async def scenario(ask_own: Ask) -> str:
    """A branch of its own for each test."""
    name = f"edit/{next(NUMBERS)}"
    source = f'name: "{name}", source: {{branch: "main"}}'
    made = f"mutation {{ scenarioCreate(input: {{{source}}}) {{ userErrors {{ code }} }} }}"
    assert (await ask_own("planner", made)).data["scenarioCreate"]["userErrors"] == []
    return name


def edit(**changes: Any) -> dict[str, Any]:
    """Return an edit of the gas stoves of the north in the first quarter of 2026."""
    plain = {
        "measure": "salesForecast",
        "within": {"families": ["GAS"], "regions": ["NORTH"]},
        "start": "2026-01-01",
        "per": "QUARTER",
        "values": [12000],
        "split": "PROPORTIONAL",
    }
    return plain | changes


async def spread(ask: Ask, branch: str, *edits: dict[str, Any], role: str = "sales", **more: Any) -> Any:
    """Send edits and return the payload."""
    who = {"party": more.pop("party", "SALES-NORTH")} if role == "sales" else {}
    given = {
        "edits": list(edits),
        "reason": "review",
        "idempotencyKey": f"k{next(NUMBERS)}",
        "branch": branch,
    }
    return (await ask(role, SPREAD, {"input": given | more}, **who)).data["seriesSpread"]


async def figures(ask: Ask, branch: str, arguments: str, fields: str = "") -> list[dict[str, Any]]:
    query = f"""{{ plan(at: {{branch: "{branch}"}}) {{ series({arguments}, first: 1000) {{
      periods {{ start }} nodes {{ {fields} values }} }} }} }}"""
    page = (await ask("planner", query)).data["plan"]["series"]
    starts = [period["start"] for period in page["periods"]]
    return [{**node, "values": dict(zip(starts, node["values"], strict=True))} for node in page["nodes"]]


LEVEL = 'measure: salesForecast, filter: {families: ["GAS"], regions: ["NORTH"]}'
EACH = "itemCode customerCode"


def by_key(nodes: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, float]]:
    return {(node["itemCode"], node["customerCode"]): node["values"] for node in nodes}


@pytest.mark.parametrize(
    "how",
    [
        {"split": "PROPORTIONAL"},
        {"split": "PROPORTIONAL", "start": "2025-07-01", "values": [9000]},
        {"split": "EVEN"},
        {"split": "LAST_YEAR", "profile": "actualDemand"},
        {"split": "EVEN", "unit": "CTN", "values": [1000]},
        {"split": "PROPORTIONAL", "unit": "KG", "values": [4321.5]},
    ],
    ids=lambda how: " ".join(str(part) for part in how.values()),
)
async def test_an_edit_reads_back_at_its_level(ask_own: Ask, scenario: str, how: dict[str, Any]) -> None:
    before = by_key(await figures(ask_own, scenario, LEVEL, EACH))
    given = edit(**how)
    payload = await spread(ask_own, scenario, given)
    assert payload["userErrors"] == []
    assert payload["commit"]["branch"] == scenario
    unit = f', unit: "{how["unit"]}"' if "unit" in how else ""
    (total,) = await figures(ask_own, scenario, f"{LEVEL}, groupBy: [], per: QUARTER{unit}")
    quarter = next(start for start in total["values"] if start >= given["start"])
    assert total["values"][quarter] == pytest.approx(given["values"][0], rel=1e-12)
    after = by_key(await figures(ask_own, scenario, LEVEL, EACH))
    end = "2025-10-01" if how.get("start") else "2026-04-01"
    for key, values in after.items():
        for start, value in values.items():
            if not max(given["start"], "2025-09-01") <= start < end:
                assert value == before.get(key, {}).get(start)
            elif how.get("unit") != "KG":
                assert value is None or value == round(value)


async def test_the_mix_stays_in_proportion(ask_own: Ask, scenario: str) -> None:
    before = by_key(await figures(ask_own, scenario, LEVEL, EACH))
    assert (await spread(ask_own, scenario, edit()))["userErrors"] == []
    after = by_key(await figures(ask_own, scenario, LEVEL, EACH))
    months = ("2026-01-01", "2026-02-01", "2026-03-01")
    share = 12000 / sum(values[month] or 0 for values in before.values() for month in months)
    for key, values in before.items():
        for month in months:
            assert (after[key][month] or 0) == pytest.approx((values[month] or 0) * share, abs=1.0)


async def test_what_is_kept_stays_and_the_others_get_the_rest(ask_own: Ask, scenario: str) -> None:
    before = by_key(await figures(ask_own, scenario, LEVEL, EACH))
    kept = edit(keep={"customers": ["NORDSPORT"]}, split="EVEN")
    assert (await spread(ask_own, scenario, kept))["userErrors"] == []
    after = by_key(await figures(ask_own, scenario, LEVEL, EACH))
    assert {key: v for key, v in after.items() if key[1] == "NORDSPORT"} == {
        key: v for key, v in before.items() if key[1] == "NORDSPORT"
    }
    (total,) = await figures(ask_own, scenario, f"{LEVEL}, groupBy: [], per: QUARTER")
    assert total["values"]["2026-01-01"] == 12000


async def test_an_edit_at_a_category_reaches_all_families_below(ask_own: Ask, scenario: str) -> None:
    wide = edit(within={"families": ["STOVES"], "regions": ["NORTH"]}, values=[30000, None, 50000])
    assert (await spread(ask_own, scenario, wide))["userErrors"] == []
    arguments = 'measure: salesForecast, filter: {regions: ["NORTH"]}, levels: ["category"], per: QUARTER'
    nodes = await figures(ask_own, scenario, arguments, "groups { code }")
    stoves = next(node["values"] for node in nodes if node["groups"][0]["code"] == "STOVES")
    assert (stoves["2026-01-01"], stoves["2026-07-01"]) == (30000, 50000)


async def test_a_family_s_own_figure_and_hours_are_edited_too(ask_own: Ask, scenario: str) -> None:
    plan = edit(measure="annualPlan", within={"families": ["STOVES"]}, values=[1_000_000.25])
    assert (await spread(ask_own, scenario, plan, role="finance"))["userErrors"] == []
    level = 'measure: annualPlan, filter: {families: ["STOVES"]}, groupBy: [], per: QUARTER'
    fields = f"series({level}) {{ periods {{ start }} nodes {{ values }} }}"
    query = f'{{ plan(at: {{branch: "{scenario}"}}) {{ {fields} }} }}'
    page = (await ask_own("finance", query)).data["plan"]["series"]
    place = [period["start"] for period in page["periods"]].index("2026-01-01")
    assert page["nodes"][0]["values"][place] == 1_000_000.25


async def test_the_same_request_again_writes_nothing(ask_own: Ask, scenario: str) -> None:
    first = await spread(ask_own, scenario, edit(), idempotencyKey="once")
    again = await spread(ask_own, scenario, edit(), idempotencyKey="once")
    assert again == first
    other = await spread(ask_own, scenario, edit(values=[1]), idempotencyKey="once")
    assert [error["code"] for error in other["userErrors"]] == ["IDEMPOTENCY_CONFLICT"]
    same = await spread(ask_own, scenario, edit())
    assert (same["changedSeries"], same["commit"]) == (0, first["commit"])


async def test_figures_changed_since_are_not_overwritten_unseen(ask_own: Ask, scenario: str) -> None:
    head = f'{{ plan(at: {{branch: "{scenario}"}}) {{ commit {{ id }} }} }}'
    seen = (await ask_own("sales", head)).data["plan"]["commit"]["id"]
    assert (await spread(ask_own, scenario, edit(values=[9000])))["userErrors"] == []
    late = await spread(ask_own, scenario, edit(), expectedHead=seen)
    assert [error["code"] for error in late["userErrors"]] == ["HEAD_MOVED"]


REFUSED: list[tuple[str, dict[str, Any], str, list[str]]] = [
    ("sales", {"within": {"families": ["GAS"]}}, "ROWS_HIDDEN", ["within"]),
    ("sales", {"within": {"regions": ["EUROPE"]}}, "ROWS_HIDDEN", ["within"]),
    ("sales", {"within": {"regions": ["NORTH", "SOUTH"]}}, "ROWS_HIDDEN", ["within"]),
    ("sales", {"within": {"customers": ["SIERRA"]}}, "UNKNOWN_KEY", ["within", "customers"]),
    ("sales", {"within": {"customers": ["NOBODY"]}}, "UNKNOWN_KEY", ["within", "customers"]),
    ("sales", {"within": {"families": ["NONE"], "regions": ["NORTH"]}}, "NOTHING_TO_SPLIT", ["within"]),
    ("sales", {"keep": {"regions": ["NORTH"]}}, "NOTHING_TO_SPLIT", ["keep"]),
    ("sales", {"profile": "actualDemand"}, "PROFILE_EMPTY", ["by"]),
    ("sales", {"profile": "contributionMargin"}, "NOT_GRANTED", ["by"]),
    ("sales", {"profile": "annualPlan"}, "GROUPING_UNDEFINED", ["by"]),
    ("sales", {"profile": "sellingPrice"}, "GROUPING_UNDEFINED", ["by"]),
    ("sales", {"measure": "annualPlan"}, "FORBIDDEN", ["measure"]),
    ("sales", {"measure": "baselineForecast"}, "MEASURE_READ_ONLY", ["measure"]),
    ("sales", {"start": "2025-04-01"}, "BUCKET_FROZEN", ["values", "0"]),
    ("sales", {"start": "2035-04-01"}, "BAD_VALUE", ["start"]),
    ("sales", {"values": [1.5]}, "BAD_VALUE", ["values", "0"]),
    ("sales", {"values": [-1]}, "BAD_VALUE", ["values", "0"]),
    ("sales", {"values": []}, "BAD_VALUE", ["values"]),
    ("sales", {"unit": "LITRE"}, "UNIT_UNDEFINED", ["unit"]),
    ("sales", {"unit": "EUR"}, "UNIT_UNDEFINED", ["unit"]),
    ("sales", {"keep": {"items": ["G100"]}, "values": [1]}, "FIXED_EXCEEDS_EDIT", ["values", "0"]),
    ("operations", {"measure": "openingStock", "within": {}}, "BAD_VALUE", ["per"]),
    (
        "operations",
        {"measure": "openingStock", "within": {}, "per": "BUCKET"},
        "GROUPING_UNDEFINED",
        ["unit"],
    ),
    (
        "operations",
        {"measure": "openingStock", "within": {"items": ["G100"]}, "per": "BUCKET", "start": "2025-09-10"},
        "BUCKET_FROZEN",
        ["values", "0"],
    ),
]


@pytest.mark.parametrize("case", REFUSED)
async def test_what_stands_in_the_way_is_said_with_its_place(
    ask_own: Ask, case: tuple[str, dict[str, Any], str, list[str]]
) -> None:
    role, changes, code, field = case
    payload = await spread(ask_own, "main", edit(**changes), role=role)
    assert payload["commit"] is None
    told = [(error["code"], error["field"], error["row"]) for error in payload["userErrors"]]
    assert told == [(code, ["edits", "0", *field], 0)]


async def test_all_problems_are_reported_and_nothing_is_written(ask_own: Ask, scenario: str) -> None:
    payload = await spread(
        ask_own, scenario, edit(), edit(within={"families": ["NONE"], "regions": ["NORTH"]}), edit(values=[7])
    )
    told = [(error["code"], error["row"]) for error in payload["userErrors"]]
    assert told == [("NOTHING_TO_SPLIT", 1), ("BAD_VALUE", 2)]
    (total,) = await figures(ask_own, scenario, f"{LEVEL}, groupBy: [], per: QUARTER")
    assert total["values"]["2026-01-01"] != 12000


async def test_who_submits_nothing_edits_nothing(ask_own: Ask) -> None:
    payload = await spread(ask_own, "main", edit(), role="procurement")
    assert [error["code"] for error in payload["userErrors"]] == ["FORBIDDEN"]


async def test_new_series_come_from_the_profile(ask_own: Ask, scenario: str) -> None:
    """Consensus has no series yet: it gets those of the demand a year before, ship-to by ship-to."""
    wanted = edit(measure="consensusDemand", split="LAST_YEAR", profile="actualDemand", values=[10000])
    assert (await spread(ask_own, scenario, wanted))["userErrors"] == []
    arguments = "measure: consensusDemand, per: QUARTER"
    nodes = await figures(ask_own, scenario, arguments, "itemCode siteCode customerCode")
    assert sum(node["values"]["2026-01-01"] or 0 for node in nodes) == 10000
    rows = read("series/actualDemand.csv")
    keys = {(row["item"], row["site"], row["customer"]) for row in rows if "2025" <= row["start"] < "2025-04"}
    gas = {key for key in keys if FAMILY[key[0]] == "GAS" and REGION[key[2]] == "NORTH"}
    assert {(node["itemCode"], node["siteCode"], node["customerCode"]) for node in nodes} <= gas


async def test_edits_at_the_same_time_are_made_one_after_the_other(ask_own: Ask, scenario: str) -> None:
    """Each splits what the one before left: all are done, and the last one reads back."""
    totals = [9000, 12000, 15000, 18000]
    done = await asyncio.gather(*(spread(ask_own, scenario, edit(values=[total])) for total in totals))
    assert [payload["userErrors"] for payload in done] == [[]] * 4
    (found,) = await figures(ask_own, scenario, f"{LEVEL}, groupBy: [], per: QUARTER")
    newest = f'{{ commits(branch: "{scenario}", first: 1) {{ nodes {{ id }} }} }}'
    last = (await ask_own("planner", newest)).data
    by_commit = {payload["commit"]["id"]: total for payload, total in zip(done, totals, strict=True)}
    assert found["values"]["2026-01-01"] == by_commit[last["commits"]["nodes"][0]["id"]]
