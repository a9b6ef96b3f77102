"""From a filter to the codes that the store narrows series by; groups include what is below them today."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TypedDict

from app.dimensions.hierarchies import HIERARCHIES, Hierarchy, Structure
from app.store.branches import Commit
from app.store.database import Transaction
from app.store.entities import read_entities
from app.vocabulary import Measure

Codes = tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class SeriesFilter:
    """Codes wanted by part of the key; None does not narrow."""

    items: Codes = None
    families: Codes = None
    sites: Codes = None
    to_sites: Codes = None
    suppliers: Codes = None
    customers: Codes = None
    regions: Codes = None
    channels: Codes = None
    areas: Codes = None
    supplier_groups: Codes = None
    resources: Codes = None


class Narrowing(TypedDict):
    """The arguments by which the store narrows series."""

    items: Sequence[str] | None
    families: Sequence[str] | None
    sites: Sequence[str] | None
    to_sites: Sequence[str] | None
    suppliers: Sequence[str] | None
    customers: Sequence[str] | None
    resources: Sequence[str] | None


@dataclass(frozen=True, slots=True)
class Selection:
    """Codes that series are narrowed by, groups resolved."""

    items: Sequence[str] | None = None
    families: Sequence[str] | None = None
    sites: Sequence[str] | None = None
    to_sites: Sequence[str] | None = None
    suppliers: Sequence[str] | None = None
    customers: Sequence[str] | None = None
    resources: Sequence[str] | None = None

    def arguments(self) -> Narrowing:
        """Return the arguments for `app.store.series.read_series`."""
        return Narrowing(
            items=self.items,
            families=self.families,
            sites=self.sites,
            to_sites=self.to_sites,
            suppliers=self.suppliers,
            customers=self.customers,
            resources=self.resources,
        )


DIMENSION = {
    "items": "item",
    "families": "family",
    "sites": "site",
    "to_sites": "to_site",
    "suppliers": "supplier",
    "customers": "customer",
    "resources": "resource",
}
GROUPS = {
    "families": ("family", "items"),
    "regions": ("region", "customers"),
    "channels": ("channel", "customers"),
    "areas": ("area", "sites"),
    "supplier_groups": ("supplier_group", "suppliers"),
}
"""Filters by group: name -> (hierarchy, the filter by its members)."""


async def selection(
    tx: Transaction, state: Commit, measure: Measure, wanted: SeriesFilter
) -> Selection | None:
    """Return what the store narrows by for a filter, or None where no series of the measure can match."""
    given = {part.name: codes for part in fields(wanted) if (codes := getattr(wanted, part.name)) is not None}
    if any(not codes for codes in given.values()):
        return None
    for name, (hierarchy, members) in GROUPS.items():
        if name in given:
            codes = given.pop(name)
            if hierarchy in measure.grain:
                found, members = await _groups_below(tx, state, HIERARCHIES[hierarchy], codes), name
            else:
                found = await _members_below(tx, state, HIERARCHIES[hierarchy], codes)
            given = _narrowed(given, members, found)
    if any(not codes or DIMENSION[name] not in measure.grain for name, codes in given.items()):
        return None
    return Selection(**{name: list(codes) for name, codes in given.items()})


def _narrowed(
    given: Mapping[str, Sequence[str]], name: str, codes: Collection[str]
) -> dict[str, Sequence[str]]:
    """Return the filter with `name` narrowed to `codes` as well."""
    both = set(codes) & set(given[name]) if name in given else set(codes)
    return {**given, name: sorted(both)}


async def _members_below(
    tx: Transaction, state: Commit, hierarchy: Hierarchy, codes: Sequence[str]
) -> set[str]:
    kinds = {hierarchy.dimension} | ({hierarchy.tree} if hierarchy.tree else set())
    structure = Structure(hierarchy, await read_entities(tx, state, sorted(kinds)))
    within = structure.below(codes)
    return {member for member in structure.members if structure.group_of(member) in within}


async def _groups_below(
    tx: Transaction, state: Commit, hierarchy: Hierarchy, codes: Sequence[str]
) -> set[str]:
    structure = Structure(hierarchy, await read_entities(tx, state, [str(hierarchy.tree)]))
    return structure.below(codes)
