"""Rules 1 to 23 of docs/model.md, each on a case whose answer is computed by hand in the test."""

from __future__ import annotations

import numpy as np
import pytest

from app.engine.problem import (
    Activities,
    Demands,
    Inputs,
    Kind,
    Resources,
    Stocks,
    Uses,
    arrival_buckets,
    group_ids,
    latest_buckets,
)
from app.engine.solve import solve
from tests.engine.builders import problem

BUY = Kind.PURCHASE


def shop(periods=3, *, stock=None, buy=None, **demand):
    """One item bought at 1 and sold at 10: the smallest problem with a plan."""
    stocks = Stocks.of(["item"], periods, **({"holding_cost": 0.1} | (stock or {})))
    activities = Activities.of(["buy"], periods, kind=[BUY], stock=[0], **({"cost": 1.0} | (buy or {})))
    demands = Demands.of(["demand"], periods, stock=[0], **({"price": 10.0} | demand))
    return problem(periods, stocks, activities, demands=demands)


def close(found, expected):
    np.testing.assert_allclose(found, expected, atol=1e-7)


def test_rule_1_stock_and_receipts_are_used_before_buying():
    answer = solve(shop(quantity=[[4, 4, 4]], stock={"opening": 3, "receipts": [[0, 5, 0]]}))
    close(answer.decisions.level, [[1, 0, 3]])
    close(answer.decisions.stock, [[0, 1, 0]])
    assert answer.objective == pytest.approx(4 * 1 + 0.1 - 120)


def test_rule_2_components_are_drawn_in_the_bucket_of_the_start_with_scrap():
    stocks = Stocks.of(["bike", "wheel"], 2, holding_cost=0.1)
    acts = Activities.of(["make", "buy"], 2, kind=[Kind.MAKE, BUY], stock=[0, 1], cost=[3.0, 1.0])
    inputs = Inputs.of([0], [1], 2 / (1 - 0.2), 2)
    demands = Demands.of(["d"], 2, stock=[0], quantity=[[0, 4]], price=100.0)
    answer = solve(problem(2, stocks, acts, inputs=inputs, demands=demands))
    close(answer.decisions.level, [[0, 4], [0, 10]])


def test_rule_2_yield_starts_more_than_it_delivers():
    answer = solve(shop(quantity=[[8, 0, 0]], buy={"output": 0.8}))
    close(answer.decisions.level, [[10, 0, 0]])


def test_rule_2_by_products_are_obtained_with_the_activity():
    stocks = Stocks.of(["board", "offcut"], 1)
    acts = Activities.of(["saw"], 1, kind=[Kind.MAKE], stock=[0], cost=1.0)
    demands = Demands.of(["b", "o"], 1, stock=[0, 1], quantity=[[10], [4]], price=5.0)
    answer = solve(problem(1, stocks, acts, inputs=Inputs.of([0], [1], -0.5, 1), demands=demands))
    close(answer.decisions.deliver, [[10], [4]])
    close(answer.decisions.stock, [[0], [1]])


def test_rule_3_lead_times_are_rounded_up_to_buckets_of_any_length():
    starts = [0, 7, 14, 44]
    assert arrival_buckets(starts, [0, 5, 7, 8]).tolist() == [
        [0, 1, 2, 3], [1, 2, 3, 4], [1, 2, 3, 4], [2, 3, 3, 4]
    ]  # fmt: skip
    stocks = Stocks.of(["item"], 4, holding_cost=0.1)
    arrival = arrival_buckets(starts, [8])
    acts = Activities.of(["make"], 4, kind=[Kind.MAKE], stock=[0], arrival=arrival, cost=1.0)
    demands = Demands.of(["d"], 4, stock=[0], quantity=[[0, 3, 3, 3]], price=10.0)
    answer = solve(problem(4, stocks, acts, demands=demands))
    close(answer.decisions.level[0, 0], 3)  # lands in b2; nothing can land in b1
    close(answer.decisions.level[0, 1:3].sum(), 3)  # what is started in b1 or b2 lands in b3
    close(answer.decisions.short, [[0, 3, 0, 0]])


def test_rule_4_minimum_and_maximum_hold():
    answer = solve(shop(quantity=[[2, 9, 2]], buy={"lower": 3, "upper": [[5, 5, 5]]}))
    close(answer.decisions.level, [[5, 5, 3]])
    close(answer.decisions.short, [[0, 1, 0]])


def capacity_shop(demand, regular=8.0, overtime=2.0):
    stocks = Stocks.of(["item"], 2, holding_cost=0.5)
    acts = Activities.of(["make"], 2, kind=[Kind.MAKE], stock=[0])
    resources = Resources.of(
        ["line"], 2, regular=regular, overtime=overtime, regular_cost=1.0, overtime_cost=1.7
    )
    demands = Demands.of(["d"], 2, stock=[0], quantity=[demand], price=10.0)
    return problem(2, stocks, acts, resources=resources, uses=Uses.of([0], [0], 2.0, 2), demands=demands)


