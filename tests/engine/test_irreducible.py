"""Rule 39: requirements impossible together, none of which can be left out; and what giving way costs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.irreducible import given_way, irreducible
from app.engine.problem import Activities, Demands, Kind, Parameters, Stocks
from app.engine.solve import solve
from tests.engine.builders import problem


def shop(demand, upper, **stock):
    """One item, made at 1 a unit up to `upper`; 1 a unit in stock; all of the demand must be supplied."""
    periods = len(demand)
    return problem(
        periods,
        Stocks.of(["x"], periods, holding_cost=1.0, **stock),
        Activities.of(["make x"], periods, kind=Kind.MAKE, stock=[0], cost=1.0, upper=[upper]),
        demands=Demands.of(["for x"], periods, stock=[0], quantity=[demand], floor=1.0),
        parameters=Parameters(rounding=False),
    )


def told(found):
    return {(one.kind, one.code, one.bucket, one.value) for one in found}


def test_only_what_takes_part_is_named():
    # bucket 0 is easily met, bucket 1 is not even with all of both buckets; bucket 2 comes later
    case = shop([1, 12, 2], [4, 5, 9])
    assert told(irreducible(case)) == {
        ("demand", "for x", 1, 12.0),
        ("activity_upper", "make x", 0, 4.0),
        ("activity_upper", "make x", 1, 5.0),
    }


def test_a_stock_limit_and_a_final_stock_take_part():
    case = shop([0, 0], [9, 1], maximum=[[3, np.inf]], final_target=5, final_cost=np.inf)
    assert told(irreducible(case)) == {
        ("final", "x", None, 5.0),
        ("stock_maximum", "x", 0, 3.0),
        ("activity_upper", "make x", 1, 1.0),
    }


def test_what_can_be_fulfilled_has_no_conflict():
    assert irreducible(shop([1, 2], [4, 4])) == ()


def test_giving_way_by_the_least_makes_a_plan():
    case = shop([1, 12, 2], [4, 5, 9])
    answer = solve(case)
    assert answer.status == "infeasible"
    after = solve(given_way(case, answer.conflicts))
    assert after.status == "optimal"
    assert after.decisions.short.sum() == pytest.approx(4, abs=1e-5)  # 13 asked for by bucket 1, 9 possible
    kept = solve(given_way(shop([0, 0], [9, 1], maximum=[[3, 9]], final_target=5, final_cost=np.inf), ()))
    assert kept.status == "infeasible"


@given(
    demand=st.lists(st.integers(0, 9), min_size=4, max_size=4),
    upper=st.lists(st.integers(1, 6), min_size=4, max_size=4),
    most=st.integers(1, 8),
)
def test_without_any_one_of_them_the_others_hold(demand, upper, most):
    case = shop(demand, upper, maximum=float(most))
    found = irreducible(case)
    assert bool(found) == (solve(case).status == "infeasible")
    for left_out in found:
        rest = replace(case, demands=replace(case.demands, floor=np.zeros(1), quantity=case.demands.quantity))
        minimum, limit = np.zeros((1, 4)), np.full((1, 4), np.inf)
        maximum = np.full((1, 4), np.inf)
        place = {"demand": minimum, "activity_upper": limit, "stock_maximum": maximum}
        for one in set(found) - {left_out}:
            place[one.kind][0, one.bucket] = one.value
        rest = replace(
            rest,
            demands=replace(rest.demands, minimum=minimum),
            activities=replace(rest.activities, upper=limit),
            stocks=replace(rest.stocks, maximum=maximum),
        )
        assert solve(rest).status == "optimal"
