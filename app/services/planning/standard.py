"""Costing at standard: a unit made and sold costs its standard cost, whatever is paid for it (rule P34)."""

from collections import defaultdict
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from app.exchange.dataset import Dataset
from app.services.planning.horizon import Horizon
from app.services.planning.lookup import Lookup, Row, filled, number
from app.services.planning.notes import Notes
from app.services.planning.prices import Prices
from app.services.planning.structure import Structure
from app.services.planning.units import Units
from app.vocabulary import Parameters

Values = npt.NDArray[np.float64]
Cost = Callable[[str, str], Values]
AT_STANDARD = "at standard"
NEGLIGIBLE = 1e-9


def at_standard(parameters: Parameters) -> bool:
    """Return whether a company reckons with standard costs instead of prices and hours."""
    return parameters.text("costing") == "standard"


def cost_basis(parameters: Parameters) -> str:
    """Return in words what the costs of a plan are: at standard or actual."""
    return AT_STANDARD if at_standard(parameters) else "actual"


class StandardCosts:
    """Standard costs of a data set, and what of them a unit bears while it is drawn into others.

    All arrays are (T,). A unit is bought at its standard cost; one that is made bears its internal cost: its
    standard cost unless some product that draws it has too low a standard cost to bear that.
    """

    def __init__(self, dataset: Dataset, horizon: Horizon, stated: Cost) -> None:
        """Index structure and production; `stated` gives an item's own standard cost at a site, else NaN."""
        self._stated, self._periods = stated, horizon.periods
        self._structure = Structure(dataset, horizon)
        production = dataset.entities["production"]
        self._yield = Lookup(production, ("item", "site"), lambda row: number(row, "yield", 1.0), horizon)
        self._bought = {str(row["item"]) for row in dataset.entities["supplier_item"]}
        self._makers: dict[str, list[str]] = defaultdict(list)
        self._products: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for item, site in sorted({(str(row["item"]), str(row["site"])) for row in production}):
            self._makers[item].append(site)
            for component in self._structure.recipe(item, site).components:
                self._products[component].append((item, site))
        self._known: dict[tuple[str, str], Values] = {}
        self._floors: dict[tuple[str, str], Values] = {}
        self._shares: dict[str, Values] = {}

    def standard(self, item: str, site: str) -> Values:
        """Return the standard cost; for a made item without one that of what it draws, else NaN."""
        if (item, site) not in self._known:
            own = self._known[item, site] = self._stated(item, site)
            # A circle in the bills of material, which the exchange refuses, ends at the entry just made.
            if np.isnan(own).all() and item in self._makers:
                maker = self._maker(item, site)
                self._known[item, site] = self._drawn(item, maker, self.standard) / self._good(item, maker)
        return self._known[item, site]

    def added(self, item: str, site: str) -> Values:
        """Return what a unit started adds to the internal costs of what it draws, never below 0."""
        drawn = self._drawn(item, site, self.internal)
        added = self._good(item, site) * self.internal(item, site) - drawn
        return np.where(added > NEGLIGIBLE * (1.0 + drawn), added, 0.0)

    def internal(self, item: str, site: str) -> Values:
        """Return what a unit bears while it is drawn into others."""
        least = self._floor(item, site)
        return least + self._share(item) * self._margin(item, site)

    def on_sale(self, item: str, site: str) -> Values:
        """Return what a unit bears on top when it is sold, up to its standard cost."""
        return (1.0 - self._share(item)) * self._margin(item, site)

    def too_low(self, item: str, site: str) -> bool:
        """Return whether an item's own standard cost is below that of the bought material in it."""
        own = self._stated(item, site)
        material = self._drawn(item, site, self._floor) / self._good(item, site)
        return bool((own < material - NEGLIGIBLE * (1.0 + material)).any())

    def _maker(self, item: str, site: str) -> str:
        return site if site in self._makers[item] else self._makers[item][0]

    def _floor(self, item: str, site: str) -> Values:
        """Return the standard cost of the bought material in a unit: no less can it cost."""
        if (item, site) not in self._floors:
            floor = self._floors[item, site] = np.nan_to_num(self.standard(item, site))
            if item in self._makers and item not in self._bought:
                maker = self._maker(item, site)
                floor = self._drawn(item, maker, self._floor) / self._good(item, maker)
            self._floors[item, site] = floor
        return self._floors[item, site]

    def _margin(self, item: str, site: str) -> Values:
        """Return how much of the standard cost is not bought material."""
        margin = np.nan_to_num(self.standard(item, site)) - self._floor(item, site)
        return np.maximum(margin, 0.0)

    def _share(self, item: str) -> Values:
        """Return the share of that which every product that draws the item can bear, 0 to 1."""
        if item not in self._shares:
            share = self._shares[item] = np.ones(self._periods)
            for product, site in self._products[item]:
                bearable = self._good(product, site) * self.internal(product, site)
                bearable = bearable - self._drawn(product, site, self._floor)
                wanted = self._drawn(product, site, self._margin)
                draws = (wanted > 0) & (self._structure.recipe(product, site).components[item] > 0)
                ratio = np.divide(bearable, wanted, out=np.ones(self._periods), where=draws)
                share = np.minimum(share, np.clip(ratio, 0.0, 1.0))
            self._shares[item] = share
        return self._shares[item]

    def _drawn(self, item: str, site: str, cost: Cost) -> Values:
        """Return the cost of what a unit started draws; a component without any counts 0."""
        components: Mapping[str, Values] = self._structure.recipe(item, site).components
        total = np.zeros(self._periods)
        for component, quantity in components.items():
            total += quantity * np.nan_to_num(cost(component, site))
        return total

    def _good(self, item: str, site: str) -> Values:
        """Return good units per unit started."""
        return filled(self._yield.first((item, site)), 1.0)


