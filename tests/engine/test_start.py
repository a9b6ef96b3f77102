"""The constructive start: a basis of the right size that saves work and never decides the answer."""

from dataclasses import replace

import numpy as np
import pytest

from app.engine.component import started
from app.engine.formulation import formulate
from app.engine.highs import Options, minimise
from app.engine.linear import BASIC
from app.engine.problem import Activities, Demands, Kind, Stocks
from tests.engine.builders import problem, random_problem


@pytest.mark.parametrize("seed", range(6))
def test_the_optimum_does_not_depend_on_the_start(seed):
    given = random_problem(seed, periods=8, blocks=2)
    formulation = formulate(given)
    basis = started(given, formulation)
    assert int((basis.columns == BASIC).sum() + (basis.rows == BASIC).sum()) <= len(
        formulation.program.row_lower
    )
    cold = minimise(formulation.program, Options())
    warm = minimise(formulation.program, Options(), start=basis)
    assert warm.verdict == cold.verdict == "optimal"
    assert warm.objective == pytest.approx(cold.objective, rel=1e-9)


def test_lot_for_lot_is_the_optimum_where_nothing_limits_it():
    stocks = Stocks.of(["part"], 6, opening=5.0, holding_cost=0.1)
    buy = Activities.of(["buy"], 6, kind=Kind.PURCHASE, stock=0, cost=2.0)
    asked = np.array([[3.0, 4.0, 0.0, 6.0, 1.0, 2.0]])
    demands = Demands.of(["sold"], 6, stock=0, quantity=asked, price=9.0)
    given = problem(6, stocks, buy, demands=demands)
    formulation = formulate(given)
    outcome = minimise(formulation.program, Options(), start=started(given, formulation))
    assert outcome.iterations == 0, "the start is optimal"
    assert formulation.decisions(outcome.point).level.tolist() == [[0.0, 2.0, 0.0, 6.0, 1.0, 2.0]]


def test_what_lands_covers_the_buckets_until_the_next_landing():
    stocks = Stocks.of(["part"], 4, holding_cost=0.1)
    upper = np.array([[np.inf, 0.0, np.inf, 0.0]])
    buy = Activities.of(["buy"], 4, kind=Kind.PURCHASE, stock=0, cost=2.0, upper=upper)
    demands = Demands.of(["sold"], 4, stock=0, quantity=[[1.0, 2.0, 3.0, 4.0]], price=9.0)
    given = problem(4, stocks, buy, demands=demands)
    formulation = formulate(given)
    outcome = minimise(formulation.program, Options(), start=started(given, formulation))
    assert outcome.iterations == 0
    assert formulation.decisions(outcome.point).level.tolist() == [[3.0, 0.0, 7.0, 0.0]]


def test_a_useless_start_costs_time_and_nothing_else():
    given = random_problem(3, periods=6)
    formulation = formulate(given)
    basis = started(given, formulation)
    none = replace(basis, columns=np.zeros_like(basis.columns), rows=np.zeros_like(basis.rows))
    cold = minimise(formulation.program, Options())
    assert minimise(formulation.program, Options(), start=none).objective == pytest.approx(cold.objective)
