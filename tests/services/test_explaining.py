"""Rules 60 to 63 on a company: a figure of a plan explained, and pegged down and up; all of it adds up."""

import numpy as np
import pytest

from app.engine.flows import Origin
from app.engine.frontier import frontier
from app.engine.pegging import final_uses, peg_down, peg_hours
from app.engine.trade import prices
from app.errors import BadValue, GrainMismatch, UnknownKey
from app.services.explaining.cells import Figure, check_key, decided
from app.services.explaining.pegging import pegged
from app.services.explaining.state import PlanState
from app.services.explaining.trade import frontier_view
from app.services.explaining.working import packed, unpacked
from app.services.planning.departments import departments_of
from app.services.planning.groups import departures
from app.services.planning.run import make_plan


@pytest.fixture
def state(company):
    """A plan with too few hours, as the host reads it back."""
    company.rows["capacity"][0] |= {"hours_per_day": 3.0, "overtime_hours_per_day": 0.5}
    plan = make_plan(company.dataset(), "leximin")
    return PlanState(None, plan.model, unpacked(packed(plan, b"")))


def day(state, bucket):
    return state.model.facts.horizon.buckets[bucket].start


def open_places(state):
    """Places with open demand: (key, bucket), largest group first."""
    plan, groups = state.decisions, state.model.groups
    value = plan.backlog + plan.short
    for group, bucket in sorted(np.argwhere(value > 0.5).tolist(), key=lambda at: -value[tuple(at)]):
        part = next(row for row, of in enumerate(groups.part_group) if of == group)
        item, site, customer = state.model.demand.places[groups.parts[part].place]
        if bucket < state.model.facts.horizon.published:
            yield {"item": item, "site": site, "customer": customer}, bucket


def test_a_late_delivery_is_explained_by_the_hours_that_are_missing(state):
    key, bucket = next(open_places(state))
    cells = decided(state, Figure("backlog", key, day(state, bucket)), bucket)
    (answer,) = [state.explainer().explain(one.cell, one.value) for one in cells]
    assert answer.verdict == "late"
    assert answer.value == cells[0].value
    assert {"regular", "overtime"} & {one.kind for one in answer.behind}
    assert any(one.code == "ASM" for one in answer.behind)


def test_a_delivery_is_pegged_down_to_purchases_stock_and_hours(state):
    key = {"item": "BIKE", "site": "S1A", "customer": "C1"}
    for bucket in range(4):
        found = pegged(state, Figure("constrainedDemand", key, day(state, bucket)), "down", bucket)
        roots = sum(peg.share for peg in found.pegs if peg.parent is None)
        assert roots == pytest.approx(found.quantity)
        children = {peg.parent for peg in found.pegs}
        for place, peg in enumerate(found.pegs):
            if place in children and peg.kind == "production":
                below = [one for one in found.pegs if one.parent == place]
                for item in {one.item for one in below}:  # each input bears all of the peg
                    assert sum(one.share for one in below if one.item == item) == pytest.approx(peg.share)
        assert {peg.kind for peg in found.pegs} <= {
            "opening",
            "receipt",
            "production",
            "purchase",
            "transfer",
        }


def test_places_of_a_group_add_up_to_what_leaves(state):
    groups, plan = state.model.groups, state.decisions
    leaving = departures(groups, plan.deliver, plan.short)
    total = np.zeros_like(plan.deliver)
    np.add.at(total, groups.part_group, leaving)
    np.testing.assert_allclose(total, plan.deliver, rtol=1e-9, atol=1e-9)


def test_a_purchase_goes_up_to_deliveries_safety_and_stock(state):
    bought = [row for row, source in enumerate(state.model.sources) if source.kind.name == "PURCHASE"]
    row, bucket = next((a, t) for a in bought for t in range(4) if state.decisions.level[a, t] > 0)
    source = state.model.sources[row]
    key = {"item": source.item, "site": source.site, "supplier": source.partner}
    found = pegged(state, Figure("purchaseProjection", key, day(state, bucket)), "up", bucket)
    assert found.quantity == pytest.approx(state.decisions.level[row, bucket])
    ends = [peg for peg in found.pegs if peg.kind in {"delivery", "safety", "stock", "beyond"}]
    assert sum(peg.share for peg in ends) == pytest.approx(found.quantity)


def test_hours_go_up_to_deliveries_in_hours(state):
    figure = Figure("capacityRequired", {"resource": "ASM"}, day(state, 1))
    found = pegged(state, figure, "up", 1)
    row = state.model.problem.resources.codes.index("ASM")
    used = state.decisions.regular[row, 1] + state.decisions.overtime[row, 1]
    assert found.quantity == pytest.approx(used)
    ends = [peg for peg in found.pegs if peg.kind in {"delivery", "safety", "stock", "beyond"}]
    assert sum(peg.share for peg in ends) == pytest.approx(used)


def test_every_purchased_unit_and_every_hour_of_the_plan_is_pegged(state):
    flows = state.flows()
    pegs = peg_down(flows, final_uses(flows))
    pegged_units = np.bincount(pegs.move, pegs.quantity, minlength=len(flows.lots.stock))
    main = flows.lots.kind != Origin.BYPRODUCT
    np.testing.assert_allclose(pegged_units[main], flows.lots.quantity[main], rtol=1e-9, atol=1e-9)
    hours = peg_hours(flows, pegs)
    used = np.zeros_like(state.decisions.regular)
    np.add.at(used, (hours.resource, hours.bucket), hours.hours)
    np.testing.assert_allclose(used, state.decisions.regular + state.decisions.overtime, rtol=1e-9, atol=1e-7)


def test_the_frontier_of_two_departments_and_what_trade_costs(state):
    sales, operations, _ = departments_of(state.model.facts.parameters)
    found = frontier_view(frontier(state.model.problem, sales, operations, 1e-3))
    assert (found.first, found.second, found.points[-1].rate) == ("sales", "operations", None)
    assert found.points[0].first > found.points[-1].first
    assert found.points[0].second < found.points[-1].second
    named = {one.name: one for one in prices(state.model.problem, state.working.weights)}
    assert set(named) == {"service", "overtime", "stock"}
    assert named["service"].value < 100  # there are too few hours


def test_keys_that_do_not_fit_are_refused(state):
    with pytest.raises(GrainMismatch):
        check_key(Figure("backlog", {"item": "BIKE"}, day(state, 0)))
    with pytest.raises(BadValue):
        check_key(Figure("sellingPrice", {"item": "BIKE", "customer": "C1"}, day(state, 0)))
    with pytest.raises(UnknownKey):
        decided(state, Figure("productionPlan", {"item": "NONE", "site": "P"}, day(state, 0)), 0)
