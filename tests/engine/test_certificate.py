"""Rule 33: the certificate is checked with NumPy alone, and every kind of lie is caught."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.engine import component
from app.engine.certificate import combine, verify
from app.engine.formulation import formulate
from app.engine.highs import Options, Outcome, minimise
from app.engine.solution import Certificate
from app.engine.solve import solve
from tests.engine.builders import random_problem

PROGRAM = formulate(random_problem(1, blocks=1)).program
OPTIMAL = minimise(PROGRAM, Options())


def test_an_optimum_is_accepted_and_its_bound_is_its_objective():
    certificate, bound = verify(PROGRAM, OPTIMAL.point, OPTIMAL.duals, 1e-6)
    assert certificate.accepted
    assert bound == pytest.approx(OPTIMAL.objective)


def test_any_duals_give_a_bound_that_no_plan_beats():
    rng = np.random.default_rng(0)
    for _ in range(20):
        duals = OPTIMAL.duals * rng.uniform(0.9, 1.1, len(OPTIMAL.duals))
        certificate, bound = verify(PROGRAM, OPTIMAL.point, duals, 1e-6)
        if certificate.dual <= 1e-9:
            assert bound <= OPTIMAL.objective + 1e-6


def moved(**changes):
    return {"point": OPTIMAL.point, "duals": OPTIMAL.duals} | changes


def worse_plan():
    """A feasible plan that is not optimal: the optimum of another objective."""
    other = minimise(PROGRAM.with_cost(-PROGRAM.cost), Options())
    return other.point


@pytest.mark.parametrize(
    ("lie", "residual"),
    [
        (lambda: moved(point=OPTIMAL.point + 0.01), "primal"),
        (lambda: moved(duals=OPTIMAL.duals * 1.5), "gap"),
        (lambda: moved(duals=-OPTIMAL.duals), "dual"),
        (lambda: moved(point=worse_plan()), "complementarity"),
    ],
)
def test_a_wrong_point_or_proof_is_refused(lie, residual):
    certificate, _ = verify(PROGRAM, accept=1e-6, **lie())
    assert not certificate.accepted
    assert getattr(certificate, residual) > 1e-6


def test_a_plan_without_proof_is_feasible_and_not_optimal(monkeypatch):
    def careless(program, options, **how):
        outcome = minimise(program, options, **how)
        return replace(outcome, duals=np.zeros_like(outcome.duals))

    monkeypatch.setattr(component, "minimise", careless)
    answer = solve(random_problem(1, blocks=1))
    assert answer.status == "feasible"
    assert answer.gap > 1e-6


def test_a_limit_is_a_status_of_its_own(monkeypatch):
    def slow(program, options, **how):
        return Outcome("limit", np.zeros(len(program.cost)), np.zeros(len(program.row_lower)), 0.0, 0)

    monkeypatch.setattr(component, "minimise", slow)
    answer = solve(random_problem(1, blocks=1))
    assert (answer.status, answer.decisions) == ("limit", None)


def test_joined_certificates_keep_the_worst_residual_and_sum_the_gap():
    good = Certificate(1e-9, 0.0, 0.0, 0.0, 0.0, accepted=True)
    bad = Certificate(0.0, 0.0, 0.0, 1e-3, 2.0, accepted=False)
    both = combine([(good, 100.0), (bad, 100.0)], 1e-6)
    assert (both.primal, both.gap_money, both.accepted) == (1e-9, 2.0, False)
    assert both.gap == pytest.approx(2 / 201)


def test_no_time_is_a_limit_of_the_solver_itself():
    problem = random_problem(2, periods=30, blocks=4)
    hurried = replace(problem, parameters=replace(problem.parameters, time_limit=0.0))
    assert solve(hurried).status == "limit"
