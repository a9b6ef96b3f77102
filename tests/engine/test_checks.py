"""Rule 29: every check finds its fault, says so in words, and all faults are reported at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.engine.checks import CHECKS, check, require_valid
from app.engine.problem import Inputs, Kind, Problem
from app.engine.solve import solve
from app.errors import ProblemInvalid
from tests.engine.builders import random_problem

GOOD = random_problem(0, blocks=1)


def with_block(name: str, **changes: object) -> Problem:
    return replace(GOOD, **{name: replace(getattr(GOOD, name), **changes)})


def spoiled(name: str, field: str, value: float) -> Problem:
    array = np.array(getattr(getattr(GOOD, name), field), dtype=np.float64)
    array.reshape(-1)[0] = value
    return with_block(name, **{field: array})


def with_cycle() -> Problem:
    inputs = GOOD.inputs
    loop = Inputs(
        np.append(inputs.activity, 4),
        np.append(inputs.stock, 0),
        np.vstack((inputs.quantity, np.ones((1, 5)))),
    )
    acts = replace(GOOD.activities, kind=np.full(len(GOOD.activities.codes), int(Kind.MAKE)))
    arrival = np.broadcast_to(np.arange(5), acts.arrival.shape)
    return replace(GOOD, inputs=loop, activities=replace(acts, arrival=arrival))


BROKEN = {
    "negative": (spoiled("stocks", "opening", -1.0), "numbers", "stocks.opening is negative"),
    "not a number": (spoiled("demands", "price", np.nan), "numbers", "demands.price is not a number"),
    "absurd scale": (spoiled("demands", "quantity", 1e15), "numbers", "beyond"),
    "infinite": (spoiled("stocks", "holding_cost", np.inf), "finite", "infinite"),
    "minimum above maximum": (
        with_block("activities", lower=np.full(GOOD.activities.lower.shape, 1e6)),
        "limits",
        "minimum is above",
    ),
    "yield of zero": (spoiled("activities", "output", 0.0), "limits", "yield"),
    "floor above one": (spoiled("demands", "floor", 1.5), "limits", "floor"),
    "more than asked": (spoiled("demands", "minimum", 1e6), "limits", "asked for"),
    "cycle": (with_cycle(), "cycles", "made of itself"),
    "landing in the past": (
        with_block("activities", arrival=np.zeros(GOOD.activities.arrival.shape, dtype=np.int64)),
        "timing",
        "before its start",
    ),
    "delivered before asked": (
        with_block("demands", latest=np.zeros(GOOD.demands.latest.shape, dtype=np.int64)),
        "timing",
        "last bucket",
    ),
    "shape": (with_block("stocks", opening=np.zeros(99)), "shapes", "shape"),
    "code twice": (with_block("stocks", codes=("x",) * len(GOOD.stocks.codes)), "shapes", "twice"),
    "index": (with_block("demands", stock=np.full(len(GOOD.demands.codes), 99)), "indices", "outside"),
    "no days": (replace(GOOD, days=np.zeros(5)), "numbers", "length in days"),
    "nothing published": (replace(GOOD, published=0), "shapes", "published"),
}


def test_a_sound_problem_has_no_finding():
    assert check(GOOD) == []


@pytest.mark.parametrize("fault", BROKEN)
def test_each_fault_is_found_and_stops_the_solve(fault):
    problem, name, words = BROKEN[fault]
    found = [finding for finding in check(problem) if finding.severity == "error"]
    assert any(finding.check == name and words in finding.text for finding in found)
    with pytest.raises(ProblemInvalid):
        solve(problem)


def test_all_faults_are_reported_at_once():
    stocks = replace(GOOD.stocks, opening=GOOD.stocks.opening - 100.0)
    demands = replace(GOOD.demands, price=np.full(GOOD.demands.price.shape, np.nan))
    with pytest.raises(ProblemInvalid) as caught:
        require_valid(replace(GOOD, stocks=stocks, demands=demands))
    findings = caught.value.details["findings"]
    assert caught.value.details["count"] == len(findings) == len(stocks.codes) + len(demands.codes)


def test_a_flood_of_equal_faults_is_counted_not_listed():
    big = random_problem(0, blocks=20)
    found = check(replace(big, stocks=replace(big.stocks, opening=big.stocks.opening - 100.0)))
    assert len(found) == 21
    assert found[-1].text.startswith("60 more")


def test_demand_that_nothing_can_supply_is_a_warning():
    acts = replace(GOOD.activities, upper=np.zeros(GOOD.activities.upper.shape))
    stocks = replace(GOOD.stocks, opening=GOOD.stocks.opening * 0, receipts=GOOD.stocks.receipts * 0)
    found = check(replace(GOOD, activities=acts, stocks=stocks))
    assert {finding.severity for finding in found} == {"warning"}
    assert all(finding.check == "supply" for finding in found)


def test_each_check_is_registered():
    assert len(CHECKS) == len(set(CHECKS))
