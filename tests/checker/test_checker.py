"""The checker accepts a good plan, and finds each kind of violation planted in it."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.checker import check_plan
from app.checker.files import Files
from app.checker.lookups import Units
from app.checker.product import Product
from app.checker.standards import money_of
from app.errors import InputError

Written = Callable[[Any], Path]


def test_the_plan_worked_out_by_hand_holds(plan: Any, written: Written) -> None:
    report = check_plan(written(plan))
    assert report.violations == []
    assert report.ok
    assert report.text().endswith("The plan holds.")
    assert report.notes == []
    assert set(report.checked) == {rule for _, rule, _ in MUTATIONS}


Change = Callable[[Any], None]


def cell(measure: str, week: int, value: float | None, key: str | None = None) -> Change:
    return lambda plan: plan.set(measure, week, value, key)


def column(kind: str, row: int, name: str, value: object) -> Change:
    def change(plan: Any) -> None:
        plan.entities[kind][row][name] = value

    return change


def unanswered(plan: Any) -> None:
    """A bucket that was to be answered and was not, where the company takes that as nothing."""
    plan.entities["planning_parameter"].append({"parameter": "unanswered_commit", "value": "none"})
    plan.set("purchaseProjection", 1, 20)


MUTATIONS: list[tuple[Change, str, tuple[str, str, int]]] = [
    (cell("projectedBalance", 1, 4, "item=FG site=W"), "stock balance", ("FG", "W", 1)),
    (cell("projectedBalance", 3, 29, "item=FG site=P"), "stock balance", ("FG", "P", 3)),
    (cell("openingStock", 0, 41, "item=RM site=P"), "stock balance", ("RM", "P", 0)),
    (cell("constrainedDemand", 3, 6), "stock balance", ("FG", "W", 3)),
    (cell("transfers", 0, 9), "stock balance", ("FG", "P", 0)),
    (cell("transfers", 0, 9), "stock balance", ("FG", "W", 1)),
    (column("production", 0, "lead_time_days", 8), "stock balance", ("FG", "P", 1)),
    (column("production", 0, "yield", 0.9), "stock balance", ("FG", "P", 1)),
    (column("lane", 0, "lead_time_days", 8), "stock balance", ("FG", "W", 1)),
    (column("bom", 1, "quantity", 2), "stock balance", ("RM", "P", 0)),
    (column("bom", 1, "scrap", 0), "stock balance", ("RM", "P", 0)),
    (column("item", 1, "phantom", "false"), "stock balance", ("PH", "P", 0)),
    (cell("projectedBalance", 2, -1, "item=FG site=W"), "no negative stock", ("FG", "W", 2)),
    (cell("scheduledReceipts", 0, 19), "receipts under way", ("RM", "P", 0)),
    (column("purchase_order", 0, "due_date", "2026-01-12"), "receipts under way", ("RM", "P", 1)),
    (cell("productionPlan", 0, 30), "firm planned", ("FG", "P", 0)),
    (cell("productionPlan", 1, 15), "production lot", ("FG", "P", 1)),
    (cell("productionPlan", 1, 20, "item=RM site=P"), "production source", ("RM", "P", 1)),
    (column("production", 0, "valid_to", "2026-01-12"), "production source", ("FG", "P", 1)),
    (cell("productionPlan", 1, -10), "no negative quantity", ("FG", "P", 1)),
    (cell("purchaseProjection", 0, 20), "purchase lead time", ("RM", "P from S", 0)),
    (column("supplier_item", 0, "lead_time_days", 15), "purchase lead time", ("RM", "P from S", 2)),
    (cell("purchaseProjection", 2, 50), "purchase lot", ("RM", "P from S", 2)),
    (
        cell("purchaseProjection", 2, 20, "item=RM site=P supplier=T"),
        "purchase source",
        ("RM", "P from T", 2),
    ),
    (column("supplier_item", 0, "valid_from", "2026-01-20"), "purchase source", ("RM", "P from S", 2)),
    (cell("supplierCommit", 2, 40), "supplier commit", ("RM", "P from S", 2)),
    (cell("supplierCommit", 2, 0), "supplier commit", ("RM", "P from S", 2)),
    (unanswered, "supplier commit", ("RM", "P from S", 1)),
    (cell("purchaseProjection", 2, 80), "contract maximum", ("RM", "all sites from S", 2)),
    (cell("supplierCapacity", 2, 40), "supplier capacity", ("RM", "all sites from S", 2)),
    (cell("transfers", 1, 1, "item=FG site=W to_site=P"), "transfer lane", ("FG", "W to P", 1)),
    (cell("transfers", 1, 19.5), "transfer lot", ("FG", "P to W", 1)),
    (cell("transfers", 1, 71), "lane maximum", ("", "P to W", 1)),
    (cell("capacityRequired", 1, 5), "hours by routing", ("", "R1", 1)),
    (column("routing", 1, "hours_per_unit", 0.2), "hours by routing", ("", "R1", 0)),
    (cell("overtime", 2, 2), "capacity", ("", "R1", 2)),
    (cell("overtime", 2, 6), "overtime", ("", "R1", 2)),
    (cell("capacityAvailable", 0, 11), "capacity", ("", "R1", 0)),
    (cell("constrainedDemand", 0, 16), "no early delivery", ("FG", "C1 for C", 0)),
    (cell("netDemand", 0, 14), "no early delivery", ("FG", "C1 for C", 0)),
    (cell("backlog", 1, 4), "demand balance", ("FG", "C1 for C", 1)),
    (cell("constrainedDemand", 1, 14), "demand balance", ("FG", "C1 for C", 1)),
    (cell("unmetDemand", 3, 6), "unmet demand", ("FG", "C1 for C", 3)),
    (cell("supplyAnswer", 1, 20), "supply answer", ("FG", "C", 1)),
    (cell("revenue", 1, 1800), "revenue", ("FG", "C", 1)),
    (column("selling_price", 0, "price", 99), "revenue", ("FG", "C", 0)),
    (column("purchase_price", 0, "price", 41), "totals", ("purchase", "", -1)),
]


@pytest.mark.parametrize(
    ("change", "rule", "where"),
    MUTATIONS,
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_planted_violation_is_named(
    change: Change, rule: str, where: tuple[str, str, int], plan: Any, written: Written
) -> None:
    change(plan)
    report = check_plan(written(plan))
    assert not report.ok
    item, place, week = where
    bucket = ["2026-01-05", "2026-01-12", "2026-01-19", "2026-01-26", ""][week]
    found = [
        v for v in report.violations if (v.rule, v.item, v.place, v.bucket) == (rule, item, place, bucket)
    ]
    assert len(found) == 1, report.text()
    assert found[0].expected != found[0].found
    assert str(found[0]) in report.text()
    assert report.counts()[rule] >= 1


def test_a_mistake_in_one_balance_is_one_violation_or_two(plan: Any, written: Written) -> None:
    """A wrong balance is wrong against the bucket before and the bucket after, and nowhere else."""
    plan.set("projectedBalance", 1, 4, "item=FG site=W")
    report = check_plan(written(plan))
    assert [
        (v.rule, v.bucket, v.expected, v.found) for v in report.violations if v.rule == "stock balance"
    ] == [
        ("stock balance", "2026-01-12", "0", "4"),
        ("stock balance", "2026-01-19", "4", "0"),
    ]


def test_what_is_past_due_comes_in_first(plan: Any, written: Written) -> None:
    plan.entities["purchase_order"][0]["due_date"] = "2025-12-01"
    assert check_plan(written(plan)).ok


COSTS = ("purchase", "production", "freight", "regular", "overtime")


@pytest.mark.parametrize("name", ["revenue", *COSTS, "margin", "holding", "lateness", "shortfall"])
def test_each_stated_total_is_compared(name: str, plan: Any, written: Written) -> None:
    plan.claims["totals"][name] += 1
    report = check_plan(written(plan))
    assert [(v.rule, v.item) for v in report.violations] == [("totals", name)]


def at_standard(plan: Any) -> None:
    """A part is worth 3; a product of 50 draws two, and hours count only by what overtime costs more."""
    plan.entities["planning_parameter"].append({"parameter": "costing", "value": "standard"})
    plan.entities["item_cost"][1]["standard_cost"] = 6
    totals = plan.claims["totals"]
    totals |= {"purchase": 60 * 3.0, "production": 60 * (50 - 2 * 3.0), "regular": 0.0, "overtime": 3 * 5.0}
    totals["margin"] = 5700.0 - 180 - 2640 - totals["freight"] - 15
    totals["holding"] = (30 * 50 + 8 * 50 + 20 * 3) * 0.2 * 7 / 365


def test_costs_at_standard(plan: Any, written: Written) -> None:
    at_standard(plan)
    assert check_plan(written(plan)).violations == []


@pytest.mark.parametrize("name", [*COSTS, "margin", "holding"])
def test_each_total_at_standard_is_compared(name: str, plan: Any, written: Written) -> None:
    at_standard(plan)
    plan.claims["totals"][name] += 1
    assert [(v.rule, v.item) for v in check_plan(written(plan)).violations] == [("totals", name)]


def test_what_a_product_cannot_bear_is_charged_on_the_sale_of_its_component(
    plan: Any, written: Written
) -> None:
    """Made parts of 10, two in a box of 15: 7.5 by making, 2.5 by sale of a part.

    A part is made of one bought one of 3, which it never bears less than.
    """
    at_standard(plan)
    plan.entities["item"] += [{"item": "BX", "name": "Box", "unit": "EA"}, {"item": "SP", "unit": "EA"}]
    plan.entities["item_cost"] += [
        {"item": "BX", "standard_cost": 15, "currency": "EUR"},
        {"item": "SP", "standard_cost": 10, "currency": "EUR"},
    ]
    plan.entities["bom"] += [
        {"parent": "BX", "component": "SP", "quantity": 2},
        {"parent": "SP", "component": "RM", "quantity": 1},
    ]
    plan.entities["production"] += [{"item": "BX", "site": "W"}, {"item": "SP", "site": "W"}]
    files = Files(written(plan))
    money = money_of(files, Units(files), Product(files))
    assert money.making("SP", "W") == pytest.approx([7.5 - 3.0] * 4)
    assert money.making("BX", "W") == pytest.approx([0.0] * 4)
    assert money.on_sale("SP", "W") == pytest.approx([2.5] * 4)
    assert money.on_sale("BX", "W") == pytest.approx([0.0] * 4)


def test_missing_safety_stock_is_charged(plan: Any, written: Written) -> None:
    plan.series["safetyStock"] = {"item=FG site=W": [10, 0, 0, 0]}
    plan.claims["totals"]["safety"] = 5 * 50 * 0.1 * 7 / 30
    assert check_plan(written(plan)).ok


def test_without_stated_totals_the_report_says_so(plan: Any, written: Written) -> None:
    plan.claims = {}
    report = check_plan(written(plan))
    assert report.ok
    assert any("states no totals" in note for note in report.notes)


def test_hours_that_a_department_submitted_are_noted_not_refused(plan: Any, written: Written) -> None:
    plan.set("capacityAvailable", 0, 20)
    report = check_plan(written(plan))
    assert report.ok
    assert report.notes == [
        "hours that are not those of the working calendar: R1 2026-01-05 (20, by calendar 15)"
    ]


def test_firm_production_that_gave_way_is_noted(plan: Any, written: Written) -> None:
    plan.set("productionPlan", 0, 10)
    report = check_plan(written(plan))
    assert "firm planned" not in report.counts()
    assert report.notes[0] == "firm production gave way: FG P 2026-01-05: 10 of 20"


def test_holidays_are_no_working_days(plan: Any, written: Written) -> None:
    plan.entities["holiday"] = [
        {"date": "2026-01-06"},
        {"date": "2026-01-10"},
        {"site": "W", "date": "2026-01-07"},
    ]
    assert "by calendar 12" in check_plan(written(plan)).notes[0]


def long_transit(plan: Any) -> None:
    """Ten days to the customer: what leaves in a week arrives in the next; the last week's is not seen."""
    plan.entities["lane"][1]["lead_time_days"] = 10
    for measure, row in {
        "netDemand": [0, 15, 15, 20],
        "constrainedDemand": [0, 15, 15, 20],
        "unmetDemand": [0, 0, 0, 0],
        "backlog": [0, 0, 0, 0],
    }.items():
        plan.series[measure] = {"item=FG site=C1 customer=C": row}
    plan.series["supplyAnswer"] = {"item=FG customer=C": [0, 15, 15, 20]}
    plan.series["revenue"] = {"item=FG customer=C": [0, 1500, 1500, 2000]}
    plan.claims = {}


