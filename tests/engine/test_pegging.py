"""Rule 60: pegging first in first out, by hand and on random networks; everything adds up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.engine.flows import Origin, Use, flows
from app.engine.pegging import final_uses, peg_down, peg_hours, peg_up, whole_moves
from app.engine.problem import Activities, Demands, Inputs, Kind, Resources, Stocks, Uses
from app.engine.solve import solve
from tests.engine.builders import problem, random_problem


def bicycles():
    """Two bikes asked for in b0, three in b2; two wheels each; 3 on hand, the rest bought in b0 and b1."""
    stocks = Stocks.of(["bike", "wheel"], 3, opening=[0.0, 3.0], holding_cost=[[1.0], [0.5]], multiple=1.0)
    acts = Activities.of(
        ["make bike", "buy wheel"],
        3,
        kind=[Kind.MAKE, Kind.PURCHASE],
        stock=[0, 1],
        lower=[[2.0, 0.0, 3.0], [4.0, 5.0, 0.0]],
        upper=[[2.0, 0.0, 3.0], [4.0, 5.0, 0.0]],
        multiple=1.0,
    )
    return problem(
        3,
        stocks,
        acts,
        inputs=Inputs.of([0], [1], 2.0, 3),
        resources=Resources.of(["shop"], 3),
        uses=Uses.of([0], [0], 0.5, 3),
        demands=Demands.of(["north", "south"], 3, stock=[0, 0], quantity=[[2, 0, 1], [0, 0, 2]], rank=[1, 2]),
    )


def named(laid, pegs):
    """Pegs as (depth, kind, bucket, quantity), in order."""
    moves = laid.lots if pegs.direction == "down" else laid.withdrawals
    kinds = Origin if pegs.direction == "down" else Use
    return [
        (int(d), kinds(moves.kind[m]).name, int(moves.bucket[m]), float(q))
        for d, m, q in zip(pegs.depth, pegs.move, pegs.quantity, strict=True)
    ]


def test_rule_60_a_demand_down_to_purchases_oldest_first():
    given_problem = bicycles()
    laid = flows(given_problem, solve(given_problem).plan)
    out = laid.withdrawals
    north = np.flatnonzero((out.kind == Use.DELIVERY) & (out.row == 0))
    pegs = peg_down(laid, whole_moves(out, north))
    assert named(laid, pegs) == [
        (0, "START", 0, 2.0),  # bikes of b0
        (0, "START", 2, 1.0),  # bikes of b2
        (1, "OPENING", 0, 3.0),  # the first four wheels: three on hand
        (1, "START", 0, 1.0),  # and one bought in b0
        (1, "START", 0, 2.0),  # the first bike of b2 takes the next two of b0
    ]
    hours = peg_hours(laid, pegs)
    assert list(zip(hours.bucket.tolist(), hours.hours.tolist(), strict=True)) == [(0, 1.0), (2, 0.5)]
    np.testing.assert_allclose(pegs.share, [2, 1, 1.5, 0.5, 1])  # bikes that go through each peg


def test_rule_60_a_purchase_up_to_its_demands_and_to_stock():
    given_problem = bicycles()
    laid = flows(given_problem, solve(given_problem).plan)
    lots = laid.lots
    bought = np.flatnonzero((lots.kind == Origin.START) & (lots.row == 1))
    pegs = peg_up(laid, whole_moves(lots, bought))
    assert named(laid, pegs) == [
        (0, "DRAW", 0, 1.0),
        (0, "DRAW", 2, 3.0),
        (0, "DRAW", 2, 3.0),  # wheels bought in b1
        (0, "STOCK", 2, 2.0),
        (1, "DELIVERY", 0, 0.5),
        (1, "DELIVERY", 2, 1.0),  # north, class 1, first
        (1, "DELIVERY", 2, 0.5),
        (1, "DELIVERY", 2, 1.5),
    ]


def test_rule_60_what_lands_after_the_end_and_safety_stock_have_pegs_too():
    stocks = Stocks.of(["item"], 2, target=[[0.0, 2.0]])
    acts = Activities.of(
        ["make"],
        2,
        kind=[Kind.MAKE],
        stock=[0],
        output=0.5,
        arrival=[[1, 2]],
        lower=[[10.0, 6.0]],
        upper=[[10.0, 6.0]],
    )
    given_problem = problem(2, stocks, acts, demands=Demands.of(["d"], 2, stock=[0], quantity=[[0.0, 1.0]]))
    laid = flows(given_problem, solve(given_problem).plan)
    pegs = peg_up(laid, whole_moves(laid.lots, np.arange(len(laid.lots.stock))))
    assert named(laid, pegs) == [
        (0, "DELIVERY", 1, 1.0),
        (0, "SAFETY", 1, 2.0),
        (0, "STOCK", 1, 2.0),
        (0, "BEYOND", 2, 3.0),
    ]


def test_rule_60_a_by_product_bears_nothing():
    stocks = Stocks.of(["main", "side", "raw"], 1, opening=[0.0, 0.0, 4.0])
    acts = Activities.of(["split"], 1, kind=[Kind.MAKE], stock=[0], lower=[[4.0]], upper=[[4.0]])
    inputs = Inputs.of([0, 0], [1, 2], [[-0.5], [1.0]], 1)
    given_problem = problem(
        1,
        stocks,
        acts,
        inputs=inputs,
        demands=Demands.of(["m", "s"], 1, stock=[0, 1], quantity=[[4.0], [2.0]]),
    )
    laid = flows(given_problem, solve(given_problem).plan)
    pegs = peg_down(laid, final_uses(laid))
    assert sorted(named(laid, pegs)) == [
        (0, "BYPRODUCT", 0, 2.0),
        (0, "START", 0, 4.0),
        (1, "OPENING", 0, 4.0),
    ]


@given(st.integers(0, 10**6), st.booleans())
def test_rule_60_everything_adds_up_both_ways(seed, rounded):
    given_problem = random_problem(seed)
    answer = solve(replace(given_problem, parameters=replace(given_problem.parameters, rounding=rounded)))
    if answer.decisions is None:
        return
    laid = flows(given_problem, answer.plan)
    down = peg_down(laid, final_uses(laid))
    pegged = np.bincount(down.move, down.quantity, minlength=len(laid.lots.stock))
    np.testing.assert_allclose(pegged, laid.lots.quantity, rtol=1e-9, atol=1e-9)
    if rounded:  # bills of material and yields are whole here: so are all pegs, exactly
        np.testing.assert_array_equal(down.quantity, np.round(down.quantity))
        np.testing.assert_array_equal(pegged, laid.lots.quantity)
    assert_hours(given_problem, answer.plan, peg_hours(laid, down))


def entries(laid):
    """Lots that no activity with inputs made: on hand, under way, bought."""
    bought = set(
        np.setdiff1d(np.arange(len(laid.problem.activities.codes)), laid.problem.inputs.activity).tolist()
    )
    moves = enumerate(zip(laid.lots.kind, laid.lots.row, strict=True))
    outside = [i for i, (kind, row) in moves if kind in (Origin.OPENING, Origin.RECEIPT) or row in bought]
    return whole_moves(laid.lots, np.array(outside, dtype=np.int64))


def assert_hours(given_problem, plan, hours):
    used = np.zeros(given_problem.resources.regular.shape)
    np.add.at(used, (hours.resource, hours.bucket), hours.hours)
    np.testing.assert_allclose(used, plan.regular + plan.overtime, rtol=1e-9, atol=1e-7)


@given(st.integers(0, 10**6))
def test_rule_60_every_unit_that_comes_in_ends_in_a_demand_or_in_stock(seed):
    given_problem = random_problem(seed)
    answer = solve(given_problem)
    if answer.decisions is None:
        return
    laid = flows(given_problem, answer.plan)
    roots = entries(laid)
    up = peg_up(laid, roots)
    ends = laid.withdrawals.kind[up.move] != Use.DRAW
    reached = np.bincount(up.root[ends], up.share[ends], minlength=len(roots.move))
    np.testing.assert_allclose(reached, roots.upper - roots.lower, rtol=1e-9, atol=1e-9)
    first = np.bincount(up.root[up.depth == 0], up.quantity[up.depth == 0], minlength=len(roots.move))
    np.testing.assert_array_equal(first, roots.upper - roots.lower)
