"""The plan of the small company: what must hold of any plan, and what must not change it."""

import copy
from datetime import date

import numpy as np
import pytest

from app.errors import PlanningError
from app.exchange.dataset import Dataset
from app.services.planning.content import inputs_hash
from app.services.planning.run import make_plan
from app.services.planning.totals import plan_totals
from app.vocabulary import ENTITIES

TIGHT_HOURS = 5.0


@pytest.fixture
def tight(company):
    """Hours that need overtime and stock built ahead."""
    company.rows["capacity"][0]["hours_per_day"] = TIGHT_HOURS
    return company


@pytest.fixture
def short(company):
    """Hours that cannot do it all."""
    company.rows["capacity"][0] |= {"hours_per_day": 3.0, "overtime_hours_per_day": 0.5}
    return company


def lines(plan, measure):
    block = plan.block(measure)
    first = plan.model.facts.horizon.calendar.first_open
    if block is None:
        return {}
    return {tuple(filter(None, key)): row[first:] for key, row in zip(block.keys, block.values, strict=True)}


def total(plan, measure):
    return sum(np.nan_to_num(row) for row in lines(plan, measure).values())


def test_the_plan_is_proven_optimal_and_balances(company):
    plan = make_plan(company.dataset(), "leximin")
    assert plan.solution.status == "optimal"
    assert plan.solution.certificate.accepted
    assert plan.solution.rounded.violations == ()
    made, bought = lines(plan, "productionPlan"), lines(plan, "purchaseProjection")
    for quantities in (*made.values(), *bought.values(), *lines(plan, "transfers").values()):
        np.testing.assert_array_equal(quantities, np.round(quantities))
    wheels = lines(plan, "projectedBalance")["WHEEL", "P"]
    used = 2 * (made["BIKE", "P"] + made.get(("EBIKE", "P"), 0))
    got = sum(row for key, row in bought.items() if key[0] == "WHEEL")
    under_way = lines(plan, "scheduledReceipts")["WHEEL", "P"]
    np.testing.assert_allclose(wheels, 100 + np.cumsum(got + under_way - used), atol=1e-6)


def test_frames_land_after_their_lead_time_with_their_yield_and_tubes_with_scrap(company):
    plan = make_plan(company.dataset(), "weighted")
    made = lines(plan, "productionPlan")
    frames, bikes = made["FRAME", "P"], made["BIKE", "P"] + made["EBIKE", "P"]
    landed = np.concatenate([[0.0], 0.8 * frames[:-1]])
    under_way = lines(plan, "scheduledReceipts")["FRAME", "P"]
    balance = 40 + np.cumsum(landed + under_way - bikes)
    np.testing.assert_allclose(lines(plan, "projectedBalance")["FRAME", "P"], balance, atol=1e-6)
    tubes = sum(row for key, row in lines(plan, "purchaseProjection").items() if key[0] == "TUBE")
    stock = 100 + np.cumsum(tubes - 3.0 / 0.75 * frames)
    np.testing.assert_allclose(lines(plan, "projectedBalance")["TUBE", "P"], stock, atol=1e-6)


def test_nothing_is_bought_before_it_can_be_there(company):
    plan = make_plan(company.dataset(), "weighted")
    for (item, _, supplier), quantity in lines(plan, "purchaseProjection").items():
        lead = {("WHEEL", "V1"): 7, ("WHEEL", "V2"): 14, ("TUBE", "V1"): 14}[item, supplier]
        assert not quantity[plan.model.facts.horizon.starts[: len(quantity)] < lead].any()


def test_packs_are_bought_whole(company):
    plan = make_plan(company.dataset(), "weighted")
    boxes = lines(plan, "purchaseProjection")["WHEEL", "P", "V1"] / 10.0
    np.testing.assert_array_equal(boxes, np.round(boxes))


def test_steady_demand_is_bought_steadily_to_the_last_published_bucket(company):
    company.parameters |= {"weeks": "0", "months": "8", "plan_date": "2026-01-01"}
    company.series["openingStock"] = {key: {"2026-01-01": 150.0} for key in company.series["openingStock"]}
    plan = make_plan(company.dataset(), "weighted")
    wheels = lines(plan, "purchaseProjection")["WHEEL", "P", "V1"]
    per_day = wheels / plan.model.facts.horizon.days[: len(wheels)]
    assert per_day[-4:] == pytest.approx(per_day[-4:].mean(), rel=0.15)


