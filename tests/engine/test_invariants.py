"""What holds for every problem: against an independent LP, split or whole, permuted, renamed, cached."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.engine.cache import Cache
from app.engine.component import Result, solve_component
from app.engine.network import components, connected, whole
from app.engine.pricing import price
from app.engine.rounding import balance, recheck
from app.engine.solve import solve
from tests.engine.builders import by_code, permuted, random_problem
from tests.engine.reference import optimum

seeds = st.integers(0, 10**6)


def levels(problem, solution):
    return by_code(problem.activities, solution.decisions.level)


def same(left, right, rename=lambda code: code):
    for code, row in left.items():
        np.testing.assert_allclose(row, right[rename(code)], atol=1e-6)


@given(seeds)
def test_the_optimum_is_that_of_a_dense_lp_built_independently(seed):
    problem = random_problem(seed, periods=4, blocks=1)
    answer, reference = solve(problem), optimum(problem)
    if reference is None:
        assert answer.status == "infeasible"
        assert answer.conflicts
    else:
        assert answer.status == "optimal"
        assert answer.objective == pytest.approx(reference, abs=1e-6, rel=1e-9)


@given(seeds)
@example(1328)  # ties that a weight by rank settled otherwise in the whole than in the part
def test_decomposed_is_monolithic(seed):
    problem = random_problem(seed, blocks=3)
    answer = solve(problem)
    if answer.decisions is None:
        return
    assert answer.components == 3
    part = whole(problem)
    together = solve_component(part.problem, 60.0)
    assert together.objective == pytest.approx(answer.objective, rel=1e-9)
    same(by_code(part.problem.activities, together.decisions.level), levels(problem, answer))


@given(seeds, seeds)
def test_the_order_of_the_input_does_not_matter(seed, shuffle):
    problem = random_problem(seed)
    other = permuted(problem, shuffle)
    left, right = solve(problem), solve(other)
    assert left.status == right.status
    if left.decisions is not None:
        same(levels(problem, left), levels(other, right))
        same(by_code(problem.demands, left.plan.deliver), by_code(other.demands, right.plan.deliver))


@given(seeds)
def test_names_do_not_matter(seed):
    problem = random_problem(seed)
    renamed = {
        name: replace(
            getattr(problem, name), codes=tuple(code[::-1] + "x" for code in getattr(problem, name).codes)
        )
        for name in ("stocks", "activities", "resources", "demands")
    }
    other = replace(problem, **renamed)
    left, right = solve(problem), solve(other)
    if left.decisions is not None:
        same(levels(problem, left), levels(other, right), lambda code: code[::-1] + "x")


@given(seeds)
def test_cached_warm_and_threaded_answers_are_the_same(seed):
    problem, cache = random_problem(seed), Cache[Result]()
    cold = solve(problem, cache=cache)
    warm = solve(problem, cache=cache)
    with ThreadPoolExecutor(2) as pool:
        threaded = solve(problem, executor=pool)
    if cold.decisions is None:
        return
    assert (cold.cached, warm.cached) == (0, cold.components)
    for other in (warm, threaded):
        np.testing.assert_allclose(other.decisions.level, cold.decisions.level, atol=1e-6)


def test_a_change_solves_only_the_component_that_it_touches():
    problem, cache = random_problem(1, blocks=4), Cache[Result]()
    solve(problem, cache=cache)
    quantity = problem.demands.quantity.copy()
    quantity[0, 0] += 1
    changed = replace(problem, demands=replace(problem.demands, quantity=quantity))
    assert solve(changed, cache=cache).cached == 3


@given(seeds)
def test_more_capacity_is_never_worse_and_the_price_of_an_hour_bounds_the_gain(seed):
    problem = random_problem(seed)
    more = replace(problem, resources=replace(problem.resources, regular=problem.resources.regular + 1.0))
    less, answer = solve(problem), solve(more)
    if less.decisions is None:
        return
    assert answer.objective <= less.objective + 1e-6
    assert (
        less.objective - answer.objective <= less.capacity_value.sum() + 1e-6
    )  # the value function is convex


@given(seeds)
def test_scaling_the_units_scales_the_plan(seed):
    problem = replace(
        random_problem(seed), parameters=replace(random_problem(seed).parameters, rounding=False)
    )
    acts, stocks, demands, resources = problem.activities, problem.stocks, problem.demands, problem.resources
    scaled = replace(
        problem,
        stocks=replace(stocks, opening=stocks.opening * 10, receipts=stocks.receipts * 10,
                       target=stocks.target * 10, final_target=stocks.final_target * 10),
        activities=replace(acts, upper=acts.upper * 10, rate_before=acts.rate_before * 10),
        resources=replace(resources, regular=resources.regular * 10, overtime=resources.overtime * 10),
        demands=replace(demands, quantity=demands.quantity * 10),
    )  # fmt: skip
    left, right = solve(problem), solve(scaled)
    if left.decisions is not None:
        assert right.objective == pytest.approx(10 * left.objective, rel=1e-8)


@given(seeds)
def test_the_elements_add_up_and_are_those_of_the_quantities(seed):
    problem = random_problem(seed)
    answer = solve(problem)
    if answer.decisions is None:
        return
    paid = sum(value for name, value in answer.elements.items() if name != "revenue")
    assert paid - answer.elements["revenue"] == pytest.approx(answer.objective, abs=1e-6)
    assert price(problem, answer.decisions).sum() == pytest.approx(answer.objective, abs=1e-6)
    np.testing.assert_allclose(balance(problem, answer.decisions), answer.decisions.stock, atol=1e-6)


@example(1015)  # half a unit of what must be supplied at least is rounded off
@given(seeds)
def test_the_rounded_plan_is_whole_balances_and_keeps_every_limit(seed):
    problem = random_problem(seed)
    answer = solve(problem)
    if answer.decisions is None:
        return
    rounded = answer.rounded.decisions
    assert answer.rounded.violations == ()
    assert recheck(problem, rounded) == []
    for whole_numbers in (rounded.level, rounded.deliver, rounded.stock, rounded.backlog, rounded.short):
        np.testing.assert_allclose(whole_numbers, np.round(whole_numbers), atol=1e-6)
        assert whole_numbers.min() >= -1e-6
    np.testing.assert_allclose(balance(problem, rounded), rounded.stock, atol=1e-6)
    supplied = np.cumsum(rounded.deliver, axis=1)
    asked = np.cumsum(problem.demands.quantity - rounded.short, axis=1)
    np.testing.assert_allclose(asked - supplied, rounded.backlog, atol=1e-6)
    demands, published = problem.demands, problem.published
    least = demands.floor * demands.quantity[:, :published].sum(axis=1)
    if ((demands.quantity - rounded.short)[:, :published].sum(axis=1) >= least).all():
        assert answer.rounded.loss >= -1e-6  # the optimum cannot be beaten by a feasible plan


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=15))
def test_connected_components_are_those_of_a_search(edges):
    left, right = (np.array([edge[side] for edge in edges], dtype=np.int64) for side in (0, 1))
    reach = np.eye(12, dtype=bool)
    for a, b in edges:
        reach[a, b] = reach[b, a] = True
    for _ in range(12):
        reach = (reach.astype(int) @ reach.astype(int)) > 0
    assert connected(12, left, right).tolist() == reach.argmax(axis=1).tolist()


def test_components_keep_every_row_once():
    problem = random_problem(3, blocks=4)
    parts = components(problem)
    for axis in ("stocks", "activities", "resources", "demands"):
        rows = np.concatenate([getattr(part, axis) for part in parts])
        assert sorted(rows.tolist()) == list(range(len(getattr(problem, axis).codes)))
