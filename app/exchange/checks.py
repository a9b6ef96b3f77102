"""Checks across rows: references, trees, validity, units, currencies and tables that contradict one another.

Each `check_*` notes what it finds; `check_tables` runs them all over the records read.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from itertools import pairwise

from app.dimensions.units import Conversions
from app.exchange.findings import Code, FindingLog
from app.exchange.hierarchies import check_hierarchies
from app.exchange.records import Record, Tables
from app.vocabulary import ENTITIES, Parameters

TREES = (  # kind, column of the node below, column of the node above
    ("region", "region", "parent"),
    ("family", "family", "parent"),
    ("area", "area", "parent"),
    ("supplier_group", "supplier_group", "parent"),
    ("item", "item", "supersedes"),
    ("bom", "component", "parent"),
)
UNIT_PAIRS = (("supplier_item", "unit"), ("purchase_price", "per_unit"))


def check_tables(tables: Tables, parameters: Parameters | None) -> None:
    """Run every check over the records; `parameters` None (they were refused) skips those that need them."""
    for check in CHECKS:
        check(tables)
    check_hierarchies(tables, parameters)
    if parameters is not None:
        check_currencies(tables, parameters)


def check_references(tables: Tables) -> None:
    """Every code that names a row of another table names one that exists."""
    for kind, entity in ENTITIES.items():
        for name, target in [(c.name, c.references) for c in entity.columns.values() if c.references]:
            known = tables.keys[target]
            code = Code.UNKNOWN_UNIT if target == "unit" else Code.UNKNOWN_REFERENCE
            for record in tables.records[kind]:
                value = record.values[name]
                if value is not None and str(value) not in known:
                    record.error(tables.log, code, name, str(value), f"a {target} that is listed")


def check_cycles(tables: Tables) -> None:
    """No tree, succession or bill of materials leads back to where it began; one finding per closing row."""
    for kind, below, above in TREES:
        edges: dict[str, list[tuple[str, Record]]] = defaultdict(list)
        for record in tables.records[kind]:
            if record.values[above] is not None:
                edges[str(record.values[above])].append((str(record.values[below]), record))
        for path, record in _closing_edges(edges):
            record.error(tables.log, Code.CYCLE, below, " > ".join(path), "a structure without a loop")


def _closing_edges(edges: dict[str, list[tuple[str, Record]]]) -> Iterator[tuple[list[str], Record]]:
    """Walk depth first, without recursion; yield each loop with the row that closes it."""
    done: set[str] = set()
    for root in list(edges):
        if root in done:
            continue
        path, on_path = [root], {root}
        stack = [iter(edges[root])]
        while stack:
            node, record = next(stack[-1], (None, None))
            if node is None or record is None:
                stack.pop()
                leaving = path.pop()
                on_path.discard(leaving)
                done.add(leaving)
            elif node in on_path:
                yield [*path[path.index(node) :], node], record
            elif node not in done:
                path.append(node)
                on_path.add(node)
                stack.append(iter(edges.get(node, ())))


def check_validity(tables: Tables) -> None:
    """valid_to lies after valid_from, and no two rows of one key are valid on one day."""
    for kind, entity in ENTITIES.items():
        if "valid_from" not in entity.columns:
            continue
        groups: dict[tuple[object, ...], list[Record]] = defaultdict(list)
        key = [name for name in entity.key if name != "valid_from"]
        for record in tables.records[kind]:
            if _from(record) >= _to(record):
                expected = f"a day after valid_from ({_from(record)})"
                record.error(tables.log, Code.EMPTY_VALIDITY, "valid_to", _to(record), expected)
            else:
                groups[tuple(record.values[name] for name in key)].append(record)
        for records in groups.values():
            _check_overlap(tables.log, sorted(records, key=_from))


def _check_overlap(log: FindingLog, records: list[Record]) -> None:
    reach = records[0]
    for _, record in pairwise(records):
        if _from(record) < _to(reach):
            expected = f"validity apart from {reach.origin.file}:{reach.line} (until {_day(_to(reach))})"
            record.error(log, Code.OVERLAPPING_VALIDITY, "valid_from", _day(_from(record)), expected)
        reach = max(reach, record, key=_to)


def _from(record: Record) -> date:
    value = record.values["valid_from"]
    return value if isinstance(value, date) else date.min


def _to(record: Record) -> date:
    value = record.values["valid_to"]
    return value if isinstance(value, date) else date.max


def _day(day: date) -> str:
    return "open" if day in {date.min, date.max} else day.isoformat()


def check_conversions(tables: Tables) -> None:
    """Purchase units convert to the item's base unit; where they do not, the row stays and is warned of."""
    conversions = Conversions(tables.rows("unit_conversion"))
    base = {str(row["item"]): str(row["unit"]) for row in tables.rows("item")}
    for kind, column in UNIT_PAIRS:
        for record in tables.records[kind]:
            item, unit = str(record.values["item"]), record.values[column]
            known = unit is not None and item in base and str(unit) in tables.keys["unit"]
            if known and conversions.factor(item, str(unit), base[item]) is None:
                expected = f"a unit_conversion of {item} from {unit} to {base[item]}; not taken as 1"
                record.warning(tables.log, Code.UNKNOWN_CONVERSION, column, str(unit), expected)