def test_rule_5_prebuilding_beats_overtime_where_it_is_cheaper():
    answer = solve(capacity_shop([0, 5]))
    # a unit takes 2 h: overtime adds 1.4 a unit, a bucket of stock 0.5
    close(answer.decisions.level, [[1, 4]])
    close(answer.decisions.overtime, [[0, 0]])


def test_rule_5_overtime_is_used_before_losing_a_sale_and_the_bottleneck_has_its_price():
    answer = solve(capacity_shop([5, 6]))
    close(answer.decisions.level, [[5, 5]])
    close(answer.decisions.overtime, [[2, 2]])
    close(answer.decisions.short, [[0, 1]])
    hour = {(limit.kind, limit.bucket): limit.value for limit in answer.binding}
    assert hour["overtime", 1] == pytest.approx(10 / 2 - 1.7)
    assert hour["regular", 1] == pytest.approx(10 / 2 - 1.0)


def test_rule_6_late_delivery_costs_more_the_later_it_is():
    supply = {"upper": [[0, 0, 100, 100]]}
    demand = {"quantity": [[6, 0, 0, 0]], "latest": [[3, 3, 3, 3]]}
    answer = solve(shop(4, buy=supply, late_cost=[[1, 2, 4, 8]], **demand))
    close(answer.decisions.deliver, [[0, 0, 6, 0]])
    close(answer.decisions.backlog, [[6, 6, 0, 0]])
    assert answer.elements["lateness"] == pytest.approx(6 * 3)


def test_rule_6_lateness_that_costs_more_than_the_sale_is_not_made():
    answer = solve(shop(2, buy={"upper": [[0, 9]]}, quantity=[[6, 0]], latest=[[1, 1]], late_cost=9.5))
    close(answer.decisions.short, [[6, 0]])


def test_rule_7_safety_stock_is_soft_and_priced():
    answer = solve(shop(quantity=[[0, 0, 0]], stock={"target": [[0, 5, 5]], "target_cost": 2.0}))
    close(answer.decisions.level, [[0, 5, 0]])
    cheap = solve(shop(quantity=[[0, 0, 0]], stock={"target": [[0, 5, 5]], "target_cost": 0.3}))
    close(cheap.decisions.below_target, [[0, 5, 5]])


def test_rule_8_stock_limit_spreads_purchases():
    answer = solve(shop(quantity=[[0, 9, 0]], stock={"maximum": 4}, buy={"upper": [[9, 5, 9]]}))
    close(answer.decisions.level, [[4, 5, 0]])


def test_rule_9_demand_later_than_the_longest_lateness_is_lost():
    assert latest_buckets([0, 7, 14, 44], [0, 13, 30]).tolist() == [[0, 1, 2, 3], [1, 2, 2, 3], [2, 2, 3, 3]]
    supply = {"upper": [[0, 0, 100]]}
    answer = solve(shop(buy=supply, quantity=[[3, 5, 0]], latest=[[1, 2, 2]], late_cost=0.1))
    close(answer.decisions.short, [[3, 0, 0]])
    close(answer.decisions.backlog, [[0, 5, 0]])


def test_rule_10_stationary_demand_gives_stationary_purchases_to_the_last_published_bucket():
    lead, published = 2, 6
    periods = published + lead
    stocks = Stocks.of(["part"], periods, opening=[20], holding_cost=0.1, final_target=[10], final_cost=[50])
    upper = np.where(np.arange(periods) >= lead, np.inf, 0.0)
    acts = Activities.of(["buy"], periods, kind=[BUY], stock=[0], upper=upper[None, :], cost=1.0)
    demands = Demands.of(["d"], periods, stock=[0], quantity=np.full((1, periods), 10.0), price=9.0)
    answer = solve(problem(periods, stocks, acts, demands=demands, published=published))
    close(answer.decisions.level[0, lead:published], 10.0)
    close(answer.decisions.stock[0, -1], 10.0)


def test_rule_10_the_end_stock_may_be_hard():
    answer = solve(shop(quantity=[[0, 0, 0]], stock={"final_target": 7, "final_cost": np.inf}))
    close(answer.decisions.stock[0, -1], 7)


def test_rule_11_smoothing_levels_production_where_change_costs_more_than_stock():
    chase = shop(4, quantity=[[2, 6, 2, 6]], stock={"holding_cost": 0.1, "opening": 2})
    close(solve(chase).decisions.level, [[0, 6, 2, 6]])
    level = shop(
        4,
        quantity=[[2, 6, 2, 6]],
        stock={"holding_cost": 0.1, "opening": 2},
        buy={"cost": 1.0, "smoothing_cost": 2.0, "rate_before": 3.5 / 7},
    )
    answer = solve(level)
    assert np.abs(np.diff(answer.decisions.level[0])).sum() < 1e-6  # 3.5 each: no change at all
    close(answer.decisions.level, [[3.5, 3.5, 3.5, 3.5]])


def classes(prices, ranks, supply=6.0, **more):
    stocks = Stocks.of(["item"], 1)
    acts = Activities.of(["buy"], 1, kind=[BUY], stock=[0], upper=supply, cost=1.0)
    count = len(prices)
    demands = Demands.of(
        [f"c{i}" for i in range(count)],
        1,
        stock=[0] * count,
        quantity=np.full((count, 1), 5.0),
        price=prices,
        rank=ranks,
        **more,
    )
    return problem(1, stocks, acts, demands=demands)


