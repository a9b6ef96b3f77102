"""From the decisions back to measures: the series of a plan (rules P25 to P27)."""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from app.engine.problem import Kind
from app.engine.solution import Decisions
from app.exchange.dataset import SeriesBlock, SeriesKey
from app.services.demand.succession import Key
from app.services.planning.build import MEASURE_OF, PlanModel
from app.services.planning.demand_plan import Place
from app.services.planning.groups import shared_out
from app.services.planning.horizon import Horizon
from app.services.planning.lookup import text
from app.services.planning.series import series_key

Values = npt.NDArray[np.float64]
EVEN_IF_ZERO = frozenset(
    {
        "projectedBalance",
        "capacityAvailable",
        "capacityRequired",
        "utilization",
        "commitVariance",
        "budgetGap",
    }
)
DIGITS = 9
NOISE = 1e-6
FOREVER_DAYS = 999.0


@dataclass
class Sheet:
    """Collects series over the planned buckets; quantities of one key add up."""

    horizon: Horizon
    _rows: dict[str, dict[SeriesKey, Values]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, measure: str, values: Values, **codes: str | None) -> None:
        """Add (T,) to a key."""
        rows, key = self._rows[measure], series_key(**codes)
        rows[key] = rows[key] + values if key in rows else values

    def get(self, measure: str, **codes: str | None) -> Values:
        """Return (T,) of a key; zeros where nothing was added."""
        return self._rows[measure].get(series_key(**codes), np.zeros(self.horizon.periods))

    def blocks(self) -> list[SeriesBlock]:
        """Return the published part on the whole calendar: past buckets NaN, no series of nothing but 0.

        Noise of the solver below nine digits after the point is cut.
        """
        return [self._block(measure) for measure in sorted(self._rows) if self._kept(measure)]

    def _kept(self, measure: str) -> list[SeriesKey]:
        rows = self._rows[measure]
        published = self.horizon.published
        everything = measure in EVEN_IF_ZERO
        return sorted(
            (key for key, row in rows.items() if everything or np.nan_to_num(row[:published]).any()),
            key=lambda key: tuple(code or "" for code in key),
        )

    def _block(self, measure: str) -> SeriesBlock:
        keys = self._kept(measure)
        first, published = self.horizon.calendar.first_open, self.horizon.published
        values = np.full((len(keys), len(self.horizon.calendar)), np.nan)
        for row, key in enumerate(keys):
            values[row, first:] = np.round(self._rows[measure][key][:published], DIGITS) + 0.0
        return SeriesBlock(measure, keys, values)


def plan_series(model: PlanModel, decisions: Decisions) -> list[SeriesBlock]:
    """Return every measure of the plan that the decisions make."""
    sheet = Sheet(model.facts.horizon)
    _supply(model, decisions, sheet)
    _stocks(model, decisions, sheet)
    _resources(model, decisions, sheet)
    _demand(model, decisions, sheet)
    _commits(model, sheet)
    return sheet.blocks() + _streams(model)


def _supply(model: PlanModel, decisions: Decisions, sheet: Sheet) -> None:
    """Production by start, purchases by receipt, transfers by shipment; what is under way already."""
    families = {str(row["item"]): text(row, "family") for row in model.facts.dataset.entities["item"]}
    for source, level in zip(model.sources, decisions.level, strict=True):
        measure = MEASURE_OF[source.kind]
        if source.kind is Kind.MAKE:
            sheet.add(measure, level, item=source.item, site=source.site)
            if family := families.get(source.item):
                sheet.add("productionPlanFamily", level, family=family, site=source.site)
        elif source.kind is Kind.PURCHASE:
            sheet.add(measure, level, item=source.item, site=source.site, supplier=source.partner)
            sheet.add("purchasePrice", source.cost, item=source.item, supplier=source.partner)
        else:
            sheet.add(measure, level, item=source.item, site=source.partner, to_site=source.site)
    for measure, lines in (
        ("openPurchaseOrders", model.receipts.ordered),
        ("inTransit", model.receipts.shipped),
    ):
        for (item, site, supplier), quantity in lines.items():
            sheet.add(measure, quantity, item=item, site=site, supplier=supplier)
    for (item, site), quantity in model.receipts.in_process.items():
        sheet.add("workInProcess", quantity, item=item, site=site)


