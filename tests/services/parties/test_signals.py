"""Demand signals and capacity: what is refused, and what is kept."""

from datetime import date, timedelta

import pytest

from app.errors import Rejected
from app.services.parties.signals import (
    Basis,
    Entry,
    Series,
    SignalKind,
    capacity_payload,
    signal_payload,
)
from app.services.releasing.projections import supplier_items
from app.services.releasing.supply_answers import customer_items
from tests.outside import CALENDAR, head, plan_view

VIEW = plan_view()
RELEASE = head(VIEW)
ITEMS = customer_items(VIEW, "PC1")
FIRST, SECOND = (bucket.start for bucket in CALENDAR.open_buckets[:2])
TODAY = date(2026, 1, 6)


def signal(
    *series: Series, kind: SignalKind = SignalKind.FORECAST, basis: Basis = Basis.GROSS
) -> dict[str, object]:
    """The payload of a demand signal of PC1."""
    return signal_payload(RELEASE, ITEMS, kind, basis, series, today=TODAY)


def problems(
    *series: Series, kind: SignalKind = SignalKind.FORECAST, basis: Basis = Basis.GROSS
) -> list[tuple[str, tuple[object, ...]]]:
    """Code and path of everything wrong with a signal."""
    with pytest.raises(Rejected) as caught:
        signal(*series, kind=kind, basis=basis)
    return [(e.code, e.details["field"]) for e in caught.value.problems]  # type: ignore[misc]  # as they are raised


def test_own_codes_become_ours_and_buckets_get_their_end() -> None:
    payload = signal(Series("pc1-bike", None, (Entry(FIRST, 4.0),)), basis=Basis.NET)
    assert payload == {
        "release": 1,
        "kind": "forecast",
        "basis": "net",
        "series": [
            {
                "code": "C1",
                "item": "BIKE",
                "unit": "EA",
                "base_factor": 1.0,
                "entries": [{"start": FIRST, "end": SECOND, "quantity": 4.0}],
            }
        ],
    }


def test_another_customers_code_is_as_unknown_as_one_that_nobody_has() -> None:
    for code in ("pc2-secret-bike", "nobodys", "CART"):
        series = Series(code, None, (Entry(FIRST, 1.0),))
        assert problems(series) == [("UNKNOWN_KEY", ("series", 0, "item"))]
    foreign = Series("BIKE", "C2", (Entry(FIRST, 1.0),))
    assert problems(foreign) == [("UNKNOWN_KEY", ("series", 0, "customer"))]


def test_forecasts_lie_on_released_buckets_and_sell_out_behind() -> None:
    between = Series("BIKE", None, (Entry(FIRST + timedelta(days=1), 1.0),))
    assert problems(between) == [("BAD_VALUE", ("series", 0, "entries", 0, "date"))]
    assert signal(between, kind=SignalKind.SELL_OUT)["kind"] == "sell_out"
    ahead = Series("BIKE", None, (Entry(TODAY + timedelta(days=1), 1.0),))
    assert problems(ahead, kind=SignalKind.STOCK) == [("BAD_VALUE", ("series", 0, "entries", 0, "date"))]


def test_only_forecasts_can_be_net_of_orders() -> None:
    sold = Series("BIKE", None, (Entry(FIRST, 1.0),))
    assert problems(sold, kind=SignalKind.SELL_OUT, basis=Basis.NET) == [("BAD_VALUE", ("basis",))]


def test_every_problem_is_named_with_its_place() -> None:
    series = Series("BIKE", None, (Entry(FIRST, -1.0), Entry(FIRST, 1.0)))
    again = Series("pc1-bike", None, (Entry(FIRST, float("inf")),))
    assert problems(series, again, Series("BIKE", None, ())) == [
        ("BAD_VALUE", ("series", 0, "entries", 0, "quantity")),
        ("BAD_VALUE", ("series", 0, "entries", 1, "date")),
        ("BAD_VALUE", ("series", 1, "entries", 0, "quantity")),
        ("BAD_VALUE", ("series", 1, "item")),
        ("BAD_VALUE", ("series", 2, "entries")),
        ("BAD_VALUE", ("series", 2, "item")),
    ]


def test_capacity_asks_for_the_supplier_code_where_two_supply_the_item() -> None:
    items = supplier_items(VIEW, "PV1")
    entry = (Entry(FIRST, 3.0),)
    with pytest.raises(Rejected) as caught:
        capacity_payload(RELEASE, items, [Series("pv1-rim", None, entry)], today=TODAY)
    assert caught.value.problems[0].details["expected"] == "one of your codes V1, V1B"
    payload = capacity_payload(RELEASE, items, [Series("pv1-rim", "V1", entry)], today=TODAY)
    (line,) = payload["series"]  # type: ignore[misc]  # a list of lines
    assert (line["code"], line["unit"], line["base_factor"]) == ("V1", "BOX", 10.0)
