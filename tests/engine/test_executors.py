"""One answer, whoever solves: in-process, threads, processes, from the cache, as a whole, in any order."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace

import numpy as np
import pytest

from app.engine.cache import Cache
from app.engine.certificate import verify
from app.engine.component import solve_component, started
from app.engine.formulation import formulate
from app.engine.highs import Options, minimise
from app.engine.network import components, whole
from app.engine.solve import solve
from app.errors import PlanningError
from app.services.planning.processes import Processes
from tests.engine.builders import by_code, permuted, random_problem

GIVEN = random_problem(11, periods=6, blocks=6)


@pytest.fixture(scope="module")
def alone():
    return solve(GIVEN)


def same(left, right):
    for item in fields(left.decisions):
        np.testing.assert_allclose(
            getattr(left.decisions, item.name), getattr(right.decisions, item.name), atol=1e-6
        )
    assert left.objective == pytest.approx(right.objective, abs=1e-6)
    assert left.status == right.status == "optimal"
    assert right.certificate.accepted


def test_threads_give_the_same_plan(alone):
    with ThreadPoolExecutor(3) as pool:
        same(alone, solve(GIVEN, executor=pool))


def test_processes_give_the_same_plan(alone):
    processes = Processes(2)
    try:
        same(alone, solve(GIVEN, executor=processes))
    finally:
        processes.close()


def test_a_process_that_dies_is_said_and_replaced(alone):
    processes = Processes(1)
    try:
        with pytest.raises(PlanningError):
            list(processes.map(os._exit, [1]))
        assert list(processes.map(abs, [-1])) == [1]
    finally:
        processes.close()


def test_a_component_that_did_not_change_is_taken_from_the_cache(alone):
    cache = Cache()
    cold = solve(GIVEN, cache=cache)
    assert cold.cached == 0
    warm = solve(GIVEN, cache=cache)
    assert warm.cached == warm.components == 6
    same(alone, warm)
    quantity = GIVEN.demands.quantity.copy()
    quantity[0, 2] += 3.0
    changed = replace(GIVEN, demands=replace(GIVEN.demands, quantity=quantity))
    after = solve(changed, cache=cache)
    assert after.cached == 5
    same(solve(changed), after)


def test_renamed_and_permuted_content_is_found_in_the_cache(alone):
    cache = Cache()
    solve(GIVEN, cache=cache)
    other = permuted(GIVEN, 5)
    found = solve(other, cache=cache)
    assert found.cached == 6
    mine = by_code(GIVEN.activities, alone.decisions.level)
    for code, row in by_code(other.activities, found.decisions.level).items():
        np.testing.assert_allclose(row, mine[code], atol=1e-6)


def test_components_together_are_the_whole(alone):
    part = whole(GIVEN)
    result = solve_component(part.problem, np.inf)
    assert result.objective == pytest.approx(alone.objective, abs=1e-6)
    level = np.zeros_like(alone.decisions.level)
    level[part.activities] = result.decisions.level
    np.testing.assert_allclose(level, alone.decisions.level, atol=1e-6)


def test_stretched_arrays_are_the_same_content_as_full_ones(alone):
    full = replace(
        GIVEN,
        activities=replace(GIVEN.activities, cost=np.array(GIVEN.activities.cost)),
        stocks=replace(GIVEN.stocks, holding_cost=np.array(GIVEN.stocks.holding_cost)),
    )
    cache = Cache()
    solve(GIVEN, cache=cache)
    assert solve(full, cache=cache).cached == 6


def test_the_certificate_of_every_component_holds_on_its_own_program():
    for part in components(GIVEN):
        formulation = formulate(part.problem)
        outcome = minimise(formulation.program, Options(), start=started(part.problem, formulation))
        certificate, _ = verify(formulation.program, outcome.point, outcome.duals, 1e-6)
        assert certificate.accepted
