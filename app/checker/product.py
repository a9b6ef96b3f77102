"""What a unit started draws and how long it takes; a phantom is replaced by what it consists of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from app.checker.files import Files, Row
from app.checker.lookups import valid

Needs = tuple[Mapping[str, float], Mapping[str, float]]
"""Units of each component and hours of each resource, per unit started."""


class Product:
    """Bills of materials and routings."""

    def __init__(self, files: Files) -> None:
        """Index the rows."""
        self._buckets = files.buckets
        self._phantoms = {row["item"] for row in files.rows("item") if row["phantom"]}
        self._bom: dict[str, list[Row]] = defaultdict(list)
        self._routing: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in files.rows("bom"):
            self._bom[row["parent"]].append(row)
        for row in files.rows("routing"):
            self._routing[row["item"], row["site"]].append(row)
        self._known: dict[tuple[str, str, int], Needs] = {}

    def needs(self, item: str, site: str, index: int) -> Needs:
        """Return what one unit of the item started at the site in an open bucket needs."""
        place = (item, site, index)
        if place not in self._known:
            self._known[place] = self._explode(item, site, index)
        return self._known[place]

    def _explode(self, item: str, site: str, index: int) -> Needs:
        components: dict[str, float] = defaultdict(float)
        hours: dict[str, float] = defaultdict(float)
        for row in self._routing[item, site]:
            if valid(row, self._buckets.open[index]):
                hours[row["resource"]] += row["hours_per_unit"]
        for row in self._lines(item, site):
            if not valid(row, self._buckets.open[index]):
                continue
            quantity = row["quantity"] / (1.0 - row["scrap"])
            if row["component"] in self._phantoms:
                inner, inner_hours = self.needs(row["component"], site, index)
                for component, each in inner.items():
                    components[component] += quantity * each
                for resource, each in inner_hours.items():
                    hours[resource] += quantity * each
            else:
                components[row["component"]] += quantity
        return components, hours

    def _lines(self, item: str, site: str) -> list[Row]:
        """Return the lines that count at a site: its own for a component, else those for all sites."""
        own = {row["component"] for row in self._bom[item] if row["site"] == site}
        return [
            row
            for row in self._bom[item]
            if row["site"] == site or (row["site"] is None and row["component"] not in own)
        ]
