"""Deliveries, backlog and what is not supplied, against net demand; and who supplies a ship-to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.checker.files import Files, Row, Values
from app.checker.lookups import valid
from app.checker.report import Report, at_most, close

Place = tuple[str, str, str]
"""Item, ship-to (empty where the customer names none), customer."""


def check_demand(files: Files, report: Report) -> None:
    """Check that deliveries, backlog and unmet demand make up net demand, and nothing is delivered early."""
    for place in sorted({*files.series("netDemand"), *files.series("constrainedDemand")}):
        asked = files.values("netDemand", place)
        delivered, unmet, backlog = (
            files.values(measure, place) for measure in ("constrainedDemand", "unmetDemand", "backlog")
        )
        open_demand = 0.0
        for index in files.periods:
            where = (place[0], f"{place[1]} for {place[2]}", str(files.buckets.open[index]))
            lost = at_most(unmet[index], asked[index])
            report.require("unmet demand", lost, where, f"at most {asked[index]:g}", unmet[index])
            open_demand += asked[index] - unmet[index] - delivered[index]
            early = at_most(-open_demand, 0.0)
            allowed = delivered[index] + open_demand
            report.require("no early delivery", early, where, f"at most {allowed:g}", delivered[index])
            stated = close(max(open_demand, 0.0), backlog[index])
            report.require("demand balance", stated, where, max(open_demand, 0.0), backlog[index])
    _check_answers(files, report)


def _check_answers(files: Files, report: Report) -> None:
    """Check that what a customer is told is what is planned to be delivered to all its ship-tos."""
    delivered: dict[tuple[str, ...], Values] = {
        key: [0.0 for _ in files.periods] for key in files.series("supplyAnswer")
    }
    for (item, _, customer), line in delivered_series(files).items():
        total = delivered.setdefault((item, customer), [0.0 for _ in files.periods])
        for index, quantity in enumerate(line):
            total[index] += quantity
    for key, line in sorted(delivered.items()):
        answer = files.values("supplyAnswer", key)
        for index, quantity in enumerate(line):
            where = (key[0], key[1], str(files.buckets.open[index]))
            report.require("supply answer", close(quantity, answer[index]), where, quantity, answer[index])


@dataclass(frozen=True, slots=True)
class Route:
    """A stocking site that supplies a place, and its lane; None where goods are fetched from the site."""

    site: str
    lane: Row | None

    @property
    def lead_days(self) -> float:
        """Transit in days."""
        return float(self.lane["lead_time_days"]) if self.lane is not None else 0.0


class Routes:
    """Which site supplies which ship-to: over the valid lane of the lowest priority number."""

    def __init__(self, files: Files) -> None:
        """Index sites and lanes."""
        self._files = files
        self._stocking = [row["site"] for row in files.rows("site") if row["kind"] != "ship_to"]

    def of(self, place: Place, index: int) -> Route | None:
        """Return the route of requests in an open bucket; None where no lane leads there."""
        item, ship_to, _ = place
        if ship_to in self._stocking:
            return Route(ship_to, None)
        if not ship_to:
            return Route(self._stocking[0], None) if len(self._stocking) == 1 else None
        lanes = sorted(self._lanes(item, ship_to), key=lambda row: (row["priority"], row["item"] is None))
        row = next((row for row in lanes if valid(row, self._files.buckets.open[index])), None)
        return Route(row["from_site"], row) if row is not None else None

    def all_of(self, place: Place) -> list[Route]:
        """Return every route that a place has over the open buckets."""
        routes: dict[tuple[str, float], Route] = {}
        for index in self._files.periods:
            route = self.of(place, index)
            if route is not None:
                routes.setdefault((route.site, route.lead_days), route)
        return list(routes.values())

    def _lanes(self, item: str, ship_to: str) -> Iterator[Row]:
        for row in self._files.matching("lane", to_site=ship_to):
            if row["from_site"] in self._stocking and row["item"] in {None, item}:
                yield row


def delivered_series(files: Files) -> dict[Place, Values]:
    """Return what each place gets, by bucket of delivery."""
    return {
        (key[0], key[1], key[2]): files.values("constrainedDemand", key)
        for key in files.series("constrainedDemand")
    }