def test_transit_longer_than_a_bucket(plan: Any, written: Written) -> None:
    long_transit(plan)
    assert check_plan(written(plan)).violations == []


@pytest.mark.parametrize(("week", "value", "found"), [(1, 16, 0), (2, 14, 1), (3, 21, 2)])
def test_goods_that_never_left_are_found(
    week: int, value: float, found: int, plan: Any, written: Written
) -> None:
    long_transit(plan)
    plan.set("constrainedDemand", week, value)
    balances = [v for v in check_plan(written(plan)).violations if v.rule == "stock balance"]
    assert [v.bucket for v in balances] == [["2026-01-05", "2026-01-12", "2026-01-19"][found]]


def test_compressed_files_are_read(plan: Any, written: Written) -> None:
    directory = written(plan)
    for path in [*directory.glob("*.csv"), *directory.glob("series/*.csv")]:
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert check_plan(directory).ok


@pytest.mark.parametrize(
    ("name", "contents"),
    [
        ("planning_parameter.csv", "parameter,value\nplan_date,soon\n"),
        ("bom.csv", "parent,component,quantity\nFG,RM,many\n"),
        ("series/backlog.csv", "item,site,customer,start,value\nFG,C1,C,2026-01-06,1\n"),
        ("series/backlog.csv", "item,site,customer,start,value\nFG,C1,C,2026-01-05,x\n"),
        ("series/backlog.csv", "item,site,start,value\nFG,C1,2026-01-05,1\n"),
        ("item.csv", "item,name,unit\n"),
        ("plan.json", "{"),
    ],
)
def test_what_cannot_be_read_is_named(name: str, contents: str, plan: Any, written: Written) -> None:
    directory = written(plan)
    (directory / name).write_text(contents)
    with pytest.raises(InputError):
        check_plan(directory)
    with pytest.raises(InputError):
        check_plan(directory / "nowhere")


def test_the_checker_runs_without_numpy_and_without_what_it_checks() -> None:
    """Imported in a process of its own, it brings in nothing of the planning code."""
    code = "import sys, app.checker; print([m for m in sys.modules if m.startswith(('numpy', 'app.'))])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "numpy" not in loaded
    for package in ("engine", "services", "exchange", "store", "vocabulary"):
        assert f"app.{package}" not in loaded