def test_hours_stay_within_capacity_and_overtime(tight):
    plan = make_plan(tight.dataset(), "weighted")
    load, overtime = lines(plan, "capacityRequired")["ASM",], total(plan, "overtime")
    available = lines(plan, "capacityAvailable")["ASM",]
    assert available[0] == pytest.approx(TIGHT_HOURS * 4 * 0.9), "a holiday in the first week"
    assert (load <= available + lines(plan, "overtimeAvailable")["ASM",] + 1e-6).all()
    assert (overtime >= load - available - 1e-6).all()


def test_class_one_is_served_before_class_two(short):
    plan = make_plan(short.dataset(), "weighted")
    asked, unmet = lines(plan, "netDemand"), lines(plan, "unmetDemand")
    nothing = np.zeros(plan.model.facts.horizon.published)
    lost = {key: unmet.get(key, nothing).sum() / row.sum() for key, row in asked.items() if key[0] == "BIKE"}
    first = [share for (_, _, customer), share in lost.items() if customer == "C1"]
    second = [share for (_, _, customer), share in lost.items() if customer != "C1"]
    assert max(first) < 0.03
    assert min(second) > 0.9


def test_within_a_class_every_customer_is_served_at_the_same_rate(short):
    plan = make_plan(short.dataset(), "weighted")
    asked, unmet = lines(plan, "netDemand"), lines(plan, "unmetDemand")
    rates = [unmet["BIKE", ship, c] / asked["BIKE", ship, c] for ship, c in (("S2", "C2"), ("S3", "C3"))]
    np.testing.assert_allclose(rates[0], rates[1], atol=1e-9)


def test_the_same_inputs_give_the_same_plan_in_any_order(company):
    dataset = company.dataset()
    turned = Dataset({kind: rows[::-1] for kind, rows in dataset.entities.items()}, dataset.series[::-1])
    assert inputs_hash(dataset, "leximin") == inputs_hash(turned, "leximin")
    first, second = make_plan(dataset, "leximin"), make_plan(turned, "leximin")
    assert [block.measure for block in first.series] == [block.measure for block in second.series]
    for one, other in zip(first.series, second.series, strict=True):
        assert one.keys == other.keys
        np.testing.assert_allclose(one.values, other.values, atol=1e-6)


def test_any_change_of_the_inputs_changes_their_hash(company):
    before = inputs_hash(company.dataset(), "leximin")
    assert inputs_hash(company.dataset(), "weighted") != before
    company.rows["bom"][0]["quantity"] = 1.5
    assert inputs_hash(company.dataset(), "leximin") != before
    company.rows["bom"][0]["quantity"] = 1.0
    company.set("salesForecast", {"2026-02-01": 1.0}, item="BIKE", customer="C1")
    assert inputs_hash(company.dataset(), "leximin") != before


def split(company, customer, parts, share=0.25):
    """Replace a customer by two that share everything it had."""
    row = next(r for r in company.rows["customer"] if r["customer"] == customer)
    site = next(r for r in company.rows["site"] if r.get("customer") == customer)
    lane = next(r for r in company.rows["lane"] if r["to_site"] == site["site"])
    company.drop("customer", customer=customer)
    company.drop("site", site=site["site"])
    company.drop("lane", to_site=site["site"])
    for name, part in zip(parts, (share, 1 - share), strict=True):
        company.rows["customer"].append({**row, "customer": name})
        company.rows["site"].append({**site, "site": f"S{name}", "customer": name})
        company.rows["lane"].append({**lane, "to_site": f"S{name}"})
        for cells in company.series.values():
            for key in [key for key in cells if key[5] == customer]:
                cells[company.key(item=key[0], customer=name)] = {
                    day: value * part for day, value in cells[key].items()
                }
    for cells in company.series.values():
        for key in [key for key in cells if key[5] == customer]:
            del cells[key]


