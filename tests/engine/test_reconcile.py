"""Rules 40 to 45: payoff table, concessions and every rule, by hand and on random problems."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.cache import Cache
from app.engine.component import Result
from app.engine.network import whole
from app.engine.problem import Activities, Demands, Kind, Stocks
from app.engine.reconcile import RULES, reconcile
from app.engine.solution import ELEMENTS, Stakeholder
from app.engine.stakeholders import SIGNS
from app.engine.study import Study
from app.errors import PlanCancelled, PlanningError, ProblemInvalid
from tests.engine.builders import by_code, departments, permuted, problem, random_problem

SALES = Stakeholder("sales", {"revenue": 1.0}, unit="currency", money=0.5)
OPERATIONS = Stakeholder("operations", {"purchase": -1.0})


def one_item(floor=0.2):
    """Ten units asked for at 10 each, bought at 4 each: sales wants them all, operations as few as it may."""
    stocks = Stocks.of(["item"], 1)
    acts = Activities.of(["buy"], 1, kind=[Kind.PURCHASE], stock=[0], cost=4.0)
    demands = Demands.of(["d"], 1, stock=[0], quantity=[[10.0]], price=10.0, floor=floor)
    return problem(1, stocks, acts, demands=demands)


def test_rule_41_the_payoff_table_over_the_common_feasible_set():
    answer = reconcile(one_item(), [SALES, OPERATIONS])
    np.testing.assert_allclose(answer.payoff, [[100, -40], [20, -8]], atol=1e-6)


def test_rule_43_leximin_lets_both_give_up_the_same_share():
    answer = reconcile(one_item(), [SALES, OPERATIONS])
    assert answer.status == "optimal"
    assert [one.share for one in answer.concessions] == pytest.approx([0.5, 0.5])
    sales, operations = answer.concessions
    assert (sales.value, operations.value) == pytest.approx((60, -24))
    assert (sales.money, operations.money) == pytest.approx((20, 16))  # 40 of revenue at 0.5
    assert answer.solution.objective == pytest.approx(0.5)
    assert answer.solution.bound == pytest.approx(0.5)
    np.testing.assert_allclose(answer.solution.decisions.level, [[6.0]], atol=1e-7)


def test_rule_42_weights_decide_who_gives_way():
    heavy = [replace(SALES, weight=3.0), OPERATIONS]
    answer = reconcile(one_item(), heavy, "weighted")
    assert [one.share for one in answer.concessions] == pytest.approx([0.0, 1.0])
    assert answer.solution.objective == pytest.approx(1.0)  # 3 x 0 + 1 x 1
    answer = reconcile(one_item(), [SALES, replace(OPERATIONS, weight=3.0)], "weighted")
    assert [one.share for one in answer.concessions] == pytest.approx([1.0, 0.0])


def test_no_conflict_is_said_and_keeps_its_best():
    indifferent = Stakeholder("quality", {"overtime": -1.0})
    answer = reconcile(one_item(), [SALES, indifferent])
    sales, quality = answer.concessions
    assert quality.no_conflict
    assert (quality.share, sales.share) == (0.0, 0.0)


@pytest.mark.parametrize("rule", sorted(RULES))
def test_without_any_conflict_everybody_gets_the_best(rule):
    answer = reconcile(one_item(floor=1.0), [SALES, OPERATIONS], rule)
    assert all(one.no_conflict for one in answer.concessions)
    assert [one.value for one in answer.concessions] == pytest.approx([100, -40])


def test_the_payoff_row_is_lexicographic():
    """Whoever is indifferent between plans picks the one best for the others, in their order."""
    stocks = Stocks.of(["item"], 1)
    acts = Activities.of(["dear", "cheap"], 1, kind=[Kind.PURCHASE] * 2, stock=[0, 0], cost=[4.0, 3.0])
    demands = Demands.of(["d"], 1, stock=[0], quantity=[[10.0]], price=10.0)
    answer = reconcile(problem(1, stocks, acts, demands=demands), [SALES, OPERATIONS])
    np.testing.assert_allclose(answer.payoff[0], [100, -30], atol=1e-6)


@given(st.integers(0, 10**6), st.sampled_from(sorted(RULES)))
def test_concessions_lie_in_the_table_and_are_proven(seed, rule):
    answer = reconcile(random_problem(seed), departments(), rule)
    if answer.status == "infeasible":
        assert answer.conflicts
        return
    assert answer.status == "optimal"
    assert answer.solution.certificate.accepted
    assert answer.solution.bound == pytest.approx(answer.solution.objective, abs=1e-6)
    np.testing.assert_allclose(np.diagonal(answer.payoff), answer.payoff.max(axis=0), rtol=1e-6, atol=1e-6)
    assert all(one.share >= -1e-6 for one in answer.concessions)
    shares = sorted((one.share for one in answer.concessions), reverse=True)
    if rule == "leximin":
        assert shares[0] == pytest.approx(answer.solution.objective, abs=1e-6)


@given(st.integers(0, 10**6))
def test_leximin_is_no_worse_for_the_worst_than_any_other_plan(seed):
    given_problem = random_problem(seed)
    fair = reconcile(given_problem, departments(), "leximin")
    if fair.status == "infeasible":
        return
    summed = reconcile(given_problem, departments(), "weighted")
    worst = [max(one.share for one in answer.concessions) for answer in (fair, summed)]
    assert worst[0] <= worst[1] + 1e-6
    total = [sum(one.share for one in answer.concessions) for answer in (fair, summed)]
    assert total[1] <= total[0] + 1e-6


@given(st.integers(0, 10**6))
def test_the_same_inputs_in_another_order_give_the_same_plan(seed):
    first, second = random_problem(seed), permuted(random_problem(seed), seed + 1)
    left, right = (reconcile(one, departments(), "leximin") for one in (first, second))
    if left.status != "optimal":
        return
    there = by_code(second.activities, right.solution.decisions.level)
    for code, row in by_code(first.activities, left.solution.decisions.level).items():
        np.testing.assert_allclose(row, there[code], atol=1e-6)


def test_cache_and_executor_give_the_same_answer():
    given_problem, cache = random_problem(3), Cache[Result]()
    cold = reconcile(given_problem, departments(), "weighted", cache=cache)
    warm = reconcile(given_problem, departments(), "weighted", cache=cache)
    with ThreadPoolExecutor(2) as pool:
        threaded = reconcile(given_problem, departments(), "weighted", executor=pool)
    for other in (warm, threaded):
        np.testing.assert_allclose(other.solution.decisions.level, cold.solution.decisions.level, atol=1e-6)
    assert warm.solution.cached > cold.solution.cached


def test_a_cancelled_run_stops_between_two_solves():
    calls = []
    with pytest.raises(PlanCancelled):
        reconcile(
            random_problem(3),
            departments(),
            progress=lambda *step: calls.append(step),
            cancelled=lambda: len(calls) >= 2,
        )
    assert len(calls) == 2


def test_unknown_rules_and_elements_are_refused():
    with pytest.raises(PlanningError, match="no rule"):
        reconcile(one_item(), [SALES], "majority")
    with pytest.raises(ProblemInvalid, match="happiness"):
        reconcile(one_item(), [Stakeholder("sales", {"happiness": 1.0})])


def test_an_impossible_common_set_is_infeasible_with_its_conflicts():
    starved = replace(one_item(floor=1.0))
    acts = replace(starved.activities, upper=np.full((1, 1), 3.0))
    answer = reconcile(replace(starved, activities=acts), [SALES, OPERATIONS])
    assert answer.status == "infeasible"
    assert answer.conflicts[0].amount == pytest.approx(7.0)


def test_nothing_to_plan_is_a_plan():
    nothing = problem(
        2,
        Stocks.of([], 2),
        Activities.of([], 2, kind=[], stock=[]),
        demands=Demands.of([], 2, stock=[], quantity=np.zeros((0, 2))),
    )
    for rule in sorted(RULES):
        answer = reconcile(nothing, [SALES, OPERATIONS], rule)
        assert answer.status == "optimal"
        assert all(one.no_conflict for one in answer.concessions)


def test_what_can_only_be_sold_from_stock_is_planned():
    stocks = Stocks.of(["item"], 2, opening=[7.0])
    demands = Demands.of(["d"], 2, stock=[0], quantity=[[5.0, 5.0]], price=10.0, short_cost=20.0)
    answer = reconcile(
        problem(2, stocks, Activities.of([], 2, kind=[], stock=[]), demands=demands), [SALES, OPERATIONS]
    )
    assert answer.status == "optimal"
    assert answer.solution.decisions.short.sum() == pytest.approx(3.0)


def test_processes_give_the_same_answer():
    given_problem = random_problem(5, blocks=3)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        spread = reconcile(given_problem, departments(), "weighted", executor=pool)
    alone = reconcile(given_problem, departments(), "weighted")
    np.testing.assert_allclose(spread.solution.decisions.level, alone.solution.decisions.level, atol=1e-6)


def test_rule_44_in_order_the_first_gets_its_optimum():
    answer = reconcile(one_item(), [SALES, OPERATIONS], "lexicographic")
    assert [one.share for one in answer.concessions] == pytest.approx([0.0, 1.0])
    answer = reconcile(one_item(), [OPERATIONS, SALES], "lexicographic")
    assert [one.value for one in answer.concessions] == pytest.approx([-8.0, 20.0])
    assert answer.solution.certificate.accepted


def test_rule_44_a_tolerance_is_what_the_first_gives_up_for_the_next():
    """A quarter of its range of 80: sales is content with 80, and operations buys 8."""
    answer = reconcile(one_item(), [replace(SALES, tolerance=0.25), OPERATIONS], "lexicographic")
    assert [one.value for one in answer.concessions] == pytest.approx([80.0, -32.0])
    assert answer.solution.objective == pytest.approx(0.75)  # the concession of operations, which is proven
    assert answer.solution.certificate.accepted
    assert answer.weights["purchase"] == pytest.approx(1.0)
    assert answer.weights["revenue"] == pytest.approx(0.4)  # 4 of purchase saved per 10 of revenue


def test_rule_45_goals_weigh_what_is_missing_in_money():
    """A unit more brings sales 10 at 0.5 = 5 nearer to its target of 60, and takes operations 4 away."""
    sales, operations = replace(SALES, target=60.0), replace(OPERATIONS, target=-8.0)
    answer = reconcile(one_item(), [sales, operations], "goals")
    assert [one.value for one in answer.concessions] == pytest.approx([60.0, -24.0])
    assert answer.solution.objective == pytest.approx(16.0)
    assert answer.solution.bound == pytest.approx(16.0)
    answer = reconcile(one_item(), [sales, replace(operations, weight=2.0)], "goals")
    assert [one.value for one in answer.concessions] == pytest.approx([20.0, -8.0])
    assert answer.solution.objective == pytest.approx(20.0)


def test_rule_45_targets_that_can_all_be_met_leave_the_rest_to_the_money_of_all():
    """Both targets hold from 2 to 5 units; a further unit is worth 5 to sales and costs operations 4."""
    answer = reconcile(one_item(), [replace(SALES, target=10.0), replace(OPERATIONS, target=-20.0)], "goals")
    assert answer.solution.objective == pytest.approx(0.0)
    np.testing.assert_allclose(answer.solution.decisions.level, [[5.0]], atol=1e-7)


@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.1, 0.5]))
def test_rule_44_without_tolerance_the_first_has_its_best_and_with_it_no_less_than_allowed(seed, tolerance):
    first, *others = departments()
    answer = reconcile(random_problem(seed), (replace(first, tolerance=tolerance), *others), "lexicographic")
    if answer.status == "infeasible":
        return
    assert answer.status == "optimal"
    own, second = answer.concessions[:2]
    assert own.share <= tolerance + 1e-6
    strict = reconcile(random_problem(seed), departments(), "lexicographic")
    assert second.value >= strict.concessions[1].value - 1e-6 * (1 + abs(second.value))
    np.testing.assert_allclose(
        [one.value for one in strict.concessions], strict.payoff[0], rtol=1e-6, atol=1e-5
    )


@given(st.integers(0, 10**6))
def test_rule_45_no_target_below_what_any_rule_gives_is_missed(seed):
    given_problem = random_problem(seed)
    fair = reconcile(given_problem, departments(), "leximin")
    if fair.status == "infeasible":
        return
    aims = [replace(one, target=got.value) for one, got in zip(departments(), fair.concessions, strict=True)]
    answer = reconcile(given_problem, aims, "goals")
    assert answer.status == "optimal"
    assert answer.solution.objective == pytest.approx(0.0, abs=1e-3)


@given(st.integers(0, 10**6), st.sampled_from(sorted(RULES)))
def test_rule_61_the_plan_is_least_in_the_eyes_of_its_rule(seed, rule):
    given_problem = random_problem(seed, periods=4, blocks=1)
    stakeholders = [replace(one, tolerance=0.1, target=0.0) for one in departments()]
    answer = reconcile(given_problem, stakeholders, rule)
    if answer.status == "infeasible":
        return
    part = whole(given_problem)
    study = Study(part.problem, np.array([answer.weights[name] for name in ELEMENTS]))
    elements = np.array([answer.solution.elements[name] for name in ELEMENTS]) * SIGNS
    here = float(study.weights @ elements)
    assert here <= study.cost() + 1e-4 * (1 + abs(here))
