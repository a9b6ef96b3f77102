"""Releases: what was copied out of the plan for one party, appended by publication and read by that party.

A row type here is a table of the schema `outside` without the columns that say whose it is: party, side and
release. All functions name the party; row security holds a party's own role to its own rows besides.
"""

# ruff: noqa: S608  the texts are put together from this module's own names, never from values

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Any, TypeVar

from app.store.database import Transaction

PUBLICATION_LOCK = "concord publication"


@dataclass(frozen=True, slots=True)
class Release:
    """The head of a release. `zones`, `starts`, `ends` (exclusive) describe the released buckets, in order.

    `ordinal` counts per party and side from 1; `answered_through` is the party's own count of submissions
    that the released plan has taken in.
    """

    ordinal: int
    kind: str
    party_name: str
    released_at: datetime
    plan_date: date
    response_due: date | None
    answered_through: int
    starts: tuple[date, ...]
    ends: tuple[date, ...]
    zones: tuple[str, ...]

    @property
    def node_key(self) -> str:
        """The party's own count."""
        return str(self.ordinal)


@dataclass(frozen=True, slots=True)
class ReleasedItem:
    """An item that the party deals in under its own `code`; base_factor = base units in one unit."""

    line: int
    code: str
    item: str
    party_item: str | None
    name: str
    unit: str
    base_factor: float


@dataclass(frozen=True, slots=True)
class ReleasedProjection:
    """A purchase projection; arrays by released bucket of receipt, `previous` NaN where nothing compares."""

    line: int
    supplier: str
    item: str
    party_item: str | None
    name: str
    site: str
    site_name: str
    unit: str
    base_factor: float
    lead_time_days: float
    quantities: tuple[float, ...]
    previous: tuple[float, ...]
    order_dates: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class ReleasedPurchaseOrder:
    """An open purchase order line, quantity in `unit`."""

    line: int
    order_number: str
    order_line: int
    supplier: str
    item: str
    party_item: str | None
    name: str
    site: str
    site_name: str
    unit: str
    quantity: float
    due_date: date
    status: str


@dataclass(frozen=True, slots=True)
class ReleasedAnswer:
    """The answer to a customer's requests; arrays by released bucket of request, in base units."""

    line: int
    customer: str
    item: str
    party_item: str | None
    name: str
    ship_to: str | None
    ship_to_name: str | None
    unit: str
    requested: tuple[float, ...]
    on_time: tuple[float, ...]
    late: tuple[float, ...]
    late_until: tuple[date | None, ...]
    not_supplied: tuple[float, ...]
    firmness: tuple[str, ...]
    reason: tuple[str, ...]
    previous: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ReleasedSalesOrder:
    """An open order line of a customer, quantity in base units."""

    line: int
    order_number: str
    order_line: int
    customer: str
    ship_to: str | None
    item: str
    party_item: str | None
    name: str
    unit: str
    quantity: float
    requested_date: date
    promised_date: date | None


@dataclass(frozen=True, slots=True)
class Contents:
    """All lines of one release; a supplier's hold no answers, a customer's no projections."""

    items: Sequence[ReleasedItem] = field(default=())
    projections: Sequence[ReleasedProjection] = field(default=())
    purchase_orders: Sequence[ReleasedPurchaseOrder] = field(default=())
    answers: Sequence[ReleasedAnswer] = field(default=())
    sales_orders: Sequence[ReleasedSalesOrder] = field(default=())


Line = ReleasedItem | ReleasedProjection | ReleasedPurchaseOrder | ReleasedAnswer | ReleasedSalesOrder
Row = TypeVar("Row", bound=Line)

TABLES: dict[type, str] = {
    ReleasedItem: "released_item",
    ReleasedProjection: "released_projection",
    ReleasedPurchaseOrder: "released_purchase_order",
    ReleasedAnswer: "released_answer",
    ReleasedSalesOrder: "released_sales_order",
}
WITH_AUDIENCE = frozenset({ReleasedItem})
"""Tables that both sides use; the others belong to one."""

HEAD = ", ".join(column.name for column in fields(Release))


