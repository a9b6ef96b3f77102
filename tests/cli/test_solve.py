"""`solve` as a user runs it: a readable answer, one object for machines, one line for what is no case."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Run = Callable[..., Result]


def small(**changes: Any) -> dict[str, Any]:
    """Ten units at 2, one of them kept a period: 21."""
    return {
        "id": "small",
        "title": "Ten chairs",
        "model": "plan",
        "sense": "min",
        "periods": ["May", "June"],
        "items": {
            "chair": {
                "demand": {"quantity": [4, 6]},
                "holding_cost": 1,
                "modes": [{"name": "shop", "cost": 2, "uses": {"line": 1}}],
            }
        },
        "resources": {"line": {"capacity": 5}},
    } | changes


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Any], str]:
    def write(case: Any) -> str:
        path = tmp_path / "case.json"
        path.write_text(case if isinstance(case, str) else json.dumps(case), encoding="utf-8")
        return str(path)

    return write


def test_an_answer_for_people(concord: Run, written: Callable[[Any], str]) -> None:
    more = [{"id": "longer June", "set": [["resources/line/capacity", [5, 6]]]}]
    done = concord("solve", written(small(scenarios=more)))
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == ["Ten chairs", "optimal (proven optimal): objective 21"]
    assert ["make:chair:shop", "5", "5"] in [line.split() for line in lines]
    assert ["capacity:line", "0", "-1"] in [line.split() for line in lines]
    assert lines[-1] == "Scenario longer June: optimal (proven optimal): objective 20"


def test_one_object_for_machines(concord: Run, written: Callable[[Any], str]) -> None:
    case = small()
    case["items"]["chair"]["colour"] = "blue"
    done = concord("solve", written(case), "--json")
    found = json.loads(done.stdout)
    assert set(found) >= {"status", "objective", "bound", "decisions", "duals", "scenarios"}
    assert (found["status"], found["objective"]) == ("optimal", pytest.approx(21))
    assert found["bound"] == pytest.approx(21)
    assert found["decisions"]["inv:chair"] == pytest.approx([1, 0])
    assert found["ignored"] == ["items/chair/colour"]
    (limit,) = (one for one in found["limits"] if one["code"] == "capacity:line")
    assert (limit["kind"], limit["limit"], limit["value"]) == ("activity_upper", 5.0, pytest.approx(-1))


def test_what_cannot_hold_is_told_in_a_planners_words(concord: Run, written: Callable[[Any], str]) -> None:
    case = small()
    case["items"]["chair"]["demand"]["quantity"] = [4, 8]  # two more than ten hours make
    done = concord("solve", written(case))
    assert done.exit_code == 0
    assert "infeasible (no plan meets every requirement)" in done.stdout
    told = [line.strip() for line in done.stdout.splitlines()]
    for text in (
        "The demand for chair in May must be met: 4.",
        "The demand for chair in June must be met: 8.",
        "The capacity of line in May is at most 5.",
        "The capacity of line in June is at most 5.",
    ):
        assert text in told
    assert "the demand for chair in June by 2" in told
    assert "and then the best objective is 21" in told  # ten chairs, one kept


def test_a_limit_has_its_own_status(concord: Run, written: Callable[[Any], str]) -> None:
    case = small()
    case["items"]["chair"]["modes"][0]["setup_cost"] = 7
    done = concord("solve", written(case), "--time-limit", "0")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines() == ["Ten chairs", "limit (the time limit was reached)"]
    assert "optimal (proven optimal): objective 35" in concord("solve", written(case)).stdout


def test_an_explosion(concord: Run, written: Callable[[Any], str]) -> None:
    items = {
        "bike": {"gross_requirements": [0, 0, 5], "lead_time": 1, "components": {"wheel": 2}},
        "wheel": {"on_hand": 4, "lead_time": 1, "lot_rule": {"type": "multiple", "quantity": 4}},
    }
    path = written({"model": "mrp", "periods": [1, 2, 3], "items": items})
    found = json.loads(concord("solve", path, "--json").stdout)
    assert found["planned_order_releases"] == {"bike": [0, 5, 0], "wheel": [8, 0, 0]}  # 10 - 4 = 6, in fours
    assert ["planned", "order", "releases", "8", "0", "0"] in [
        line.split() for line in concord("solve", path).stdout.splitlines()
    ]


def altered(path: str, value: Any) -> dict[str, Any]:
    case = small()
    place: Any = case
    *way, last = path.split("/")
    for key in way:
        place = place[int(key)] if isinstance(place, list) else place[key]
    place[last] = value
    return case


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("{", "not JSON"),
        ("[1]", "expected one JSON object, found [1]"),
        (altered("model", "poem"), 'model: expected plan or mrp, found "poem"'),
        (altered("periods", []), "periods: expected a list of periods, found []"),
        (altered("items", {}), "items: expected items by name, found {}"),
        (altered("items/chair/demand", {}), "items/chair/demand/quantity: expected a number, or a list"),
        (altered("items/chair/demand/quantity", [1, 2, 3]), "one number per period, found [1, 2, 3]"),
        (altered("items/chair/modes/0/cost", "dear"), 'items/chair/modes/0/cost: expected a number, or a'),
        (altered("items/chair/modes", 7), "items/chair/modes: expected a list, found 7"),
        (altered("items/chair/holding_cost", float("nan")), "items/chair/holding_cost: expected a number"),
        (altered("resources/line", 5), "resources/line: expected an object, found 5"),
        (small(scenarios=[{"id": "x", "set": [["items/ghost/modes/0/cost", 1]]}]), "scenarios/0/set: "),
        (small(scenarios=[{"id": "x", "set": [["periods", 3]]}]), "scenarios/0/set: periods: expected"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_case_is_one_line(
    concord: Run, written: Callable[[Any], str], case: Any, said: str
) -> None:
    path = written(case)
    done = concord("solve", path)
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"concord: INPUT_INVALID: The input cannot be used: {path}: ")
    assert said in line


def test_a_file_that_is_not_there(concord: Run) -> None:
    done = concord("solve", "nowhere.json")
    assert done.exit_code == 1
    assert "nowhere.json: cannot be read" in done.stderr
