"""Planning again after a change gives what planning anew gives, and solves no more than it touches."""

from dataclasses import fields, replace

import numpy as np
import pytest

from app.engine.cache import Cache
from app.engine.problem import Parameters
from app.engine.replan import changed_components, plan, replan
from app.engine.solve import solve
from tests.engine.builders import random_problem

GIVEN = replace(random_problem(21, periods=6, blocks=5), parameters=Parameters(rounding=False))


def same(left, right):
    for item in fields(left.decisions):
        np.testing.assert_allclose(
            getattr(left.decisions, item.name), getattr(right.decisions, item.name), atol=1e-6
        )
    for name in ("objective", "bound"):
        assert getattr(left, name) == pytest.approx(getattr(right, name), abs=1e-6)
    assert left.status == right.status == "optimal"
    assert left.elements == pytest.approx(right.elements, abs=1e-6)
    np.testing.assert_allclose(left.material_value, right.material_value, atol=1e-6)
    assert [(one.kind, one.code, one.bucket) for one in left.binding] == [
        (one.kind, one.code, one.bucket) for one in right.binding
    ]


def more_demand(problem, row=3, by=2.0):
    quantity = problem.demands.quantity.copy()
    quantity[row, 1] += by
    return replace(problem, demands=replace(problem.demands, quantity=quantity))


def test_a_changed_demand_touches_one_component_and_gives_the_plan_of_a_fresh_solve():
    before = plan(GIVEN)
    changed = more_demand(GIVEN)
    assert len(changed_components(before, changed)) == 1
    cache = Cache()
    after = replan(before, changed, cache=cache)
    assert len(cache) == 1, "one component was solved"
    same(after.solution, solve(changed))
    same(before.solution, solve(GIVEN))


def test_changes_add_up():
    planned = plan(GIVEN)
    problem = GIVEN
    for row in (0, 7, 12):
        problem = more_demand(problem, row)
        planned = replan(planned, problem)
    same(planned.solution, solve(problem))


def test_equal_content_in_other_arrays_touches_nothing():
    before = plan(GIVEN)
    copied = replace(GIVEN, stocks=replace(GIVEN.stocks, opening=GIVEN.stocks.opening.copy()))
    assert replan(before, copied).solution is before.solution


@pytest.mark.parametrize("field", ["regular", "cost", "opening", "inputs"])
def test_any_number_may_change(field):
    changed = {
        "regular": lambda: replace(
            GIVEN, resources=replace(GIVEN.resources, regular=GIVEN.resources.regular * 0.8)
        ),
        "cost": lambda: replace(GIVEN, activities=replace(GIVEN.activities, cost=GIVEN.activities.cost + 1)),
        "opening": lambda: replace(GIVEN, stocks=replace(GIVEN.stocks, opening=GIVEN.stocks.opening + 1)),
        "inputs": lambda: replace(GIVEN, inputs=replace(GIVEN.inputs, quantity=GIVEN.inputs.quantity + 1)),
    }[field]()
    same(replan(plan(GIVEN), changed).solution, solve(changed))


def test_a_changed_network_is_planned_anew():
    other = random_problem(22, periods=6, blocks=5)
    other = replace(other, parameters=GIVEN.parameters)
    before = plan(GIVEN)
    assert changed_components(before, other) is None or len(changed_components(before, other)) == 5
    same(replan(before, other).solution, solve(other))


def test_what_cannot_be_planned_is_said_as_solve_says_it():
    impossible = replace(GIVEN, demands=replace(GIVEN.demands, floor=np.ones(len(GIVEN.demands.codes))))
    after = replan(plan(GIVEN), impossible)
    assert after.solution.status == solve(impossible).status