@pytest.mark.parametrize("hours", ["tight", "short"])
@pytest.mark.parametrize("rule", ["leximin", "weighted"])
def test_splitting_a_customer_in_two_changes_nobody_elses_line_and_no_total(request, hours, rule):
    company = request.getfixturevalue(hours)
    whole = make_plan(company.dataset(), rule)
    split(company, "C2", ("A9", "Z9"))
    parts = make_plan(company.dataset(), rule)
    for measure in ("netDemand", "constrainedDemand", "unmetDemand", "backlog", "revenue"):
        np.testing.assert_allclose(total(parts, measure), total(whole, measure), atol=1e-6)
        after = lines(parts, measure)
        for key, row in lines(whole, measure).items():
            if "C2" not in key:
                np.testing.assert_allclose(after[key], row, atol=1e-6, err_msg=str((measure, key)))
    for measure in ("productionPlan", "purchaseProjection", "transfers", "projectedBalance"):
        before, after = lines(whole, measure), lines(parts, measure)
        assert before.keys() == after.keys()
        for key, row in before.items():
            np.testing.assert_allclose(after[key], row, atol=1e-6, err_msg=str((measure, key)))


def renamed(company):
    """Give every item, site, customer, supplier, resource and party a code that sorts the other way round."""
    kinds = ("item", "site", "customer", "supplier", "resource", "party", "family")
    codes = {(kind, r[kind]) for kind in kinds for r in company.rows[kind]}
    name = {(kind, code): f"{kind}-{999 - rank}" for rank, (kind, code) in enumerate(sorted(codes))}
    other = copy.deepcopy(company)
    for kind, rows in other.rows.items():
        for column in ENTITIES[kind].columns.values():
            refers = kind if (column.name,) == ENTITIES[kind].key else column.references
            for row in rows:
                if row.get(column.name) is not None and (refers, row[column.name]) in name:
                    row[column.name] = name[refers, row[column.name]]
    dimensions = ("item", "family", "site", "site", "supplier", "customer", "resource")

    def key_of(key):
        return tuple(None if c is None else name[d, c] for d, c in zip(dimensions, key, strict=True))

    other.series = {m: {key_of(k): v for k, v in cells.items()} for m, cells in other.series.items()}
    return other, key_of


@pytest.mark.parametrize("hours", ["tight", "short"])
@pytest.mark.parametrize("rule", ["leximin", "weighted"])
def test_renaming_all_codes_changes_nothing(request, hours, rule):
    company = request.getfixturevalue(hours)
    other, key_of = renamed(company)
    before, after = make_plan(company.dataset(), rule), make_plan(other.dataset(), rule)
    for block in before.series:
        found = after.block(block.measure)
        rows = dict(zip(found.keys, found.values, strict=True))
        assert len(rows) == len(block.keys)
        for key, row in zip(block.keys, block.values, strict=True):
            np.testing.assert_allclose(rows[key_of(key)], row, atol=1e-6, err_msg=str((block.measure, key)))


def test_commits_cap_and_declined_means_zero(company):
    company.drop("supplier_item", supplier="V2")
    company.set(
        "supplierCommit", {"2026-02-09": 0.0, "2026-02-16": 30.0}, item="WHEEL", site="P", supplier="V1"
    )
    plan = make_plan(company.dataset(), "weighted")
    calendar = plan.model.facts.horizon.calendar
    wheels = lines(plan, "purchaseProjection")["WHEEL", "P", "V1"]
    declined, capped = (calendar.index_of(date(2026, 2, day)) - calendar.first_open for day in (9, 16))
    assert wheels[declined] == 0
    assert wheels[capped] <= 30
    variance = lines(plan, "commitVariance")["WHEEL", "P", "V1"]
    assert variance[capped] == 30 - wheels[capped]


def test_unanswered_buckets_are_closed_where_the_policy_says_so(company):
    company.parameters["unanswered_commit"] = "none"
    company.set("supplierCommit", {"2026-02-09": 30.0}, item="WHEEL", site="P", supplier="V1")
    plan = make_plan(company.dataset(), "weighted")
    horizon = plan.model.facts.horizon
    wheels = lines(plan, "purchaseProjection").get(("WHEEL", "P", "V1"), np.zeros(horizon.published))
    asked = horizon.starts[: horizon.published] < 84
    answered = np.arange(horizon.published) == 5
    assert not wheels[asked & ~answered].any()
    assert wheels[~asked].any()


