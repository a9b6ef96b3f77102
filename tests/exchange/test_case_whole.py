"""Cases in whole numbers: lots, workers, maintenance, shared room; by hand, and two textbook problems.

The two textbook figures (108,855 and 422,660) were stated from memory and not looked up in the books, so
they pin what the solver gives; they are not evidence of agreement with a published source until checked.
"""

from __future__ import annotations

import json
from copy import deepcopy

import pytest

from app.exchange.case_answer import solve_case


def case(mode=None, demand=(4, 6), **more):
    """One item, made at 2 a unit, 1 a unit and period in stock, over two periods."""
    return {
        "model": "plan",
        "sense": "min",
        "periods": ["a", "b"],
        "items": {
            "x": {
                "demand": {"quantity": list(demand)},
                "holding_cost": 1,
                "modes": [{"name": "make", "cost": 2} | (mode or {})],
            }
        },
    } | more


def made(answer):
    assert answer["status"] == "optimal"
    assert answer["bound"] == pytest.approx(answer["objective"])
    return answer["decisions"]["make:x:make"]


def test_set_ups_lots_and_whole_units():
    dear = solve_case(case({"setup_cost": 7}))
    assert made(dear) == pytest.approx([10, 0])  # 20 + 7 + 6 kept; apart 20 + 14
    assert dear["objective"] == pytest.approx(33)
    assert made(solve_case(case({"setup_cost": 5}))) == pytest.approx([4, 6])
    assert made(solve_case(case({"min_lot": 5}))) == pytest.approx([5, 5])
    assert made(solve_case(case({"max_lot": 5}))) == pytest.approx([5, 5])
    assert made(solve_case(case({"setup_cost": 1, "big_m": 5}))) == pytest.approx([5, 5])
    assert made(solve_case(case({"integer": True}, demand=(3.5, 6)))) == pytest.approx([4, 6])


def test_a_set_up_takes_hours():
    mode = {"uses": {"line": 1}, "setup_uses": {"line": 2}}
    answer = solve_case(case(mode, resources={"line": {"capacity": 7}}))
    assert made(answer) == pytest.approx([5, 5])  # seven hours less two of set-up
    assert solve_case(case(mode, resources={"line": {"capacity": 6}}))["status"] == "infeasible"


def test_a_unit_is_down_once():
    line = {"units": 2, "hours_per_unit": 5, "maintenance_units": 1}
    answer = solve_case(case({"uses": {"line": 1}}, demand=(9, 4), resources={"line": line}))
    assert made(answer) == pytest.approx([9, 4])
    assert answer["decisions"]["down:line"] == pytest.approx([0, 1])


def test_workers_are_whole_and_overtime_is_theirs():
    crew = {"resource": "hours", "hours_per_worker": 3, "wage": 10, "hire_cost": 1, "integer": True}
    answer = solve_case(case({"uses": {"hours": 1}}, workforce=crew))
    # ten hours are three worker-periods and a bit, so two workers twice: 20 + 40 + 2 hired
    assert answer["decisions"]["workers"] == pytest.approx([2, 2])
    assert made(answer) == pytest.approx([4, 6])
    assert answer["objective"] == pytest.approx(62)
    given = case({"uses": {"hours": 1}}, workforce=crew | {"integer": False})
    assert solve_case(given)["decisions"]["workers"] == pytest.approx([4 / 3, 2])


def test_overtime_is_a_share_of_the_workers():
    crew = {"resource": "hours", "initial": 2, "min": 2, "max": 2, "hours_per_worker": 1}
    share = {"mode": "late", "units_per_worker": 0.5}
    given = case({"uses": {"hours": 1}}, demand=(4, 4), workforce=crew, overtime_share=share)
    given["items"]["x"]["modes"].append({"name": "late", "cost": 3})
    given["items"]["x"]["demand"]["unmet_cost"] = 50
    answer = solve_case(given)  # two units of regular hours and one of overtime a period
    assert answer["decisions"]["make:x:late"] == pytest.approx([1, 1])
    assert answer["objective"] == pytest.approx(2 * (2 * 2 + 3 + 50))
    inside = deepcopy(given)
    inside["workforce"]["overtime_share"] = inside.pop("overtime_share")
    assert solve_case(inside)["objective"] == pytest.approx(answer["objective"])


