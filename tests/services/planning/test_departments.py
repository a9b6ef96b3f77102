"""Rule P31: the departments as the company weighs, orders and aims them, under every rule."""

import pytest

from app.services.explaining.working import packed, unpacked
from app.services.planning.departments import departments_of
from app.services.planning.run import make_plan
from app.vocabulary import Parameters

STATED = {"plan_date": "2026-01-05", "history_from": "2024-01-01", "currency": "EUR"}


def test_order_weights_tolerances_and_targets_are_data():
    parameters = Parameters.of_texts(
        STATED
        | {
            "department_order": "finance, sales",
            "department_weight.sales": "3",
            "department_tolerance.finance": "0.1",
            "department_target.operations": "-500",
        }
    )
    finance, sales, operations = departments_of(parameters)
    assert [finance.name, sales.name, operations.name] == ["finance", "sales", "operations"]
    assert (sales.weight, finance.tolerance, operations.target) == (3.0, 0.1, -500.0)
    assert (finance.weight, sales.tolerance, sales.target) == (1.0, 0.0, None)


@pytest.mark.parametrize("rule", ["lexicographic", "goals"])
def test_a_company_plans_by_order_and_by_goals(company, rule):
    company.rows["capacity"][0]["hours_per_day"] = 5.0
    plan = make_plan(company.dataset(), rule)
    assert plan.solution.status == "optimal"
    assert plan.solution.rounded.violations == ()
    if rule == "lexicographic":
        assert plan.reconciliation.concessions[0].share == pytest.approx(0.0, abs=1e-6)


def test_what_is_kept_of_a_plan_comes_back(company):
    company.rows["capacity"][0] |= {"hours_per_day": 0.1, "overtime_hours_per_day": 0.0}
    plan = make_plan(company.dataset(), "leximin")
    kept = unpacked(packed(plan, b"\x01" * 32))
    assert kept.inputs_hash == "01" * 32
    assert kept.weights == pytest.approx(plan.reconciliation.weights)
    assert (kept.decisions.level == plan.decisions.level).all()
    assert kept.given_way == plan.given_way
    assert kept.fits(plan.model.problem)
