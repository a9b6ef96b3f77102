"""Aggregation of series over keys and over time by the measure's rule; pure functions over arrays.

Over keys, quantities and money add up, whatever their rule over time. Over time, `sum` adds up and `last`
takes the last bucket of the period. A quotient (`weighted`, `recompute`) has a denominator that adds up, its
weight: both ways it is sum(value x weight) / sum(weight), which is the quotient of the sums. A quotient
without a weight measure cannot be aggregated, and is refused instead of averaged.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

from app.vocabulary import Bucket, Measure

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Label = TypeVar("Label", bound=Hashable)
Per = Literal["bucket", "week", "month", "quarter", "year", "total"]

WEIGHTS: dict[str, tuple[str, ...]] = {
    "sellingPrice": ("constrainedDemand", "netDemand", "actualDemand"),
    "purchasePrice": ("purchaseProjection", "openPurchaseOrders", "actualReceipts"),
    "unitCost": ("projectedBalance", "openingStock"),
    "serviceLevel": ("netDemand",),
    "utilization": ("capacityAvailable",),
}
"""The denominators of a quotient, best first: a bucket is weighted by the first that is stated in it."""


@dataclass(frozen=True, slots=True)
class Period:
    """Buckets that are answered as one; a bucket belongs to the period in which it starts."""

    ordinal: int
    first: int
    """Ordinal of the first bucket."""
    beyond: int
    """Ordinal after that of the last bucket."""
    start: date
    end: date

    @property
    def days(self) -> int:
        """Length in calendar days."""
        return (self.end - self.start).days


def is_quotient(measure: Measure) -> bool:
    """Whether sums of the measure mean nothing without a weight."""
    return measure.time_rule in {"weighted", "recompute"}


def periods(buckets: Sequence[Bucket], per: Per) -> tuple[Period, ...]:
    """Return the periods of adjoining buckets; `start` and `end` are those of the buckets that they hold."""
    runs = [list(run) for _, run in groupby(buckets, key=lambda bucket: _period_key(bucket, per))]
    return tuple(
        Period(place, run[0].ordinal, run[-1].ordinal + 1, run[0].start, run[-1].end)
        for place, run in enumerate(runs)
    )


def _period_key(bucket: Bucket, per: Per) -> Hashable:
    start = bucket.start
    keys: dict[str, Hashable] = {
        "bucket": bucket.ordinal,
        "week": (start - date.min).days // 7,
        "month": (start.year, start.month),
        "quarter": (start.year, (start.month - 1) // 3),
        "year": start.year,
        "total": None,
    }
    return keys[per]


def group_index(labels: Sequence[Label]) -> tuple[list[Label], IntArray]:
    """Return the distinct labels in order of first appearance, and for each row the place of its label."""
    places: dict[Label, int] = {}
    index = np.fromiter((places.setdefault(label, len(places)) for label in labels), np.int64, len(labels))
    return list(places), index


def add_up(values: FloatArray, index: IntArray, groups: int) -> FloatArray:
    """Return sums (groups, T) of the rows of `values` (n, T); NaN where no row of the group has a value."""
    result = np.full((groups, values.shape[1]), np.nan)
    if not len(values):
        return result
    order = np.argsort(index, kind="stable")
    ordered, rows = index[order], values[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    held = ~np.isnan(rows)
    sums = np.add.reduceat(np.where(held, rows, 0.0), starts, axis=0)
    known = np.logical_or.reduceat(held, starts, axis=0)
    result[ordered[starts]] = np.where(known, sums, np.nan)
    return result


def over_time(values: FloatArray, spans: Sequence[Period], rule: str) -> FloatArray:
    """Return `values` (n, T) by period (n, P): the last bucket's under `last`, else the sum."""
    if rule == "last":
        return values[:, [span.beyond - 1 for span in spans]]
    columns = np.repeat(np.arange(len(spans)), [span.beyond - span.first for span in spans])
    first = spans[0].first if spans else 0
    if len(columns) == len(spans):
        return values[:, first : first + len(columns)]
    window = values[:, first : first + len(columns)]
    return add_up(window.T, columns.astype(np.int64), len(spans)).T


def aggregate(
    measure: Measure,
    values: FloatArray,
    index: IntArray,
    groups: int,
    *,
    spans: Sequence[Period],
    weights: FloatArray | None = None,
) -> FloatArray:
    """Return the measure (groups, P) of `values` (n, T) by group and period.

    A quotient takes `weights` (n, T), aligned with `values`; it is NaN where the weights add up to nothing.
    """
    if not is_quotient(measure):
        return over_time(add_up(values, index, groups), spans, measure.time_rule)
    if weights is None:
        raise ValueError(f"{measure.name} is a quotient and cannot be aggregated without weights")
    known = ~(np.isnan(values) | np.isnan(weights))
    product = np.where(known, values * np.where(known, weights, 0.0), np.nan)
    above = over_time(add_up(product, index, groups), spans, "sum")
    below = over_time(add_up(np.where(known, weights, np.nan), index, groups), spans, "sum")
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(below > 0, above / below, np.nan)


def first_stated(arrays: Sequence[FloatArray]) -> FloatArray:
    """Return, bucket by bucket, the first of the arrays (n, T) that states anything there.

    Not cell by cell: where deliveries are stated at all, a series without one has delivered nothing.
    """
    result = arrays[0].copy()
    for array in arrays[1:]:
        silent = np.isnan(result).all(axis=0)
        result[:, silent] = array[:, silent]
    return result
