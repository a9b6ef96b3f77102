"""What a customer receives: an answer to each of its requests, its open orders, its catalogue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from app.services.releasing.dates import Floats, adjoining, firmness, realign
from app.services.releasing.matching import NEVER, Answer, match
from app.services.releasing.reasons import Reason, Reasons
from app.services.releasing.reference import Row, day, number, text
from app.services.releasing.view import CATALOGUE_MEASURES, Key, PlanView
from app.store.releases import Release, ReleasedAnswer, ReleasedItem, ReleasedSalesOrder

LineKey = tuple[str, str, str | None]


@dataclass(frozen=True, slots=True)
class Requests:
    """The requests of one party in key order: (customer, item, ship-to), and arrays (n, T) in base units."""

    keys: tuple[LineKey, ...]
    requested: Floats
    answer: Answer


def answer_lines(
    view: PlanView, party: str, previous: Release | None, lines_before: Sequence[ReleasedAnswer]
) -> tuple[ReleasedAnswer, ...]:
    """Return the answers to a party, by sold-to code, item and ship-to.

    A line is released where something is requested or was confirmed for dates still ahead.
    """
    earlier = _earlier_confirmed(view, previous, lines_before)
    requests = _requests(view, party, earlier)
    reasons = Reasons(view)
    return tuple(
        _line(view, party, row, requests=requests, earlier=earlier, reasons=reasons)
        for row in range(len(requests.keys))
    )


def _earlier_confirmed(
    view: PlanView, previous: Release | None, lines: Sequence[ReleasedAnswer]
) -> dict[LineKey, Floats]:
    """Return what the last release confirmed (on time or late) for the requests of the same dates."""
    if previous is None or not lines:
        return {}
    confirmed = np.array([np.add(line.on_time, line.late) for line in lines])
    moved = realign(confirmed, adjoining(previous.starts, previous.ends), view.buckets)
    return {(line.customer, line.item, line.ship_to): row for line, row in zip(lines, moved, strict=True)}


def _requests(view: PlanView, party: str, earlier: Mapping[LineKey, Floats]) -> Requests:
    customers = set(view.reference.customers.get(party, ()))
    requested = _own(view, "netDemand", customers)
    still_seen = {key for key, values in earlier.items() if np.any(np.nan_to_num(values) > 0)}
    asked = {key for key, values in requested.items() if np.any(values > 0)}
    keys = sorted(asked | still_seen, key=lambda key: (key[0], key[1], key[2] or ""))
    nothing = np.zeros(len(view.buckets))

    def stacked(rows: Mapping[LineKey, Floats]) -> Floats:
        return np.array([rows.get(key, nothing) for key in keys]).reshape(len(keys), len(nothing))

    demand = stacked(requested)
    delivered = stacked(_own(view, "constrainedDemand", customers))
    unmet = stacked(_own(view, "unmetDemand", customers))
    return Requests(tuple(keys), demand, match(demand, delivered, unmet))


def _own(view: PlanView, measure: str, customers: set[str]) -> dict[LineKey, Floats]:
    """Return the party's series of a demand measure by (customer, item, ship-to), without gaps."""
    return {
        (customer, str(item), site): np.nan_to_num(values)
        for (item, site, customer), values in view.measure(measure).items()
        if customer is not None and customer in customers
    }


