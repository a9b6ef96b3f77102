"""Levels, units and edits at a level tell a sales planner of one region nothing of the other."""

from __future__ import annotations

import pytest

from tests.isolation.test_findings import SALES, answers
from tests.isolation.worlds import Places

SPREAD = """mutation {{ seriesSpread(input: {{edits: [{{measure: salesForecast, within: {within},
  start: "2026-01-12", values: [41], split: {split}}}], reason: "review", idempotencyKey: "{key}"}}) {{
  changedSeries userErrors {{ code message field }} }} }}"""
FIELDS = "unit partial periods { start } nodes { familyCode regionCode groups { level code } values }"
READ = f"""{{ plan(at: {{branch: "main"}}) {{
  all: series(measure: salesForecast, groupBy: [FAMILY, REGION],
    levels: ["market", "category"]) {{ {FIELDS} }}
  then: series(measure: actualDemand, groupBy: [REGION], structure: BUCKET, per: WEEK, divide: WORKING_TIME,
    unit: "EA") {{ {FIELDS} }}
  worth: series(measure: salesForecast, groupBy: [], unit: "EUR", per: TOTAL) {{ {FIELDS} }}
  summary(per: TOTAL) {{ partial demand service }} }}
  hierarchies {{ name levels {{ code }} groups {{ nodes {{ code parent }} }}
    members {{ nodes {{ code groups }} }} }}
  customerMemberships {{ nodes {{ customerCode regionCode }} }}
  siteMemberships {{ nodes {{ siteCode areaCode }} }} }}"""
COMPARE = f"""{{ compare(base: {{version: "plan 1"}}, target: {{branch: "main"}}) {{
  summary(unit: "EA", measures: [salesForecast]) {{ measure unit net }}
  groups(measure: salesForecast, groupBy: [REGION], per: TOTAL) {{ {FIELDS} }} }} }}"""


@pytest.mark.parametrize("seed", [3, 11, 29])
def test_hidden_figures_change_no_answer(places: Places, seed: int) -> None:
    queries = [
        SPREAD.format(within='{regions: ["DE"]}', split="EVEN", key="a"),
        SPREAD.format(within='{customers: ["C-DE"]}', split="PROPORTIONAL", key="b"),
        SPREAD.format(within='{customers: ["C-US"]}', split="EVEN", key="c"),
        SPREAD.format(within="{}", split="EVEN", key="d"),
        SPREAD.format(within='{regions: ["US"]}', split="EVEN", key="e"),
        READ,
        COMPARE,
    ]
    found = answers(SALES, places, queries, seed)
    for one, other in found:
        assert one == other
    payloads = [one["data"]["seriesSpread"] for one, _ in found[:5] if isinstance(one, dict)]
    assert (payloads[0]["changedSeries"], payloads[0]["userErrors"]) == (1, [])
    assert payloads[1] == {"changedSeries": 0, "userErrors": []}
    codes = [[error["code"] for error in payload["userErrors"]] for payload in payloads[2:]]
    assert codes == [["UNKNOWN_KEY"], ["ROWS_HIDDEN"], ["ROWS_HIDDEN"]]
    read = found[5][0]
    assert isinstance(read, dict)
    assert "US" not in str(read["data"]["plan"]), "regions and ship-tos of others"
    assert [row["customerCode"] for row in read["data"]["customerMemberships"]["nodes"]] == ["C-DE"]
    assert [row["siteCode"] for row in read["data"]["siteMemberships"]["nodes"]] == ["ST-DE"]
