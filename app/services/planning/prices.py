"""Prices and costs per base unit and bucket, in the company's currency (rules P20 to P23)."""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from app.errors import PlanningError
from app.exchange.dataset import Dataset
from app.services.planning.horizon import Horizon
from app.services.planning.lookup import Lookup, Row, filled, number, text
from app.services.planning.notes import Notes
from app.services.planning.units import Units

Values = npt.NDArray[np.float64]


class Prices:
    """Every money lookup of one data set."""

    def __init__(self, dataset: Dataset, horizon: Horizon, units: Units, notes: Notes) -> None:
        """Index the money kinds; raises PlanningError for a currency without a rate."""
        self._notes = notes
        self._periods = horizon.periods
        self._units = units
        self._rates = dataset.parameters.rates()
        self._base_units = {str(row["item"]): str(row["unit"]) for row in dataset.entities["item"]}
        self._channels = {str(r["customer"]): text(r, "channel") for r in dataset.entities["customer"]}

        def look(kind: str, key: tuple[str, ...], value: Callable[[Row], float]) -> Lookup:
            return Lookup(dataset.entities.get(kind, ()), key, value, horizon)

        self._selling = look("selling_price", ("item", "customer", "channel"), self._money("price"))
        self._standard = look("item_cost", ("item", "site"), self._money("standard_cost"))
        self._making = look("production_cost", ("item", "site"), self._money("cost"))
        self._freight = look("lane_cost", ("from_site", "to_site", "item"), self._money("cost"))
        self._regular = look("resource_cost", ("resource",), self._money("cost"))
        self._overtime = look("resource_cost", ("resource",), self._money("overtime_cost"))
        self._buying = look("purchase_price", ("supplier", "item"), self._per_base_unit)

    def selling(self, item: str, customer: str) -> Values:
        """Return the net price (T,): the customer's, else its channel's, else everyone's; 0 where unknown."""
        channel = self._channels.get(customer)
        keys = [(item, customer, channel), (item, customer, None), (item, None, channel), (item, None, None)]
        price = self._selling.first(*keys)
        if np.isnan(price).all():
            self._notes.add("no-selling-price", f"{item}|{customer}", f"{item} has no price for {customer}.")
        return filled(price)

    def standard(self, item: str, site: str) -> Values:
        """Return the standard cost (T,) at a site; NaN where none is stated."""
        return self._standard.first((item, site), (item, None))

    def buying(self, supplier: str, item: str, site: str) -> Values:
        """Return the price paid (T,) per base unit; where none is known the standard cost, with a note."""
        price = self._buying.first((supplier, item))
        if not np.isnan(price).all():
            return filled(price)
        standard = self.standard(item, site)
        stands_in = "its standard cost stands in" if not np.isnan(standard).all() else "0 stands in"
        self._notes.add(
            "no-purchase-price",
            f"{supplier}|{item}",
            f"No price per base unit is known for {item} from {supplier}; {stands_in}.",
        )
        return filled(standard)

    def making(self, item: str, site: str) -> Values:
        """Return the variable cost of making (T,) besides material and hours; 0 where none is stated."""
        return filled(self._making.first((item, site)))

    def on_sale(self, item: str, site: str) -> Values:
        """Return what a unit sold costs (T,) besides what its making bore: nothing, unless at standard."""
        return np.zeros(self._periods)

    def freight(self, from_site: str, to_site: str, item: str) -> Values:
        """Return the freight (T,) of a lane; 0 where none is stated."""
        return filled(self._freight.first((from_site, to_site, item), (from_site, to_site, None)))

    def regular_hour(self, resource: str) -> Values:
        """Return the cost of a regular hour (T,); 0 where none is stated."""
        return filled(self._regular.first((resource,)))

    def overtime_hour(self, resource: str) -> Values:
        """Return the cost of an overtime hour (T,); NaN where overtime is not worked."""
        return self._overtime.first((resource,))

    def _money(self, column: str) -> Callable[[Row], float]:
        return lambda row: number(row, column) * self._rate(row)

    def _rate(self, row: Mapping[str, object]) -> float:
        currency = str(row["currency"])
        if currency not in self._rates:
            raise PlanningError(reason=f"no rate is stated for the currency {currency} (rate.{currency})")
        return self._rates[currency]

    def _per_base_unit(self, row: Row) -> float:
        """Return the price per base unit; NaN, with a note, where the conversion is not known."""
        item, unit = str(row["item"]), text(row, "per_unit")
        base = self._base_units[item]
        size = 1.0 if unit is None else self._units.factor(item, unit, base)
        if size is None:
            self._notes.add(
                "unknown-conversion",
                f"{item}|{unit}|{base}",
                f"How many {base} one {unit} of {item} holds is not known; its price per {unit} is not used.",
            )
            return float("nan")
        return number(row, "price") * self._rate(row) / size
