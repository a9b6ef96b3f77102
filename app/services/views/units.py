"""Figures told in another unit: quantities and prices by conversions, quantities as money by prices.

Rules U1 to U5 of docs/dimensions.md. What is not known is refused, never taken as 1.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from app.access import Scope
from app.dimensions.units import Conversions
from app.errors import PlanningError, UnitUndefined, UnknownKey
from app.exchange.dataset import Dataset
from app.services.grants import require_kind
from app.services.planning.horizon import Horizon
from app.services.planning.notes import Notes
from app.services.planning.prices import Prices
from app.services.planning.units import Units
from app.services.views.aggregate import FloatArray
from app.services.views.keyed import Keyed
from app.vocabulary import Calendar, Measure

Rows = Mapping[str, Sequence[Mapping[str, object]]]
Price = Callable[[Prices, Mapping[str, str]], FloatArray]
QUANTITY, PRICE, MONEY, SHARE = "UoM", "currency/UoM", "currency", "%"
COMMON = frozenset({"item", "unit", "unit_conversion", "planning_parameter"})
NAMED = 3
"""Items that a refusal names."""

PRICED_BY: Mapping[str, tuple[str, Price]] = {
    "customer": ("selling_price", lambda prices, key: prices.selling(key["item"], key["customer"])),
    "supplier": ("purchase_price", lambda prices, key: prices.buying(key["supplier"], key["item"], "")),
    "item": ("item_cost", lambda prices, key: prices.standard(key["item"], key.get("site", ""))),
}
"""What a quantity is worth, by the first of these dimensions that its measure has."""


def unit_kinds(measure: Measure, unit: str) -> set[str]:
    """Return the kinds that have to be read to tell a measure in a unit; a currency has three letters."""
    if measure.unit != QUANTITY or "item" not in measure.grain or len(unit) != 3:
        return set(COMMON)
    return set(COMMON) | {_priced_by(measure)[0], "customer"}


def _priced_by(measure: Measure) -> tuple[str, Price]:
    return next(PRICED_BY[dimension] for dimension in PRICED_BY if dimension in measure.grain)


def told_in(measure: Measure, unit: str | None) -> str:
    """Return the unit of figures that are told in `unit`, None = in the measure's own; a share stays one."""
    if unit is None or measure.unit not in (QUANTITY, PRICE, MONEY):
        return measure.unit
    return f"{MONEY}/{unit}" if measure.unit == PRICE else unit


class Telling:
    """How the figures of a measure are told in a unit, by the rows of `unit_kinds`."""

    def __init__(self, scope: Scope, measure: Measure, unit: str, rows: Rows) -> None:
        """Find out what the unit is; raises `UnknownKey` for one that is neither a unit nor a currency."""
        self.measure, self.unit = measure, unit
        self._scope, self._rows = scope, rows
        self._dataset = Dataset({kind: [dict(row) for row in found] for kind, found in rows.items()}, [])
        self._is_unit = any(row["unit"] == unit for row in rows["unit"])
        self._rates = {} if self._is_unit else self._known_rates()
        if not self._is_unit and unit not in self._rates:
            raise UnknownKey(field=["unit"], kind="unit", name=unit)

    def factors(self, frame: Keyed, calendar: Calendar) -> FloatArray:
        """Return what values of the frame's series are multiplied by, (n, 1) or (n, T).

        Raises `UnitUndefined` where a conversion or a price is not known for one of the series.
        """
        if self.measure.unit == MONEY and not self._is_unit:
            return np.full((len(frame), 1), 1.0 / self._rates[self.unit])
        if "item" not in self.measure.grain or self.measure.unit not in (QUANTITY, PRICE):
            raise self._undefined(f"its unit is {self.measure.unit}, and it is not kept by item")
        if self._is_unit:
            sizes = self.sizes(frame)
            return 1.0 / sizes if self.measure.unit == PRICE else sizes
        if self.measure.unit == PRICE:
            raise self._undefined("a price is told per unit of measure")
        return self._worth(frame, calendar) / self._rates[self.unit]

    def _known_rates(self) -> dict[str, float]:
        try:
            return self._dataset.parameters.rates()
        except (KeyError, ValueError):
            return {}

    def sizes(self, frame: Keyed) -> FloatArray:
        """Return how many of the unit one base unit of each series' item is, (n, 1)."""
        conversions = Conversions(self._rows["unit_conversion"])
        base = {str(row["item"]): str(row["unit"]) for row in self._rows["item"]}
        items = frame.column("item")
        known = {
            item: conversions.factor(str(item), base[str(item)], self.unit)
            for item in set(items)
            if str(item) in base
        }
        missing = sorted({str(item) for item in items if known.get(item) is None})
        if missing:
            raise self._undefined(f"no conversion is known for {_listed(missing)}")
        return np.array([[known[item]] for item in items], dtype=np.float64).reshape(len(items), 1)

    def _worth(self, frame: Keyed, calendar: Calendar) -> FloatArray:
        """Return the price or cost of one base unit of each series, (n, T), in the company's currency."""
        kind, price = _priced_by(self.measure)
        require_kind(self._scope, kind)
        notes = Notes()
        every = Horizon(Calendar(calendar.buckets, calendar.buckets[0].start))
        try:
            prices = Prices(self._dataset, every, Units(self._dataset), notes)
            columns = {name: frame.column(name) for name in self.measure.grain}
            keys = [{name: str(column[row]) for name, column in columns.items()} for row in range(len(frame))]
            worth = np.array([price(prices, key) for key in keys]).reshape(len(frame), len(calendar))
        except PlanningError as refusal:
            raise self._undefined(str(refusal)) from refusal
        unpriced = {note.subject.split("|")[0 if kind == "selling_price" else -1] for note in notes.all()}
        missing = sorted(
            unpriced | {key["item"] for key, row in zip(keys, worth, strict=True) if np.isnan(row).any()}
        )
        if missing:
            raise self._undefined(f"no price is known for {_listed(missing)}")
        return worth

    def _undefined(self, reason: str) -> UnitUndefined:
        return UnitUndefined(field=["unit"], measure=self.measure.name, unit=self.unit, reason=reason)


def _listed(codes: Sequence[str]) -> str:
    more = f" and {len(codes) - NAMED} more" if len(codes) > NAMED else ""
    return ", ".join(codes[:NAMED]) + more
