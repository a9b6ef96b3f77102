"""Rule 31: whole units and multiples at every level, carried and never lost, never beyond what is there."""

from __future__ import annotations

import numpy as np
import pytest

from app.engine.problem import Activities, Demands, Inputs, Kind, Resources, Stocks, Uses
from app.engine.rollout import round_down, round_up
from app.engine.rounding import recheck, stock_depth
from app.engine.solve import solve
from tests.engine.builders import problem


def chain(*, pack=1.0, hours=100.0, quantity=((3, 4, 5),), smoothing=0.0, yield_=1.0):
    """A bike from two wheels, wheels bought in packs."""
    stocks = Stocks.of(["bike", "wheel"], 3, holding_cost=[0.2, 0.1], multiple=1.0)
    acts = Activities.of(
        ["make", "buy"],
        3,
        kind=[Kind.MAKE, Kind.PURCHASE],
        stock=[0, 1],
        output=[yield_, 1.0],
        cost=[2.0, 1.0],
        multiple=[1.0, pack],
        smoothing_cost=[smoothing, 0.0],
    )
    resources = Resources.of(["line"], 3, regular=hours, regular_cost=0.1)
    demands = Demands.of(
        ["d"], 3, stock=[0], quantity=quantity, price=50.0, late_cost=1.0, latest=np.full((1, 3), 2)
    )
    return problem(
        3, stocks, acts, inputs=Inputs.of([0], [1], 2.0, 3), resources=resources,
        uses=Uses.of([0], [0], 1.0, 3), demands=demands,
    )  # fmt: skip


def test_values_within_noise_of_a_multiple_are_that_multiple():
    step = np.array([1.0, 5.0, 0.0])
    np.testing.assert_array_equal(round_down(np.array([2.9999999, 14.9, 1.3]), step), [3, 10, 1.3])
    np.testing.assert_array_equal(round_up(np.array([3.0000001, 10.1, 1.3]), step), [3, 15, 1.3])


def test_purchases_come_in_packs_and_the_remainder_is_carried():
    answer = solve(chain(pack=10.0))
    np.testing.assert_allclose(answer.decisions.level[1], [6, 8, 10])
    rounded = answer.rounded.decisions
    np.testing.assert_allclose(rounded.level[1], [10, 10, 10])  # 6, 14, 24 cumulative
    np.testing.assert_allclose(rounded.stock[1], [4, 6, 6])
    np.testing.assert_allclose(rounded.deliver[0], [3, 4, 5])
    assert answer.rounded.loss == pytest.approx(6 * 1.0 + 0.1 * (4 + 6 + 6))


def test_smoothed_halves_become_whole_and_the_wheels_follow():
    answer = solve(chain(smoothing=5.0, quantity=((3, 4, 6),)))
    assert np.abs(answer.decisions.level[0] - np.round(answer.decisions.level[0])).max() > 0.1
    rounded = answer.rounded.decisions
    np.testing.assert_allclose(rounded.level[0], np.round(rounded.level[0]))
    assert rounded.level[1].sum() >= 2 * rounded.level[0].sum()
    np.testing.assert_allclose(rounded.deliver[0], [3, 4, 6])
    assert answer.rounded.violations == ()


def test_a_full_line_is_never_overloaded_by_rounding():
    answer = solve(chain(hours=4.4, quantity=((4, 4, 5),)))
    rounded = answer.rounded.decisions
    assert rounded.level[0].max() <= 4
    np.testing.assert_allclose(rounded.deliver[0].sum() + rounded.short[0].sum(), 13)
    assert answer.rounded.violations == ()
    assert answer.rounded.loss > 0


def test_a_yield_starts_whole_lots_and_never_delivers_what_is_not_there():
    answer = solve(chain(yield_=0.8))
    rounded = answer.rounded.decisions
    np.testing.assert_allclose(rounded.level[0], np.round(rounded.level[0]))
    assert rounded.stock.min() >= -1e-9
    np.testing.assert_allclose(rounded.deliver[0], [3, 4, 5])


def test_the_recheck_finds_what_a_broken_plan_breaks():
    given = chain(pack=10.0, hours=4.0)
    plan = solve(given).decisions  # not rounded: 6 wheels are no pack
    assert any("not a multiple" in text for text in recheck(given, plan))
    plan.level[0] *= 2.0
    found = recheck(given, plan)
    assert any("capacity" in text for text in found)
    assert any("negative" in text for text in found)


def test_depth_counts_levels_from_what_is_sold():
    stocks = Stocks.of(["raw", "sub", "end"], 1)
    acts = Activities.of(["a", "b"], 1, kind=[0, 0], stock=[2, 1])
    demands = Demands.of(["d"], 1, stock=[2], quantity=1.0)
    given = problem(1, stocks, acts, inputs=Inputs.of([0, 1], [1, 0], 1.0, 1), demands=demands)
    assert stock_depth(given).tolist() == [2, 1, 0]
