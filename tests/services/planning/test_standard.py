"""Costing at standard: what a unit made costs adds up to its standard cost, in any number of stages (P34)."""

import copy

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.checker import check_plan
from app.exchange import write_dataset
from app.exchange.dataset import Dataset
from app.services.planning.build import build
from app.services.planning.facts import Facts
from app.services.planning.horizon import Horizon
from app.services.planning.notes import Notes
from app.services.planning.run import make_plan
from app.services.planning.standard import cost_basis
from app.services.planning.totals import plan_totals
from app.services.recording import recorded
from app.services.summary import summary_of

EUR = {"currency": "EUR"}
COSTS = {"BIKE": 80.0, "EBIKE": 100.0, "FRAME": 30.0, "WHEEL": 7.0, "TUBE": 5.0}


@pytest.fixture
def standard(company):
    """The small company at standard, every item with a cost of its own."""
    company.parameters["costing"] = "standard"
    set_costs(company, COSTS)
    return company


def set_costs(company, costs):
    company.rows["item_cost"] = [{"item": i, "standard_cost": cost, **EUR} for i, cost in costs.items()]


def prices_of(company):
    dataset = company.dataset()
    facts = Facts(dataset, Horizon(dataset.calendar), Notes())
    return facts.prices, facts.notes


def with_plan(company, rule="weighted"):
    dataset = company.dataset()
    plan = make_plan(dataset, rule)
    made = {block.measure for block in plan.series}
    return plan, Dataset(dataset.entities, [b for b in dataset.series if b.measure not in made] + plan.series)


def total(plan, measure):
    block, first = plan.block(measure), plan.calendar.first_open
    return 0.0 if block is None else float(np.nansum(block.values[:, first:]))


def spent_per_unit(model):
    """What a unit of each point costs in the problem (T,): activity, regular hours and what it draws."""
    problem, spent = model.problem, {}
    hourly = problem.resources.regular_cost

    def of(row):
        if row not in spent:
            (activity,) = np.flatnonzero(problem.activities.stock == row)
            cost = problem.activities.cost[activity].copy()
            for k in np.flatnonzero(problem.uses.activity == activity):
                cost += problem.uses.hours[k] * hourly[problem.uses.resource[k]]
            for k in np.flatnonzero(problem.inputs.activity == activity):
                cost += problem.inputs.quantity[k] * of(problem.inputs.stock[k])
            spent[row] = cost / problem.activities.output[activity]
        return spent[row]

    return {point: of(row) for row, point in enumerate(model.network.points)}


shares = st.floats(0.0, 0.5)
amounts = st.floats(0.0, 100.0)
stages = st.fixed_dictionaries(
    {
        "draws": st.dictionaries(st.integers(0, 5), st.tuples(st.floats(0.1, 5.0), shares), min_size=1),
        "yield": st.floats(0.5, 1.0),
        "hours": st.floats(0.0, 3.0),
        "phantom": st.booleans(),
        "known": st.booleans(),
        "added": amounts,
    }
)


def of_products(company, parts, products, gap):
    """Replace the company's products by random ones; return what a unit of each shall cost, and its material.

    `parts` are the standard costs of what is bought, None where unknown; a product draws parts and earlier
    products. Its standard cost, where known, is `gap` x its `added` above that of what it draws.
    """
    names = [f"PART{k}" for k in range(len(parts))]
    worth = {name: cost or 0.0 for name, cost in zip(names, parts, strict=True)}
    material, known = dict(worth), {name: cost for name, cost in worth.items() if cost}
    phantoms = {}
    rows = {kind: [] for kind in ("bom", "production", "production_cost", "routing")}
    for number, stage in enumerate(products):
        item, last = f"MADE{number}", number == len(products) - 1
        drawn = {names[k % len(names)]: draw for k, draw in stage["draws"].items()}
        cost = bought = 0.0
        for component, (quantity, scrap) in drawn.items():
            rows["bom"].append({"parent": item, "component": component, "quantity": quantity, "scrap": scrap})
            each, least = phantoms.get(component, (worth[component], material[component]))
            cost += quantity / (1.0 - scrap) * each
            bought += quantity / (1.0 - scrap) * least
        rows["production"].append({"item": item, "site": "P", "yield": stage["yield"]})
        rows["production_cost"].append({"item": item, "site": "P", "cost": 3.0, **EUR})
        rows["routing"].append(
            {"item": item, "site": "P", "operation": 1, "resource": "ASM", "hours_per_unit": stage["hours"]}
        )
        if stage["phantom"] and not last:
            phantoms[item] = cost, bought
        worth[item], material[item] = cost / stage["yield"], bought / stage["yield"]
        if stage["known"] or last:
            worth[item] = known[item] = max(worth[item] + gap * stage["added"], 0.01)
        names.append(item)
    company.rows |= rows
    company.rows["item"] = [{"item": i, "unit": "KG", "phantom": i in phantoms} for i in names]
    offers = [{"supplier": "V1", "item": item, "unit": "KG"} for item in names if item.startswith("PART")]
    company.rows["supplier_item"] = offers
    company.rows["purchase_price"] = [
        {"supplier": "V1", "item": offer["item"], "price": 1e3, **EUR} for offer in offers
    ]
    set_costs(company, known)
    for kind in ("stock_policy", "sales_order", "purchase_order", "work_order"):
        company.rows[kind] = []
    sold = [item for item in worth if item.startswith("MADE") and item not in phantoms]
    company.series = {
        "actualDemand": {company.key(item=item, customer="C1"): {"2025-03-01": 10.0} for item in sold}
    }
    return {item: (worth[item], material[item]) for item in worth if item not in phantoms}