def _stocks(model: PlanModel, decisions: Decisions, sheet: Sheet) -> None:
    """Balances from the published decisions alone, cover, targets and values."""
    use = _use(model, decisions)
    cost = np.nan_to_num(model.stocks.unit_cost)
    for row, (item, site) in enumerate(model.network.points):
        balance = decisions.stock[row]
        sheet.add("scheduledReceipts", model.stocks.receipts[row], item=item, site=site)
        sheet.add("safetyStock", model.stocks.target[row], item=item, site=site)
        sheet.add("projectedBalance", balance, item=item, site=site)
        sheet.add(
            "daysOfSupply", days_of_supply(model.facts.horizon, balance, use[row]), item=item, site=site
        )
        sheet.add("unitCost", cost[row], item=item, site=site)
        sheet.add("inventoryValue", balance * cost[row], item=item, site=site)


def _use(model: PlanModel, decisions: Decisions) -> Values:
    """Return what leaves each point (n, T): deliveries, component use, transfers out."""
    use = np.zeros_like(decisions.stock)
    inputs = model.problem.inputs
    np.add.at(use, inputs.stock, inputs.quantity * decisions.level[inputs.activity])
    np.add.at(use, model.problem.demands.stock, decisions.deliver)
    return use


def days_of_supply(horizon: Horizon, balance: Values, use: Values) -> Values:
    """Return days (T,) until the balance at each bucket's end is used up by the use of the following buckets.

    Use is spread evenly over a bucket's days; a balance that outlasts the horizon goes on at the last rate,
    FOREVER_DAYS where nothing is used any more.
    """
    ends = horizon.starts + horizon.days
    used = use.cumsum()
    target = used + np.maximum(balance, 0.0)
    edges, points = np.concatenate([[0.0], ends]), np.concatenate([[0.0], used])
    within = np.interp(target, points + np.arange(len(points)) * 1e-12, edges) - ends
    rate = use[-1] / horizon.days[-1]
    after = (target - used[-1]) / rate if rate > 0 else np.full_like(target, FOREVER_DAYS)
    days = np.where(target > used[-1], ends[-1] - ends + after, within)
    return np.where(balance > 0, np.clip(days, 0.0, FOREVER_DAYS), 0.0)


def _resources(model: PlanModel, decisions: Decisions, sheet: Sheet) -> None:
    """Capacity and load in hours; utilisation in percent of the regular hours."""
    capacity = model.capacity
    for row, resource in enumerate(capacity.resources):
        load = decisions.regular[row] + decisions.overtime[row]
        available = capacity.regular[row]
        sheet.add("capacityRequired", load, resource=resource)
        sheet.add("overtime", decisions.overtime[row], resource=resource)
        sheet.add("overtimeAvailable", capacity.overtime[row], resource=resource)
        if np.isfinite(available).all():
            share = np.divide(load, available, out=np.zeros_like(load), where=available > 0)
            sheet.add("capacityAvailable", available, resource=resource)
            sheet.add("utilization", 100.0 * share, resource=resource)


def _demand(model: PlanModel, decisions: Decisions, sheet: Sheet) -> None:
    """Demand and supply by item, ship-to and customer; answer, money and service by item and customer."""
    delivered, unmet = shared_out(model.groups, decisions.deliver, decisions.short)
    cost = np.nan_to_num(model.stocks.unit_cost)
    lines = _Lines(sheet)
    for row, part in enumerate(model.groups.parts):
        item, ship_to, customer = model.demand.places[part.place]
        asked = model.groups.part_demand[row]
        backlog = np.maximum((asked - unmet[row] - delivered[row]).cumsum(), 0.0)
        _place(sheet, (item, ship_to, customer), asked, unmet[row])
        sheet.add("constrainedDemand", delivered[row], item=item, site=ship_to, customer=customer)
        sheet.add(
            "backlog", np.where(backlog < NOISE, 0.0, backlog), item=item, site=ship_to, customer=customer
        )
        unit_cost = cost[model.network.index[part.point]] + part.freight
        late = _delivered_late(asked - unmet[row], delivered[row])
        lines.add((item, customer), delivered[row], asked, late + unmet[row], delivered[row] * unit_cost)
    for place, lost in zip(model.demand.places, model.unrouted, strict=True):
        if lost.any():
            _place(sheet, place, lost, lost)
            lines.add((place[0], place[2]), np.zeros_like(lost), lost, lost, np.zeros_like(lost))
    lines.close(model)


