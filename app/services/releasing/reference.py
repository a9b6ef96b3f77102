"""The reference data of one plan, indexed for what publication and intake ask of it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from app.dimensions.units import Conversions

Row = Mapping[str, object]

KINDS = (
    "bom",
    "customer",
    "item",
    "item_code",
    "party",
    "planning_parameter",
    "production",
    "purchase_order",
    "routing",
    "sales_order",
    "site",
    "supplier",
    "supplier_item",
    "unit",
    "unit_conversion",
)
OWN_SCHEME = "own"


def number(row: Row, column: str, absent: float = 0.0) -> float:
    """Return a numeric column; `absent` where it is empty."""
    value = row.get(column)
    return float(value) if isinstance(value, int | float) else absent


def day(row: Row, column: str) -> date | None:
    """Return a date column; None where it is empty."""
    value = row.get(column)
    return date.fromisoformat(value) if isinstance(value, str) else value if isinstance(value, date) else None


def text(row: Row, column: str) -> str | None:
    """Return a text column; None where it is empty."""
    value = row.get(column)
    return None if value in (None, "") else str(value)


def is_valid(row: Row, on: date) -> bool:
    """Say whether `on` lies in the row's validity (from inclusive, to exclusive; empty = open)."""
    start, end = day(row, "valid_from"), day(row, "valid_to")
    return (start is None or start <= on) and (end is None or on < end)


class Reference:
    """Rows by what they are looked up with; built once for a publication or a submission."""

    def __init__(self, entities: Mapping[str, Sequence[Row]]) -> None:
        """Index the rows of KINDS; a kind that is absent has no rows."""
        self.rows = {kind: tuple(entities.get(kind, ())) for kind in KINDS}
        self.items = self._by("item", "item")
        self.sites = self._by("site", "site")
        self.parties = self._by("party", "party")
        self._whole = {str(row["unit"]): row.get("whole") is not False for row in self.rows["unit"]}
        self._conversions = Conversions(self.rows["unit_conversion"])
        self.suppliers = self._owned("supplier")
        self.customers = self._owned("customer")
        self._codes = self._item_codes()
        self._by_owner: dict[tuple[str, str], dict[tuple[str, ...], list[Row]]] = {}
        self._supply = self._grouped("supplier_item", "supplier", "item")

    def _by(self, kind: str, column: str) -> dict[str, Row]:
        return {str(row[column]): row for row in self.rows[kind]}

    def _grouped(self, kind: str, *columns: str) -> dict[tuple[str, ...], list[Row]]:
        groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        for row in self.rows[kind]:
            groups[tuple(str(row[column]) for column in columns)].append(row)
        return dict(groups)

    def _owned(self, kind: str) -> dict[str, tuple[str, ...]]:
        """Codes of a kind by the party that owns them, in order."""
        owned: dict[str, list[str]] = defaultdict(list)
        for row in self.rows[kind]:
            owned[str(row["party"])].append(str(row[kind]))
        return {party: tuple(sorted(codes)) for party, codes in owned.items()}

    def _item_codes(self) -> dict[tuple[str, str], str]:
        rows = [row for row in self.rows["item_code"] if row.get("scheme") == OWN_SCHEME and row.get("party")]
        return {(str(row["party"]), str(row["item"])): str(row["code"]) for row in rows}

    def owned_rows(self, kind: str, column: str, codes: Iterable[str]) -> list[Row]:
        """Return the rows of a kind whose `column` is one of the codes, code by code."""
        if (kind, column) not in self._by_owner:
            self._by_owner[kind, column] = self._grouped(kind, column)
        groups = self._by_owner[kind, column]
        return [row for code in codes for row in groups.get((code,), ())]

    def own_items(self, party: str) -> list[str]:
        """Return the items that a party has codes of its own for."""
        return [str(row["item"]) for row in self.owned_rows("item_code", "party", (party,))]

    def party_item(self, party: str, item: str) -> str | None:
        """Return the party's own code of an item."""
        return self._codes.get((party, item))

    def base_factor(self, item: str, unit: str) -> float | None:
        """Return how many base units one `unit` of the item holds; None where nothing says it."""
        return self._conversions.factor(item, unit, str(self.items[item]["unit"]))

    def multiple(self, unit: str) -> float:
        """Return what published quantities in the unit are multiples of; 0 where any will do."""
        return 1.0 if self._whole.get(unit, True) else 0.0

    def supply(self, supplier: str, item: str, site: str | None, on: date) -> Row | None:
        """Return the supplier-item row for a receiving site: valid on the day and naming the site first.

        Without a site, the rows of all sites count.
        """
        rows = [
            row
            for row in self._supply.get((supplier, item), ())
            if site is None or text(row, "site") in (None, site)
        ]
        rows.sort(key=lambda row: (not is_valid(row, on), text(row, "site") is None))
        return rows[0] if rows else None

    def supplied_items(self, supplier: str, on: date) -> tuple[str, ...]:
        """Return the items that a supplier code delivers on a day, in order."""
        rows = self.owned_rows("supplier_item", "supplier", (supplier,))
        return tuple(sorted({str(row["item"]) for row in rows if is_valid(row, on)}))
