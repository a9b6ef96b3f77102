"""What a submission sets in the plan: cells by series, in base units on main's calendar. Pure.

What a party handed in was checked against its release. Here it is checked against the plan as it is now:
the codes must still be the party's own, and past buckets are closed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from app.errors import BucketFrozen, UnknownKey
from app.services.parties.checks import MAX_QUANTITY
from app.services.parties.signals import Basis, SignalKind
from app.services.parties.states import CAPACITY, COMMIT
from app.services.releasing.dates import Floats, overlap_days
from app.services.releasing.reference import Reference, day, number
from app.store.identity import SeriesKey
from app.vocabulary import Bucket, Calendar

Cells = dict[SeriesKey, Floats]
"""By series: (T,) over the whole calendar, NaN where the submission says nothing."""


@dataclass(frozen=True, slots=True)
class Handed:
    """A submission with whose it is; `earlier`: the party's payloads of the same kind before it, in order."""

    party: str
    kind: str
    payload: Mapping[str, Any]
    earlier: Sequence[Mapping[str, Any]] = ()


def cells_set(handed: Handed, reference: Reference, calendar: Calendar) -> Cells:
    """Return the cells that a submission sets.

    Raises UnknownKey where a code is not the party's (any longer), BucketFrozen where all buckets are past,
    and KeyError, TypeError or ValueError for a payload that no mutation of ours has made.
    """
    if handed.kind == COMMIT:
        cells = _commit(handed, reference, calendar)
    elif handed.kind == CAPACITY:
        cells = _ahead(handed, reference, calendar, owner="supplier")
    elif SignalKind(handed.payload["kind"]).is_ahead:
        cells = _ahead(handed, reference, calendar, owner="customer")
        if handed.payload["basis"] == Basis.NET:
            _add_open_orders(cells, reference, calendar)
    else:
        return _looking_back(handed, reference, calendar)
    _close_past(cells, calendar)
    return cells


def _in_base(quantities: Floats, line: Mapping[str, Any]) -> Floats:
    """Return quantities of a line's unit in base units."""
    return quantities * _positive(line["base_factor"])


def _commit(handed: Handed, reference: Reference, calendar: Calendar) -> Cells:
    cells: Cells = {}
    for line in handed.payload["lines"]:
        supplier, item, site = line["supplier"], line["item"], line["site"]
        _check_own(handed.party, "supplier", supplier, item, reference)
        if site not in reference.sites:
            raise UnknownKey(kind="site", name=site)
        key = SeriesKey(COMMIT, item=item, site=site, supplier=supplier)
        cells[key] = _in_base(placed(line["promises"], calendar), line)
    return cells


def _ahead(handed: Handed, reference: Reference, calendar: Calendar, *, owner: str) -> Cells:
    cells: Cells = {}
    for line in handed.payload["series"]:
        _check_own(handed.party, owner, line["code"], line["item"], reference)
        key = _key(handed.kind, owner, line["code"], line["item"])
        cells[key] = _in_base(placed(line["entries"], calendar), line)
    return cells


def _key(measure: str, owner: str, code: str, item: str) -> SeriesKey:
    if owner == "supplier":
        return SeriesKey(measure, item=item, supplier=code)
    return SeriesKey(measure, item=item, customer=code)


def _check_own(party: str, owner: str, code: str, item: str, reference: Reference) -> None:
    owned = reference.suppliers if owner == "supplier" else reference.customers
    if code not in owned.get(party, ()):
        raise UnknownKey(kind=owner, name=code)
    if item not in reference.items:
        raise UnknownKey(kind="item", name=item)


def placed(entries: Iterable[Mapping[str, Any]], calendar: Calendar) -> Floats:
    """Return entries (start, end exclusive, quantity) as (T,), shared out by days over the buckets.

    A bucket that they do not cover to its last day says nothing (NaN): half a promise is none.
    """
    spans = sorted((_date(entry["start"]), _date(entry["end"]), _quantity(entry)) for entry in entries)
    if any(end <= start for start, end, _ in spans):
        raise ValueError("a range without days")
    given = [Bucket(ordinal, start, end) for ordinal, (start, end, _) in enumerate(spans)]
    shared = overlap_days(given, calendar.buckets)
    share = shared / np.array([bucket.days for bucket in given], dtype=np.float64)
    values: Floats = share @ np.array([quantity for _, _, quantity in spans], dtype=np.float64)
    values[shared.sum(axis=1) < calendar.days] = np.nan
    return values


def _add_open_orders(cells: Cells, reference: Reference, calendar: Calendar) -> None:
    """Make net figures gross: add the open orders by requested date, past-due ones first."""
    for row in reference.rows["sales_order"]:
        key = SeriesKey("customerSignal", item=str(row["item"]), customer=str(row["customer"]))
        requested = day(row, "requested_date")
        if key in cells and requested is not None:
            ordinal = calendar.index_of(max(requested, calendar.plan_date))
            if ordinal is not None:
                cells[key][ordinal] += number(row, "quantity")  # stays NaN where the signal says nothing


def _close_past(cells: Cells, calendar: Calendar) -> None:
    """Forget cells of past buckets; what holds nothing else is refused."""
    for values in cells.values():
        values[: calendar.first_open] = np.nan
    if all(np.isnan(values).all() for values in cells.values()):
        reason = f"the plan now starts on {calendar.plan_date}"
        raise BucketFrozen(start="all that was handed in", reason=reason)


def _looking_back(handed: Handed, reference: Reference, calendar: Calendar) -> Cells:
    """Return sell-out (sum by bucket) or stock (last day known) from all that the party ever said by day."""
    said: dict[SeriesKey, dict[date, float]] = defaultdict(dict)
    for payload in (*handed.earlier, handed.payload):
        for line in payload["series"]:
            key = SeriesKey(handed.kind, item=line["item"], customer=line["code"])
            for entry in line["entries"]:
                said[key][_date(entry["start"])] = _quantity(entry) * _positive(line["base_factor"])
    cells: Cells = {}
    for line in handed.payload["series"]:
        _check_own(handed.party, "customer", line["code"], line["item"], reference)
        key = SeriesKey(handed.kind, item=line["item"], customer=line["code"])
        cells[key] = _by_bucket(said[key], calendar, last=handed.kind == "customerStock")
    if all(np.isnan(values).all() for values in cells.values()):
        raise BucketFrozen(
            start="all that was handed in", reason=f"the calendar starts on {calendar.starts[0]}"
        )
    return cells


def _by_bucket(said: Mapping[date, float], calendar: Calendar, *, last: bool) -> Floats:
    values = np.full(len(calendar), np.nan)
    for when in sorted(said):
        ordinal = calendar.index_of(when)
        if ordinal is not None:
            before = 0.0 if last or np.isnan(values[ordinal]) else values[ordinal]
            values[ordinal] = before + said[when]
    return values


def _date(text: object) -> date:
    return date.fromisoformat(str(text))


def _quantity(entry: Mapping[str, Any]) -> float:
    """Return a quantity that any plan can hold; raises ValueError for another."""
    quantity = float(entry["quantity"])
    if not 0 <= quantity <= MAX_QUANTITY:
        raise ValueError(quantity)
    return quantity


def _positive(factor: object) -> float:
    value = float(str(factor))
    if not 0 < value <= MAX_QUANTITY:
        raise ValueError(value)
    return value