def _place(sheet: Sheet, place: Place, asked: Values, unmet: Values) -> None:
    item, ship_to, customer = place
    sheet.add("netDemand", asked, item=item, site=ship_to, customer=customer)
    sheet.add("unmetDemand", unmet, item=item, site=ship_to, customer=customer)


def _delivered_late(accepted: Values, delivered: Values) -> Values:
    """Return (T,): how much of each bucket's accepted requests is delivered after the bucket."""
    late: Values = np.minimum(accepted, np.maximum(accepted.cumsum() - delivered.cumsum(), 0.0))
    return late


@dataclass
class _Lines:
    """Sums over the ship-tos of each item and customer."""

    sheet: Sheet
    _sums: dict[Key, list[Values]] = field(default_factory=dict)

    def add(self, line: Key, delivered: Values, asked: Values, failed: Values, cost: Values) -> None:
        """Add one place: delivered, asked for, not on time, variable cost; all (T,)."""
        known = self._sums.get(line)
        new = [delivered, asked, failed, cost]
        self._sums[line] = new if known is None else [a + b for a, b in zip(known, new, strict=True)]

    def close(self, model: PlanModel) -> None:
        """Write the answer, the money and the service level of every line."""
        family_of = {str(row["item"]): text(row, "family") for row in model.facts.dataset.entities["item"]}
        by_family: dict[str | None, Values] = defaultdict(lambda: np.zeros(model.facts.horizon.periods))
        for (item, customer), (delivered, asked, failed, cost) in self._sums.items():
            line = {"item": item, "customer": customer}
            price = model.facts.prices.selling(item, customer)
            service = np.divide(asked - failed, asked, out=np.full_like(asked, np.nan), where=asked > NOISE)
            self.sheet.add("supplyAnswer", delivered, **line)
            self.sheet.add("sellingPrice", price, **line)
            self.sheet.add("revenue", delivered * price, **line)
            self.sheet.add("contributionMargin", delivered * price - cost, **line)
            self.sheet.add("serviceLevel", 100.0 * np.clip(service, 0.0, 1.0), **line)
            by_family[family_of.get(item)] = by_family[family_of.get(item)] + delivered * price
        for codes, budget in model.facts.series.planned("annualPlan"):
            self.sheet.add("budgetGap", by_family[codes["family"]] - budget, family=codes["family"])


def _commits(model: PlanModel, sheet: Sheet) -> None:
    """Commit minus projection, where the supplier answered."""
    for codes, commit in model.facts.series.planned("supplierCommit"):
        sheet.add("commitVariance", commit - sheet.get("purchaseProjection", **codes), **codes)


def _streams(model: PlanModel) -> list[SeriesBlock]:
    """Return baseline, consensus and open orders as they were planned, on the whole calendar."""
    demand = model.demand
    lines = [series_key(item=item, customer=customer) for item, customer in demand.lines]
    places = [series_key(item=item, site=site, customer=customer) for item, site, customer in demand.places]
    first = model.facts.horizon.calendar.first_open
    orders = np.where(np.arange(demand.orders.shape[1]) >= first, demand.orders, np.nan)
    triples = (
        ("baselineForecast", lines, demand.baseline),
        ("consensusDemand", places, demand.consensus),
        ("openOrders", places, orders),
    )
    return [_stated(measure, keys, values) for measure, keys, values in triples]


def _stated(measure: str, keys: list[SeriesKey], values: Values) -> SeriesBlock:
    """Return the series that say anything but 0."""
    kept = np.flatnonzero(np.nan_to_num(values).any(axis=1))
    return SeriesBlock(measure, [keys[row] for row in kept], np.round(values[kept], DIGITS))
