"""Warnings about data that are possible but leave planning without something: sources, hours, lanes."""

from collections.abc import Callable

from app.exchange.findings import Code
from app.exchange.records import Tables


def check_plausibility(tables: Tables) -> None:
    """Run every check; none of them refuses the import."""
    for check in CHECKS:
        check(tables)


def check_sources(tables: Tables) -> None:
    """Whatever is used in a bill of materials, priced or ordered can be made or bought somewhere."""
    obtained = _column(tables, "production", "item") | _column(tables, "supplier_item", "item")
    wanted = (
        _column(tables, "bom", "component")
        | _column(tables, "selling_price", "item")
        | _column(tables, "sales_order", "item")
    )
    for record in tables.records["item"]:
        item = record.values["item"]
        if item in wanted and item not in obtained and not record.values["phantom"]:
            record.warning(tables.log, Code.NO_SOURCE, "item", str(item), "a production or supplier_item row")


def check_made_items(tables: Tables) -> None:
    """Made items have a bill of materials and hours."""
    parents, routed = _column(tables, "bom", "parent"), _column(tables, "routing", "item")
    for record in tables.records["production"]:
        item = record.values["item"]
        if item not in parents:
            record.warning(tables.log, Code.NO_BOM, "item", str(item), "a bom row with it as parent")
        if item not in routed:
            record.warning(
                tables.log, Code.NO_ROUTING, "item", str(item), "a routing row; planned without hours"
            )


def check_lanes(tables: Tables) -> None:
    """Lanes lead to every ship-to."""
    reached = _column(tables, "lane", "to_site")
    for record in tables.records["site"]:
        site = record.values["site"]
        if record.values["kind"] == "ship_to" and site not in reached:
            record.warning(tables.log, Code.NO_LANE, "site", str(site), "a lane to the ship-to")


def _column(tables: Tables, kind: str, name: str) -> set[object]:
    return {row[name] for row in tables.rows(kind)}


CHECKS: tuple[Callable[[Tables], None], ...] = (check_sources, check_made_items, check_lanes)
