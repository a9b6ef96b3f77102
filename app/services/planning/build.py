"""The problem: everything that a data set says, on the axes of the engine (rules P1 to P24)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.engine.problem import (
    Activities,
    Demands,
    Inputs,
    Kind,
    Problem,
    Resources,
    Stocks,
    Uses,
    group_ids,
    latest_buckets,
)
from app.exchange.dataset import Dataset
from app.services.planning.capacity import Capacity, plan_capacity
from app.services.planning.demand_plan import DemandPlan, beyond, plan_demand
from app.services.planning.facts import Facts
from app.services.planning.groups import Groups, gather, split_places
from app.services.planning.horizon import extended
from app.services.planning.lookup import Row, number
from app.services.planning.network import Network, NetworkBuilder, Point
from app.services.planning.notes import Notes
from app.services.planning.previous import PreviousPlan
from app.services.planning.requirements import coming_use
from app.services.planning.sources import Limit, Source, Sourcing
from app.services.planning.stocks import MONTH_DAYS, Receipts, StockPlan, plan_stocks, receipts_under_way
from app.services.planning.structure import Structure, longest_chain

Values = npt.NDArray[np.float64]
MEASURE_OF = {
    Kind.MAKE: "productionPlan",
    Kind.PURCHASE: "purchaseProjection",
    Kind.TRANSFER: "transfers",
}


@dataclass(frozen=True)
class ServiceClass:
    """What a priority class is entitled to: shares of price, see the kind `service_class`."""

    floor: float = 0.0
    late_cost: float = 0.1
    short_cost: float = 0.3
    max_late_days: float = 60.0


@dataclass(frozen=True)
class PlanModel:
    """A problem and what its axes stand for; `unrouted` (k, T) is demand that no lane leads to."""

    facts: Facts
    demand: DemandPlan
    network: Network
    sources: tuple[Source, ...]
    limits: tuple[Limit, ...]
    capacity: Capacity
    receipts: Receipts
    stocks: StockPlan
    groups: Groups
    unrouted: Values
    problem: Problem


def build(dataset: Dataset, previous: PreviousPlan | None = None) -> PlanModel:
    """Build the problem of a data set; `previous` is the last published plan, to stay near to."""
    demand = plan_demand(dataset)
    horizon = extended(dataset.calendar, longest_chain(dataset, {item for item, _, _ in demand.places}))
    facts = Facts(dataset, horizon, Notes())
    first = dataset.calendar.first_open
    orders = np.pad(demand.orders[:, first:], ((0, 0), (0, len(horizon.extension))))
    net = np.hstack([demand.net[:, first:], beyond(demand, dataset, horizon)])
    parts = split_places(facts, demand.places, net)
    groups = gather(facts, parts, demand.places, orders, net - orders)
    receipts = receipts_under_way(facts)
    structure = Structure(dataset, horizon)
    network = NetworkBuilder(dataset, horizon, structure, facts.notes).build(
        [part.point for part in parts], _stocked(facts, receipts)
    )
    sourcing = Sourcing(facts)
    sources = sourcing.sources(network)
    capacity = plan_capacity(facts)
    asked = np.zeros((len(network.points), horizon.periods))
    np.add.at(asked, [network.index[item, site] for _, item, site in groups.keys], groups.demand)
    coming = coming_use(network.points, sources, asked)
    stocks = plan_stocks(facts, network.points, receipts, coming, unit_costs(facts, network.points, sources))
    limits = tuple(sourcing.limits.values())
    problem = Problem(
        buckets=tuple(bucket.start.isoformat() for bucket in horizon.buckets),
        days=horizon.days,
        published=horizon.published,
        stocks=_stocks(facts, network.points, stocks),
        activities=_activities(facts, network, sources, previous),
        inputs=_inputs(facts, network, sources),
        resources=_resources(capacity, limits, horizon.periods),
        uses=_uses(sources, capacity, limits, horizon.periods),
        demands=_demands(facts, network, groups, stocks),
    )
    return PlanModel(
        facts=facts,
        demand=demand,
        network=network,
        sources=sources,
        limits=limits,
        capacity=capacity,
        receipts=receipts,
        stocks=stocks,
        groups=groups,
        unrouted=_unrouted(net, groups),
        problem=problem,
    )


def _unrouted(net: Values, groups: Groups) -> Values:
    left = net.copy()
    for part in groups.parts:
        left[part.place, part.asked] = 0.0
    return left


def _stocked(facts: Facts, receipts: Receipts) -> set[Point]:
    """Return the points that hold goods or get some without a plan."""
    block = facts.dataset.block("openingStock")
    keys = [] if block is None else [(str(key[0]), str(key[2])) for key in block.keys]
    held = {
        point for point in keys if facts.series.at_plan_date("openingStock", item=point[0], site=point[1])
    }
    return held | receipts.points


def unit_costs(facts: Facts, points: Sequence[Point], sources: Sequence[Source]) -> Values:
    """Return the unit cost (n, T): standard cost, else the lowest purchase price, else NaN.

    Stock that nobody uses or sells any more is not bought either, and is still worth its price.
    """
    cheapest: dict[Point, Values] = {}
    for source in sources:
        if source.kind is Kind.PURCHASE:
            known = cheapest.get(source.point)
            cheapest[source.point] = source.cost if known is None else np.minimum(known, source.cost)
    offers: dict[str, list[Row]] = defaultdict(list)
    for row in facts.dataset.entities["supplier_item"]:
        offers[str(row["item"])].append(row)
    costs = []
    for point in points:
        standard = facts.prices.standard(*point)
        price = cheapest[point] if point in cheapest else _offered(facts, point, offers[point[0]])
        costs.append(np.where(np.isnan(standard), price, standard))
    return np.array(costs).reshape(-1, facts.horizon.periods)


def _offered(facts: Facts, point: Point, offers: Sequence[Row]) -> Values:
    """Return the lowest price (T,) at which any of an item's offers delivers to a site; NaN if none does."""
    item, site = point
    suppliers = {str(row["supplier"]) for row in offers if row["site"] in {None, site}}
    prices = [facts.prices.buying(supplier, item, site) for supplier in sorted(suppliers)]
    return np.min(prices, axis=0) if prices else np.full(facts.horizon.periods, np.nan)