def check_conversion_chains(tables: Tables) -> None:
    """Chains of conversions give what the conversion that they go around gives; each row is told once."""
    conversions = Conversions(tables.rows("unit_conversion"))
    told: dict[object, dict[tuple[str, str], float]] = {}
    for record in tables.records["unit_conversion"]:
        item, start, end = (record.values[name] for name in ("item", "from_unit", "to_unit"))
        if item not in told:
            found = conversions.contradictions(None if item is None else str(item))
            told[item] = {(one, two): factor for one, two, factor in found}
        other = told[item].get((str(start), str(end)))
        if other is not None and start != end:
            expected = f"{other:g}, as by way of other units"
            record.error(tables.log, Code.INCONSISTENT, "factor", record.values["factor"], expected)


def check_conversion_units(tables: Tables) -> None:
    """Units are not converted to themselves, nor in both directions by factors that disagree."""
    seen: dict[tuple[object, object, object], float] = {}
    for record in tables.records["unit_conversion"]:
        item, start, end = (record.values[name] for name in ("item", "from_unit", "to_unit"))
        factor = float(str(record.values["factor"]))
        if start == end:
            record.error(tables.log, Code.INCONSISTENT, "to_unit", str(end), "another unit than from_unit")
        back = seen.get((item, end, start))
        if back is not None and abs(back * factor - 1) > 1e-6:
            record.error(tables.log, Code.INCONSISTENT, "factor", factor, f"the inverse of {back:g}")
        seen[item, start, end] = factor


def check_sites(tables: Tables) -> None:
    """Ship-tos name their customer, no other site does; lanes connect two sites."""
    for record in tables.records["site"]:
        is_ship_to = record.values["kind"] == "ship_to"
        if is_ship_to != (record.values["customer"] is not None):
            expected = "the customer of the ship-to" if is_ship_to else "no customer (the site is no ship-to)"
            record.error(tables.log, Code.INCONSISTENT, "customer", record.values["customer"] or "", expected)
    for kind in ("lane", "lane_cost"):
        for record in tables.records[kind]:
            if record.values["from_site"] == record.values["to_site"]:
                expected = "another site than from_site"
                record.error(
                    tables.log, Code.INCONSISTENT, "to_site", str(record.values["to_site"]), expected
                )


def check_ship_tos(tables: Tables) -> None:
    """Orders go to a ship-to of their own customer."""
    owner = {row["site"]: row["customer"] for row in tables.rows("site")}
    for record in tables.records["sales_order"]:
        ship_to, customer = record.values["ship_to"], record.values["customer"]
        if ship_to in owner and owner[ship_to] != customer:
            record.error(tables.log, Code.INCONSISTENT, "ship_to", str(ship_to), f"a ship-to of {customer}")


def check_operations(tables: Tables) -> None:
    """Operations run on a resource of their site, for an item that is made there."""
    places = {row["resource"]: row["site"] for row in tables.rows("resource")}
    made = {(row["item"], row["site"]) for row in tables.rows("production")}
    for record in tables.records["routing"]:
        resource, site = record.values["resource"], record.values["site"]
        if places.get(resource, site) != site:
            record.error(tables.log, Code.INCONSISTENT, "resource", str(resource), f"a resource at {site}")
        if (record.values["item"], site) not in made:
            expected = f"a production row of the item at {site}"
            record.error(tables.log, Code.INCONSISTENT, "item", str(record.values["item"]), expected)


def check_limits(tables: Tables) -> None:
    """No minimum lies above its maximum."""
    pairs = (
        ("min_quantity_per_period", "max_quantity_per_period"),
        ("min_order_quantity", "max_order_quantity"),
    )
    for record in tables.records["supplier_item"]:
        for low, high in pairs:
            least, most = record.values[low], record.values[high]
            if isinstance(least, float) and isinstance(most, float) and least > most:
                record.error(tables.log, Code.INCONSISTENT, low, least, f"at most {high} ({most:g})")


def check_currencies(tables: Tables, parameters: Parameters) -> None:
    """Every currency is the company's or has a rate; an amount is never taken at 1."""
    known = parameters.rates()
    for kind, entity in ENTITIES.items():
        if "currency" not in entity.columns:
            continue
        for record in tables.records[kind]:
            currency = str(record.values["currency"])
            if currency not in known:
                expected = f"{' or '.join(sorted(known))}, or a planning_parameter rate.{currency}"
                record.error(tables.log, Code.UNKNOWN_CURRENCY, "currency", currency, expected)


CHECKS: tuple[Callable[[Tables], None], ...] = (
    check_references,
    check_cycles,
    check_validity,
    check_conversions,
    check_conversion_units,
    check_conversion_chains,
    check_sites,
    check_ship_tos,
    check_operations,
    check_limits,
)
