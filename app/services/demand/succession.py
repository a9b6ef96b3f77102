"""Successors: the history of an item that is superseded counts for its successor (model rule D4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from app.vocabulary import Calendar

Values = npt.NDArray[np.float64]
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Life:
    """When an item is sold, and which item it follows."""

    supersedes: str | None
    valid_from: date | None
    valid_to: date | None


def inherit_history(
    keys: Sequence[Key], values: Values, lives: Mapping[str, Life]
) -> tuple[list[Key], Values]:
    """Add the history of every predecessor, however far back, to that of its successors.

    `keys` are (item, customer) of the rows of `values` (n, T). Returns the rows plus new ones for successors
    that have no history of their own.
    """
    successors = {life.supersedes: item for item, life in lives.items() if life.supersedes is not None}
    pairs = [(row, heir) for row, (item, _) in enumerate(keys) for heir in _heirs(item, successors)]
    index = {key: row for row, key in enumerate(keys)}
    for row, heir in pairs:
        index.setdefault((heir, keys[row][1]), len(index))
    total = np.full((len(index), values.shape[1]), np.nan)
    total[: len(keys)] = values
    for row, heir in pairs:
        target = total[index[heir, keys[row][1]]]
        added = np.where(np.isnan(values[row]), target, np.nan_to_num(target) + values[row])
        total[index[heir, keys[row][1]]] = added
    return list(index), total


def _heirs(item: str, successors: Mapping[str, str]) -> list[str]:
    """Return the successors of an item in order; a circle ends where it closes."""
    heirs: list[str] = []
    while (item := successors.get(item, "")) and item not in heirs:
        heirs.append(item)
    return heirs


def selling_days(items: Sequence[str], lives: Mapping[str, Life], calendar: Calendar) -> Values:
    """Return the share (n, T) of each bucket's days on which each item is sold.

    An item is sold from `valid_from` until `valid_to`; without an end of its own, a superseded item is sold
    until its successor starts (until the plan date where that says nothing).
    """
    starts_of_heirs = {
        life.supersedes: life.valid_from or calendar.plan_date
        for life in lives.values()
        if life.supersedes is not None
    }
    starts = np.array(calendar.starts, dtype="datetime64[D]")
    ends = np.array([bucket.end for bucket in calendar.buckets], dtype="datetime64[D]")
    unknown = Life(None, None, None)
    span = [
        (life.valid_from or date.min, life.valid_to or starts_of_heirs.get(item) or date.max)
        for item, life in ((item, lives.get(item, unknown)) for item in items)
    ]
    if not span:
        return np.zeros((0, len(calendar)))
    begin = np.array([pair[0] for pair in span], dtype="datetime64[D]")[:, None]
    end = np.array([pair[1] for pair in span], dtype="datetime64[D]")[:, None]
    days = (np.minimum(ends, end) - np.maximum(starts, begin)).astype(np.float64)
    share: Values = np.maximum(days, 0.0) / calendar.days
    return share