def test_items_share_a_room():
    given = case({"max": 4}, demand=(0, 6), storage=[{"capacity": 5, "space": {"x": 2, "y": 1}}])
    given["items"]["y"] = deepcopy(given["items"]["x"])
    for item, lost in (("x", 25), ("y", 20)):
        given["items"][item]["demand"]["unmet_cost"] = lost
    answer = solve_case(given)  # two of each kept are 6 of room: half an x less gives up 25 / 2 - 3 / 2
    assert answer["decisions"]["inv:x"] == pytest.approx([1.5, 0])
    assert answer["decisions"]["inv:y"] == pytest.approx([2, 0])
    assert answer["objective"] == pytest.approx(11.5 * 2 + 3.5 + 12.5)


def test_a_market_without_limit_is_limited_by_hours_or_without_end():
    given = case(sense="max")
    del given["items"]["x"]["demand"]
    given["items"]["x"]["sales"] = {"all": {"price": 9}}
    endless = solve_case(given)
    assert (endless["status"], endless["objective"]) == ("unbounded", None)
    given["items"]["x"]["modes"][0]["uses"] = {"line": 2}
    given["resources"] = {"line": {"capacity": [10, 6], "extra_capacity": [{"max": 2, "cost": 3}]}}
    answer = solve_case(given)  # an hour earns 3.5: six units, then four
    assert answer["objective"] == pytest.approx(10 * 7 - 2 * 2 * 3)


def test_what_only_lots_forbid_is_said():
    answer = solve_case(case({"max_lot": 5, "min_lot": 4}, demand=(3, 8)))
    assert (answer["status"], answer["relaxed_objective"]) == ("infeasible", pytest.approx(10 * 2 + 2))
    assert [(one["requirement"], one["period"], one["amount"]) for one in answer["relaxation"]] == [
        ("the demand for x", "b", pytest.approx(1))
    ]
    assert answer["conflicts"][0]["text"] == "The demand for x in b cannot be met in the lots allowed, by 1."


def test_no_time_is_a_limit():
    answer = solve_case(case({"setup_cost": 7}), time_limit=0.0)
    assert (answer["status"], answer["objective"]) == ("limit", None)


def shared_case(shared_directory, name):
    return json.loads((shared_directory / "cases" / f"{name}.json").read_text(encoding="utf-8"))


def test_factory_planning_2_of_williams_chooses_when_to_maintain(shared_directory):
    given = shared_case(shared_directory, "williams_factory_planning_1")
    machines = {
        "grinder": (4, 2),
        "vertDrill": (2, 2),
        "horiDrill": (3, 3),
        "borer": (1, 1),
        "planer": (1, 1),
    }
    given["resources"] = {
        name: {"units": units, "hours_per_unit": 384, "maintenance_units": down}
        for name, (units, down) in machines.items()
    }
    answer = solve_case(given)  # Williams, Factory Planning 2
    assert answer["status"] == "optimal"
    assert answer["objective"] == pytest.approx(108_855, abs=0.5)
    for name, (_, down) in machines.items():
        assert sum(answer["decisions"][f"down:{name}"]) == pytest.approx(down)


def test_red_tomato_with_whole_workers(shared_directory):
    given = shared_case(shared_directory, "red_tomato_optimum")
    given["workforce"]["integer"] = True
    answer = solve_case(given)  # Chopra and Meindl, Red Tomato
    assert answer["objective"] == pytest.approx(422_660)
    assert answer["decisions"]["workers"] == pytest.approx([64] * 6)
