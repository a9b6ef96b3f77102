"""Product structure: what a unit made draws and how long it takes, phantoms exploded (rules P3, P4)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt

from app.exchange.dataset import Dataset
from app.services.planning.horizon import Horizon
from app.services.planning.lookup import Row, number, text

Values = npt.NDArray[np.float64]
SHORTEST_MONTH = 28.0


@dataclass(frozen=True)
class Recipe:
    """Per unit started, by bucket (T,): units drawn of each component, hours of each resource."""

    components: Mapping[str, Values]
    hours: Mapping[str, Values]


class Structure:
    """Bill of materials and routings of a data set over a horizon."""

    def __init__(self, dataset: Dataset, horizon: Horizon) -> None:
        """Index the rows; nothing is exploded yet."""
        self._horizon = horizon
        self._bom = _by(dataset.entities["bom"], "parent")
        self._routing = _by(dataset.entities["routing"], "item", "site")
        self._phantoms = {str(row["item"]) for row in dataset.entities["item"] if row["phantom"]}
        self._recipes: dict[tuple[str, str], Recipe] = {}

    def recipe(self, item: str, site: str) -> Recipe:
        """Return what one unit of the item started at the site needs; a phantom counts by what it is of."""
        known = self._recipes.get((item, site))
        if known is None:
            known = self._recipes[item, site] = self._explode(item, site)
        return known

    def _explode(self, item: str, site: str) -> Recipe:
        components: dict[str, Values] = {}
        hours = self._hours(item, site)
        for component, quantity in self._direct(item, site).items():
            if component in self._phantoms:
                inner = self.recipe(component, site)
                _add(components, inner.components, quantity)
                _add(hours, inner.hours, quantity)
            else:
                _add(components, {component: quantity}, 1.0)
        return Recipe(components, hours)

    def _direct(self, parent: str, site: str) -> dict[str, Values]:
        """Return units drawn (T,) of each component; rows of the site itself go before those of all sites."""
        rows = self._bom.get((parent,), [])
        own = {str(row["component"]) for row in rows if text(row, "site") == site}
        drawn: dict[str, Values] = {}
        for row in rows:
            component, at = str(row["component"]), text(row, "site")
            if at == site or (at is None and component not in own):
                quantity = number(row, "quantity") / (1.0 - number(row, "scrap", 0.0))
                _add(drawn, {component: self._when_valid(row)}, quantity)
        return drawn

    def _hours(self, item: str, site: str) -> dict[str, Values]:
        hours: dict[str, Values] = {}
        for row in self._routing.get((item, site), []):
            _add(hours, {str(row["resource"]): self._when_valid(row)}, number(row, "hours_per_unit"))
        return hours

    def _when_valid(self, row: Row) -> Values:
        return self._horizon.valid(row).astype(np.float64)


def longest_chain(dataset: Dataset, items: Iterable[str]) -> int:
    """Return the months that the longest chain of making and moving any of the items takes.

    Every step with a lead time is rounded up to buckets of a month, as the extension has them; one transfer
    between sites counts per item. Purchases are booked by receipt and take none.
    """
    making, moving = (_months(dataset.entities[kind]) for kind in ("production", "lane"))
    bom = _by(dataset.entities["bom"], "parent")
    known: dict[str, int] = {}

    def months(item: str) -> int:
        if item not in known:
            known[item] = 0  # closes a circle, which the exchange refuses anyway
            below = max((months(str(row["component"])) for row in bom.get((item,), [])), default=0)
            moved = max(moving.get(item, 0), moving.get(None, 0))
            known[item] = making.get(item, 0) + below + moved
        return known[item]

    return max((months(item) for item in items), default=0)


def _months(rows: Iterable[Row]) -> dict[str | None, int]:
    longest: dict[str | None, int] = defaultdict(int)
    for row in rows:
        item = text(row, "item")
        longest[item] = max(longest[item], ceil(number(row, "lead_time_days", 0.0) / SHORTEST_MONTH))
    return dict(longest)


def _by(rows: Iterable[Row], *columns: str) -> dict[tuple[str | None, ...], list[Row]]:
    grouped: dict[tuple[str | None, ...], list[Row]] = defaultdict(list)
    for row in rows:
        grouped[tuple(text(row, column) for column in columns)].append(row)
    return grouped


def _add(total: dict[str, Values], more: Mapping[str, Values], factor: Values | float) -> None:
    for key, values in more.items():
        total[key] = total.get(key, 0.0) + values * factor
