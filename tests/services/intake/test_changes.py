"""What a submission sets in the plan, reckoned by hand."""

from __future__ import annotations

from copy import deepcopy
from datetime import date
from typing import Any

import numpy as np
import pytest

from app.errors import BucketFrozen, UnknownKey
from app.services.intake.changes import Handed, cells_set, placed
from app.services.releasing.reference import Reference
from app.store.identity import SeriesKey
from app.vocabulary import Parameters, build_calendar
from tests.outside import CALENDAR, ENTITIES, PARAMETERS

REFERENCE = Reference(ENTITIES)
FIRST = CALENDAR.first_open
SIGNAL = SeriesKey("customerSignal", item="BIKE", customer="C1")


def entry(start: date | str, end: date | str, quantity: float) -> dict[str, Any]:
    """An entry as the inbox keeps it."""
    return {"start": str(start), "end": str(end), "quantity": quantity}


def ahead(*quantities: float, skip: int = 0) -> list[dict[str, Any]]:
    """Entries for the open buckets in order."""
    buckets = CALENDAR.open_buckets[skip:]
    return [
        entry(bucket.start, bucket.end, quantity)
        for bucket, quantity in zip(buckets, quantities, strict=False)
    ]


def series(*entries: dict[str, Any], code: str = "C1", factor: float = 1.0, **other: Any) -> dict[str, Any]:
    """A payload with one item."""
    line = {"code": code, "item": "BIKE", "unit": "EA", "base_factor": factor, "entries": list(entries)}
    return {"release": 1, "series": [line], **other}


def forecast(*quantities: float, basis: str = "gross") -> Handed:
    """A forecast of PC1 from the plan date on."""
    return Handed("PC1", "customerSignal", series(*ahead(*quantities), kind="forecast", basis=basis))


def test_a_forecast_sets_its_buckets_and_no_other() -> None:
    cells = cells_set(forecast(4, 5), REFERENCE, CALENDAR)
    assert cells.keys() == {SIGNAL}
    assert cells[SIGNAL][FIRST : FIRST + 2].tolist() == [4, 5]
    assert np.isnan(np.delete(cells[SIGNAL], [FIRST, FIRST + 1])).all()


def test_a_net_forecast_gets_the_open_orders_of_its_buckets() -> None:
    cells = cells_set(forecast(4, 5, basis="net"), REFERENCE, CALENDAR)
    assert cells[SIGNAL][FIRST : FIRST + 2].tolist() == [4, 5 + 7]
    untouched = cells_set(forecast(4, basis="net"), REFERENCE, CALENDAR)
    assert np.isnan(untouched[SIGNAL][FIRST + 1])


def test_past_due_orders_count_in_the_first_open_bucket() -> None:
    entities = deepcopy(ENTITIES)
    entities["sales_order"][0]["requested_date"] = date(2025, 12, 1)
    cells = cells_set(forecast(4, basis="net"), Reference(entities), CALENDAR)
    assert cells[SIGNAL][FIRST] == 11


def test_a_commit_is_in_base_units_and_zero_is_a_promise() -> None:
    line = {
        "supplier": "V1",
        "item": "RIM",
        "site": "P",
        "base_factor": 10.0,
        "promises": ahead(0, 3, skip=1),
    }
    handed = Handed("PV1", "supplierCommit", {"release": 1, "lines": [line]})
    (values,) = cells_set(handed, REFERENCE, CALENDAR).values()
    assert values[FIRST + 1 : FIRST + 3].tolist() == [0, 30]
    assert np.isnan(values[FIRST])


def test_capacity_is_kept_by_item_and_supplier() -> None:
    payload = series(*ahead(2), code="V1", factor=10.0)
    payload["series"][0]["item"] = "RIM"
    cells = cells_set(Handed("PV1", "supplierCapacity", payload), REFERENCE, CALENDAR)
    assert cells[SeriesKey("supplierCapacity", item="RIM", supplier="V1")][FIRST] == 20


def test_weeks_of_a_release_become_days_of_a_later_calendar() -> None:
    later = build_calendar(
        Parameters.of_texts({**PARAMETERS, "plan_date": "2026-01-12", "weeks": "2", "months": "3"})
    )
    values = placed([*ahead(1, 2, 3, 4), entry("2026-02-02", "2026-03-01", 27.0)], later)
    weeks = values[later.first_open : later.first_open + 3]
    assert weeks.tolist() == pytest.approx([2, 3, 4 * 6 / 7])
    assert values[later.first_open + 3] == pytest.approx(27 + 4 * 1 / 7)


def test_a_bucket_that_is_covered_in_part_stays_unanswered() -> None:
    values = placed([entry("2026-02-01", "2026-02-15", 10.0)], CALENDAR)
    assert np.isnan(values).all()


def test_buckets_gone_by_are_left_out_and_nothing_else_is_refused() -> None:
    later = build_calendar(Parameters.of_texts({**PARAMETERS, "plan_date": "2026-01-12"}))
    (values,) = cells_set(forecast(4, 5), REFERENCE, later).values()
    assert values[later.first_open] == 5
    assert np.isnan(values[: later.first_open]).all()
    with pytest.raises(BucketFrozen):
        cells_set(forecast(4), REFERENCE, later)


@pytest.mark.parametrize(("party", "code"), [("PC1", "C2"), ("PC2", "C1"), ("PV1", "C1")])
def test_codes_that_are_not_the_partys_are_refused(party: str, code: str) -> None:
    handed = Handed(party, "customerSignal", series(*ahead(1), code=code, kind="forecast", basis="gross"))
    with pytest.raises(UnknownKey):
        cells_set(handed, REFERENCE, CALENDAR)


def looking_back(kind: str, measure: str, *payloads: dict[str, float]) -> float:
    """What November holds after these submissions by day, oldest first."""
    made = [
        series(*(entry(day, day, quantity) for day, quantity in days.items()), kind=kind, basis="gross")
        for days in payloads
    ]
    cells = cells_set(Handed("PC1", measure, made[-1], made[:-1]), REFERENCE, CALENDAR)
    return float(cells[SeriesKey(measure, item="BIKE", customer="C1")][0])


def test_sell_out_adds_up_over_days_and_submissions_and_corrections_replace() -> None:
    first, second = {"2025-11-03": 5.0, "2025-11-04": 6.0}, {"2025-11-05": 1.0, "2025-11-03": 2.0}
    assert looking_back("sell_out", "pointOfSale", first) == 11
    assert looking_back("sell_out", "pointOfSale", first, second) == 9


def test_stock_is_that_of_the_last_day_known() -> None:
    first, second = {"2025-11-20": 5.0, "2025-11-04": 6.0}, {"2025-11-10": 1.0}
    assert looking_back("stock", "customerStock", first) == 5
    assert looking_back("stock", "customerStock", first, second) == 5


@pytest.mark.parametrize("quantity", [-1.0, float("inf"), float("nan"), "many"])
def test_a_row_that_no_mutation_made_is_no_quantity(quantity: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the text is Python's
        placed([entry("2026-01-05", "2026-01-12", quantity)], CALENDAR)