def random_model(company, parts, products, gap):
    company = copy.deepcopy(company)
    company.parameters["costing"] = "standard"
    costs = of_products(company, parts, products, gap)
    return build(company.dataset()), costs


# Each example works on a copy of the company: sharing the fixture does no harm.
copying = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
part_costs = st.lists(st.none() | amounts, min_size=1, max_size=3)
made_of_parts = st.lists(stages, min_size=1, max_size=4)


@copying
@given(parts=part_costs, products=made_of_parts)
def test_a_unit_made_costs_exactly_its_standard_cost(company, parts, products):
    """Where no standard cost is below those of the components, it is spent by making alone."""
    model, costs = random_model(company, parts, products, gap=1.0)
    spent, stated = spent_per_unit(model), np.nan_to_num(model.stocks.unit_cost)
    assert {item for item in costs if item.startswith("MADE")} <= {
        item for item, site in spent if site == "W"
    }
    for row, (item, site) in enumerate(model.network.points):
        freight = 1.0 if site == "W" else 0.0
        np.testing.assert_allclose(spent[item, site], costs[item][0] + freight, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(stated[row], costs[item][0], rtol=1e-9, atol=1e-9)
        assert (model.facts.prices.on_sale(item, site) <= 1e-9 * (1.0 + stated[row])).all()
    assert "standard-below-material" not in {note.code for note in model.facts.notes.all()}


@copying
@given(parts=part_costs, products=made_of_parts, gap=st.floats(-1.0, 1.0))
def test_a_unit_made_and_sold_costs_its_standard_cost_or_else_its_material(company, parts, products, gap):
    """Whatever the standard costs of the components are: nothing adds less than 0."""
    model, costs = random_model(company, parts, products, gap)
    assert (model.problem.activities.cost >= 0).all()
    spent, prices = spent_per_unit(model), model.facts.prices
    for item in [item for item, site in spent if site == "W"]:
        standard, material = costs[item]
        on_sale = prices.on_sale(item, "W")
        assert (on_sale >= 0).all()
        expected = max(standard, material)
        np.testing.assert_allclose(spent[item, "W"] + on_sale - 1.0, expected, rtol=1e-8, atol=1e-8)


def test_what_stages_add_and_what_is_below_its_material(standard):
    prices, notes = prices_of(standard)
    # A frame: 0.8 good ones of 30 less 3 tubes / 0.75 of 5; a bike: 80 less a frame of 30 and 2 wheels of 7.
    assert prices.making("FRAME", "P")[0] == pytest.approx(0.8 * 30.0 - 4.0 * 5.0)
    assert prices.making("BIKE", "P")[0] == pytest.approx(80.0 - 30.0 - 14.0)
    assert notes.all() == ()
    set_costs(standard, COSTS | {"BIKE": 30.0})
    prices, notes = prices_of(standard)
    # Its material: 2 wheels of 7 and 3 tubes / 0.75 / 0.8 of 5 in the frame.
    assert prices.making("BIKE", "P")[0] == 0.0
    assert [(note.code, note.subject) for note in notes.all()] == [("standard-below-material", "BIKE|P")]
    assert prices.on_sale("FRAME", "P")[0] == pytest.approx(30.0 - 4.0 * 5.0 / 0.8)


def test_a_component_dearer_than_its_product_can_bear_bears_the_rest_when_it_is_sold(standard):
    """A bike of 40 can bear 26 besides its wheels: of the frame's 30, 25 are tubes, and 1 of the 5 on top."""
    set_costs(standard, COSTS | {"BIKE": 40.0})
    prices, notes = prices_of(standard)
    assert notes.all() == ()
    assert prices.making("FRAME", "P")[0] == pytest.approx(0.8 * 26.0 - 20.0)
    assert prices.making("BIKE", "P")[0] == pytest.approx(0.0)
    assert prices.making("EBIKE", "P")[0] == pytest.approx(100.0 - 26.0 - 14.0)
    assert prices.on_sale("FRAME", "W")[0] == pytest.approx(4.0)
    assert prices.on_sale("EBIKE", "W")[0] == 0.0


def test_an_item_without_a_standard_cost_passes_on_that_of_its_components(standard):
    set_costs(standard, {item: cost for item, cost in COSTS.items() if item != "FRAME"})
    prices, _ = prices_of(standard)
    assert prices.making("FRAME", "P")[0] == 0.0
    assert prices.standard("FRAME", "P")[0] == pytest.approx(4.0 * 5.0 / 0.8)
    assert prices.standard("FRAME", "W")[0] == pytest.approx(4.0 * 5.0 / 0.8), "made at P only"
    assert prices.making("BIKE", "P")[0] == pytest.approx(80.0 - 25.0 - 14.0)


def test_purchases_and_hours_at_standard(standard):
    prices, _ = prices_of(standard)
    assert prices.buying("V1", "WHEEL", "P")[0] == prices.buying("V2", "WHEEL", "P")[0] == 7.0
    assert not prices.regular_hour("ASM").any()
    assert prices.overtime_hour("ASM")[0] == 10.0
    standard.rows["resource_cost"][0]["overtime_cost"] = 15.0
    assert prices_of(standard)[0].overtime_hour("ASM")[0] == 0.0
    standard.rows["resource_cost"][0]["overtime_cost"] = None
    assert np.isnan(prices_of(standard)[0].overtime_hour("ASM")).all(), "no overtime is worked"


def test_unknown_standard_costs_are_noted_once(company):
    company.parameters["costing"] = "standard"
    plan, _ = with_plan(company)
    found = [note for note in plan.notes if note.code in {"no-standard-cost", "no-purchase-price"}]
    assert [note.subject for note in found] == ["supplier_item"]
    assert "2 of 2 bought items" in found[0].text
    assert not plan.model.problem.activities.cost[[s.item == "WHEEL" for s in plan.model.sources]].any()


@pytest.mark.parametrize("bike", [80.0, 40.0])
def test_a_plan_at_standard_adds_up_says_so_and_holds_for_the_checker(standard, tmp_path, bike):
    """Frames are sold too; a bike of 40 cannot bear them in full, see above."""
    set_costs(standard, COSTS | {"BIKE": bike})
    standard.rows["capacity"][0]["hours_per_day"] = 5.0
    standard.rows["selling_price"].append({"item": "FRAME", "price": 60.0, **EUR})
    standard.set("salesForecast", 3.0, item="FRAME", customer="C2")
    plan, full = with_plan(standard, "leximin")
    assert plan.solution.certificate.accepted
    totals = plan_totals(full)
    assert totals["regular"] == 0.0
    assert totals["overtime"] == pytest.approx(10.0 * total(full, "overtime"))
    assert totals["overtime"] > 0
    made, sold = by_item(full, "productionPlan"), by_item(full, "supplyAnswer")
    frame = 26.0 if bike == 40.0 else 30.0
    added = {"BIKE": bike - frame - 14.0, "EBIKE": 86.0 - frame, "FRAME": 0.8 * frame - 20.0}
    borne = sum(made[item] * each for item, each in added.items()) + (30.0 - frame) * sold["FRAME"]
    assert sold["FRAME"] > 0
    assert totals["production"] == pytest.approx(borne)
    cost = sum(sold[item] * each for item, each in (COSTS | {"BIKE": bike}).items() if item in sold)
    assert total(full, "contributionMargin") == pytest.approx(totals["revenue"] - cost)
    said = recorded(plan, b"", 0.0)
    summary = summary_of(full, said.summary, said.stakeholders, said.limits)
    assert "What it earns and costs (EUR, at standard)" in summary.text()
    assert f"What is sold leaves {totals['revenue'] - cost:,.0f} at standard" in summary.text()
    assert summary.data()["costs"] == "at standard"
    write_dataset(full, tmp_path / "plan")
    claims = tmp_path / "plan" / "plan.json"
    claims.write_bytes(orjson.dumps({"totals": totals}))
    report = check_plan(tmp_path / "plan")
    assert report.ok, report.text()
    claims.write_bytes(orjson.dumps({"totals": totals | {"production": totals["production"] + 1.0}}))
    assert [(v.rule, v.item) for v in check_plan(tmp_path / "plan").violations] == [("totals", "production")]


def by_item(dataset, measure):
    """Quantities over the open buckets, all keys of an item together."""
    block, first = dataset.block(measure), dataset.calendar.first_open
    sums = {}
    for key, row in zip(block.keys, block.values[:, first:], strict=True):
        sums[key[0]] = sums.get(key[0], 0.0) + float(np.nansum(row))
    return sums


def test_stated_actual_costs_are_those_of_no_statement(company):
    silent, without = with_plan(company)
    company.parameters["costing"] = "actual"
    stated, full = with_plan(company)
    assert plan_totals(without) == plan_totals(full)
    for one, other in zip(silent.series, stated.series, strict=True):
        assert (one.measure, one.keys) == (other.measure, other.keys)
        np.testing.assert_array_equal(one.values, other.values)
    assert cost_basis(full.parameters) == "actual"
