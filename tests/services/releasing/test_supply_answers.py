"""What a customer receives, reckoned from the plan by hand."""

from collections.abc import Sequence
from copy import deepcopy
from datetime import date

import numpy as np
import pytest

from app.services.releasing.reasons import Reason, Reasons
from app.services.releasing.supply_answers import answer_lines, customer_items, sales_orders
from app.services.releasing.view import Limit, PlanView
from app.store.releases import Release, ReleasedAnswer
from tests.outside import CALENDAR, ENTITIES, PLAN, demand, head, plan_view

REQUEST = {
    demand("netDemand", "C1", "S1"): [10, 10, 10, 0, 0, 40, 0, 0],
    demand("constrainedDemand", "C1", "S1"): [10, 4, 12, 0, 0, 30, 0, 0],
    demand("unmetDemand", "C1", "S1"): [0, 0, 0, 0, 0, 10, 0, 0],
}


def answers(
    view: PlanView, party: str, previous: Release | None = None, before: Sequence[ReleasedAnswer] = ()
) -> tuple[ReleasedAnswer, ...]:
    """A party's answers, with the reasons of the same plan."""
    return answer_lines(view, party, previous, before, reasons=Reasons(view))


def test_the_answer_says_how_much_when_and_until_when() -> None:
    (line,) = answers(plan_view(), "PC1")
    assert line.on_time == (10, 4, 6, 0, 0, 26, 0, 0)
    assert line.late == (0, 6, 4, 0, 0, 4, 0, 0)
    assert line.not_supplied == (0, 0, 0, 0, 0, 10, 0, 0)
    assert line.late_until[1] == date(2026, 1, 25)
    assert line.late_until[5] is None
    assert line.firmness[:3] == ("firm", "firm", "indicative")
    assert (line.party_item, line.ship_to_name, line.unit) == ("pc1-bike", "Shop one", "EA")


def test_the_answers_are_the_sealed_plans() -> None:
    for party, customer, ship_to in (("PC1", "C1", "S1"), ("PC2", "C2", "S2"), ("PB", "C3", "S3")):
        (line,) = answers(plan_view(), party)
        nothing = np.zeros(len(line.requested))
        assert list(line.requested) == PLAN[demand("netDemand", customer, ship_to)]
        assert list(line.not_supplied) == list(PLAN.get(demand("unmetDemand", customer, ship_to), nothing))
        dated = [late for late, until in zip(line.late, line.late_until, strict=True) if until is not None]
        delivered = sum(PLAN[demand("constrainedDemand", customer, ship_to)])
        assert sum(line.on_time) + sum(dated) <= delivered


def test_what_was_confirmed_before_is_matched_by_date() -> None:
    view = plan_view()
    first = answers(view, "PC1")
    (second,) = answers(plan_view(REQUEST), "PC1", head(view), first)
    assert second.previous == (10, 10, 10, 0, 0, 30, 0, 0)


def limit(ahead: int, **about: str) -> Limit:
    """A limit that binds in an open bucket, counted from 0."""
    return Limit(CALENDAR.first_open + ahead, **about)


@pytest.mark.parametrize(
    ("item", "ordinal", "limits", "expected"),
    [
        ("CART", 5, (), Reason.PORTFOLIO),
        ("BIKE", 0, (), Reason.LEAD_TIME),
        ("BIKE", 3, (), Reason.ALLOCATION),
        ("BIKE", 3, (limit(2, resource="ASM"),), Reason.CAPACITY),
        ("BIKE", 1, (limit(2, resource="ASM"),), Reason.ALLOCATION),
        ("BIKE", 3, (limit(2, resource="OTHER"),), Reason.ALLOCATION),
        ("BIKE", 3, (limit(1, supplier="V1", item="RIM"),), Reason.MATERIAL),
        ("BIKE", 3, (limit(1, supplier="V1", item="BOLT"),), Reason.ALLOCATION),
        ("BIKE", 3, (limit(1, supplier="V1"),), Reason.MATERIAL),
        ("BIKE", 3, (limit(1, supplier="V3"),), Reason.ALLOCATION),
        ("BIKE", 3, (limit(1, supplier="V1", item="RIM"), limit(1, resource="ASM")), Reason.MATERIAL),
        ("BIKE", 3, (limit(1, supplier="V1", item="RIM"), limit(2, resource="ASM")), Reason.CAPACITY),
        ("RIM", 0, (), Reason.ALLOCATION),
    ],
)
def test_the_reason_is_the_most_telling_limit_in_the_items_chain(
    item: str, ordinal: int, limits: tuple[Limit, ...], expected: Reason
) -> None:
    assert Reasons(plan_view(limits=limits)).why(item, ordinal) is expected


def test_without_components_in_stock_the_whole_chain_takes_its_time() -> None:
    """A bicycle takes 9 days, its rims 30 more: by the third week nothing ordered now can be there."""
    entities = deepcopy(ENTITIES)
    for row in entities["supplier_item"]:
        row["lead_time_days"] = 30.0
    reasons = Reasons(plan_view(entities=entities))
    assert [reasons.why("BIKE", ordinal) for ordinal in range(6)] == [
        *([Reason.LEAD_TIME] * 4),
        Reason.ALLOCATION,
        Reason.ALLOCATION,
    ]


def test_open_orders_are_the_partys_own() -> None:
    orders = sales_orders(plan_view(), "PC1")
    assert [(order.order_number, order.promised_date) for order in orders] == [("SO-1", date(2026, 1, 16))]


def test_the_catalogue_holds_what_the_party_deals_in_and_nothing_it_supplies() -> None:
    assert [(item.code, item.item) for item in customer_items(plan_view(), "PC1")] == [("C1", "BIKE")]
    assert [(item.code, item.item) for item in customer_items(plan_view(), "PB")] == [("C3", "BIKE")]
