"""Published textbook cases: objective to the published decimals, unique decisions, duals where given."""

from __future__ import annotations

import json
import os
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.engine.solve import solve
from app.errors import PlanningError
from app.exchange.case import case_problem
from app.exchange.case_answer import solve_case, with_changes
from app.exchange.case_mrp import explode_case

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("CONCORD_SHARED") or ROOT.parent / "shared")
CASES = Path(os.environ.get("CONCORD_CASES") or SHARED / "cases")
FILES = sorted(CASES.glob("*.json"))
HARD = ("trigeiro",)  # proven within HARD_SECONDS, in the slow part
HARD_SECONDS = 300.0

if not FILES:
    pytest.skip("no case files (CONCORD_CASES or the shared reference data)", allow_module_level=True)

LOADED = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FILES}
PLANS = {name: case for name, case in LOADED.items() if case["model"] == "plan"}
MRP = {name: case for name, case in LOADED.items() if case["model"] == "mrp"}


def cases(names):
    """Parameters named by their source; hard ones only run with the long tests."""
    return [
        pytest.param(name, id=source(name), marks=[pytest.mark.slow] if name.startswith(HARD) else [])
        for name in sorted(names)
    ]


def source(name):
    return f"{name}: {str(LOADED[name]['published'].get('source', ''))[:60]}"


def margin(published):
    if "tolerance" in published:
        return published["tolerance"]
    return published.get("rounding", 0.5000001 * 10.0 ** -published.get("decimals", 0))


@pytest.mark.parametrize("name", cases(PLANS))
def test_a_published_case_is_reproduced(name):
    case = PLANS[name]
    answer = solve_case(case, HARD_SECONDS)
    published = case["published"]
    if published.get("status") == "infeasible":
        assert answer["status"] == "infeasible"
        assert answer["conflicts"]
    else:
        assert answer["status"] == "optimal"
        assert answer["objective"] == pytest.approx(published["objective"], abs=margin(published))
        assert answer["bound"] == pytest.approx(answer["objective"], rel=1e-6)
    for scenario, found in zip(case.get("scenarios", []), answer["scenarios"], strict=True):
        assert found["id"] == scenario["id"]
        expected = scenario["published"]
        assert found["objective"] == pytest.approx(expected["objective"], abs=margin(expected))


def gives_decisions(name):
    published = PLANS[name]["published"]
    return bool(published.get("decisions") or published.get("capacity_duals"))


@pytest.mark.parametrize("name", cases(filter(gives_decisions, PLANS)))
def test_published_decisions_and_duals_are_reproduced(name):
    published = PLANS[name]["published"]
    answer = solve_case(PLANS[name], HARD_SECONDS)
    given = {key: as_row(row) for key, row in published.get("decisions", {}).items()}
    if any(np.nan_to_num(np.abs(row - answer["decisions"][key])).max() > 0.5 for key, row in given.items()):
        assert objective_near(PLANS[name], given) == pytest.approx(answer["objective"], rel=1e-6)
    for key, value in published.get("capacity_duals", {}).items():
        code, _, period = key.rpartition(":")
        assert answer["duals"][code][int(period)] == pytest.approx(value)


def as_row(values):
    return np.array([np.nan if value is None else value for value in np.atleast_1d(values)], dtype=float)


def objective_near(case, decisions):
    """Best objective where what is made, bought and employed is the published plan to its decimals.

    A source with several optima prints one of them: that one has to be as good.
    """
    problem = case_problem(case)
    acts = problem.activities
    lower, upper = np.array(acts.lower), np.array(acts.upper)
    for key in set(decisions) & set(acts.codes):
        row, known = acts.codes.index(key), ~np.isnan(decisions[key])
        lower[row, known] = np.maximum(decisions[key][known] - 0.5, 0.0)
        upper[row, known] = decisions[key][known] + 0.5
    solution = solve(replace(problem, activities=replace(acts, lower=lower, upper=upper)))
    return solution.objective * (-1.0 if case["sense"] == "max" else 1.0)


def test_the_published_hours_of_an_elastic_capacity(shared_directory):
    path = shared_directory / "cases" / "ampl_steelpl2_infeasible.json"
    case = json.loads(path.read_text(encoding="utf-8"))
    elastic = solve_case(case)["scenarios"][0]["decisions"]
    used = np.add(case["resources"]["mill_hours"]["capacity"], elastic["extra:mill_hours:0"])
    used = used + elastic["extra:mill_hours:1"]
    assert used == pytest.approx(case["scenarios"][0]["published"]["hours_used"], abs=5e-5)


@pytest.mark.parametrize("name", cases(MRP))
def test_a_published_explosion_is_reproduced(name):
    releases = explode_case(MRP[name])["planned_order_releases"]
    for item, row in MRP[name]["published"]["planned_order_releases"].items():
        assert releases[item] == pytest.approx(row)


def small():
    return {
        "id": "small",
        "model": "plan",
        "sense": "min",
        "periods": ["a", "b"],
        "items": {
            "x": {
                "demand": {"quantity": [4, 6]},
                "holding_cost": 1,
                "modes": [{"name": "make", "cost": 2, "uses": {"line": 1}}],
            }
        },
        "resources": {"line": {"capacity": 5}},
    }


def test_a_small_case_by_hand_and_one_hour_more():
    case = small() | {"scenarios": [{"id": "more", "set": [["resources/line/capacity", [5, 6]]]}]}
    answer = solve_case(case)
    assert answer["objective"] == pytest.approx(21)  # ten units at 2, one kept a period
    assert answer["decisions"]["make:x:make"] == pytest.approx([5, 5])
    assert answer["duals"]["capacity:line"] == pytest.approx([0, -1])
    assert answer["scenarios"][0]["objective"] == pytest.approx(20)


def test_a_stock_that_must_be_held_and_a_lead_time():
    case = small()
    case["items"]["x"] |= {"min_inventory": 2, "initial_inventory": 7}
    case["items"]["x"]["modes"][0]["lead_time"] = 1
    answer = solve_case(case)
    assert answer["decisions"]["inv:x"] == pytest.approx([3, 2])
    assert answer["decisions"]["make:x:make"] == pytest.approx([5, 0])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ([["model", "mrp"]], "mrp"),
        ([["items/x/demand/quantity", [1, 2, 3]]], "3 values"),
        ([["items/x/modes/0/uses", {"ghost": 1}]], "ghost"),
        ([["items/nothing/here", 1]], "leads nowhere"),
    ],
)
def test_what_cannot_be_solved_is_said(change, words):
    with pytest.raises(PlanningError, match=words):
        solve_case(with_changes(small(), change))


def test_a_scenario_leaves_the_case_alone():
    case = small()
    before = deepcopy(case)
    with_changes(case, [["resources/line/capacity", 9]])
    assert case == before
