"""What a planner looks for first: what is late, what is built ahead, what is full (rule P32)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from app.exchange.dataset import Dataset
from app.vocabulary import DIMENSIONS, Bucket

Values = npt.NDArray[np.float64]
Month = tuple[int, int]

NOISE = 0.5
FULL = 99.5


@dataclass(frozen=True, slots=True)
class Late:
    """An item with open demand: since and until which buckets, and the most that was open at once."""

    item: str
    since: Bucket
    until: Bucket | None
    peak: float
    peak_at: Bucket


@dataclass(frozen=True, slots=True)
class BuiltAhead:
    """Stock made earlier and used in a month: quantity, the first bucket it was made in, its main items."""

    month: date
    quantity: float
    since: Bucket
    items: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """A resource that is full: in how many buckets, from which to which, and its overtime hours."""

    resource: str
    full: int
    of: int
    first: Bucket
    last: Bucket
    overtime: float


def open_values(plan: Dataset, measure: str, dimension: str) -> dict[str, Values]:
    """Return a measure's values over the open buckets, gaps as 0, summed to one dimension."""
    block, place = plan.block(measure), DIMENSIONS.index(dimension)
    first = plan.calendar.first_open
    total: dict[str, Values] = defaultdict(lambda: np.zeros(len(plan.calendar) - first))
    if block is not None:
        for key, row in zip(block.keys, block.values, strict=True):
            total[str(key[place])] = total[str(key[place])] + np.nan_to_num(row[first:])
    return dict(total)


def late_items(plan: Dataset) -> tuple[Late, ...]:
    """Return the items with a backlog, the largest peak first."""
    buckets = plan.calendar.open_buckets
    found = []
    for item, backlog in open_values(plan, "backlog", "item").items():
        open_in = np.flatnonzero(backlog > NOISE)
        if open_in.size:
            last, peak = int(open_in[-1]), int(backlog.argmax())
            until = buckets[last + 1] if last + 1 < len(buckets) else None
            found.append(Late(item, buckets[open_in[0]], until, float(backlog[peak]), buckets[peak]))
    return tuple(sorted(found, key=lambda late: (-late.peak, late.item)))


def built_ahead(plan: Dataset) -> tuple[BuiltAhead, ...]:
    """Return what is made in one month to be used in a later one, by month of use.

    Counted per item made and sold, over all sites: stock above the safety stock that production of the plan
    has built up, as it is drawn down. Stock on hand at the plan date is used up first and does not count.
    """
    buckets = plan.calendar.open_buckets
    drawn: dict[Month, dict[str, float]] = defaultdict(dict)
    since: dict[Month, int] = {}
    held, wanted = (open_values(plan, name, "item") for name in ("projectedBalance", "safetyStock"))
    sold = open_values(plan, "netDemand", "item")
    for item in sorted(sold.keys() & open_values(plan, "productionPlan", "item").keys()):
        excess = np.maximum(held.get(item, np.zeros(len(buckets))) - wanted.get(item, 0.0), 0.0)
        built = excess - np.minimum.accumulate(excess)
        for (year, month), (quantity, start) in _draws(built, buckets).items():
            drawn[year, month][item] = quantity
            since[year, month] = min(since.get((year, month), start), start)
    return tuple(
        BuiltAhead(
            month=date(*month, 1),
            quantity=sum(items.values()),
            since=buckets[since[month]],
            items=tuple(sorted(items.items(), key=lambda pair: (-pair[1], pair[0]))),
        )
        for month, items in sorted(drawn.items())
    )


def _draws(built: Values, buckets: Sequence[Bucket]) -> Mapping[Month, tuple[float, int]]:
    """Return per month what is drawn from stock built in earlier months, and when building it began."""
    months = [(bucket.start.year, bucket.start.month) for bucket in buckets]
    draws: dict[Month, tuple[float, int]] = {}
    for month in dict.fromkeys(months[1:]):
        first = months.index(month)
        last = len(months) - 1 - months[::-1].index(month)
        if first == 0:
            continue
        quantity = float(built[first - 1] - built[first : last + 1].min())
        if quantity > NOISE:
            empty = np.flatnonzero(built[:first] <= NOISE)
            start = int(empty[-1]) + 1 if empty.size else 0
            draws[month] = quantity, min(start, first - 1)
    return draws


def bottlenecks(plan: Dataset) -> tuple[Bottleneck, ...]:
    """Return the resources that are full in any bucket, the fullest first."""
    buckets = plan.calendar.open_buckets
    overtime = open_values(plan, "overtime", "resource")
    found = []
    for resource, utilization in open_values(plan, "utilization", "resource").items():
        full = np.flatnonzero(utilization >= FULL)
        if full.size:
            extra = overtime.get(resource)
            hours = 0.0 if extra is None else float(extra.sum())
            first, last = buckets[full[0]], buckets[full[-1]]
            found.append(Bottleneck(resource, full.size, len(buckets), first, last, hours))
    return tuple(sorted(found, key=lambda one: (-one.full, one.resource)))
