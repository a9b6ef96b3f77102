"""Demand groups: who shares a shortage, and each customer's part of what a group gets (rules P17 to P19).

A place (item, ship-to, customer) is supplied over its valid lane of lowest priority number. Places of one
class, item and supplying site are one group: the engine plans the group, every place in it gets the same
share of each request. So splitting a customer changes nobody else's quantities.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.exchange.dataset import Dataset
from app.services.planning.demand_plan import Place
from app.services.planning.facts import Facts
from app.services.planning.horizon import Mask, land
from app.services.planning.lookup import Row, number, text
from app.services.planning.network import Point, stocking_sites

Values = npt.NDArray[np.float64]
Buckets = npt.NDArray[np.int64]
Group = tuple[int, str, str]

DEFAULT_CLASS = 2


@dataclass(frozen=True)
class Part:
    """A place as far as one lane supplies it: its requests of the buckets `asked` (T,).

    `arrive[t]` is the bucket in which what leaves in `t` is delivered, `due[t]` the last bucket to leave for
    a request of bucket `t` (the first, where even that is late). `freight` (T,) is currency per unit.
    """

    place: int
    group: Group
    asked: Mask
    arrive: Buckets
    due: Buckets
    freight: Values

    @property
    def point(self) -> Point:
        """The stock point that supplies it."""
        return self.group[1], self.group[2]


class Routes:
    """Finds the sites that supply a ship-to."""

    def __init__(self, facts: Facts) -> None:
        """Index the lanes that end at no stocking site."""
        self._facts = facts
        self._sites = stocking_sites(facts.dataset)
        self._lanes: dict[str, list[Row]] = defaultdict(list)
        for row in facts.dataset.entities["lane"]:
            if row["from_site"] in self._sites and row["to_site"] not in self._sites:
                self._lanes[str(row["to_site"])].append(row)
        self._known: dict[tuple[str | None, str | None], list[tuple[str, Mask, Buckets]]] = {}

    def of(self, item: str, ship_to: str | None) -> list[tuple[str, Mask, Buckets]]:
        """Return (supplying site, buckets (T,) of request supplied from there, arrival (T,)).

        A customer that fetches its goods (a place at a stocking site, or without any where there is only one
        stocking site) is supplied there at once.
        """
        if ship_to in self._sites or (ship_to is None and len(self._sites) == 1):
            everywhere = np.ones(self._facts.horizon.periods, dtype=np.bool_)
            return [(ship_to or self._sites[0], everywhere, land(self._facts.horizon, [0.0])[0])]
        rows = self._lanes.get(ship_to, []) if ship_to else []
        key = (ship_to, item if any(text(row, "item") == item for row in rows) else None)
        if key not in self._known:
            self._known[key] = self._assign([row for row in rows if text(row, "item") in {None, item}])
        return self._known[key]

    def _assign(self, rows: Sequence[Row]) -> list[tuple[str, Mask, Buckets]]:
        horizon = self._facts.horizon
        free = np.ones(horizon.periods, dtype=np.bool_)
        routes = []
        for row in sorted(rows, key=lambda r: (number(r, "priority", 1.0), text(r, "item") is None)):
            taken = horizon.valid(row) & free
            if taken.any():
                arrive = land(horizon, [number(row, "lead_time_days", 0.0)])[0]
                routes.append((str(row["from_site"]), taken, arrive))
            free &= ~taken
        return routes


def class_of_customers(dataset: Dataset) -> dict[str, int]:
    """Return the priority class of every customer."""
    rows = dataset.entities["customer"]
    return {str(row["customer"]): int(number(row, "class", DEFAULT_CLASS)) for row in rows}


def split_places(facts: Facts, places: Sequence[Place], net: Values) -> tuple[Part, ...]:
    """Return the parts of all places that ask for anything; `net` is (k, T). Unsupplied places are noted."""
    routes = Routes(facts)
    classes = class_of_customers(facts.dataset)
    parts: list[Part] = []
    for index in np.flatnonzero(net.any(axis=1)).tolist():
        item, ship_to, customer = places[index]
        ways = routes.of(item, ship_to)
        if not ways:
            facts.notes.add("no-lane", str(ship_to), f"No lane leads to {ship_to or customer}: not supplied.")
        for site, asked, arrive in ways:
            group = (classes.get(customer, DEFAULT_CLASS), item, site)
            parts.append(
                Part(index, group, asked, arrive, _due(arrive), _freight(facts, site, ship_to, item))
            )
    return tuple(parts)


def _due(arrive: Buckets) -> Buckets:
    """Return (T,): the last bucket whose goods arrive by each bucket; the first where none does."""
    last = np.searchsorted(arrive, np.arange(len(arrive)), side="right") - 1
    due: Buckets = np.maximum(last, 0)
    return due


def _freight(facts: Facts, site: str, ship_to: str | None, item: str) -> Values:
    if ship_to is None or ship_to == site:
        return np.zeros(facts.horizon.periods)
    return facts.prices.freight(site, ship_to, item)


@dataclass(frozen=True)
class Groups:
    """All groups (g) with their demand by bucket of departure (g, T), and the parts (p) they consist of.

    `part_demand` (p, T) is by bucket of request; `orders` is the part of `demand` that is ordered; `price` is
    the average net price less freight (and, at standard, what a unit bears when it is sold) per unit.
    """

    keys: tuple[Group, ...]
    demand: Values
    orders: Values
    price: Values
    parts: tuple[Part, ...]
    part_group: Buckets
    part_demand: Values
    part_price: Values


def gather(
    facts: Facts, parts: Sequence[Part], places: Sequence[Place], orders: Values, forecast: Values
) -> Groups:
    """Sum the parts into groups; `orders` and `forecast` (k, T) add up to the net demand of the places.

    In items counted in whole units the forecast of a group is made whole, the rest carried from bucket to
    bucket, and each part's forecast scaled alike; orders stay as they are.
    """
    keys = tuple(sorted({part.group for part in parts}))
    index = {key: row for row, key in enumerate(keys)}
    part_group = np.array([index[part.group] for part in parts], dtype=np.int64)
    rows = [part.place for part in parts]
    shape = (len(parts), facts.horizon.periods)
    asked = np.array([part.asked for part in parts]).reshape(shape)
    due = np.array([part.due for part in parts], dtype=np.int64).reshape(shape)
    ordered, foreseen = orders[rows] * asked, forecast[rows] * asked
    factor = _whole_factor(facts, keys, _by_departure(foreseen, due, part_group, len(keys)))
    foreseen = foreseen * factor[part_group[:, None], due]
    price = np.array([facts.prices.selling(places[p.place][0], places[p.place][2]) for p in parts]).reshape(
        shape
    )
    freight = np.array([part.freight for part in parts]).reshape(shape)
    on_sale = np.array([facts.prices.on_sale(*part.point) for part in parts]).reshape(shape)
    total = ordered + foreseen
    demand = _by_departure(total, due, part_group, len(keys))
    worth = _by_departure(total * np.maximum(price - freight - on_sale, 0.0), due, part_group, len(keys))
    return Groups(
        keys=keys,
        demand=demand,
        orders=_by_departure(ordered, due, part_group, len(keys)),
        price=_average(worth, demand),
        parts=tuple(parts),
        part_group=part_group,
        part_demand=total,
        part_price=price,
    )


def _by_departure(values: Values, due: Buckets, group: Buckets, count: int) -> Values:
    """Sum part values (p, T) by bucket of request to groups (g, T) by bucket of departure."""
    total = np.zeros((count, values.shape[1]))
    np.add.at(total, (np.broadcast_to(group[:, None], due.shape), due), values)
    return total


def _whole_factor(facts: Facts, keys: Iterable[Group], forecast: Values) -> Values:
    """Return (g, T) by which forecast is scaled so that each group's is whole with the rest carried on."""
    divisible = np.array([facts.multiple(item) == 0.0 for _, item, _ in keys], dtype=np.bool_)
    carried = np.floor(forecast.cumsum(axis=1) + 0.5 + 1e-9)
    rounded = np.diff(carried, axis=1, prepend=0.0)
    whole = np.where(divisible[:, None], forecast, rounded)
    factor: Values = np.divide(whole, forecast, out=np.zeros_like(forecast), where=forecast > 0)
    return factor


