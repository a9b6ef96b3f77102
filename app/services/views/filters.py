"""From a filter to the codes that the store narrows series by; families and regions include what is below."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TypedDict

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
    """Codes that series are narrowed by, families and regions resolved."""

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
    "regions": "customer",
    "resources": "resource",
}


async def selection(
    tx: Transaction, state: Commit, measure: Measure, wanted: SeriesFilter
) -> Selection | None:
    """Return what the store narrows by for a filter, or None where no series of the measure can match."""
    given = {part.name: codes for part in fields(wanted) if (codes := getattr(wanted, part.name)) is not None}
    if any(not codes for codes in given.values()):
        return None
    if "families" in given and "family" not in measure.grain:
        given = _narrowed(given, "items", await _items_of(tx, state, given.pop("families")))
    elif "families" in given:
        given["families"] = tuple(sorted(await _with_below(tx, state, "family", given["families"])))
    if "regions" in given:
        given = _narrowed(given, "customers", await _customers_of(tx, state, given.pop("regions")))
    if any(not codes or DIMENSION[name] not in measure.grain for name, codes in given.items()):
        return None
    return Selection(**{name: list(codes) for name, codes in given.items()})


def _narrowed(
    given: Mapping[str, Sequence[str]], name: str, codes: Collection[str]
) -> dict[str, Sequence[str]]:
    """Return the filter with `name` narrowed to `codes` as well."""
    both = set(codes) & set(given[name]) if name in given else set(codes)
    return {**given, name: sorted(both)}


async def _items_of(tx: Transaction, state: Commit, families: Sequence[str]) -> set[str]:
    within = await _with_below(tx, state, "family", families)
    rows = (await read_entities(tx, state, ["item"]))["item"]
    return {str(row["item"]) for row in rows if row["family"] in within}


async def _customers_of(tx: Transaction, state: Commit, regions: Sequence[str]) -> set[str]:
    within = await _with_below(tx, state, "region", regions)
    rows = (await read_entities(tx, state, ["customer"]))["customer"]
    return {str(row["customer"]) for row in rows if row["region"] in within}


async def _with_below(tx: Transaction, state: Commit, kind: str, codes: Sequence[str]) -> set[str]:
    """Return codes of a tree with everything below them."""
    children: dict[object, list[str]] = {}
    for row in (await read_entities(tx, state, [kind]))[kind]:
        children.setdefault(row["parent"], []).append(str(row[kind]))
    found: set[str] = set()
    waiting = list(codes)
    while waiting:
        code = waiting.pop()
        if code not in found:
            found.add(code)
            waiting.extend(children.get(code, ()))
    return found
