"""Stocks: what is on hand and under way, what is wanted, what it is worth (rules P13 to P16)."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from app.services.planning.facts import Facts
from app.services.planning.horizon import Horizon
from app.services.planning.lookup import Row, number
from app.services.planning.network import Point
from app.services.planning.series import SeriesIndex

Values = npt.NDArray[np.float64]
SupplyLine = tuple[str, str, str]
K = TypeVar("K")

YEAR_DAYS = 365.0
MONTH_DAYS = 30.0
NOMINAL_VALUE = 0.01
FINAL_WEIGHT = 2.0


@dataclass(frozen=True)
class Receipts:
    """Receipts under way (T,): purchases by (item, site, supplier), and work in process by point."""

    ordered: dict[SupplyLine, Values]
    shipped: dict[SupplyLine, Values]
    in_process: dict[Point, Values]

    def total(self, points: Sequence[Point], periods: int) -> Values:
        """Return all receipts (n, T) into the points."""
        into: dict[Point, Values] = defaultdict(lambda: np.zeros(periods))
        for (item, site, _), quantity in (*self.ordered.items(), *self.shipped.items()):
            into[item, site] = into[item, site] + quantity
        for point, quantity in self.in_process.items():
            into[point] = into[point] + quantity
        return np.array([into[point] for point in points]).reshape(-1, periods)

    @property
    def points(self) -> set[Point]:
        """Every stock point that something is under way to."""
        return {key[:2] for key in (*self.ordered, *self.shipped)} | set(self.in_process)


def receipts_under_way(facts: Facts) -> Receipts:
    """Return open purchase orders, goods in transit and work in process; past due falls in the first bucket.

    Order rows say it where there are any, else the series of the measures.
    """
    orders, works = facts.dataset.entities["purchase_order"], facts.dataset.entities["work_order"]

    def line(row: Row) -> SupplyLine:
        return str(row["item"]), str(row["site"]), str(row["supplier"])

    if orders:
        ordered = _by_due_date(facts.horizon, (r for r in orders if r["status"] != "shipped"), line)
        shipped = _by_due_date(facts.horizon, (r for r in orders if r["status"] == "shipped"), line)
    else:
        ordered, shipped = (_lines(facts.series, name) for name in ("openPurchaseOrders", "inTransit"))
    if works:
        in_process = _by_due_date(facts.horizon, works, lambda row: (str(row["item"]), str(row["site"])))
    else:
        in_process = {key[:2]: values for key, values in _lines(facts.series, "workInProcess").items()}
    return Receipts(ordered, shipped, in_process)


def _by_due_date(horizon: Horizon, rows: Iterable[Row], key: Callable[[Row], K]) -> dict[K, Values]:
    due: dict[K, Values] = {}
    for row in rows:
        day = row["due_date"]
        bucket = horizon.bucket_of(day) if isinstance(day, date) else None
        if bucket is not None:
            due.setdefault(key(row), np.zeros(horizon.periods))[bucket] += number(row, "quantity", 0.0)
    return due


def _lines(series: SeriesIndex, measure: str) -> dict[SupplyLine, Values]:
    return {
        (str(codes["item"]), str(codes["site"]), str(codes["supplier"])): values
        for codes, values in series.receipts(measure)
    }


@dataclass(frozen=True)
class StockPlan:
    """Stock figures of the points (n) and buckets (T): see `app.engine.problem.Stocks`."""

    opening: Values
    receipts: Values
    target: Values
    target_cost: Values
    maximum: Values
    holding_cost: Values
    final_target: Values
    final_cost: Values
    unit_cost: Values


def plan_stocks(
    facts: Facts, points: Sequence[Point], receipts: Receipts, coming: Values, unit_cost: Values
) -> StockPlan:
    """Return the stock figures of the points.

    `coming` (n, T) is the use foreseen in each bucket, `unit_cost` (n, T) currency per unit, NaN where no
    cost is known: such stock is held at a nominal value, so that nothing is kept that nobody needs.
    """
    horizon, parameters = facts.horizon, facts.parameters
    policies = {(str(r["item"]), str(r["site"])): r for r in facts.dataset.entities["stock_policy"]}
    rows: list[Row] = [policies.get(point, {}) for point in points]
    opening = np.array([facts.series.at_plan_date("openingStock", item=i, site=s) for i, s in points])
    under_way = receipts.total(points, horizon.periods)
    fixed, days, most = (
        np.array([number(row, column, default) for row in rows])
        for column, default in (("safety_stock", 0.0), ("safety_days", 0.0), ("max_stock", np.inf))
    )
    target = fixed[:, None] + cover(coming, horizon, days)
    value = np.where(np.nan_to_num(unit_cost) > 0, np.nan_to_num(unit_cost), NOMINAL_VALUE)
    held = opening[:, None] + under_way.cumsum(axis=1)
    closing = cover(coming, horizon, np.full(len(points), parameters.number("closing_days")))
    return StockPlan(
        opening=opening,
        receipts=under_way,
        target=target,
        target_cost=value * parameters.number("safety_cost") * horizon.days / MONTH_DAYS,
        maximum=np.maximum(most[:, None], np.where(np.isfinite(most)[:, None], held, np.inf)),
        holding_cost=value * parameters.number("holding_rate") * horizon.days / YEAR_DAYS,
        final_target=(target + closing)[:, -1] if len(points) else np.zeros(0),
        final_cost=FINAL_WEIGHT * value[:, -1] if len(points) else np.zeros(0),
        unit_cost=unit_cost,
    )


def cover(coming: Values, horizon: Horizon, days: Values) -> Values:
    """Return (n, T): the use foreseen over the `days` (n,) that follow the end of each bucket.

    Use is spread evenly over a bucket's days; after the last bucket its daily rate goes on.
    """
    ends = horizon.starts + horizon.days
    edges = np.concatenate([[0.0], ends])
    wanted = np.zeros_like(coming)
    for row in np.flatnonzero(days > 0):
        used = np.concatenate([[0.0], coming[row].cumsum()])
        until = ends + days[row]
        beyond = np.maximum(until - ends[-1], 0.0) * coming[row, -1] / horizon.days[-1]
        wanted[row] = np.interp(until, edges, used) + beyond - used[1:]
    return wanted
