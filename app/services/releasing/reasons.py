"""Why a quantity comes late or not at all: one word of a closed list, the most telling first.

A reason names a kind of limit, never the resource, supplier or other customer behind it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from functools import cached_property

from app.services.releasing.reference import Row, is_valid, number
from app.services.releasing.view import Limit, PlanView


class Reason(StrEnum):
    """Closed list; the order is the order of precedence, NONE apart."""

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
        self._view = view
        self._components = _pairs(view.reference.rows["bom"], "parent", "component")
        self._resources = _pairs(view.reference.rows["routing"], "item", "resource")
        self._supplied = _pairs(view.reference.rows["supplier_item"], "supplier", "item")
        self._chains: dict[str, frozenset[str]] = {}

    def why(self, item: str, ordinal: int) -> Reason:
        """Return why a request for the item in an open bucket (from 0) was not met on time and in full.

        PORTFOLIO: not sold then. LEAD_TIME: nothing started or ordered on the plan date could be there.
        MATERIAL, CAPACITY: a supplier or resource in the item's chain is at its limit by then.
        ALLOCATION: what there was went to others by the rules of sharing.
        """
        bucket = self._view.buckets[ordinal]
        if not is_valid(self._view.reference.items[item], bucket.start):
            return Reason.PORTFOLIO
        if bucket.end <= self._view.plan_date + timedelta(days=self._quickest.get(item, 0.0)):
            return Reason.LEAD_TIME
        chain = self._chain(item)
        limits = [limit for limit in self._view.limits if limit.ordinal <= bucket.ordinal]
        if any(limit.supplier and self._goods_of(limit) & chain for limit in limits):
            return Reason.MATERIAL
        resources = {resource for member in chain for resource in self._resources.get(member, ())}
        if any(limit.resource in resources for limit in limits):
            return Reason.CAPACITY
        return Reason.ALLOCATION

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

    @cached_property
    def _quickest(self) -> Mapping[str, float]:
        """Days of the quickest single step that brings each item: made from stock, or bought."""
        quickest: dict[str, float] = {}
        for row in (*self._view.reference.rows["production"], *self._view.reference.rows["supplier_item"]):
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
