"""What a supplier receives: the purchase projection in its own unit and codes, its open orders, its items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from app.services.releasing.dates import Floats, adjoining, order_date, realign
from app.services.releasing.reference import Reference, Row, day, number, text
from app.services.releasing.view import PlanView
from app.store.releases import Release, ReleasedItem, ReleasedProjection, ReleasedPurchaseOrder

SNAP = 1e-6
"""A quantity this close (relative) to a whole multiple of the purchase unit is that multiple."""

LineKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class PurchaseUnit:
    """Unit in which a supplier thinks: base units in one, and the multiple that it delivers."""

    unit: str
    base_factor: float
    multiple: float

    def of_base(self, quantities: Floats) -> Floats:
        """Return base quantities in this unit; floating-point noise about a whole multiple is removed."""
        exact = quantities / self.base_factor
        if not self.multiple:
            return exact
        near = np.round(exact / self.multiple) * self.multiple
        return np.where(np.abs(exact - near) <= SNAP * np.maximum(1.0, np.abs(exact)), near, exact)


def purchase_unit(reference: Reference, supply: Row | None, item: str) -> PurchaseUnit:
    """Return the purchase unit of a supplier-item row; the base unit where its conversion is not known.

    An unknown pack size is never taken as 1: the line then says the base unit by name.
    """
    unit = None if supply is None else text(supply, "unit")
    factor = None if unit is None else reference.base_factor(item, unit)
    if unit is None or factor is None:
        base = str(reference.items[item]["unit"])
        return PurchaseUnit(base, 1.0, reference.multiple(base))
    return PurchaseUnit(unit, factor, number(supply or {}, "order_multiple", reference.multiple(unit)))


def projection_lines(
    view: PlanView, party: str, previous: Release | None, lines_before: Sequence[ReleasedProjection]
) -> tuple[ReleasedProjection, ...]:
    """Return the projection lines of a party, by supplier code, item and receiving site.

    A line is released where something is projected, and where the last release projected something for
    dates still ahead: a supplier must see that it fell to nothing.
    """
    earlier = _earlier_quantities(view, previous, lines_before)
    suppliers = view.reference.suppliers.get(party, ())
    planned = {
        (str(supplier), str(item), str(site)): quantities
        for code in suppliers
        for (item, site, supplier), quantities in view.of_owner("purchaseProjection", code).items()
        if np.any(quantities > 0)
    }
    still_seen = {key for key, quantities in earlier.items() if np.any(np.nan_to_num(quantities) > 0)}
    keys = sorted(planned.keys() | {key for key in still_seen if key[0] in suppliers})
    return tuple(
        _line(view, party, line, key, planned=planned, earlier=earlier) for line, key in enumerate(keys)
    )


def _earlier_quantities(
    view: PlanView, previous: Release | None, lines: Sequence[ReleasedProjection]
) -> dict[LineKey, Floats]:
    """Return what the last release said for the dates of this one, in base units, by line."""
    if previous is None or not lines:
        return {}
    values = np.array([line.quantities for line in lines]) * np.array([[line.base_factor] for line in lines])
    moved = realign(values, adjoining(previous.starts, previous.ends), view.buckets)
    return {(line.supplier, line.item, line.site): row for line, row in zip(lines, moved, strict=True)}


def _line(
    view: PlanView,
    party: str,
    line: int,
    key: LineKey,
    *,
    planned: Mapping[LineKey, Floats],
    earlier: Mapping[LineKey, Floats],
) -> ReleasedProjection:
    supplier, item, site = key
    reference, horizon = view.reference, len(view.buckets)
    supply = reference.supply(supplier, item, site, view.plan_date)
    unit = purchase_unit(reference, supply, item)
    nothing, unknown = np.zeros(horizon), np.full(horizon, np.nan)
    return ReleasedProjection(
        line=line,
        supplier=supplier,
        item=item,
        party_item=reference.party_item(party, item),
        name=str(reference.items[item]["name"]),
        site=site,
        site_name=str(reference.sites[site]["name"]),
        unit=unit.unit,
        base_factor=unit.base_factor,
        lead_time_days=number(supply or {}, "lead_time_days"),
        quantities=tuple(unit.of_base(planned.get(key, nothing)).tolist()),
        previous=tuple((earlier.get(key, unknown) / unit.base_factor).tolist()),
        order_dates=_order_dates(view, supplier, item, site),
    )


def _order_dates(view: PlanView, supplier: str, item: str, site: str) -> tuple[date, ...]:
    """Return the day to order on for a receipt on each bucket's first day, by the lead time then valid."""
    dates = []
    for bucket in view.buckets:
        supply = view.reference.supply(supplier, item, site, bucket.start)
        dates.append(order_date(bucket.start, number(supply or {}, "lead_time_days")))
    return tuple(dates)


def purchase_orders(view: PlanView, party: str) -> tuple[ReleasedPurchaseOrder, ...]:
    """Return the open purchase orders with the party's supplier codes, by due date."""
    reference = view.reference
    own = reference.owned_rows("purchase_order", "supplier", reference.suppliers.get(party, ()))
    own.sort(key=lambda row: (str(row["due_date"]), str(row["order"]), number(row, "line")))
    return tuple(_purchase_order(view, party, line, row) for line, row in enumerate(own))


def _purchase_order(view: PlanView, party: str, line: int, row: Row) -> ReleasedPurchaseOrder:
    reference = view.reference
    supplier, item, site = str(row["supplier"]), str(row["item"]), str(row["site"])
    unit = purchase_unit(reference, reference.supply(supplier, item, site, view.plan_date), item)
    due = day(row, "due_date") or view.plan_date
    return ReleasedPurchaseOrder(
        line=line,
        order_number=str(row["order"]),
        order_line=int(number(row, "line")),
        supplier=supplier,
        item=item,
        party_item=reference.party_item(party, item),
        name=str(reference.items[item]["name"]),
        site=site,
        site_name=str(reference.sites[site]["name"]),
        unit=unit.unit,
        quantity=number(row, "quantity") / unit.base_factor,
        due_date=due,
        status=str(row.get("status") or "open"),
    )


def supplier_items(view: PlanView, party: str) -> tuple[ReleasedItem, ...]:
    """Return the items that the party's supplier codes deliver on the plan date, in purchase units."""
    pairs = [
        (supplier, item)
        for supplier in view.reference.suppliers.get(party, ())
        for item in view.reference.supplied_items(supplier, view.plan_date)
    ]
    return tuple(_item(view, party, line, *pair) for line, pair in enumerate(pairs))


def _item(view: PlanView, party: str, line: int, supplier: str, item: str) -> ReleasedItem:
    reference = view.reference
    unit = purchase_unit(reference, reference.supply(supplier, item, None, view.plan_date), item)
    return ReleasedItem(
        line=line,
        code=supplier,
        item=item,
        party_item=reference.party_item(party, item),
        name=str(reference.items[item]["name"]),
        unit=unit.unit,
        base_factor=unit.base_factor,
    )
