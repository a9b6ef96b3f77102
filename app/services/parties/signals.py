"""Rows of quantities by item and bucket: a customer's demand signals and a supplier's capacity."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from app.services.parties.checks import (
    Path,
    Problems,
    check_quantity,
    check_rows,
    check_start,
    find_item,
    released_buckets,
)
from app.store.releases import Release, ReleasedItem
from app.vocabulary import Bucket

HISTORY_YEARS = 10


class SignalKind(StrEnum):
    """What a customer's figures mean."""

    FORECAST = "forecast"
    ORDER_FORECAST = "order_forecast"
    SELL_OUT = "sell_out"
    STOCK = "stock"

    @property
    def is_ahead(self) -> bool:
        """Whether the figures lie ahead, in released buckets; sell-out and stock look back, by day."""
        return self in (SignalKind.FORECAST, SignalKind.ORDER_FORECAST)


class Basis(StrEnum):
    """Whether a forecast holds the customer's open orders (gross) or comes on top of them (net)."""

    GROSS = "gross"
    NET = "net"


@dataclass(frozen=True, slots=True)
class Entry:
    """A quantity for the bucket that starts on `day`, or of that day (sell-out, stock)."""

    day: date
    quantity: float


@dataclass(frozen=True, slots=True)
class Series:
    """Entries of one item, by either party's code; `code` = own supplier or sold-to code where needed."""

    item: str
    code: str | None
    entries: tuple[Entry, ...]


def signal_payload(
    release: Release,
    items: Sequence[ReleasedItem],
    kind: SignalKind,
    basis: Basis,
    series: Sequence[Series],
    *,
    today: date,
) -> dict[str, object]:
    """Return what a demand signal puts into the inbox; raises `Rejected` with every problem."""
    problems = Problems()
    if not kind.is_ahead and basis is Basis.NET:
        problems.bad_value(("basis",), "gross, for figures that look back", basis.value)
    buckets = released_buckets(release) if kind.is_ahead else None
    rows = _checked(problems, items, series, buckets, today=today, owner="customer")
    return {"release": release.ordinal, "kind": kind.value, "basis": basis.value, "series": rows}


def capacity_payload(
    release: Release, items: Sequence[ReleasedItem], series: Sequence[Series], *, today: date
) -> dict[str, object]:
    """Return what a supplier's capacity puts into the inbox; raises `Rejected` with every problem."""
    buckets = released_buckets(release)
    rows = _checked(Problems(), items, series, buckets, today=today, owner="supplier")
    return {"release": release.ordinal, "series": rows}


def _checked(
    problems: Problems,
    items: Sequence[ReleasedItem],
    series: Sequence[Series],
    buckets: Sequence[Bucket] | None,
    *,
    today: date,
    owner: str,
) -> list[dict[str, object]]:
    """Return the rows by host code; without `buckets` the days are those of the past."""
    check_rows(problems, ("series",), series)
    found: dict[tuple[str, str], dict[str, object]] = {}
    for row, line in enumerate(series):
        item = find_item(problems, ("series", row), items, line.item, line.code, owner=owner)
        entries = _entries(problems, row, line, buckets, today)
        if item is not None:
            if (item.code, item.item) in found:
                problems.bad_value(("series", row, "item"), "each item once", line.item)
            found[item.code, item.item] = {
                "code": item.code,
                "item": item.item,
                "unit": item.unit,
                "base_factor": item.base_factor,
                "entries": entries,
            }
    problems.raise_any()
    return list(found.values())


def _entries(
    problems: Problems, row: int, line: Series, buckets: Sequence[Bucket] | None, today: date
) -> list[dict[str, object]]:
    check_rows(problems, ("series", row, "entries"), line.entries)
    taken: set[date] = set()
    entries: list[dict[str, object]] = []
    for place, entry in enumerate(line.entries):
        path = ("series", row, "entries", place)
        check_quantity(problems, (*path, "quantity"), entry.quantity)
        if buckets is None:
            end = _check_past(problems, (*path, "date"), entry.day, today, taken)
        else:
            bucket = check_start(problems, (*path, "date"), buckets, entry.day, taken)
            end = entry.day if bucket is None else bucket.end
        entries.append({"start": entry.day, "end": end, "quantity": entry.quantity})
    return entries


def _check_past(problems: Problems, path: Path, day: date, today: date, taken: set[date]) -> date:
    """Check a day that figures look back on; return the day after it."""
    oldest = today - timedelta(days=366 * HISTORY_YEARS)
    if not oldest <= day <= today:
        problems.bad_value(path, f"a day from {oldest} to {today}", day)
        return day
    if day in taken:
        problems.bad_value(path, "each day once", day)
    taken.add(day)
    return day + timedelta(days=1)
