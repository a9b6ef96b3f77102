"""Plans of the AdventureWorks company: figures that can be worked out by hand, and a real plan."""

from pathlib import Path

import numpy as np
import orjson
import pytest

import app.exchange
from app.checker import check_plan
from app.exchange import Dataset, read_dataset, write_dataset
from app.services.planning.run import make_plan
from app.services.planning.totals import plan_totals
from app.services.recording import recorded
from app.services.summary import summary_of

MAPPINGS = Path(app.exchange.__file__).parent / "mappings"
FRAME_FORMING, SUBASSEMBLY, FINAL_ASSEMBLY = "10", "50", "60"


def planned(shared, mapping, rule="leximin"):
    """Plan an export; return the plan and the data set with the plan's measures in it."""
    dataset = read_dataset(shared / "data" / "adventureworks", MAPPINGS / f"{mapping}.toml").dataset
    plan = make_plan(dataset, rule)
    made = {block.measure for block in plan.series}
    inputs = [block for block in dataset.series if block.measure not in made]
    return plan, Dataset(dataset.entities, inputs + plan.series)


def by_resource(plan, measure):
    block = plan.block(measure)
    first = plan.model.facts.horizon.calendar.first_open
    return {key[6]: row[first:] for key, row in zip(block.keys, block.values, strict=True)}


@pytest.mark.slow
def test_with_unlimited_capacity_the_hours_are_those_of_the_explosion(shared_directory):
    plan, _ = planned(shared_directory, "adventureworks_check_unlimited")
    assert plan.solution.status == "optimal"
    hours = {resource: row.sum() for resource, row in by_resource(plan, "capacityRequired").items()}
    assert hours[SUBASSEMBLY] == pytest.approx(40_914, abs=1)
    assert hours[FINAL_ASSEMBLY] == pytest.approx(38_694, abs=1)
    assert hours[FRAME_FORMING] == pytest.approx(18_234, abs=1)
    assert plan.block("unmetDemand") is None
    assert plan.block("backlog") is None, "a series of nothing but zeros is left out"


@pytest.mark.slow
def test_stated_capacity_makes_late_what_it_must_and_builds_ahead_for_march(shared_directory):
    wanted, _ = planned(shared_directory, "adventureworks_check_unlimited")
    plan, full = planned(shared_directory, "adventureworks_check")
    assert plan.solution.status == "optimal"
    used = by_resource(plan, "utilization")
    assert {resource for resource, row in used.items() if row.max() > 99} <= {SUBASSEMBLY, FINAL_ASSEMBLY}
    assert used[SUBASSEMBLY].max() == pytest.approx(100, abs=0.1)
    needed = by_resource(wanted, "capacityRequired")[SUBASSEMBLY].cumsum()
    done = by_resource(plan, "capacityRequired")[SUBASSEMBLY].cumsum()
    late = needed - done
    for month, least in enumerate((839, 1_435, 456, 674, 936)):
        assert late[month] >= least - 1
    assert late[-1] == pytest.approx(0, abs=1)
    said = recorded(plan, b"", 0.0)
    summary = summary_of(full, said.summary, said.stakeholders, said.limits)
    assert "late since June 2013" in summary.text()
    assert "For March 2014: " in summary.text()
    assert max(summary.built_ahead, key=lambda one: one.quantity).month.month == 3


@pytest.mark.slow
def test_the_plan_of_six_months_is_proven_optimal_and_passes_the_checker(shared_directory, tmp_path):
    plan, full = planned(shared_directory, "adventureworks_plan")
    assert plan.solution.status == "optimal"
    assert plan.solution.certificate.accepted
    assert plan.solution.rounded.violations == ()
    buckets = plan.model.facts.horizon.calendar.open_buckets
    assert [bucket.start.isoformat()[:7] for bucket in buckets] == [
        "2013-12",
        "2014-01",
        "2014-02",
        "2014-03",
        "2014-04",
        "2014-05",
    ]
    balance = plan.block("projectedBalance").values
    assert np.nanmin(balance) >= 0
    write_dataset(full, tmp_path / "plan")
    claims = {"status": plan.solution.status, "rule": "leximin", "totals": plan_totals(full)}
    (tmp_path / "plan" / "plan.json").write_bytes(orjson.dumps(claims))
    report = check_plan(tmp_path / "plan")
    assert report.ok, report.text()
