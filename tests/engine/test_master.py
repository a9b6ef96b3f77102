"""Leximin by a master over components is leximin over the whole, with its proof."""

from dataclasses import replace

import numpy as np
import pytest

from app.engine import reconcile as module
from app.engine.cache import Cache
from app.engine.network import components, whole
from app.engine.payoff import Payoff, payoff_component
from app.engine.problem import Parameters
from app.engine.reconcile import Session, reconcile
from app.engine.rules import leximin_component
from app.engine.runner import Runner
from app.engine.solution import Stakeholder
from app.engine.stakeholders import loss_weights
from tests.engine.builders import permuted, random_problem

COMMON = {"safety": -1.0, "terminal": -1.0}
THREE = (
    Stakeholder("sales", {**COMMON, "revenue": 1.0, "lateness": -1.0, "shortfall": -1.0, "priority": -1.0}),
    Stakeholder("operations", {**COMMON, "overtime": -1.0, "smoothing": -1.0, "holding": -1.0}),
    Stakeholder("finance", {**COMMON, "revenue": 1.0, "purchase": -1.0, "production": -1.0, "regular": -1.0}),
)


def of(seed, blocks=3):
    return replace(random_problem(seed, periods=5, blocks=blocks), parameters=Parameters(rounding=False))


@pytest.mark.parametrize("seed", [1, 2, 5, 8])
def test_the_master_finds_the_leximin_of_the_whole(seed):
    problem = of(seed)
    answer = reconcile(problem, THREE)
    assert answer.status == "optimal"
    losses = loss_weights(THREE)
    parts = components(problem)
    table = Runner(np.inf).run(payoff_component, parts, losses)
    payoff = Payoff(-sum(one.elements for one in table) @ losses.T)
    stakes = Session(problem, THREE, losses, Runner(np.inf)).stakes(payoff)
    together, _ = leximin_component(whole(problem).problem, stakes, np.inf)
    shares = (losses @ together.elements + stakes.best) / stakes.ranges
    assert sorted(one.share for one in answer.concessions) == pytest.approx(
        sorted(np.where(stakes.conflicting, shares, 0.0).tolist()), abs=1e-6
    )


@pytest.mark.parametrize("seed", [1, 5])
def test_the_bound_is_met_and_the_parts_prove_it(seed):
    solution = reconcile(of(seed), THREE).solution
    assert solution.certificate.accepted
    assert solution.bound == pytest.approx(solution.objective, abs=1e-6)
    assert solution.components == 3


def test_order_and_cache_do_not_change_the_answer():
    problem, cache = of(2), Cache()
    first = reconcile(problem, THREE, cache=cache)
    again = reconcile(problem, THREE, cache=cache)
    moved = permuted(problem, 4)
    other = reconcile(moved, THREE)
    place = {code: row for row, code in enumerate(moved.activities.codes)}
    order = [place[code] for code in problem.activities.codes]
    np.testing.assert_allclose(first.solution.decisions.level, again.solution.decisions.level, atol=1e-6)
    np.testing.assert_allclose(
        first.solution.decisions.level, other.solution.decisions.level[order], atol=1e-6
    )


def test_what_the_master_does_not_prove_is_proven_as_one_program(monkeypatch):
    problem = of(1)
    by_master = reconcile(problem, THREE)
    coordinated = module._by_master

    def unproven(*given):
        ruled = coordinated(*given)
        return replace(ruled, solution=replace(ruled.solution, status="feasible"))

    monkeypatch.setattr(module, "_by_master", unproven)
    answer = reconcile(problem, THREE)
    assert (answer.status, answer.solution.components) == ("optimal", 1)
    assert answer.solution.certificate.accepted
    shares = [[one.share for one in each.concessions] for each in (answer, by_master)]
    assert sorted(shares[0]) == pytest.approx(sorted(shares[1]), abs=1e-6)


def test_one_large_component_is_not_handed_to_the_master(monkeypatch):
    monkeypatch.setattr(module, "LARGEST_SHARE", 0.1)
    monkeypatch.setattr(module, "_by_master", lambda *_: pytest.fail("the master was asked"))
    assert reconcile(of(1), THREE).status == "optimal"
