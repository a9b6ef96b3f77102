"""`compare` by level, period and unit, against the two states' own series."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.schema.internal.test_series import series, total

Ask = Callable[..., Awaitable[Any]]

SUBMIT = """mutation ($input: SeriesSubmitInput!) { seriesSubmit(input: $input) {
  changedSeries userErrors { code message } } }"""
EDITS = [
    ("A100", "ALPENSPORT", [100, 200, 300]),
    ("A200", "FJELLHUS", [7, None, 9]),
    ("G100", "FJELLHUS", [0, 0, 0]),
]


@pytest.fixture(scope="module")
def edited() -> dict[str, bool]:
    """Whether the scenario is there."""
    return {}


async def scenario(ask: Ask, edited: dict[str, bool]) -> None:
    """Fork a scenario and change three forecasts on it, once."""
    if edited:
        return
    made = 'mutation { scenarioCreate(input: {name: "s", source: {branch: "main"}}) { userErrors { code } } }'
    assert (await ask("planner", made)).data["scenarioCreate"]["userErrors"] == []
    entries = [
        {"salesForecast": {"item": item, "customer": customer, "start": "2026-03-01", "values": values}}
        for item, customer, values in EDITS
    ]
    given = {"series": entries, "reason": "try", "idempotencyKey": "s-1", "branch": "s"}
    done = (await ask("sales", SUBMIT, {"input": given}, party="SALES")).data["seriesSubmit"]
    assert done == {"changedSeries": 3, "userErrors": []}
    edited["done"] = True


def compared(fields: str) -> str:
    return f'{{ compare(base: {{branch: "main"}}, target: {{branch: "s"}}) {{ {fields} }} }}'


@pytest.mark.parametrize("unit", ["", ', unit: "KG"', ', unit: "CTN"'])
@pytest.mark.parametrize(
    "how",
    [
        "groupBy: [FAMILY], per: QUARTER",
        "groupBy: [REGION, ITEM], per: MONTH, divide: WORKING_TIME",
        'levels: ["category", "market"], per: TOTAL',
        "groupBy: []",
    ],
)
async def test_changes_by_group_are_the_differences_of_the_groups(
    ask_own: Ask, edited: dict[str, bool], how: str, unit: str
) -> None:
    await scenario(ask_own, edited)
    labels = "familyCode regionCode itemCode groups { code } values"
    arguments = f"measure: salesForecast, {how}{unit}, first: 1000"
    query = compared(f"groups({arguments}) {{ unit partial nodes {{ {labels} }} }}")
    groups = (await ask_own("planner", query)).data["compare"]["groups"]
    sides = []
    for branch in ("main", "s"):
        plan = series(arguments, labels).replace("plan", f'plan(at: {{branch: "{branch}"}})', 1)
        nodes = (await ask_own("planner", plan)).data["plan"]["series"]["nodes"]
        sides.append({label(node): total(node) for node in nodes})
    found = {label(node): total(node) for node in groups["nodes"]}
    assert groups["nodes"]
    for key in sides[1]:
        assert found.get(key, 0.0) == pytest.approx(sides[1][key] - sides[0].get(key, 0.0), abs=1e-6)


def label(node: dict[str, Any]) -> str:
    return str({name: value for name, value in node.items() if name != "values"})


async def test_a_comparison_is_told_in_a_unit(ask_own: Ask, edited: dict[str, bool]) -> None:
    await scenario(ask_own, edited)
    fields = (
        "summary UNIT { measure unit series net absolute } series UNIT { nodes { cells { base target } } }"
    )
    plain = (await ask_own("planner", compared(fields.replace("UNIT", "")))).data["compare"]
    packed = (await ask_own("planner", compared(fields.replace("UNIT", '(unit: "CTN")')))).data["compare"]
    assert (plain["summary"][0]["unit"], packed["summary"][0]["unit"]) == ("UoM", "CTN")
    assert packed["summary"][0]["net"] == pytest.approx(plain["summary"][0]["net"] / 12)
    assert packed["summary"][0]["absolute"] == pytest.approx(plain["summary"][0]["absolute"] / 12)
    pairs = zip(plain["series"]["nodes"], packed["series"]["nodes"], strict=True)
    for cell, other in (
        (c, o) for one, two in pairs for c, o in zip(one["cells"], two["cells"], strict=True)
    ):
        for side in ("base", "target"):
            assert other[side] == (None if cell[side] is None else pytest.approx(cell[side] / 12))


@pytest.mark.parametrize(
    ("role", "fields", "code"),
    [
        ("planner", "groups(measure: serviceLevel) { unit }", "GROUPING_UNDEFINED"),
        ("sales", "groups(measure: unitCost) { unit }", "NOT_GRANTED"),
        ("planner", "groups(measure: salesForecast, groupBy: [SUPPLIER]) { unit }", "GROUPING_UNDEFINED"),
        ("planner", 'groups(measure: salesForecast, unit: "EUR") { unit }', "NOT_GRANTED"),
        ("planner", 'summary(unit: "LITRE") { unit }', "UNKNOWN_KEY"),
    ],
)
async def test_what_has_no_meaning_is_refused(
    ask_own: Ask, edited: dict[str, bool], role: str, fields: str, code: str
) -> None:
    await scenario(ask_own, edited)
    assert (await ask_own(role, compared(fields))).codes == [code]