def test_rule_13_shortage_falls_on_the_lower_class_even_if_it_pays_more():
    answer = solve(classes([10.0, 30.0], [1, 2]))
    close(answer.decisions.deliver, [[5], [1]])
    assert answer.elements["priority"] == 0.0  # nobody of class 1 went short, so no premium was due
    assert answer.elements["revenue"] == pytest.approx(5 * 10 + 30)


def test_rule_13_without_classes_the_better_payer_is_served():
    answer = solve(classes([10.0, 30.0], [1, 1]))
    close(answer.decisions.deliver, [[1], [5]])


def test_rule_14_equal_customers_get_equal_fill_rates():
    quantity = np.array([[2.0], [4.0], [6.0]])
    stocks = Stocks.of(["item"], 1)
    acts = Activities.of(["buy"], 1, kind=[BUY], stock=[0], upper=6.0, cost=1.0)
    demands = Demands.of(
        ["a", "b", "c"], 1, stock=[0, 0, 0], quantity=quantity, price=10.0, fill_group=group_ids(["i"] * 3)
    )
    answer = solve(problem(1, stocks, acts, demands=demands))
    close(answer.decisions.deliver / quantity, 0.5)


def test_rule_15_a_service_floor_and_a_minimum_bind_although_they_lose_money():
    losing = classes([0.5, 0.5], [1, 1], supply=20.0, floor=[0.8, 0.0], minimum=[[0.0], [3.0]])
    close(solve(losing).decisions.deliver, [[4], [3]])
    close(solve(classes([0.5], [1], supply=20.0, floor=1.0)).decisions.deliver, [[5]])


def sources(cost, **more):
    stocks = Stocks.of(["part"], 2, holding_cost=0.1)
    acts = Activities.of(
        ["a", "b"], 2, kind=[BUY, BUY], stock=[0, 0], cost=cost, quota_group=[0, 0], quota=[0.7, 0.3], **more
    )
    demands = Demands.of(["d"], 2, stock=[0], quantity=[[10, 20]], price=10.0)
    return problem(2, stocks, acts, demands=demands)


def test_rule_20_tied_sources_follow_the_quota():
    close(solve(sources([1.0, 1.0])).decisions.level, [[7, 14], [3, 6]])


def test_rule_20_a_cheaper_source_comes_before_the_quota():
    close(solve(sources([1.0, 1.1])).decisions.level, [[10, 20], [0, 0]])


def test_rule_21_tied_plans_stay_with_the_last_published_one():
    # two sources without quota at one price: the last plan decides, whatever it was
    stocks = Stocks.of(["part"], 2)
    acts = Activities.of(["a", "b"], 2, kind=[BUY, BUY], stock=[0, 0], cost=1.0, previous=[[4, 13], [6, 7]])
    demands = Demands.of(["d"], 2, stock=[0], quantity=[[10, 20]], price=10.0)
    close(solve(problem(2, stocks, acts, demands=demands)).decisions.level, [[4, 13], [6, 7]])


def test_rule_22_tied_plans_are_even():
    answer = solve(shop(4, quantity=[[0, 0, 0, 12]], stock={"holding_cost": 0.0}))
    close(answer.decisions.level, [[3, 3, 3, 3]])


def test_transfers_supply_another_site():
    stocks = Stocks.of(["item|plant", "item|store"], 2, opening=[9, 0], holding_cost=[0.1, 0.2])
    acts = Activities.of(
        ["ship"], 2, kind=[Kind.TRANSFER], stock=[1], arrival=[[1, 2]], upper=[[7, 0]], cost=0.5
    )
    demands = Demands.of(["d"], 2, stock=[1], quantity=[[0, 8]], price=5.0)
    answer = solve(problem(2, stocks, acts, inputs=Inputs.of([0], [0], 1.0, 2), demands=demands))
    close(answer.decisions.level, [[7, 0]])
    close(answer.decisions.deliver, [[0, 7]])
    assert answer.elements["freight"] == pytest.approx(3.5)


def test_rule_34_a_plan_that_cannot_exist_names_what_conflicts_and_by_how_much():
    answer = solve(capacity_shop([5, 9]))
    assert answer.status == "optimal"
    must = capacity_shop([5, 9])
    floor = Demands.of(["d"], 2, stock=[0], quantity=[[5, 9]], price=10.0, floor=1.0)
    answer = solve(
        problem(2, must.stocks, must.activities, resources=must.resources, uses=must.uses, demands=floor)
    )
    assert answer.status == "infeasible"
    assert answer.decisions is None
    needs = [conflict for conflict in answer.conflicts if conflict.kind == "demand"]
    assert sum(conflict.amount for conflict in needs) == pytest.approx(4.0)  # 14 asked for, 20 hours make 10
    assert {"regular", "overtime"} <= {conflict.kind for conflict in answer.conflicts}
    assert all(conflict.text for conflict in answer.conflicts)
