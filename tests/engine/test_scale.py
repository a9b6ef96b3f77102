"""Numbers of very different sizes: solved with their proof, or refused with a reason (rule 33)."""

from dataclasses import replace

import numpy as np
import pytest

from app.engine.checks import check
from app.engine.problem import Activities, Demands, Inputs, Kind, Resources, Stocks, Uses
from app.engine.solve import solve
from app.errors import ProblemInvalid
from tests.engine.builders import problem, random_problem


def spread(orders):
    """A product whose unit takes 10**-(orders/2) hours and 10**(orders/2) grains of a raw material."""
    small, large = 10.0 ** -(orders / 2), 10.0 ** (orders / 2)
    stocks = Stocks.of(
        ["product", "grains"], 4, opening=[0.0, 3.0 * large], holding_cost=[[0.01], [0.01 / large]]
    )
    acts = Activities.of(
        ["make", "buy"], 4, kind=[Kind.MAKE, Kind.PURCHASE], stock=[0, 1], cost=np.array([1.0, 2.0 / large])
    )
    return problem(
        4,
        stocks,
        acts,
        inputs=Inputs.of([0], [1], large, 4),
        resources=Resources.of(["line"], 4, regular=5.0 * small, regular_cost=1.0),
        uses=Uses.of([0], [0], small, 4),
        demands=Demands.of(
            ["sold"], 4, stock=0, quantity=[[4.0, 6.0, 5.0, 3.0]], price=50.0, late_cost=0.5, latest=3
        ),
    )


@pytest.mark.parametrize("orders", [0, 6, 8, 10, 12])
def test_coefficients_over_many_orders_are_solved_and_proven(orders):
    answer = solve(replace(spread(orders), parameters=replace(spread(orders).parameters, rounding=False)))
    assert answer.status == "optimal"
    assert answer.certificate.accepted
    np.testing.assert_allclose(answer.decisions.level[0], [5.0, 5.0, 5.0, 3.0], rtol=1e-5, atol=1e-5)


def test_beyond_twelve_orders_the_reason_is_said():
    findings = [one for one in check(spread(13)) if one.check == "scale"]
    assert len(findings) == 1
    assert "12 orders of magnitude" in findings[0].text
    with pytest.raises(ProblemInvalid):
        solve(spread(13))


def test_other_units_give_the_same_plan_in_those_units():
    given = random_problem(4)
    given = replace(given, parameters=replace(given.parameters, rounding=False))
    factor = 1e5
    stocks, demands, acts = given.stocks, given.demands, given.activities
    scaled = replace(
        given,
        stocks=replace(
            stocks,
            opening=stocks.opening * factor,
            receipts=stocks.receipts * factor,
            target=stocks.target * factor,
            final_target=stocks.final_target * factor,
        ),
        demands=replace(demands, quantity=demands.quantity * factor, minimum=demands.minimum * factor),
        activities=replace(acts, upper=acts.upper * factor, rate_before=acts.rate_before * factor),
        resources=replace(
            given.resources,
            regular=given.resources.regular * factor,
            overtime=given.resources.overtime * factor,
        ),
    )
    one, other = solve(given), solve(scaled)
    assert other.status == "optimal"
    np.testing.assert_allclose(other.decisions.level / factor, one.decisions.level, atol=1e-5)
