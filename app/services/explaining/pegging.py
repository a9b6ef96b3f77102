"""`pegging`: what a delivery or a start is made of, what a purchase, a start or hours end in (rule 60)."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np

from app.engine.flows import Flows, Intervals, Origin, Use
from app.engine.pegging import Hours, Pegs, Segments, peg_down, peg_hours, peg_up, whole_moves
from app.engine.problem import FloatArray as Values
from app.engine.problem import IntArray, Kind
from app.errors import BadValue, LimitExceeded
from app.services.explaining.cells import LEVELS, Figure, activities_of, check_key, parts_of, require_sight
from app.services.explaining.state import PlanState, plan_state
from app.services.grants import reads_measure, require_measure
from app.services.planning.groups import departures
from app.store.branches import At
from app.store.database import Database, Transaction

Direction = Literal["down", "up"]

DELIVERED = ("constrainedDemand", "supplyAnswer")
STARTED = tuple(LEVELS)
PEGGED: Mapping[Direction, tuple[str, ...]] = {
    "down": (*DELIVERED, "productionPlan", "transfers"),
    "up": (*STARTED, "openingStock", "capacityRequired"),
}
NEEDED = ("purchaseProjection", "productionPlan", "transfers", "netDemand", "projectedBalance")
"""Who asks for pegs has to read all of these: a chain goes through them."""
MOST = 5_000
NAMES: Mapping[Direction, Mapping[int, str]] = {
    "down": {Origin.OPENING: "opening", Origin.RECEIPT: "receipt", Origin.BYPRODUCT: "by_product"},
    "up": {Use.DELIVERY: "delivery", Use.SAFETY: "safety", Use.STOCK: "stock", Use.BEYOND: "beyond"},
}
OF_ACTIVITIES: Mapping[Direction, tuple[int, ...]] = {
    "down": (Origin.START, Origin.BYPRODUCT),
    "up": (Use.DRAW, Use.BEYOND),
}
STARTS = {Kind.MAKE: "production", Kind.PURCHASE: "purchase", Kind.TRANSFER: "transfer"}


@dataclass(frozen=True, slots=True)
class Peg:
    """A part of a movement; `parent` is the place in the list of the peg above it, None for a root.

    `quantity` in base units of the item at the site, `share` in units of what was asked about (for hours:
    hours). `partner` is the supplier of a purchase or the origin of a transfer, `into` the item that a start
    draws for (upwards), `rank` the class of a delivery.
    """

    parent: int | None
    depth: int
    kind: str
    item: str
    site: str
    partner: str | None
    into: str | None
    rank: int | None
    start: date
    landing: date | None
    quantity: float
    share: float


@dataclass(frozen=True, slots=True)
class PegHours:
    """Hours that a peg takes; `peg` is its place in the list."""

    peg: int
    resource: str
    start: date
    hours: float


@dataclass(frozen=True, slots=True)
class Pegging:
    """Pegs, parents before children, and the hours they take; `hours` None where the role reads none."""

    quantity: float
    pegs: tuple[Peg, ...]
    hours: tuple[PegHours, ...] | None


async def pegging(
    database: Database, tx: Transaction, at: At | None, figure: Figure, direction: Direction
) -> Pegging:
    """Peg a figure of the reconciled plan at a state, down to its sources or up to its uses.

    Raises NotGranted for a caller who does not read all that a chain goes through, NotFound, BadValue,
    GrainMismatch; Conflict for a state that is no reconciled plan; LimitExceeded for more than MOST pegs.
    """
    for needed in (*NEEDED, figure.measure):
        require_measure(tx.scope, needed)
    check_key(figure, PEGGED[direction])
    state = await plan_state(database, at)
    await require_sight(tx, state, figure)
    bucket = state.bucket(figure.start)
    found = await asyncio.to_thread(pegged, state, figure, direction, bucket)
    return found if reads_measure(tx.scope, "capacityRequired") else Pegging(found.quantity, found.pegs, None)


def pegged(state: PlanState, figure: Figure, direction: Direction, bucket: int) -> Pegging:
    """Peg a figure of a bucket; see `pegging`."""
    with state.lock:
        flows = state.flows()
    if direction == "down":
        roots = (
            _deliveries(state, flows, figure, bucket)
            if figure.measure in DELIVERED
            else _starts(state, flows.withdrawals, figure, bucket, Use.DRAW)
        )
        pegs = peg_down(flows, roots)
    else:
        roots = _entries(state, flows, figure, bucket)
        pegs = peg_up(flows, roots)
    if len(pegs.move) > MOST:
        raise LimitExceeded(what="pegs of one figure:", found=len(pegs.move), limit=MOST)
    scale = _scale(state, flows, figure, roots)
    told = tuple(_peg(state, flows, pegs, place, scale) for place in range(len(pegs.move)))
    total = float(((roots.upper - roots.lower) * scale).sum())
    return Pegging(total, told, _told_hours(state, peg_hours(flows, pegs)))


def _scale(state: PlanState, flows: Flows, figure: Figure, roots: Segments) -> Values:
    """Return what a unit of each root counts in what was asked about: hours of a resource, else itself."""
    if figure.measure != "capacityRequired":
        return np.ones(len(roots.move))
    problem, lots = state.model.problem, flows.lots
    per_level = np.zeros(problem.activities.upper.shape)
    mine = problem.uses.resource == problem.resources.codes.index(figure.codes["resource"])
    np.add.at(per_level, problem.uses.activity[mine], problem.uses.hours[mine])
    activity = lots.row[roots.move]
    hours: Values = per_level[activity, lots.start[roots.move]] / problem.activities.output[activity]
    return hours


def _deliveries(state: PlanState, flows: Flows, figure: Figure, bucket: int) -> Segments:
    """Return the parts of the groups' deliveries that go to a place and arrive in a bucket.

    Within a delivery of a group its places lie side by side in their own order.
    """
    groups, out = state.model.groups, flows.withdrawals
    wanted = set(parts_of(state, figure.codes))
    leaving = departures(groups, state.decisions.deliver, state.decisions.short)
    last = state.model.problem.periods - 1
    found: list[tuple[int, float, float]] = []
    for row in sorted(wanted):
        group = int(groups.part_group[row])
        for leave in np.flatnonzero(np.minimum(groups.parts[row].arrive, last) == bucket).tolist():
            if leaving[row, leave] <= 0:
                continue
            move = _one(out, Use.DELIVERY, group, leave)
            before = leaving[:row][groups.part_group[:row] == group, leave].sum()
            low = float(out.lower[move] + before)
            found.append((move, low, min(low + float(leaving[row, leave]), float(out.upper[move]))))
    return Segments(
        np.array([move for move, _, _ in found], dtype=np.int64),
        np.array([low for _, low, _ in found]),
        np.array([high for _, _, high in found]),
    )


def _one(moves: Intervals, kind: int, row: int, bucket: int) -> int:
    return int(np.flatnonzero((moves.kind == kind) & (moves.row == row) & (moves.bucket == bucket))[0])


def _starts(state: PlanState, moves: Intervals, figure: Figure, bucket: int, kind: int) -> Segments:
    """Return the movements of the activities behind a figure that are started in a bucket."""
    rows = activities_of(state, figure.measure, figure.codes)
    return _of_starts(moves, np.array(rows, dtype=np.int64), bucket, kind)


def _of_starts(moves: Intervals, rows: IntArray, bucket: int, kind: int) -> Segments:
    chosen = (moves.kind == kind) & np.isin(moves.row, rows) & (moves.start == bucket)
    return whole_moves(moves, np.flatnonzero(chosen))


def _entries(state: PlanState, flows: Flows, figure: Figure, bucket: int) -> Segments:
    """Return the lots to peg upwards: of starts, of stock on hand, or of all starts that load a resource."""
    lots, problem = flows.lots, state.model.problem
    if figure.measure == "openingStock":
        stock = state.model.network.index.get((figure.codes["item"], figure.codes["site"]), -1)
        return whole_moves(lots, np.flatnonzero((lots.kind == Origin.OPENING) & (lots.stock == stock)))
    if figure.measure == "capacityRequired":
        resource = np.array(problem.resources.codes) == figure.codes["resource"]
        if not resource.any():
            raise BadValue(field=["key"], expected="a resource of the plan", found=figure.codes["resource"])
        users = problem.uses.activity[resource[problem.uses.resource]]
        return _of_starts(lots, users, bucket, Origin.START)
    return _starts(state, lots, figure, bucket, Origin.START)


def _peg(state: PlanState, flows: Flows, pegs: Pegs, place: int, scale: Values) -> Peg:
    moves = flows.lots if pegs.direction == "down" else flows.withdrawals
    move, model = int(pegs.move[place]), state.model
    kind, row, stock = int(moves.kind[move]), int(moves.row[move]), int(moves.stock[move])
    source = model.sources[row] if kind in OF_ACTIVITIES[pegs.direction] else None
    beyond = stock >= len(model.network.points) and source is not None
    item, site = source.point if beyond and source is not None else model.network.points[stock]
    made = STARTS.get(source.kind, "production") if source is not None else ""
    buckets, landing = model.facts.horizon.buckets, int(moves.bucket[move])
    up = pegs.direction == "up"
    return Peg(
        parent=None if pegs.parent[place] < 0 else int(pegs.parent[place]),
        depth=int(pegs.depth[place]),
        kind=NAMES[pegs.direction].get(kind, made),
        item=item,
        site=site,
        partner=None if source is None else source.partner,
        into=source.item if up and kind == Use.DRAW and source is not None else None,
        rank=model.groups.keys[row][0] if up and kind == Use.DELIVERY else None,
        start=buckets[int(moves.start[move])].start,
        landing=buckets[landing].start if landing < len(buckets) else None,
        quantity=float(pegs.quantity[place]),
        share=float(pegs.share[place] * scale[pegs.root[place]]),
    )


def _told_hours(state: PlanState, hours: Hours) -> tuple[PegHours, ...]:
    codes, buckets = state.model.problem.resources.codes, state.model.facts.horizon.buckets
    rows = zip(hours.peg.tolist(), hours.resource.tolist(), hours.bucket.tolist(), hours.hours, strict=True)
    return tuple(
        PegHours(peg, codes[resource], buckets[bucket].start, float(taken))
        for peg, resource, bucket, taken in rows
        if not codes[resource].startswith("limit|")
    )
