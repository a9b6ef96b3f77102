"""Rows that are valid in a bucket, factors between units, and money per base unit."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from app.checker.buckets import Bucket
from app.checker.files import Files, Row, Values
from app.errors import InputError

Amounts = list[float | None]
_NOMINAL_VALUE = 0.01


def valid(row: Row, bucket: Bucket) -> bool:
    """Return whether a row is valid on the first day of the bucket."""
    begin, end = row["valid_from"], row["valid_to"]
    return (begin is None or begin <= bucket.start) and (end is None or bucket.start < end)


def carried(amounts: Amounts) -> Values:
    """Return amounts without gaps: the last one known, before the first that one, 0 where there is none."""
    known = next((amount for amount in amounts if amount is not None), 0.0)
    filled = []
    for amount in amounts:
        known = known if amount is None else amount
        filled.append(known)
    return filled


class Units:
    """Units of measure."""

    def __init__(self, files: Files) -> None:
        """Index units, conversions (both ways) and items."""
        self._whole = {row["unit"]: bool(row["whole"]) for row in files.rows("unit")}
        self._base = {row["item"]: str(row["unit"]) for row in files.rows("item")}
        self._factors: dict[tuple[str | None, str, str], float] = {}
        for row in files.rows("unit_conversion"):
            item, start, end, factor = row["item"], row["from_unit"], row["to_unit"], row["factor"]
            self._factors[item, start, end] = factor
            self._factors.setdefault((item, end, start), 1.0 / factor)

    def base(self, item: str) -> str:
        """Return the unit in which an item is counted."""
        if item not in self._base:
            raise InputError(reason=f"item.csv has no item {item}, which the plan names")
        return self._base[item]

    def lot(self, unit: str) -> float:
        """Return 1 for a unit of whole quantities, 0 for a divisible one."""
        return 1.0 if self._whole.get(unit, True) else 0.0

    def lot_of(self, item: str) -> float:
        """Return the lot of the item's base unit."""
        return self.lot(self.base(item))

    def in_base(self, item: str, unit: str) -> float | None:
        """Return how many base units of an item one `unit` holds; None where that is not known."""
        base = self.base(item)
        if unit == base:
            return 1.0
        return self._factors.get((item, unit, base), self._factors.get((None, unit, base)))


class Money:
    """Prices and costs per base unit or hour in the company's currency, over the open buckets."""

    def __init__(self, files: Files, units: Units) -> None:
        """Keep the rows to look into."""
        self._files, self._units = files, units
        self._channel = {row["customer"]: row["channel"] for row in files.rows("customer")}

    def selling(self, item: str, customer: str) -> Values:
        """Return the price for a customer, for its channel, or for everyone: the first that is valid."""
        channel = self._channel.get(customer)
        keys = ((customer, channel), (customer, None), (None, channel), (None, None))
        rows = [
            self._files.matching("selling_price", item=item, customer=each, channel=through)
            for each, through in keys
        ]
        return carried(self._first(rows, "price"))

    def standard(self, item: str, site: str) -> Amounts:
        """Return the standard cost at a site, else everywhere."""
        rows = [self._files.matching("item_cost", item=item, site=each) for each in (site, None)]
        return self._first(rows, "standard_cost")

    def buying(self, supplier: str, item: str, site: str) -> Values:
        """Return the price paid per base unit, the standard cost where none is known."""
        rows = self._files.matching("purchase_price", supplier=supplier, item=item)
        amounts = self._valid_amounts(rows, self._per_base_unit)
        if all(amount is None for amount in amounts):
            amounts = self.standard(item, site)
        return carried(amounts)

    def making(self, item: str, site: str) -> Values:
        """Return the cost of making besides material and hours."""
        return carried(self._first([self._files.matching("production_cost", item=item, site=site)], "cost"))

    def on_sale(self, item: str, site: str) -> Values:
        """Return what is charged when a unit is sold from a site, besides its making: nothing, as a rule."""
        return [0.0 for _ in self._files.periods]

    def freight(self, origin: str, destination: str, item: str) -> Values:
        """Return the freight over a lane: the item's own rate, else that for all items."""
        rows = [
            self._files.matching("lane_cost", from_site=origin, to_site=destination, item=each)
            for each in (item, None)
        ]
        return carried(self._first(rows, "cost"))

    def hour(self, resource: str, column: str) -> Values:
        """Return the cost of a regular hour (`cost`) or an overtime hour (`overtime_cost`)."""
        amounts = self._first([self._files.matching("resource_cost", resource=resource)], column)
        return carried(amounts) if column == "cost" else [amount or 0.0 for amount in amounts]

    def stock_value(self, item: str, site: str) -> Values:
        """Return the value of a unit: standard cost, else the lowest purchase price, else nominal."""
        prices = [self.buying(s, item, site) for s in self._suppliers(item, site)]
        values = []
        for index, standard in enumerate(self.standard(item, site)):
            value = min((price[index] for price in prices), default=0.0) if standard is None else standard
            values.append(value if value > 0 else _NOMINAL_VALUE)
        return values

    def _suppliers(self, item: str, site: str) -> list[str]:
        rows = self._files.matching("supplier_item", item=item)
        return sorted({str(row["supplier"]) for row in rows if row["site"] in {None, site}})

    def _first(self, groups: Iterable[list[Row]], column: str) -> Amounts:
        """Return in each bucket the amount of the first group with a valid row, None where there is none."""
        found: Amounts = [None] * len(self._files.buckets.open)
        for rows in groups:
            amounts = self._valid_amounts(rows, lambda row: self._money(row, column))
            found = [own if own is not None else other for own, other in zip(found, amounts, strict=True)]
        return found

    def _valid_amounts(self, rows: list[Row], amount: Callable[[Row], float | None]) -> Amounts:
        found: Amounts = [None] * len(self._files.buckets.open)
        for row in rows:
            worth = amount(row)
            for index, bucket in enumerate(self._files.buckets.open):
                if worth is not None and valid(row, bucket):
                    found[index] = worth
        return found

    def _money(self, row: Row, column: str) -> float | None:
        return None if row[column] is None else float(row[column]) * self._rate(row["currency"])

    def _per_base_unit(self, row: Row) -> float | None:
        unit = row["per_unit"]
        size = 1.0 if unit is None else self._units.in_base(row["item"], unit)
        return None if size is None else float(row["price"]) * self._rate(row["currency"]) / size

    def _rate(self, currency: str) -> float:
        return (
            1.0
            if currency == self._files.parameters.get("currency")
            else self._files.number(f"rate.{currency}")
        )
