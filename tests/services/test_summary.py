from datetime import date

import numpy as np
import orjson
import pytest

from app.exchange import Dataset
from app.services.planning.highlights import bottlenecks, built_ahead, late_items
from app.services.planning.run import make_plan
from app.services.recording import recorded
from app.services.summary import summary_of
from app.services.wording import Names, amount, when
from app.vocabulary import Bucket


def with_plan(company, rule="leximin"):
    dataset = company.dataset()
    plan = make_plan(dataset, rule)
    made = {block.measure for block in plan.series}
    return plan, Dataset(dataset.entities, [b for b in dataset.series if b.measure not in made] + plan.series)


def by_hand(company, **measures):
    """A data set with series over the open buckets stated by hand: measure = {(item, site): values}."""
    for measure, rows in measures.items():
        for (item, site), values in rows.items():
            calendar = company.dataset().calendar
            days = [bucket.start.isoformat() for bucket in calendar.open_buckets]
            company.set(measure, dict(zip(days, values, strict=True)), item=item, site=site)
    return company.dataset()


@pytest.fixture
def monthly(company):
    company.parameters |= {"weeks": "0", "months": "6", "plan_date": "2026-01-01"}
    company.series = {}
    return company


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (date(2026, 3, 1), date(2026, 4, 1), "March 2026"),
        (date(2026, 2, 2), date(2026, 2, 9), "the week of 2 February 2026"),
        (date(2026, 2, 9), date(2026, 3, 1), "the 20 days from 9 February 2026"),
    ],
)
def test_buckets_in_words(start, end, words):
    assert when(Bucket(0, start, end)) == words


def test_quantities_in_words():
    assert [amount(q) for q in (3, 3.14, 0.5, 12_345.6)] == ["3", "3.1", "0.5", "12,346"]


def test_names_stand_with_their_code(company):
    names = Names(company.dataset().entities)
    assert names.of("resource", "ASM") == "Assembly (ASM)"
    assert names.of("item", "BIKE") == "BIKE"


def test_what_is_late_since_when_and_until_when(monthly):
    plan = by_hand(monthly, backlog={("BIKE", "S2"): [0, 5, 9, 0, 0, 0], ("EBIKE", "S2"): [0, 0, 0, 0, 0, 4]})
    bikes, ebikes = late_items(plan)
    assert (bikes.item, bikes.since.start.month, bikes.peak, bikes.peak_at.start.month) == ("BIKE", 2, 9, 3)
    assert bikes.until.start.month == 4
    assert (ebikes.item, ebikes.until) == ("EBIKE", None)


def test_what_is_built_ahead_for_which_month_without_the_opening_stock(monthly):
    plan = by_hand(
        monthly,
        netDemand={("BIKE", "S2"): [10, 10, 10, 30, 10, 10]},
        productionPlan={("BIKE", "P"): [10, 15, 20, 15, 10, 10]},
        projectedBalance={("BIKE", "W"): [7, 12, 22, 7, 7, 7]},
    )
    (march,) = built_ahead(plan)
    assert (march.month, march.quantity, march.since.start.month) == (date(2026, 4, 1), 15, 2)
    assert march.items == (("BIKE", 15.0),)


def test_the_opening_stock_used_up_is_nothing_built_ahead(monthly):
    plan = by_hand(
        monthly,
        netDemand={("BIKE", "S2"): [10] * 6},
        productionPlan={("BIKE", "P"): [0, 0, 10, 10, 10, 10]},
        projectedBalance={("BIKE", "W"): [20, 10, 10, 10, 10, 10]},
    )
    assert built_ahead(plan) == ()


def test_safety_stock_is_not_built_ahead(monthly):
    plan = by_hand(
        monthly,
        netDemand={("BIKE", "S2"): [10] * 6},
        productionPlan={("BIKE", "P"): [10, 20, 10, 0, 10, 10]},
        projectedBalance={("BIKE", "W"): [0, 10, 10, 0, 0, 0]},
        safetyStock={("BIKE", "W"): [0, 10, 10, 0, 0, 0]},
    )
    assert built_ahead(plan) == ()


def test_full_resources_are_bottlenecks(company):
    company.rows["capacity"][0]["hours_per_day"] = 4.0
    plan, full = with_plan(company)
    (one,) = bottlenecks(full)
    used = plan.block("utilization").values[0]
    assert one.resource == "ASM"
    assert one.full == np.count_nonzero(np.nan_to_num(used) >= 99.5)
    assert one.overtime == pytest.approx(np.nansum(plan.block("overtime").values))


def test_the_summary_says_what_the_measures_say(company):
    company.rows["capacity"][0]["hours_per_day"] = 3.0
    plan, full = with_plan(company)
    said = recorded(plan, b"", 1.0)
    summary = summary_of(full, said.summary, said.stakeholders, said.limits)
    volume = summary.volume
    assert volume.asked == pytest.approx(volume.delivered + volume.lost + volume.backlog)
    assert 0 < volume.on_time < 1
    text = summary.text()
    for heading in ("What is promised", "What it earns and costs (EUR)", "What each department gave up"):
        assert heading in text
    assert "proven optimal" in text
    assert "Assembly (ASM): full in" in text
    data = orjson.loads(orjson.dumps(summary.data()))
    assert data["totals"]["revenue"] == pytest.approx(np.nansum(plan.block("revenue").values))
    assert {one["stakeholder"] for one in data["departments"]} == {"sales", "operations", "finance"}
