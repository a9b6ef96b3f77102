"""Time in a release: the zones of a projection, and figures of one calendar seen on another by date."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from math import ceil

import numpy as np
import numpy.typing as npt

from app.vocabulary import Bucket

Floats = npt.NDArray[np.float64]

FIRM, TRADE_OFF, FORECAST = "firm", "tradeoff", "forecast"
INDICATIVE = "indicative"


def zones(buckets: Iterable[Bucket], plan_date: date, firm_days: int, tradeoff_days: int) -> tuple[str, ...]:
    """Return the zone of every bucket: by the day it starts, both limits counted from the plan date."""
    firm_until, tradeoff_until = (plan_date + timedelta(days=days) for days in (firm_days, tradeoff_days))
    return tuple(
        FIRM if bucket.start < firm_until else TRADE_OFF if bucket.start < tradeoff_until else FORECAST
        for bucket in buckets
    )


def firmness(zone: str) -> str:
    """Return how far a supply answer in this zone binds the host: firm, or indicative."""
    return FIRM if zone == FIRM else INDICATIVE


def order_date(receipt: date, lead_time_days: float) -> date:
    """Return the day to order on for a receipt on `receipt`; part of a day counts as a whole one."""
    return receipt - timedelta(days=ceil(lead_time_days - 1e-9))


def overlap_days(source: Sequence[Bucket], target: Sequence[Bucket]) -> Floats:
    """Return the days that each target bucket (rows) shares with each source bucket (columns)."""
    starts, ends = _edges(source)
    target_starts, target_ends = _edges(target)
    first = np.maximum(target_starts[:, None], starts[None, :])
    last = np.minimum(target_ends[:, None], ends[None, :])
    shared: Floats = np.maximum(last - first, 0).astype(np.float64)
    return shared


def realign(values: Floats, source: Sequence[Bucket], target: Sequence[Bucket]) -> Floats:
    """Return quantities (n, S) of the source buckets for the dates of the target buckets, (n, T).

    A source bucket that lies in several targets is shared out by days. A target bucket that the source
    does not cover to its last day has no comparable figure: NaN. NaN in the source counts as nothing.
    """
    if not source or not target:
        return np.full((len(values), len(target)), np.nan)
    shared = overlap_days(source, target)
    share = shared / np.array([bucket.days for bucket in source], dtype=np.float64)
    whole = shared.sum(axis=1) == np.array([bucket.days for bucket in target])
    moved: Floats = np.nan_to_num(values) @ share.T
    moved[:, ~whole] = np.nan
    return moved


def adjoining(starts: Sequence[date], ends: Sequence[date]) -> tuple[Bucket, ...]:
    """Return the buckets between the given dates (first day, first day after)."""
    return tuple(Bucket(ordinal, *edges) for ordinal, edges in enumerate(zip(starts, ends, strict=True)))


def _edges(buckets: Sequence[Bucket]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    starts = np.array([bucket.start.toordinal() for bucket in buckets], dtype=np.int64)
    ends = np.array([bucket.end.toordinal() for bucket in buckets], dtype=np.int64)
    return starts, ends