def _line(
    view: PlanView,
    party: str,
    row: int,
    *,
    requests: Requests,
    earlier: Mapping[LineKey, Floats],
    reasons: Reasons,
) -> ReleasedAnswer:
    customer, item, ship_to = key = requests.keys[row]
    reference, answer = view.reference, requests.answer
    return ReleasedAnswer(
        line=row,
        customer=customer,
        item=item,
        party_item=reference.party_item(party, item),
        name=str(reference.items[item]["name"]),
        ship_to=ship_to,
        ship_to_name=None if ship_to is None else str(reference.sites[ship_to]["name"]),
        unit=str(reference.items[item]["unit"]),
        requested=tuple(requests.requested[row].tolist()),
        on_time=tuple(answer.on_time[row].tolist()),
        late=tuple(answer.late[row].tolist()),
        late_until=tuple(_last_day(view, int(last)) for last in answer.late_until[row]),
        not_supplied=tuple(answer.not_supplied[row].tolist()),
        firmness=tuple(firmness(zone) for zone in view.zones),
        reason=_reasons(item, answer.late[row] + answer.not_supplied[row], reasons),
        previous=tuple(earlier.get(key, np.full(len(view.buckets), np.nan)).tolist()),
    )


def _last_day(view: PlanView, ordinal: int) -> date | None:
    """Return the last day of the bucket in which the late part has arrived."""
    return None if ordinal == NEVER else view.buckets[ordinal].end - timedelta(days=1)


def _reasons(item: str, missed: Floats, reasons: Reasons) -> tuple[str, ...]:
    return tuple(
        reasons.why(item, ordinal).value if quantity > 0 else Reason.NONE.value
        for ordinal, quantity in enumerate(missed)
    )


def sales_orders(view: PlanView, party: str) -> tuple[ReleasedSalesOrder, ...]:
    """Return the open order lines of the party's sold-to codes, by requested date."""
    customers = set(view.reference.customers.get(party, ()))
    own = [row for row in view.reference.rows["sales_order"] if row["customer"] in customers]
    own.sort(key=lambda row: (str(row["requested_date"]), str(row["order"]), number(row, "line")))
    return tuple(_sales_order(view, party, line, row) for line, row in enumerate(own))


def _sales_order(view: PlanView, party: str, line: int, row: Row) -> ReleasedSalesOrder:
    reference, item = view.reference, str(row["item"])
    return ReleasedSalesOrder(
        line=line,
        order_number=str(row["order"]),
        order_line=int(number(row, "line")),
        customer=str(row["customer"]),
        ship_to=text(row, "ship_to"),
        item=item,
        party_item=reference.party_item(party, item),
        name=str(reference.items[item]["name"]),
        unit=str(reference.items[item]["unit"]),
        quantity=number(row, "quantity"),
        requested_date=day(row, "requested_date") or view.plan_date,
        promised_date=day(row, "promised_date"),
    )


def customer_items(view: PlanView, party: str) -> tuple[ReleasedItem, ...]:
    """Return the items that each sold-to code of the party deals in: bought, ordered or forecast by it.

    A finished item that the party has its own code for is in the catalogue of all its sold-to codes.
    """
    reference = view.reference
    pairs = {
        (customer, str(row["item"]))
        for customer in reference.customers.get(party, ())
        for row in reference.rows["item"]
        if row["type"] == "finished" and reference.party_item(party, str(row["item"])) is not None
    }
    customers = set(reference.customers.get(party, ()))
    pairs |= {pair for pair in _dealt_in(view) if pair[0] in customers}
    return tuple(_item(view, party, line, *pair) for line, pair in enumerate(sorted(pairs)))


def _dealt_in(view: PlanView) -> set[tuple[str, str]]:
    """Return (customer, item) of every series and open order that names both."""
    ordered = {(str(row["customer"]), str(row["item"])) for row in view.reference.rows["sales_order"]}
    keys: list[Key] = [key for name in (*CATALOGUE_MEASURES, "netDemand") for key in view.measure(name)]
    return ordered | {(key[-1], key[0]) for key in keys if key[0] is not None and key[-1] is not None}


def _item(view: PlanView, party: str, line: int, customer: str, item: str) -> ReleasedItem:
    reference = view.reference
    return ReleasedItem(
        line=line,
        code=customer,
        item=item,
        party_item=reference.party_item(party, item),
        name=str(reference.items[item]["name"]),
        unit=str(reference.items[item]["unit"]),
        base_factor=1.0,
    )
