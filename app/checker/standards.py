"""Money where a company reckons with standard costs: a unit made and sold costs its own, in any stages."""

from __future__ import annotations

from collections import defaultdict

from app.checker.files import Files, Values
from app.checker.lookups import Amounts, Money, Units, carried
from app.checker.product import Product
from app.checker.supply import production_row

_Place = tuple[str, str, int]
"""Item, site and number of the open bucket."""


def money_of(files: Files, units: Units, product: Product) -> Money:
    """Return the money lookups of the costing that the company states."""
    if files.parameters.get("costing") == "standard":
        return StandardMoney(files, units, product)
    return Money(files, units)


class StandardMoney(Money):
    """Prices to customers and freight as they are, every other cost from standard costs.

    What is drawn into a product whose standard cost is too low for it is charged less then, down to the
    material bought for it, and the rest when it is sold itself.
    """

    def __init__(self, files: Files, units: Units, product: Product) -> None:
        """Keep the rows and the structure to look into."""
        super().__init__(files, units)
        self._product = product
        self._bought = {row["item"] for row in files.rows("supplier_item")}
        self._sites: dict[str, set[str]] = defaultdict(set)
        for row in files.rows("production"):
            self._sites[row["item"]].add(row["site"])
        self._users = [self._users_in(index) for index in files.periods]
        self._stated: dict[tuple[str, str], Amounts] = {}
        self._worth: dict[_Place, float | None] = {}
        self._material: dict[_Place, float] = {}
        self._parts: dict[tuple[str, int], float] = {}

    def standard(self, item: str, site: str) -> Amounts:
        """Return what is stated, without gaps; else what the components of a made item are worth."""
        return [self._value(item, site, index) for index in self._files.periods]

    def buying(self, supplier: str, item: str, site: str) -> Values:
        """Return the standard cost, whoever the supplier is; 0 where there is none."""
        return [value or 0.0 for value in self.standard(item, site)]

    def making(self, item: str, site: str) -> Values:
        """Return what a unit started adds to what it draws."""
        added = []
        for index in self._files.periods:
            drawn = sum(
                quantity * self._charged(component, site, index)
                for component, quantity in self._product.needs(item, site, index)[0].items()
            )
            added.append(max(0.0, self._good(item, site, index) * self._charged(item, site, index) - drawn))
        return added

    def on_sale(self, item: str, site: str) -> Values:
        """Return what is charged when a unit is sold, up to its standard cost."""
        return [
            max(self._value(item, site, index) or 0.0, self._least(item, site, index))
            - self._charged(item, site, index)
            for index in self._files.periods
        ]

    def hour(self, resource: str, column: str) -> Values:
        """Return 0 for a regular hour, which is in the standard cost, and the premium of an overtime hour."""
        rows = self._files.matching("resource_cost", resource=resource)
        regular, overtime = (self._first([rows], name) for name in ("cost", "overtime_cost"))
        if column == "cost":
            return [0.0 for _ in regular]
        return [
            0.0 if base is None or whole is None else max(0.0, whole - base)
            for base, whole in zip(regular, overtime, strict=True)
        ]

    def _value(self, item: str, site: str, index: int) -> float | None:
        """Return the standard cost of a unit; None where nothing says it."""
        place = (item, site, index)
        if place not in self._worth:
            self._worth[place] = own = self._own(item, site)[index]
            if own is None and self._sites[item]:  # a circle in the bills of materials ends at None
                made_at = self._made_at(item, site)
                worth = sum(
                    quantity * (self._value(component, made_at, index) or 0.0)
                    for component, quantity in self._product.needs(item, made_at, index)[0].items()
                )
                self._worth[place] = worth / self._good(item, made_at, index)
        return self._worth[place]

    def _own(self, item: str, site: str) -> Amounts:
        if (item, site) not in self._stated:
            stated = super().standard(item, site)
            known = any(amount is not None for amount in stated)
            self._stated[item, site] = [*carried(stated)] if known else stated
        return self._stated[item, site]

    def _least(self, item: str, site: str, index: int) -> float:
        """Return the standard cost of the material bought for a unit."""
        place = (item, site, index)
        if place not in self._material:
            self._material[place] = self._value(item, site, index) or 0.0
            if self._sites[item] and item not in self._bought:
                made_at = self._made_at(item, site)
                bought = sum(
                    quantity * self._least(component, made_at, index)
                    for component, quantity in self._product.needs(item, made_at, index)[0].items()
                )
                self._material[place] = bought / self._good(item, made_at, index)
        return self._material[place]

    def _charged(self, item: str, site: str, index: int) -> float:
        """Return what a unit is charged with when it is drawn."""
        least = self._least(item, site, index)
        rest = max(0.0, (self._value(item, site, index) or 0.0) - least)
        return least + rest * self._part(item, index)

    def _part(self, item: str, index: int) -> float:
        """Return the part of what is not bought material that everything which draws the item can carry."""
        if (item, index) not in self._parts:
            self._parts[item, index] = 1.0
            parts = [self._carried(product, site, index) for product, site in self._users[index][item]]
            self._parts[item, index] = min([1.0, *parts])
        return self._parts[item, index]

    def _carried(self, product: str, site: str, index: int) -> float:
        """Return the part of what a product draws, besides bought material, that its own charge covers."""
        room, asked = self._good(product, site, index) * self._charged(product, site, index), 0.0
        for component, quantity in self._product.needs(product, site, index)[0].items():
            least = self._least(component, site, index)
            room -= quantity * least
            asked += quantity * max(0.0, (self._value(component, site, index) or 0.0) - least)
        return max(0.0, room / asked) if asked > 0 else 1.0

    def _users_in(self, index: int) -> dict[str, list[tuple[str, str]]]:
        """Return what draws each item in a bucket."""
        users: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for item, sites in self._sites.items():
            for site in sites:
                for component, quantity in self._product.needs(item, site, index)[0].items():
                    if quantity > 0:
                        users[component].append((item, site))
        return users

    def _made_at(self, item: str, site: str) -> str:
        return site if site in self._sites[item] else min(self._sites[item])

    def _good(self, item: str, site: str, index: int) -> float:
        """Return the good units per unit started; 1 where the item is not made."""
        rows = [production_row(self._files, item, site, each) for each in self._files.periods]
        return carried([None if row is None else row["yield"] for row in rows])[index] or 1.0
