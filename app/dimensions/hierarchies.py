"""Hierarchies with validity: to which group something belongs, today or on a day (rules H1 to H5).

A record's own row says what holds today; dated memberships say what held or will hold on other days. Groups
form trees, and stand on named levels.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

Row = Mapping[str, object]
Rows = Mapping[str, Sequence[Row]]
GROUP_MEMBERSHIP = "group_membership"
LEVEL = "level"


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """How the members of a dimension are grouped.

    `column` of the dimension's own rows names the group; `dated` is the kind with what held at other times;
    `tree` is the kind of the groups, None where they are codes alone.
    """

    name: str
    dimension: str
    column: str
    tree: str | None
    dated: str
    doc: str

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that say who belongs where."""
        trees = () if self.tree is None else (self.tree, LEVEL, GROUP_MEMBERSHIP)
        return (self.dimension, self.dated, *trees)


HIERARCHIES: Mapping[str, Hierarchy] = MappingProxyType(
    {
        one.name: one
        for one in (
            Hierarchy("family", "item", "family", "family", "item_membership", "Items by product family"),
            Hierarchy("region", "customer", "region", "region", "customer_membership", "Customers by region"),
            Hierarchy("channel", "customer", "channel", None, "customer_membership", "Customers by channel"),
            Hierarchy("area", "site", "area", "area", "site_membership", "Sites by country and area"),
            Hierarchy(
                "supplier_group",
                "supplier",
                "supplier_group",
                "supplier_group",
                "supplier_membership",
                "Suppliers by group",
            ),
        )
    }
)


def holds_on(row: Row, day: date) -> bool:
    """Say whether a row with valid_from (inclusive) and valid_to (exclusive) holds on a day."""
    begin, end = row.get("valid_from"), row.get("valid_to")
    return (not isinstance(begin, date) or begin <= day) and (not isinstance(end, date) or day < end)


def _grouped(rows: Sequence[Row], column: str) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[str(row[column])].append(row)
    return groups


def _code(value: object) -> str | None:
    return None if value is None or value == "" else str(value)


class Structure:
    """Who belongs where in one hierarchy: the rows of `Hierarchy.kinds`, indexed."""

    def __init__(self, hierarchy: Hierarchy, rows: Rows) -> None:
        """Index the rows; a kind that is absent has none."""
        self.hierarchy = hierarchy
        self._own = {
            str(row[hierarchy.dimension]): _code(row.get(hierarchy.column))
            for row in rows.get(hierarchy.dimension, ())
        }
        self._dated = _grouped(rows.get(hierarchy.dated, ()), hierarchy.dimension)
        groups = rows.get(hierarchy.tree, ()) if hierarchy.tree else ()
        self._parents = {str(row[hierarchy.name]): _code(row.get("parent")) for row in groups}
        self._levels = {str(row[hierarchy.name]): _code(row.get("level")) for row in groups}
        moved = [r for r in rows.get(GROUP_MEMBERSHIP, ()) if r.get("hierarchy") == hierarchy.name]
        self._moved = _grouped(moved, "group")

    @property
    def groups(self) -> tuple[str, ...]:
        """All groups of the tree, in order."""
        return tuple(sorted(self._parents))

    @property
    def members(self) -> tuple[str, ...]:
        """All members, in order."""
        return tuple(sorted(self._own))

    @property
    def changes(self) -> frozenset[date]:
        """The days on which somebody comes to belong to another group."""
        rows = [row for table in (self._dated, self._moved) for found in table.values() for row in found]
        days = (row.get(end) for row in rows for end in ("valid_from", "valid_to"))
        return frozenset(day for day in days if isinstance(day, date))

    def group_of(self, member: str | None, day: date | None = None) -> str | None:
        """Return the group of a member, on a day or as its own row has it; None where it has none."""
        if member is None:
            return None
        if day is not None:
            for row in self._dated.get(member, ()):
                found = _code(row.get(self.hierarchy.column))
                if found is not None and holds_on(row, day):
                    return found
        return self._own.get(member)

    def parent_of(self, group: str, day: date | None = None) -> str | None:
        """Return the group above a group, on a day or as its own row has it."""
        if day is not None:
            for row in self._moved.get(group, ()):
                if holds_on(row, day):
                    return _code(row.get("parent"))
        return self._parents.get(group)

    def path(self, group: str | None, day: date | None = None) -> tuple[str, ...]:
        """Return a group and all above it, the lowest first; what leads back to itself ends there."""
        found: dict[str, None] = {}
        while group is not None and group not in found:
            found[group] = None
            group = self.parent_of(group, day)
        return tuple(found)

    def at_level(self, group: str | None, level: str, day: date | None = None) -> str | None:
        """Return the group on a level that a group is or lies below; None where the level is left out."""
        return next((one for one in self.path(group, day) if self._levels.get(one) == level), None)

    def below(self, groups: Sequence[str]) -> set[str]:
        """Return these groups with everything that is below them today."""
        children: dict[str | None, list[str]] = defaultdict(list)
        for group, parent in self._parents.items():
            children[parent].append(group)
        found: set[str] = set()
        waiting = list(groups)
        while waiting:
            group = waiting.pop()
            if group not in found:
                found.add(group)
                waiting.extend(children.get(group, ()))
        return found

    def level_of(self, group: str) -> str | None:
        """Return the name of the level that a group stands on."""
        return self._levels.get(group)


@dataclass(frozen=True, slots=True)
class Eras:
    """Stretches of time in which nobody moves: `days` holds one day of each, `of_bucket` (T,) its number."""

    days: tuple[date | None, ...]
    of_bucket: tuple[int, ...]


def eras(starts: Sequence[date], changes: frozenset[date]) -> Eras:
    """Return the eras that buckets fall into; a bucket belongs where it starts (rule H4)."""
    days: list[date | None] = []
    of_bucket: list[int] = []
    last = None
    for start in starts:
        passed = sum(change <= start for change in changes)
        if passed != last:
            days.append(start)
            last = passed
        of_bucket.append(len(days) - 1)
    return Eras(tuple(days), tuple(of_bucket))


NOW = Eras((None,), ())
"""One era for all buckets: everybody where its own row has it."""
