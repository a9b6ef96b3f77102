"""What a customer receives: an answer to each of its requests, its open orders, its catalogue."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from app.services.releasing.dates import Floats, adjoining, firmness, realign
from app.services.releasing.matching import NEVER, Answer, match
from app.services.releasing.reasons import Reason, Reasons
from app.services.releasing.reference import Row, day, number, text
from app.services.releasing.view import CATALOGUE_MEASURES, PlanView
from app.services.releasing.whole import in_whole_units
from app.store.releases import Release, ReleasedAnswer, ReleasedItem, ReleasedSalesOrder

LineKey = tuple[str, str, str | None]


@dataclass(frozen=True, slots=True)
class Requests:
    """The requests of one party in key order: (customer, item, ship-to), and arrays (n, T) in base units."""

    keys: tuple[LineKey, ...]
    requested: Floats
    answer: Answer


def answer_lines(
    view: PlanView,
    party: str,
    previous: Release | None,
    lines_before: Sequence[ReleasedAnswer],
    *,
    reasons: Reasons,
) -> tuple[ReleasedAnswer, ...]:
    """Return the answers to a party, by sold-to code, item and ship-to; `reasons` are those of the plan.

    A line is released where something is requested or was confirmed for dates still ahead.
    """
    earlier = _earlier_confirmed(view, previous, lines_before)
    requests = _requests(view, party, earlier)
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
    customers = view.reference.customers.get(party, ())
    requested = _own(view, "netDemand", customers)
    still_seen = {key for key, values in earlier.items() if np.any(np.nan_to_num(values) > 0)}
    asked = {key for key, values in requested.items() if np.any(values > 0)}
    keys = sorted(asked | still_seen, key=lambda key: (key[0], key[1], key[2] or ""))
    nothing = np.zeros(len(view.buckets))

    def stacked(rows: Mapping[LineKey, Floats]) -> Floats:
        return np.array([rows.get(key, nothing) for key in keys]).reshape(len(keys), len(nothing))

    demand, delivered, unmet = in_whole_units(
        stacked(requested),
        stacked(_own(view, "constrainedDemand", customers)),
        stacked(_own(view, "unmetDemand", customers)),
        np.array([view.reference.multiple(str(view.reference.items[item]["unit"])) for _, item, _ in keys]),
    )
    return Requests(tuple(keys), demand, match(demand, delivered, unmet))


def _own(view: PlanView, measure: str, customers: Iterable[str]) -> dict[LineKey, Floats]:
    """Return the party's series of a demand measure by (customer, item, ship-to)."""
    return {
        (customer, str(item), site): values
        for customer in customers
        for (item, site, _), values in view.of_owner(measure, customer).items()
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
    reference = view.reference
    own = reference.owned_rows("sales_order", "customer", reference.customers.get(party, ()))
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
    finished = {item for item in reference.own_items(party) if reference.items[item]["type"] == "finished"}
    pairs = [
        (customer, item)
        for customer in reference.customers.get(party, ())
        for item in sorted(finished | _dealt_in(view, customer))
    ]
    return tuple(_item(view, party, line, *pair) for line, pair in enumerate(pairs))


def _dealt_in(view: PlanView, customer: str) -> set[str]:
    """Return the items of every series and open order that names the customer."""
    orders = view.reference.owned_rows("sales_order", "customer", (customer,))
    keys = [key for name in (*CATALOGUE_MEASURES, "netDemand") for key in view.of_owner(name, customer)]
    return {str(row["item"]) for row in orders} | {str(key[0]) for key in keys}


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
