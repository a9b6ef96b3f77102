"""What a supplier receives, reckoned from the plan by hand."""

from copy import deepcopy
from datetime import date

import numpy as np
import pytest

from app.services.releasing.projections import (
    PurchaseUnit,
    projection_lines,
    purchase_orders,
    supplier_items,
)
from app.store.releases import ReleasedProjection
from tests.outside import ENTITIES, OPEN, PLAN, head, plan_view, projection


def lines(**other: object) -> dict[tuple[str, str], ReleasedProjection]:
    """PV1's lines by supplier code and item, on its first release."""
    found = projection_lines(plan_view(**other), "PV1", None, ())  # type: ignore[arg-type]  # as the view takes it
    return {(line.supplier, line.item): line for line in found}


def test_only_the_partys_own_codes_are_there() -> None:
    assert lines().keys() == {("V1", "BOLT"), ("V1", "RIM"), ("V1B", "RIM")}


def test_quantities_are_in_the_purchase_unit() -> None:
    rim = lines()["V1", "RIM"]
    assert (rim.unit, rim.base_factor) == ("BOX", 10.0)
    assert rim.quantities == (0, 10, 5, 0, 20, 3, 0, 0)


def test_an_unknown_pack_size_is_never_one_but_the_base_unit_by_name() -> None:
    bolt = lines()["V1", "BOLT"]
    assert (bolt.unit, bolt.base_factor) == ("EA", 1.0)
    assert bolt.quantities[:5] == (5, 5, 5, 5, 0)


def test_orders_are_placed_a_lead_time_before_the_receipt() -> None:
    rim, bolt = lines()["V1", "RIM"], lines()["V1", "BOLT"]
    assert rim.order_dates[1] == date(2026, 1, 2)
    assert bolt.order_dates[1] == date(2026, 1, 9)


def test_the_lead_time_valid_on_the_receipt_counts() -> None:
    entities = deepcopy(ENTITIES)
    entities["supplier_item"][0]["valid_to"] = date(2026, 1, 12)
    entities["supplier_item"].append(
        {
            "supplier": "V1",
            "item": "RIM",
            "lead_time_days": 1.0,
            "unit": "BOX",
            "valid_from": date(2026, 1, 12),
        }
    )
    rim = lines(entities=entities)["V1", "RIM"]
    assert rim.order_dates[:2] == (date(2025, 12, 26), date(2026, 1, 11))


def test_the_first_release_compares_with_nothing() -> None:
    assert all(np.isnan(line.previous).all() for line in lines().values())


def test_the_previous_release_is_matched_by_line_and_unit() -> None:
    before = plan_view()
    first = projection_lines(before, "PV1", None, ())
    entities = deepcopy(ENTITIES)
    entities["supplier_item"][0]["unit"] = "EA"
    second = projection_lines(plan_view(entities=entities), "PV1", head(before), first)
    rim = next(line for line in second if (line.supplier, line.item) == ("V1", "RIM"))
    assert rim.previous == (0, 100, 50, 0, 200, 30, 0, 0)


def test_a_line_that_falls_to_nothing_is_still_released() -> None:
    before = plan_view()
    first = projection_lines(before, "PV1", None, ())
    gone = {key: values for key, values in PLAN.items() if key != projection("BOLT", "V1")}
    second = projection_lines(plan_view(gone), "PV1", head(before), first)
    bolt = next(line for line in second if line.item == "BOLT")
    assert bolt.quantities == (0,) * OPEN
    assert bolt.previous[:5] == (5, 5, 5, 5, 0)


@pytest.mark.parametrize(
    ("base", "expected"),
    [(119.9999999999, 12.0), (0.0, 0.0), (120.0, 12.0), (117.0, 11.7)],
)
def test_noise_about_a_multiple_is_removed_and_nothing_else(base: float, expected: float) -> None:
    unit = PurchaseUnit("BOX", 10.0, 1.0)
    assert unit.of_base(np.array([base])).tolist() == [pytest.approx(expected, abs=1e-15)]


def test_open_orders_are_the_partys_own_in_its_unit() -> None:
    orders = purchase_orders(plan_view(), "PV1")
    assert [(order.order_number, order.quantity, order.unit) for order in orders] == [("PO-1", 4.0, "BOX")]


def test_items_name_the_code_that_supplies_them() -> None:
    items = supplier_items(plan_view(), "PV1")
    assert [(item.code, item.item, item.party_item) for item in items] == [
        ("V1", "BOLT", None),
        ("V1", "RIM", "pv1-rim"),
        ("V1B", "RIM", "pv1-rim"),
    ]