async def lock_publication(tx: Transaction) -> None:
    """Let one publication at a time count releases, until the transaction ends."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (PUBLICATION_LOCK,))


async def append_release(
    tx: Transaction, party_id: int, audience: str, release: Release, contents: Contents
) -> None:
    """Write one release of one party; the caller holds the publication lock and counted the ordinal."""
    values = [party_id, audience, *_values(release)]
    marks = ", ".join(["%s"] * len(values))
    await tx.execute(f"INSERT INTO outside.release (party_id, audience, {HEAD}) VALUES ({marks})", values)
    await _append(tx, ReleasedItem, [party_id, audience, release.ordinal], contents.items)
    await _append(tx, ReleasedProjection, [party_id, release.ordinal], contents.projections)
    await _append(tx, ReleasedPurchaseOrder, [party_id, release.ordinal], contents.purchase_orders)
    await _append(tx, ReleasedAnswer, [party_id, release.ordinal], contents.answers)
    await _append(tx, ReleasedSalesOrder, [party_id, release.ordinal], contents.sales_orders)


async def _append(tx: Transaction, row_type: type[Line], owner: list[Any], rows: Sequence[Line]) -> None:
    """Insert the lines of one table in one round trip."""
    if not rows:
        return
    columns = ["party_id", *(["audience"] if row_type in WITH_AUDIENCE else []), "ordinal"]
    columns += [column.name for column in fields(row_type)]
    marks = ", ".join(["%s"] * len(columns))
    text = f"INSERT INTO outside.{TABLES[row_type]} ({', '.join(columns)}) VALUES ({marks})"
    tx.statements += 1
    async with tx.driver.cursor() as cursor:
        await cursor.executemany(text, ([*owner, *_values(row)] for row in rows))


def _values(row: Release | Line) -> list[Any]:
    """Return the columns of a row in field order, arrays as lists (as the driver wants them)."""
    values = (getattr(row, column.name) for column in fields(row))
    return [list(value) if isinstance(value, tuple) else value for value in values]


def _typed(row: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}


async def find_release(
    tx: Transaction,
    party_id: int,
    audience: str,
    *,
    ordinal: int | None = None,
    at: datetime | None = None,
) -> Release | None:
    """Return the release with this number, the latest one at a moment, or (neither given) the latest."""
    row = await tx.fetch_one(
        f"SELECT {HEAD} FROM outside.release WHERE party_id = %s AND audience = %s "
        "AND (%s::int IS NULL OR ordinal = %s::int) AND (%s::timestamptz IS NULL OR released_at <= %s) "
        "ORDER BY ordinal DESC LIMIT 1",
        (party_id, audience, ordinal, ordinal, at, at),
    )
    return None if row is None else Release(**_typed(row))


async def list_releases(
    tx: Transaction, party_id: int, audience: str, *, limit: int, before: int | None = None
) -> list[Release]:
    """Return releases, the latest first, those numbered below `before` if it is given."""
    rows = await tx.fetch(
        f"SELECT {HEAD} FROM outside.release WHERE party_id = %s AND audience = %s "
        "AND (%s::int IS NULL OR ordinal < %s::int) ORDER BY ordinal DESC LIMIT %s",
        (party_id, audience, before, before, limit),
    )
    return [Release(**_typed(row)) for row in rows]


async def releases_after(
    tx: Transaction, party_id: int, audience: str, number: int, *, limit: int
) -> list[Release]:
    """Return releases with a higher number, the earliest first."""
    rows = await tx.fetch(
        f"SELECT {HEAD} FROM outside.release WHERE party_id = %s AND audience = %s AND ordinal > %s::int "
        "ORDER BY ordinal LIMIT %s",
        (party_id, audience, number, limit),
    )
    return [Release(**_typed(row)) for row in rows]


async def releases_numbered(
    tx: Transaction, party_id: int, audience: str, ordinals: Sequence[int]
) -> dict[int, Release]:
    """Return the releases with these numbers by number."""
    rows = await tx.fetch(
        f"SELECT {HEAD} FROM outside.release WHERE party_id = %s AND audience = %s AND ordinal = ANY(%s)",
        (party_id, audience, list(ordinals)),
    )
    return {row["ordinal"]: Release(**_typed(row)) for row in rows}


async def read_lines(
    tx: Transaction,
    row_type: type[Row],
    party_id: int,
    ordinal: int,
    *,
    audience: str | None = None,
    item: str | None = None,
    after: int = -1,
    limit: int | None = None,
) -> list[Row]:
    """Return the lines of a release after line `after`, of one item (either party's code) if it is given.

    `audience` is needed for the tables that both sides use.
    """
    columns = ", ".join(column.name for column in fields(row_type))
    side = "AND audience = %s " if row_type in WITH_AUDIENCE else ""
    rows = await tx.fetch(
        f"SELECT {columns} FROM outside.{TABLES[row_type]} "
        f"WHERE party_id = %s {side}AND ordinal = %s AND line > %s "
        "AND (%s::text IS NULL OR item = %s OR party_item = %s) ORDER BY line LIMIT %s",
        (party_id, *([audience] if side else []), ordinal, after, item, item, item, limit),
    )
    return [row_type(**_typed(row)) for row in rows]


async def read_line_history(
    tx: Transaction,
    row_type: type[Row],
    party_id: int,
    *,
    item: str,
    narrowed: Mapping[str, str | None],
    before: tuple[int, int] | None = None,
    limit: int | None = None,
) -> list[tuple[int, Row]]:
    """Return the lines of one item (either party's code) in all releases, the latest first: (number, line).

    `narrowed` holds further columns with the value that they must have, None for any; `before` is the
    (number, line) that the list goes on after. For tables of one side only.
    """
    columns = ", ".join(column.name for column in fields(row_type))
    wanted = {name: value for name, value in narrowed.items() if value is not None}
    further = "".join(f"AND {column} = %s " for column in wanted)
    ordinal, line = before or (None, None)
    rows = await tx.fetch(
        f"SELECT ordinal, {columns} FROM outside.{TABLES[row_type]} "
        f"WHERE party_id = %s AND (item = %s OR party_item = %s) {further}"
        "AND (%s::int IS NULL OR ordinal < %s::int OR (ordinal = %s::int AND line > %s::int)) "
        "ORDER BY ordinal DESC, line LIMIT %s",
        (party_id, item, item, *wanted.values(), ordinal, ordinal, ordinal, line, limit),
    )
    return [(row.pop("ordinal"), row_type(**_typed(row))) for row in rows]