def _stocks(facts: Facts, points: Sequence[Point], stocks: StockPlan) -> Stocks:
    return Stocks.of(
        ["|".join(point) for point in points],
        facts.horizon.periods,
        opening=stocks.opening,
        receipts=stocks.receipts,
        target=stocks.target,
        target_cost=stocks.target_cost,
        maximum=stocks.maximum,
        holding_cost=stocks.holding_cost,
        final_target=stocks.final_target,
        final_cost=stocks.final_cost,
        multiple=np.array([facts.multiple(item) for item, _ in points]),
    )


def _activities(
    facts: Facts, network: Network, sources: Sequence[Source], previous: PreviousPlan | None
) -> Activities:
    periods = facts.horizon.periods
    makes = np.array([source.kind is Kind.MAKE for source in sources], dtype=np.bool_)
    moves = np.array([source.kind is Kind.TRANSFER for source in sources], dtype=np.bool_)
    before = [
        facts.series.past_rate("actualProduction", item=s.item, site=s.site)
        if s.kind is Kind.MAKE
        else np.nan
        for s in sources
    ]
    return Activities.of(
        _source_codes(sources),
        periods,
        kind=[int(source.kind) for source in sources],
        stock=[network.index[source.point] for source in sources],
        output=np.array([source.output for source in sources]),
        arrival=np.array([source.arrival for source in sources], dtype=np.int64).reshape(-1, periods),
        lower=_rows(sources, "lower", periods),
        upper=_rows(sources, "upper", periods),
        cost=_rows(sources, "cost", periods),
        smoothing_cost=makes * facts.parameters.number("smoothing_cost"),
        rate_before=np.array(before),
        multiple=np.array([source.multiple for source in sources]),
        quota_group=np.where(makes | moves, -1, group_ids(source.point for source in sources)),
        quota=np.array([source.quota for source in sources]),
        previous=np.array([_previous(facts, source, previous) for source in sources]).reshape(-1, periods),
    )


def _rows(sources: Sequence[Source], name: str, periods: int) -> Values:
    return np.array([getattr(source, name) for source in sources], dtype=np.float64).reshape(-1, periods)


def _source_codes(sources: Sequence[Source]) -> list[str]:
    """Return a readable, unique code of each activity; rows of one key are told apart by a number."""
    counts: dict[str, int] = {}
    codes = []
    for source in sources:
        names = (
            source.kind.name.lower(),
            source.item,
            source.site,
            *([source.partner] if source.partner else []),
        )
        code = "|".join(names)
        counts[code] = counts.get(code, 0) + 1
        codes.append(code if counts[code] == 1 else f"{code}|{counts[code]}")
    return codes


