"""Series of a data set by key, cut to the planned buckets."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from app.exchange.dataset import Dataset, SeriesKey
from app.services.planning.horizon import Horizon
from app.vocabulary import DIMENSIONS

Values = npt.NDArray[np.float64]
Codes = dict[str, str | None]


class SeriesIndex:
    """Finds input series by measure and codes; (T,) over the planned buckets, NaN where nothing is said."""

    def __init__(self, dataset: Dataset, horizon: Horizon) -> None:
        """Index all series of the data set."""
        self._horizon = horizon
        self._rows: dict[tuple[str, SeriesKey], npt.NDArray[np.float64]] = {
            (block.measure, key): row
            for block in dataset.series
            for key, row in zip(block.keys, block.values, strict=True)
        }
        self._keys = {block.measure: block.keys for block in dataset.series}

    def cell(self, measure: str, **codes: str) -> Values:
        """Return the series of a key (T,); all NaN where there is none."""
        planned: Values = self._horizon.planned(self._full(measure, series_key(**codes))[None, :])[0]
        return planned

    def at_plan_date(self, measure: str, **codes: str) -> float:
        """Return the last value known when the first open bucket starts or given for it; 0 if none."""
        row = self._full(measure, series_key(**codes))[: self._horizon.calendar.first_open + 1]
        known = row[~np.isnan(row)]
        return float(known[-1]) if known.size else 0.0

    def past_rate(self, measure: str, **codes: str) -> float:
        """Return the value per day of the last past bucket that has one; NaN if none."""
        first = self._horizon.calendar.first_open
        row = self._full(measure, series_key(**codes))[:first]
        known = np.flatnonzero(~np.isnan(row))
        return float(row[known[-1]] / self._horizon.calendar.days[known[-1]]) if known.size else np.nan

    def planned(self, measure: str) -> Iterator[tuple[Codes, Values]]:
        """Yield every series of a measure with its codes: (T,), NaN where nothing is said."""
        for key in self._keys.get(measure, ()):
            yield (
                dict(zip(DIMENSIONS, key, strict=True)),
                self._horizon.planned(self._rows[measure, key][None, :])[0],
            )

    def receipts(self, measure: str) -> Iterator[tuple[Codes, Values]]:
        """Yield every series of a measure with its codes: (T,), past due in the first bucket, no gaps."""
        first = self._horizon.calendar.first_open
        for key in self._keys.get(measure, ()):
            row = np.nan_to_num(self._rows[measure, key])
            coming = np.nan_to_num(self._horizon.planned(row[None, :])[0])
            coming[0] += row[:first].sum()
            yield dict(zip(DIMENSIONS, key, strict=True)), coming

    def _full(self, measure: str, key: SeriesKey) -> Values:
        nothing = np.full(len(self._horizon.calendar), np.nan)
        return self._rows.get((measure, key), nothing)


def series_key(**codes: str | None) -> SeriesKey:
    """Return the key in the order of DIMENSIONS of the codes given by dimension name."""
    return tuple(codes.get(name) for name in DIMENSIONS)