def _average(worth: Values, quantity: Values) -> Values:
    """Return worth per unit (g, T); a bucket without demand takes the group's mean."""
    total = quantity.sum(axis=1, keepdims=True)
    mean = np.divide(worth.sum(axis=1, keepdims=True), total, out=np.zeros_like(total), where=total > 0)
    price: Values = np.broadcast_to(mean, worth.shape).copy()
    return np.divide(worth, quantity, out=price, where=quantity > 0)


def shared_out(groups: Groups, deliver: Values, short: Values) -> tuple[Values, Values]:
    """Return (delivered, not supplied) of every part (p, T) from the groups' (g, T) by bucket of departure.

    Oldest requests first, each request's parts at equal fill. Deliveries are by bucket of arrival (what would
    arrive after the horizon counts in its last bucket), what is not supplied by bucket of request.
    """
    fill, lost = _fill(groups.demand, deliver, short)
    delivered = np.zeros_like(groups.part_demand)
    unmet = np.zeros_like(groups.part_demand)
    last = deliver.shape[1] - 1
    for row, part in enumerate(groups.parts):
        group = groups.part_group[row]
        leaving = np.zeros(last + 1)
        np.add.at(leaving, part.due, groups.part_demand[row])
        np.add.at(delivered[row], np.minimum(part.arrive, last), leaving @ fill[group])
        unmet[row] = groups.part_demand[row] * lost[group, part.due]
    return delivered, unmet


def departures(groups: Groups, deliver: Values, short: Values) -> Values:
    """Return what leaves for every part (p, T) by bucket of departure; the parts of a group add up to it."""
    fill, _ = _fill(groups.demand, deliver, short)
    leaving = np.zeros_like(groups.part_demand)
    for row, part in enumerate(groups.parts):
        due = np.zeros(deliver.shape[1])
        np.add.at(due, part.due, groups.part_demand[row])
        leaving[row] = due @ fill[groups.part_group[row]]
    return leaving


def _fill(demand: Values, deliver: Values, short: Values) -> tuple[Values, Values]:
    """Return the share of each request delivered in each bucket (g, T, T), and never supplied (g, T)."""
    supplied = (demand - short).cumsum(axis=1)
    given = deliver.cumsum(axis=1)
    before = np.concatenate([np.zeros((len(demand), 1)), supplied[:, :-1]], axis=1)
    given_before = np.concatenate([np.zeros((len(demand), 1)), given[:, :-1]], axis=1)
    upper = np.minimum(supplied[:, :, None], given[:, None, :])
    lower = np.maximum(before[:, :, None], given_before[:, None, :])
    units = np.maximum(upper - lower, 0.0)
    asked = demand[:, :, None]
    fill = np.divide(units, asked, out=np.zeros_like(units), where=asked > 0)
    return fill, np.divide(short, demand, out=np.zeros_like(short), where=demand > 0)
