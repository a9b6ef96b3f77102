"""Why a quantity comes late or not at all: one word of a closed list.

A reason names a kind of limit, never the resource, supplier or other customer behind it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from enum import StrEnum

from app.services.releasing.reference import Row, is_valid, number
from app.services.releasing.view import Limit, PlanView


class Reason(StrEnum):
    """Closed list."""

    NONE = "none"
    PORTFOLIO = "portfolio"
    LEAD_TIME = "lead_time"
    MATERIAL = "material"
    CAPACITY = "capacity"
    ALLOCATION = "allocation"


class Reasons:
    """Answers `why(item, ordinal)` for a plan; walks the product structure of each item once."""

    def __init__(self, view: PlanView) -> None:
        """Index the structure and the binding limits of the plan."""
        rows = view.reference.rows
        self._view = view
        self._components = _pairs(rows["bom"], "parent", "component")
        self._resources = _pairs(rows["routing"], "item", "resource")
        self._supplied = _pairs(rows["supplier_item"], "supplier", "item")
        self._made = self._quickest(rows["production"])
        self._bought = self._quickest(rows["supplier_item"])
        self._latest_first = sorted(view.limits, key=lambda limit: (-limit.ordinal, limit.supplier is None))
        self._chains: dict[str, frozenset[str]] = {}
        self._leads: dict[str, float] = {}

    def why(self, item: str, ordinal: int) -> Reason:
        """Return why a request for the item in an open bucket (from 0) was not met on time and in full.

        PORTFOLIO: not sold then. LEAD_TIME: what is started or ordered on the plan date comes too late, with
        or without components in stock. MATERIAL, CAPACITY: a supplier or a resource in the item's chain is at
        its limit then or before; the latest such limit counts. ALLOCATION: what there was went to others by
        the rules of sharing.
        """
        bucket = self._view.buckets[ordinal]
        if not is_valid(self._view.reference.items[item], bucket.start):
            return Reason.PORTFOLIO
        steps = [days[item] for days in (self._made, self._bought) if item in days]
        if steps and self._too_soon(bucket.end, min(steps)):
            return Reason.LEAD_TIME
        limit = self._limit(item, bucket.ordinal)
        if limit is not None:
            return Reason.CAPACITY if limit.supplier is None else Reason.MATERIAL
        if self._too_soon(bucket.end, self._whole_lead(item)):
            return Reason.LEAD_TIME
        return Reason.ALLOCATION

    def _too_soon(self, end: date, days: float) -> bool:
        """Say whether what is set off on the plan date and takes so many days misses a bucket's `end`."""
        return end <= self._view.plan_date + timedelta(days=days)

    def _limit(self, item: str, ordinal: int) -> Limit | None:
        """Return the latest limit up to a bucket that is about something in the item's chain."""
        chain = self._chain(item)
        resources = {resource for member in chain for resource in self._resources.get(member, ())}
        return next(
            (
                limit
                for limit in self._latest_first
                if limit.ordinal <= ordinal
                and (limit.resource in resources if limit.supplier is None else self._goods_of(limit) & chain)
            ),
            None,
        )

    def _goods_of(self, limit: Limit) -> frozenset[str]:
        """Return the items that a supplier's limit is about: the one it names, or all it delivers."""
        if limit.item is not None:
            return frozenset({limit.item})
        return self._supplied.get(str(limit.supplier), frozenset())

    def _chain(self, item: str) -> frozenset[str]:
        """Return the item with everything that goes into it."""
        if item not in self._chains:
            found, ahead = {item}, [item]
            while ahead:
                fresh = self._components.get(ahead.pop(), frozenset()) - found
                found |= fresh
                ahead.extend(fresh)
            self._chains[item] = frozenset(found)
        return self._chains[item]

    def _whole_lead(self, item: str) -> float:
        """Return the days to the item with nothing in stock: bought, or made after its slowest component."""
        if item not in self._leads:
            self._leads[item] = 0.0  # a loop in the structure, which import refuses, would end here
            components = self._components.get(item, frozenset())
            below = max((self._whole_lead(component) for component in components), default=0.0)
            made = self._made[item] + below if item in self._made else None
            ways = [days for days in (self._bought.get(item), made) if days is not None]
            self._leads[item] = min(ways, default=below)
        return self._leads[item]

    def _quickest(self, rows: Iterable[Row]) -> Mapping[str, float]:
        """Return the shortest lead time valid on the plan date by item."""
        quickest: dict[str, float] = {}
        for row in rows:
            if is_valid(row, self._view.plan_date):
                item, days = str(row["item"]), number(row, "lead_time_days")
                quickest[item] = min(days, quickest.get(item, days))
        return quickest


def _pairs(rows: Iterable[Row], start: str, end: str) -> Mapping[str, frozenset[str]]:
    """Return, for each value of column `start`, the values of column `end` that occur with it."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        found[str(row[start])].add(str(row[end]))
    return {key: frozenset(values) for key, values in found.items()}
