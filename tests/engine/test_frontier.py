"""Rules 46 and 47: the frontier between two stakeholders with its breakpoints, and prices of trade."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.frontier import frontier
from app.engine.problem import Activities, Demands, Kind, Resources, Stocks, Uses
from app.engine.reconcile import reconcile
from app.engine.solution import Stakeholder
from app.engine.trade import prices
from app.errors import PlanningError
from tests.engine.builders import departments, problem, random_problem

SALES = Stakeholder("sales", {"revenue": 1.0}, money=0.5)
OPERATIONS = Stakeholder("operations", {"purchase": -1.0})


def two_sources():
    """Ten units asked for at 10 each; six can be bought at 3, the rest at 5."""
    acts = Activities.of(
        ["cheap", "dear"], 1, kind=[Kind.PURCHASE] * 2, stock=[0, 0], cost=[3.0, 5.0], upper=[[6.0], [np.inf]]
    )
    demands = Demands.of(["d"], 1, stock=[0], quantity=[[10.0]], price=10.0)
    return problem(1, Stocks.of(["item"], 1), acts, demands=demands)


def test_rule_46_a_frontier_by_hand():
    found = frontier(two_sources(), SALES, OPERATIONS)
    np.testing.assert_allclose(found.values, [[100, -38], [60, -18], [0, 0]], atol=1e-6)
    np.testing.assert_allclose(found.rate, [0.5, 0.3], atol=1e-9)  # per revenue given up: 5/10, then 3/10
    assert found.gap == pytest.approx(0.0, abs=1e-6)


def test_rule_46_without_conflict_the_frontier_is_a_point():
    indifferent = Stakeholder("quality", {"overtime": -1.0})
    found = frontier(two_sources(), SALES, indifferent)
    np.testing.assert_allclose(found.values, [[100.0, 0.0]], atol=1e-6)
    assert len(found.rate) == 0


@given(st.integers(0, 10**6), st.sampled_from([(0, 1), (0, 2), (1, 2)]))
def test_rule_46_no_rule_gives_both_more_and_the_ends_are_the_payoff_table(seed, pair):
    given_problem = random_problem(seed, periods=4)
    chosen = [departments()[k] for k in pair]
    try:
        found = frontier(given_problem, *chosen)
    except PlanningError:
        return
    answer = reconcile(given_problem, chosen, "leximin")
    scale = 1e-6 * (1 + np.abs(found.values).max())
    np.testing.assert_allclose(found.values[0], answer.payoff[0], atol=10 * scale)
    np.testing.assert_allclose(found.values[-1], answer.payoff[1], atol=10 * scale)
    assert (np.diff(found.values[:, 0]) <= scale).all()
    assert (np.diff(found.values[:, 1]) >= -scale).all()
    assert (np.diff(found.rate) <= 1e-6 * (1 + found.rate[:-1])).all()  # each further unit buys less
    own, other = (one.value for one in answer.concessions)
    best = np.interp(-own, -found.values[:, 0], found.values[:, 1])
    assert other == pytest.approx(best, abs=20 * scale)  # leximin lies on it


def late_shop():
    """Two buckets of 10 hours, 14 asked for in the first; overtime at 9, a unit late at 4, held at 1."""
    return problem(
        2,
        Stocks.of(["item"], 2, holding_cost=1.0),
        Activities.of(["make"], 2, kind=[Kind.MAKE], stock=[0]),
        resources=Resources.of(["shop"], 2, regular=10.0, overtime=3.0, overtime_cost=9.0),
        uses=Uses.of([0], [0], 1.0, 2),
        demands=Demands.of(
            ["d"], 2, stock=[0], quantity=[[14.0, 6.0]], price=100.0, late_cost=4.0, latest=[[1, 1]]
        ),
    )


def test_rule_47_prices_by_hand():
    """Four of 20 units are late: 80 points. A point is 0.2 units: 0.2 hours of overtime at 9 - 4 = 5 more."""
    found = {one.name: one for one in prices(late_shop())}
    assert found["service"].value == pytest.approx(80.0)
    assert found["service"].more == pytest.approx(0.2 * 5.0)
    assert found["overtime"].value == pytest.approx(0.0)
    assert found["overtime"].more == pytest.approx(5.0)
    assert found["overtime"].less is None  # there is none to be saved
    assert found["stock"].value == pytest.approx(0.0)
    assert found["stock"].less is None


def test_rule_47_in_other_eyes():
    found = {one.name: one for one in prices(late_shop(), {"revenue": 1.0, "overtime": 1.0, "lateness": 0.5})}
    assert found["overtime"].more == pytest.approx(9.0 - 2.0)


@given(st.integers(0, 10**6))
def test_rule_47_moving_away_from_the_optimum_never_gains(seed):
    try:
        found = prices(random_problem(seed, periods=4, blocks=1))
    except PlanningError:
        return
    for price in found:
        assert (price.more or 0.0) >= -1e-6
        assert (price.less or 0.0) >= -1e-6


@given(st.integers(0, 10**6))
def test_rule_46_a_tolerance_costs_no_more_than_its_gap(seed):
    given_problem, (first, _, second) = random_problem(seed, periods=4), departments()
    try:
        exact = frontier(given_problem, first, second)
    except PlanningError:
        return
    rough = frontier(given_problem, first, second, tolerance=0.05)
    assert rough.solves <= exact.solves
    slack = 1e-6 * (1 + np.abs(exact.values).max())
    for weights in np.random.default_rng(seed).dirichlet([1, 1], 10):
        best, found = (float((one.values @ weights).max()) for one in (exact, rough))
        assert found <= best + slack
        assert found >= best - rough.gap - slack
