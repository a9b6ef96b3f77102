"""Where goods can be: the stock points that demand reaches, and the ways to fill them (rules P2, P5)."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from app.exchange.dataset import Dataset
from app.services.planning.horizon import Horizon
from app.services.planning.lookup import Row, text
from app.services.planning.notes import Notes
from app.services.planning.structure import Recipe, Structure

Point = tuple[str, str]


@dataclass(frozen=True)
class Make:
    """Production of an item at a site, as one row of `production` allows it."""

    point: Point
    row: Row
    recipe: Recipe

    @property
    def inputs(self) -> tuple[Point, ...]:
        """The stock points drawn from."""
        return tuple((component, self.point[1]) for component in self.recipe.components)


@dataclass(frozen=True)
class Buy:
    """Purchase from a supplier into a stock point, as one row of `supplier_item` allows it."""

    point: Point
    row: Row


@dataclass(frozen=True)
class Move:
    """Transfer of an item between two stocking sites over one row of `lane`."""

    point: Point
    origin: Point
    row: Row


@dataclass(frozen=True)
class Network:
    """Stock points (item, site) and the activities between them."""

    points: tuple[Point, ...]
    makes: tuple[Make, ...]
    buys: tuple[Buy, ...]
    moves: tuple[Move, ...]

    @cached_property
    def index(self) -> dict[Point, int]:
        """Row of each point."""
        return {point: row for row, point in enumerate(self.points)}


def stocking_sites(dataset: Dataset) -> tuple[str, ...]:
    """Return the plants and warehouses, in order."""
    return tuple(str(row["site"]) for row in dataset.entities["site"] if row["kind"] != "ship_to")


class NetworkBuilder:
    """Walks from the points that are sold from up to raw material, then drops what cannot be obtained."""

    def __init__(self, dataset: Dataset, horizon: Horizon, structure: Structure, notes: Notes) -> None:
        """Index the rows valid in any planned bucket."""
        self._structure, self._notes = structure, notes
        stocking = set(stocking_sites(dataset))
        self._production = _rows(dataset.entities["production"], horizon, "item", "site")
        self._offers = _rows(dataset.entities["supplier_item"], horizon, "item", "site")
        lanes = [row for row in dataset.entities["lane"] if {row["from_site"], row["to_site"]} <= stocking]
        self._lanes = _rows(lanes, horizon, "to_site", "item")

    def build(self, sold: Iterable[Point], stocked: Iterable[Point]) -> Network:
        """Return the network above the points `sold` from; `stocked` points hold goods without any source."""
        makes, moves, used = self._walk(list(sold))
        wanted = set(sold) | used
        buys = [buy for point in _points(sold, makes, moves) for buy in self._buys(point, point in wanted)]
        held = set(stocked)
        obtainable = _obtainable(held, makes, buys, moves)
        self._report(sold, makes, obtainable)
        makes = [make for make in makes if obtainable.issuperset(make.inputs)]
        moves = [move for move in moves if move.origin in obtainable]
        points = {*sold, *held, *(p for p in _points(sold, makes, moves) if p in obtainable)}
        kept = tuple(buy for buy in buys if buy.point in points)
        return Network(tuple(sorted(points)), tuple(makes), kept, tuple(moves))

    def _walk(self, sold: Sequence[Point]) -> tuple[list[Make], list[Move], set[Point]]:
        """Return every way to make or move what the points need, and the points that making draws from."""
        makes: list[Make] = []
        moves: list[Move] = []
        used: set[Point] = set()
        seen, queue = set(sold), deque(sorted(set(sold)))
        while queue:
            point = queue.popleft()
            made, moved = self._makes(point), self._moves(point)
            makes += made
            moves += moved
            drawn = [source for make in made for source in make.inputs]
            used.update(drawn)
            for source in [*drawn, *(move.origin for move in moved)]:
                if source not in seen:
                    seen.add(source)
                    queue.append(source)
        return makes, moves, used

    def _makes(self, point: Point) -> list[Make]:
        rows = self._production.get(point, [])
        return [Make(point, row, self._structure.recipe(*point)) for row in rows]

    def _moves(self, point: Point) -> list[Move]:
        """Return the transfers into a point; a lane stated for the item goes before one for all items."""
        item, site = point
        own = self._lanes.get((site, item), [])
        stated = {row["from_site"] for row in own}
        general = [row for row in self._lanes.get((site, None), []) if row["from_site"] not in stated]
        return [Move(point, (item, str(row["from_site"])), row) for row in [*own, *general]]

    def _buys(self, point: Point, wanted: bool) -> list[Buy]:
        """Return the offers for a point; an offer for all sites counts where the item is used or sold."""
        item, site = point
        rows = self._offers.get((item, site), []) + (self._offers.get((item, None), []) if wanted else [])
        return [Buy(point, row) for row in rows]

    def _report(self, sold: Iterable[Point], makes: Sequence[Make], obtainable: set[Point]) -> None:
        for item, site in set(sold) - obtainable:
            self._notes.add("no-source", f"{item}|{site}", f"{item} is sold from {site}, but has no source.")
        for make in makes:
            for component, site in set(make.inputs) - obtainable:
                self._notes.add(
                    "no-source",
                    f"{component}|{site}",
                    f"{component} is used at {site}, but has no source: {make.point[0]} is not made there.",
                )


def _obtainable(
    held: set[Point], makes: Sequence[Make], buys: Sequence[Buy], moves: Sequence[Move]
) -> set[Point]:
    """Return the points that goods can get to: held, bought, or made or moved from such points."""
    found = held | {buy.point for buy in buys}
    ways = [(make.point, set(make.inputs)) for make in makes]
    ways += [(move.point, {move.origin}) for move in moves]
    while ways:
        reached = {point for point, inputs in ways if inputs <= found}
        if reached <= found:
            break
        found |= reached
        ways = [way for way in ways if way[0] not in found]
    return found


def _points(sold: Iterable[Point], makes: Sequence[Make], moves: Sequence[Move]) -> list[Point]:
    drawn = {source for make in makes for source in make.inputs}
    return sorted(
        {*sold, *drawn, *(m.point for m in makes), *(m.point for m in moves), *(m.origin for m in moves)}
    )


def _rows(rows: Iterable[Row], horizon: Horizon, *columns: str) -> Mapping[tuple[str | None, ...], list[Row]]:
    grouped: dict[tuple[str | None, ...], list[Row]] = defaultdict(list)
    for row in rows:
        if np.any(horizon.valid(row)):
            grouped[tuple(text(row, column) for column in columns)].append(row)
    return grouped