def _previous(facts: Facts, source: Source, previous: PreviousPlan | None) -> Values:
    """Return the last published level (T,) of an activity; NaN where its key was not in that plan."""
    if previous is None:
        return np.full(facts.horizon.periods, np.nan)
    codes = {"item": source.item, "site": source.site}
    if source.kind is Kind.PURCHASE and source.partner:
        codes["supplier"] = source.partner
    if source.kind is Kind.TRANSFER and source.partner:
        codes = {"item": source.item, "site": source.partner, "to_site": source.site}
    return previous.on(facts.horizon, MEASURE_OF[source.kind], **codes)


def _inputs(facts: Facts, network: Network, sources: Sequence[Source]) -> Inputs:
    rows = [
        (activity, network.index[point], quantity)
        for activity, source in enumerate(sources)
        for point, quantity in source.inputs.items()
    ]
    quantities = np.array([quantity for _, _, quantity in rows]).reshape(-1, facts.horizon.periods)
    return Inputs.of([a for a, _, _ in rows], [n for _, n, _ in rows], quantities, facts.horizon.periods)


def _resources(capacity: Capacity, limits: Sequence[Limit], periods: int) -> Resources:
    """Return the resources, then the joint limits as resources of which a unit takes one hour."""
    count = len(limits)
    nothing = np.zeros((count, periods))
    shared = np.array([limit.quantity for limit in limits]).reshape(count, periods)
    return Resources.of(
        [*capacity.resources, *(f"limit|{limit.code}" for limit in limits)],
        periods,
        regular=np.vstack([capacity.regular, shared]),
        overtime=np.vstack([capacity.overtime, nothing]),
        regular_cost=np.vstack([capacity.regular_cost, nothing]),
        overtime_cost=np.vstack([capacity.overtime_cost, nothing]),
    )


def _uses(sources: Sequence[Source], capacity: Capacity, limits: Sequence[Limit], periods: int) -> Uses:
    index = {code: row for row, code in enumerate((*capacity.resources, *(limit.code for limit in limits)))}
    one = np.ones(periods)
    rows = [
        (activity, index[resource], hours)
        for activity, source in enumerate(sources)
        for resource, hours in (*source.hours.items(), *((limit, one) for limit in source.limits))
    ]
    hours_per_unit = np.array([hours for _, _, hours in rows]).reshape(-1, periods)
    return Uses.of([a for a, _, _ in rows], [r for _, r, _ in rows], hours_per_unit, periods)


def service_classes(dataset: Dataset) -> defaultdict[int, ServiceClass]:
    """Return the priority classes by number; one that no row describes is the standard one."""
    standard = ServiceClass()
    stated = {
        int(number(row, "class")): ServiceClass(
            floor=number(row, "service_floor", standard.floor),
            late_cost=number(row, "late_cost", standard.late_cost),
            short_cost=number(row, "short_cost", standard.short_cost),
            max_late_days=number(row, "max_late_days", standard.max_late_days),
        )
        for row in dataset.entities["service_class"]
    }
    return defaultdict(ServiceClass, stated)


def _demands(facts: Facts, network: Network, groups: Groups, stocks: StockPlan) -> Demands:
    """Return a demand per group; orders must be supplied, as must each class's floor."""
    horizon = facts.horizon
    known = service_classes(facts.dataset)
    classes = [known[rank] for rank, _, _ in groups.keys]
    stock = np.array([network.index[item, site] for _, item, site in groups.keys], dtype=np.int64)
    cost = np.nan_to_num(stocks.unit_cost)[stock].reshape(len(classes), horizon.periods)
    basis = np.where(groups.price > 0, groups.price, cost)
    late, short, floor, most_late = (
        np.array([getattr(entitled, name) for entitled in classes])
        for name in ("late_cost", "short_cost", "floor", "max_late_days")
    )
    return Demands.of(
        [f"{item}|{site}|class {rank}" for rank, item, site in groups.keys],
        horizon.periods,
        stock=stock,
        quantity=groups.demand,
        price=groups.price,
        late_cost=basis * late[:, None] * horizon.days / MONTH_DAYS,
        short_cost=basis * short[:, None],
        latest=latest_buckets(horizon.starts, most_late) if classes else np.zeros((0, horizon.periods)),
        rank=[rank for rank, _, _ in groups.keys],
        floor=floor,
        minimum=groups.orders,
        fill_group=group_ids((item, rank) for rank, item, _ in groups.keys),
    )
