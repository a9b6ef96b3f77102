"""The balance of every item, site and bucket: what is there, comes in and goes out is what is left.

Deliveries are stated where and when they arrive, the balance where and when they leave. So what must have
left a site is computed from its balance, and compared with what arrives: exactly where every transit is
shorter than its bucket, else within the earliest and the latest bucket that it can have left in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from app.checker.demand import Place, Routes, delivered_series
from app.checker.files import Files, Values
from app.checker.product import Product
from app.checker.report import ABSOLUTE, RELATIVE, Report, close
from app.checker.supply import lane_row, production_row

Point = tuple[str, str]
Flows = dict[Point, Values]
_RECEIPT_MEASURES = ("openPurchaseOrders", "inTransit", "workInProcess")


def check_stock(files: Files, product: Product, report: Report) -> None:
    """Check receipts under way, the balances, and that no stock is negative."""
    receipts = receipts_under_way(files)
    for item, site in sorted({*receipts, *((i, s) for i, s in files.series("scheduledReceipts"))}):
        stated = files.values("scheduledReceipts", (item, site))
        for index, due in enumerate(receipts[item, site]):
            where = (item, site, str(files.buckets.open[index]))
            report.require("receipts under way", close(due, stated[index]), where, due, stated[index])
    _check_balances(files, net_flows(files, product, receipts), report)


def receipts_under_way(files: Files) -> Flows:
    """Return open purchase orders and work in process by due date; what is past due comes in first.

    Where the data have no order lines, the series say it.
    """
    receipts = _nothing(files)
    orders = [*files.rows("purchase_order")]
    measures = [] if orders else ["openPurchaseOrders", "inTransit"]
    works = files.rows("work_order")
    measures += [] if works else ["workInProcess"]
    for row in [*orders, *works]:
        index = files.buckets.holding(row["due_date"])
        if index is not None:
            receipts[row["item"], row["site"]][index] += row["quantity"]
    for measure in measures:
        for key in files.series(measure):
            _add(receipts[key[0], key[1]], files.values(measure, key))
    return receipts


def net_flows(files: Files, product: Product, receipts: Flows) -> Flows:
    """Return what comes in less what goes out of each point in each bucket, deliveries left out."""
    flows = _nothing(files)
    for point, line in receipts.items():
        _add(flows[point], line)
    for item, site, supplier in files.series("purchaseProjection"):
        _add(flows[item, site], files.values("purchaseProjection", (item, site, supplier)))
    for item, origin, target in files.series("transfers"):
        for index, quantity in enumerate(files.values("transfers", (item, origin, target))):
            row = lane_row(files, item, origin, target, index) if quantity else None
            lead = row["lead_time_days"] if row is not None else 0.0
            flows[item, origin][index] -= quantity
            _land(files, flows[item, target], index, lead, quantity)
    for item, site in files.series("productionPlan"):
        _make(files, product, flows, (item, site))
    return flows


def _make(files: Files, product: Product, flows: Flows, point: Point) -> None:
    """Draw the material of what is started at a point, and land its good output."""
    item, site = point
    for index, quantity in enumerate(files.values("productionPlan", point)):
        if not quantity:
            continue
        for component, each in product.needs(item, site, index)[0].items():
            flows[component, site][index] -= quantity * each
        row = production_row(files, item, site, index)
        if row is not None:
            _land(files, flows[point], index, row["lead_time_days"], quantity * row["yield"])


def _land(files: Files, line: Values, index: int, lead_days: float, quantity: float) -> None:
    landed = files.buckets.landing(index, lead_days)
    if landed < len(line):
        line[landed] += quantity


def _check_balances(files: Files, flows: Flows, report: Report) -> None:
    arrivals = _Arrivals(files)
    left: Flows = _nothing(files)
    for point in sorted({*flows, *arrivals.points, *((i, s) for i, s in files.series("projectedBalance"))}):
        left[point] = _departures(files, point, flows[point], report)
    for points, places in arrivals.groups():
        name = (points[0][0], " and ".join(site for _, site in points))
        total = [sum(left[point][index] for point in points) for index in files.periods]
        _check_departures(files, name, total, arrivals.bounds(places), report)
    for point in sorted(left):
        if point not in arrivals.points:
            nothing = [0.0 for _ in files.periods]
            _check_departures(files, point, left[point], (nothing, nothing), report)


def _departures(files: Files, point: Point, flow: Values, report: Report) -> Values:
    """Return what must have left a point for customers so that its balances are as stated."""
    item, site = point
    opening = next((v for v in files.stated("openingStock", point) if v is not None), 0.0)
    balances = files.values("projectedBalance", point)
    left = []
    for index, balance in enumerate(balances):
        where = (item, site, str(files.buckets.open[index]))
        report.require("no negative stock", balance >= -ABSOLUTE, where, "0 or more", balance)
        left.append(opening + flow[index] - balance)
        opening = balance
    return left


def _check_departures(
    files: Files, point: Point, left: Values, bounds: tuple[Values, Values], report: Report
) -> None:
    """Compare what left in all until each bucket with the least and the most that arrivals allow.

    A difference is noted where it arises and then carried along, so that one mistake is one violation.
    """
    least, most = bounds
    gone = offset = 0.0
    for index, quantity in enumerate(left):
        gone += quantity
        tolerance = ABSOLUTE * (index + 1) + RELATIVE * abs(gone)
        low, high = least[index] + offset, most[index] + offset
        wrong = gone - high if gone > high + tolerance else gone - low if gone < low - tolerance else 0.0
        where = (*point, str(files.buckets.open[index]))
        stated = sum(
            files.values("projectedBalance", (point[0], site))[index] for site in point[1].split(" and ")
        )
        report.require("stock balance", not wrong, where, stated + wrong, stated)
        offset += wrong


class _Arrivals:
    """What arrives at the ship-tos, by the stocking points that supply them."""

    def __init__(self, files: Files) -> None:
        self._files = files
        routes = Routes(files)
        self._leads: dict[Place, list[float]] = {}
        self._delivered = delivered_series(files)
        self._points_of: dict[Place, list[Point]] = {}
        for place in self._delivered:
            found = routes.all_of(place)
            self._leads[place] = [route.lead_days for route in found]
            self._points_of[place] = sorted({(place[0], route.site) for route in found})
        self.points = {point for points in self._points_of.values() for point in points}

    def groups(self) -> Iterable[tuple[list[Point], list[Place]]]:
        """Yield points with the places that only they supply; points that share a place go together."""
        group_of: dict[Point, set[Point]] = {point: {point} for point in self.points}
        for points in self._points_of.values():
            merged = set().union(*(group_of[point] for point in points)) if points else set()
            for point in merged:
                group_of[point] = merged
        for group in {tuple(sorted(group)) for group in group_of.values()}:
            places = [place for place, points in self._points_of.items() if points and points[0] in group]
            yield list(group), places

    def bounds(self, places: list[Place]) -> tuple[Values, Values]:
        """Return the least and the most that can have left until the end of each bucket."""
        least, most = [0.0] * len(self._files.periods), [0.0] * len(self._files.periods)
        unseen = len(self._files.periods)
        for place in places:
            arrive = [
                [self._files.buckets.arrival(index, lead) for index in self._files.periods]
                for lead in self._leads[place]
            ]
            unseen = min(
                [unseen, *(index for line in arrive for index, at in enumerate(line) if at >= len(line))]
            )
            for at, quantity in enumerate(self._delivered[place]):
                if quantity:
                    earliest, latest = _window(arrive, at)
                    for index in self._files.periods:
                        most[index] += quantity if index >= earliest else 0.0
                        least[index] += quantity if index >= latest else 0.0
        # What leaves later than this arrives after the last bucket, where no series shows it.
        return least, [value if index < unseen else float("inf") for index, value in enumerate(most)]


def _window(arrive: list[list[int]], at: int) -> tuple[int, int]:
    """Return the first and the last bucket from which goods can arrive in bucket `at`.

    Where no bucket leads there, nothing that leaves accounts for the arrival: it is set against the first.
    """
    leaving = [index for line in arrive for index, there in enumerate(line) if there == at]
    return (min(leaving), max(leaving)) if leaving else (0, 0)


def _nothing(files: Files) -> Flows:
    return defaultdict(lambda: [0.0 for _ in files.periods])


def _add(line: Values, more: Values) -> None:
    for index, value in enumerate(more):
        line[index] += value