class StandardPrices(Prices):
    """Money lookups where every cost but freight follows from standard costs."""

    def __init__(self, dataset: Dataset, horizon: Horizon, units: Units, notes: Notes) -> None:
        """Index the money kinds and the structure; raises PlanningError for a currency without a rate."""
        super().__init__(dataset, horizon, units, notes)
        self._costs = StandardCosts(dataset, horizon, self._own)
        costed = {str(row["item"]) for row in dataset.entities["item_cost"]}
        made = {str(row["item"]) for row in dataset.entities["production"]}
        self._bought = {str(row["item"]) for row in dataset.entities["supplier_item"]}
        self._unknown = self._bought - costed - made

    def standard(self, item: str, site: str) -> Values:
        """Return the standard cost (T,); for a made item without one that of what it draws, else NaN."""
        return self._costs.standard(item, site)

    def buying(self, supplier: str, item: str, site: str) -> Values:
        """Return the standard cost (T,), whoever supplies; 0 where none is known, noted once for all."""
        standard = self.standard(item, site)
        if np.isnan(standard).all():
            self._notes.add(
                "no-standard-cost",
                "supplier_item",
                "What is bought without a standard cost is valued at 0: "
                f"{len(self._unknown)} of {len(self._bought)} bought items have none at any site.",
            )
        return filled(standard)

    def making(self, item: str, site: str) -> Values:
        """Return what a unit started adds (T,) to the cost of what it draws."""
        if self._costs.too_low(item, site):
            self._notes.add(
                "standard-below-material",
                f"{item}|{site}",
                f"The standard cost of {item} is below that of the material bought for it; "
                "a unit costs what its material costs.",
            )
        return self._costs.added(item, site)

    def on_sale(self, item: str, site: str) -> Values:
        """Return what a unit sold costs (T,) besides what its making bore; 0 as a rule."""
        return self._costs.on_sale(item, site)

    def regular_hour(self, resource: str) -> Values:
        """Return 0 (T,): regular hours are in the standard cost."""
        return np.zeros_like(super().regular_hour(resource))

    def overtime_hour(self, resource: str) -> Values:
        """Return the premium of an overtime hour (T,), 0 where unknown; NaN where overtime is not worked."""
        whole = super().overtime_hour(resource)
        premium = np.maximum(whole - self._regular.first((resource,)), 0.0)
        return np.where(np.isnan(whole), np.nan, np.nan_to_num(premium))

    def _own(self, item: str, site: str) -> Values:
        """Return the standard cost stated for an item at a site (T,) without gaps; NaN where none is."""
        return filled(super().standard(item, site), np.nan)

    def _per_base_unit(self, row: Row) -> float:
        """Return NaN: no purchase price counts, and none is worth a note."""
        return float("nan")
