"""Small calendars, keys and conversions for the tests of the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

import numpy as np

from app.store.deltas import SeriesChanges
from app.store.identity import SeriesKey
from app.store.series import SeriesFrame
from app.vocabulary import Bucket, Calendar

Cells = tuple[float | None, ...]


def weeks(count: int, *, start: date = date(2026, 1, 5), past: int = 0) -> Calendar:
    """Return a calendar of weeks, `past` of them before the plan date."""
    days = [start + timedelta(weeks=i) for i in range(count + 1)]
    buckets = tuple(Bucket(i, days[i], days[i + 1]) for i in range(count))
    return Calendar(buckets, days[past])


def stock(item: str, site: str = "S1") -> SeriesKey:
    """Return the key of a stock series."""
    return SeriesKey("projectedBalance", item=item, site=site)


def changes(
    cells: Mapping[SeriesKey, Cells], removed: Iterable[SeriesKey] = (), exact: Iterable[str] = ()
) -> SeriesChanges:
    """Return a change that sets these series."""
    values = np.array([[np.nan if v is None else v for v in row] for row in cells.values()])
    return SeriesChanges(list(cells), values, removed=list(removed), exact=set(exact))


def as_cells(frame: SeriesFrame) -> dict[SeriesKey, Cells]:
    """Return a frame as a dictionary, None = no value."""
    rows = [tuple(None if np.isnan(v) else float(v) for v in row) for row in frame.values]
    return dict(zip(frame.keys, rows, strict=True))


def items(*codes: str) -> dict[str, list[dict[str, object]]]:
    """Return rows for a unit, a site S1 and items with these codes."""
    return {
        "unit": [{"unit": "EA", "name": "each"}],
        "site": [{"site": "S1", "name": "Plant", "kind": "plant"}],
        "item": [{"item": code, "name": code, "type": "finished", "unit": "EA"} for code in codes],
    }
