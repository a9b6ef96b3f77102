"""Rule 50: the classic explosion, against a published table and by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from app.engine.mrp import MrpItem, explode, lot_size
from app.errors import PlanningError


def row(*values):
    return np.array(values, dtype=float)


def test_the_published_table_of_five_items_on_three_levels(shared_directory):
    path = shared_directory / "cases" / "mrp_chase_abcde.json"
    case = json.loads(path.read_text(encoding="utf-8"))
    none = [0.0] * len(case["periods"])
    items = {
        name: MrpItem(
            gross=row(*item.get("gross_requirements", none)),
            receipts=row(*item.get("scheduled_receipts", none)),
            on_hand=item["on_hand"],
            lead_time=item["lead_time"],
            lot=item["lot_rule"]["type"],
            quantity=item["lot_rule"].get("quantity", 0.0),
            components=item.get("components", {}),
        )
        for name, item in case["items"].items()
    }
    plans = explode(items)
    for name, releases in case["published"]["planned_order_releases"].items():
        np.testing.assert_allclose(plans[name].releases, releases)
        assert plans[name].past_due == 0


def test_what_is_needed_before_its_lead_time_is_past_due():
    plan = explode({"a": MrpItem(row(5, 0, 4), row(0, 0, 0), on_hand=2, lead_time=2)})["a"]
    np.testing.assert_allclose(plan.receipts, [3, 0, 4])
    np.testing.assert_allclose(plan.releases, [7, 0, 0])
    assert plan.past_due == 3
    np.testing.assert_allclose(plan.on_hand, [0, 0, 0])


def test_a_part_of_two_levels_waits_for_both():
    items = {
        "part": MrpItem(row(0, 0), row(0, 0)),
        "sub": MrpItem(row(0, 0), row(0, 0), components={"part": 2}),
        "end": MrpItem(row(3, 1), row(0, 0), components={"sub": 1, "part": 1}),
    }
    np.testing.assert_allclose(explode(items)["part"].releases, [9, 3])


@pytest.mark.parametrize(
    ("lot", "quantity", "expected"),
    [("lot_for_lot", 0, 7), ("minimum", 10, 10), ("minimum", 5, 7), ("multiple", 5, 10), ("fixed", 4, 8)],
)
def test_lot_rules(lot, quantity, expected):
    assert lot_size(7.0, lot, quantity) == expected


def test_circles_gaps_and_empty_lots_are_refused():
    nothing = row(0.0)
    with pytest.raises(PlanningError, match="circle: a, b"):
        explode({"a": MrpItem(nothing, nothing, components={"b": 1}),
                 "b": MrpItem(nothing, nothing, components={"a": 1})})  # fmt: skip
    with pytest.raises(PlanningError, match="not defined"):
        explode({"a": MrpItem(nothing, nothing, components={"ghost": 1})})
    with pytest.raises(PlanningError, match="above zero"):
        lot_size(1.0, "multiple", 0.0)
