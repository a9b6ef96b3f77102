"""Rule 48 on a company: the change of its totals split over the groups of inputs that changed."""

import copy

import pytest

from app.errors import Conflict
from app.services.datasets import PLANNED_FROM
from app.services.explaining.attribution import (
    GROUPS,
    KINDS,
    MEASURES_OF,
    PlanInputs,
    attributed,
    changed_groups,
    mixed,
)
from app.services.planning.run import make_plan
from app.services.planning.totals import plan_totals
from app.vocabulary import ENTITIES


@pytest.fixture
def before(company):
    company.rows["capacity"][0]["hours_per_day"] = 5.0
    return company


def after(company, **changes):
    """The company with fewer hours, dearer production or a higher price."""
    other = copy.deepcopy(company)
    if "hours" in changes:
        other.rows["capacity"][0]["hours_per_day"] = changes["hours"]
    if "cost" in changes:
        other.rows["production_cost"][0]["cost"] = changes["cost"]
    return PlanInputs(other.dataset(), changes.get("rule", "weighted"))


def test_kinds_and_measures_named_are_known():
    assert set(KINDS) <= set(ENTITIES)
    assert set(MEASURES_OF) <= set(PLANNED_FROM)
    assert {*KINDS.values(), *MEASURES_OF.values(), "supply"} == set(GROUPS)


def test_one_group_alone_has_made_the_whole_change(before):
    first, second = after(before), after(before, cost=15.0)
    assert changed_groups(first, second) == ["cost"]
    found = {one.total: one for one in attributed(first, second)}
    margin = found["margin"]
    assert margin.parts["cost"] == pytest.approx(margin.target - margin.base)
    assert all(part == 0.0 for group, part in margin.parts.items() if group != "cost")
    assert margin.target < margin.base


def test_parts_add_up_and_what_did_not_change_gets_nothing(before):
    first, second = after(before), after(before, hours=4.0, cost=15.0)
    assert changed_groups(first, second) == ["capacity", "cost"]
    steps = []
    found = attributed(first, second, lambda done, total: steps.append((done, total)))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    for one in found:
        assert sum(one.parts.values()) == pytest.approx(one.target - one.base, abs=1e-9 * (1 + abs(one.base)))
        assert one.parts["demand"] == one.parts["price"] == one.parts["supply"] == one.parts["rules"] == 0.0
    overtime = next(one for one in found if one.total == "overtime")
    assert overtime.parts["capacity"] > 0


def test_the_ends_are_the_plans_themselves(before):
    first, second = after(before), after(before, rule="leximin")
    found = {one.total: one for one in attributed(first, second)}
    plan = make_plan(second.dataset, "leximin")
    made = {block.measure for block in plan.series}
    kept = [block for block in second.dataset.series if block.measure not in made]
    assert found["margin"].target == pytest.approx(
        plan_totals(type(second.dataset)(second.dataset.entities, [*kept, *plan.series]))["margin"]
    )
    assert found["margin"].parts["rules"] == pytest.approx(found["margin"].target - found["margin"].base)


def test_a_mixture_knows_what_either_side_knows(before):
    first, second = after(before), after(before)
    second.dataset.entities["item"].append({**second.dataset.entities["item"][0], "item": "NEW"})
    mixture = mixed(first, second, frozenset({"demand"}))
    assert "NEW" in {row["item"] for row in mixture.dataset.entities["item"]}


def test_plans_of_other_days_are_not_compared(before):
    first = after(before)
    longer = copy.deepcopy(before)
    longer.parameters["months"] = "5"
    with pytest.raises(Conflict):
        attributed(first, PlanInputs(longer.dataset(), "weighted"))