def test_contract_minimum_and_maximum_scale_with_the_days(company):
    offers = company.rows["supplier_item"]
    offers[0] |= {"max_quantity_per_period": 60.0}
    offers[1] |= {"min_quantity_per_period": 30.0}
    plan = make_plan(company.dataset(), "weighted")
    bought = lines(plan, "purchaseProjection")
    days = plan.model.facts.horizon.days[: plan.model.problem.published]
    assert (bought["WHEEL", "P", "V1"] <= 60.0 * days / 30.0 + 1e-9).all()
    later = bought["WHEEL", "P", "V2"][3:]
    assert (later.cumsum() >= np.floor((30.0 * days / 30.0)[3:].cumsum()) - 1).all()


def test_an_unknown_pack_size_is_never_taken_as_one(company):
    company.drop("unit_conversion", item="WHEEL")
    company.rows["item_cost"].append({"item": "WHEEL", "standard_cost": 4.5, "currency": "EUR"})
    company.drop("supplier_item", supplier="V2")
    plan = make_plan(company.dataset(), "weighted")
    codes = {note.code for note in plan.notes}
    assert {"unknown-conversion", "no-purchase-price"} <= codes
    assert lines(plan, "purchasePrice")["WHEEL", "V1"][0] == 4.5


def test_orders_that_cannot_be_supplied_give_way_and_are_named(company):
    company.rows["sales_order"].append(
        {
            "order": "SO2",
            "line": 1,
            "customer": "C2",
            "ship_to": "S2",
            "item": "EBIKE",
            "quantity": 1e5,
            "requested_date": date(2026, 1, 7),
        }
    )
    plan = make_plan(company.dataset(), "weighted")
    given = [note for note in plan.notes if note.code == "given-way"]
    assert given
    assert "EBIKE" in given[0].subject
    assert total(plan, "unmetDemand").sum() > 9e4


def test_totals_add_up_from_the_measures(company):
    dataset = company.dataset()
    plan = make_plan(dataset, "weighted")
    totals = plan_totals(Dataset(dataset.entities, dataset.series + plan.series))
    assert totals["revenue"] == pytest.approx(total(plan, "revenue").sum())
    load, overtime = total(plan, "capacityRequired").sum(), total(plan, "overtime").sum()
    assert totals["regular"] == pytest.approx(20.0 * (load - overtime))
    assert totals["overtime"] == pytest.approx(30.0 * overtime)
    assert totals["freight"] == pytest.approx(total(plan, "transfers").sum())
    spent = sum(totals[name] for name in ("purchase", "production", "freight", "regular", "overtime"))
    assert totals["margin"] == pytest.approx(totals["revenue"] - spent)


def test_a_currency_without_a_rate_is_refused_and_one_with_a_rate_converted(company):
    company.rows["purchase_price"][1] |= {"currency": "USD", "price": 8.0}
    with pytest.raises(PlanningError, match=r"rate\.USD"):
        make_plan(company.dataset(), "weighted")
    company.parameters["rate.USD"] = "0.5"
    plan = make_plan(company.dataset(), "weighted")
    assert lines(plan, "purchasePrice")["WHEEL", "V2"][0] == 4.0


def test_firm_production_that_cannot_be_made_gives_way_and_is_named(company):
    company.set("firmPlanned", {"2026-01-12": 1e4}, item="BIKE", site="P")
    plan = make_plan(company.dataset(), "weighted")
    given = [note for note in plan.notes if note.code == "given-way"]
    assert "BIKE" in given[0].subject
    assert lines(plan, "productionPlan")["BIKE", "P"][1] < 1e4


def test_firm_production_is_made_as_it_was_fixed(company):
    company.set("firmPlanned", {"2026-02-02": 17.0}, item="BIKE", site="P")
    plan = make_plan(company.dataset(), "weighted")
    assert lines(plan, "productionPlan")["BIKE", "P"][4] == 17.0
