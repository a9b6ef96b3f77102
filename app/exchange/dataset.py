"""The dataset in memory: typed rows of reference data, and blocks of series over the calendar's buckets."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from app.exchange.findings import Finding
from app.vocabulary import Calendar, Parameters, build_calendar

Row = dict[str, object]
SeriesKey = tuple[str | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SeriesBlock:
    """All series of one measure: a key per row, in the order of DIMENSIONS (None where the grain lacks it).

    `values` is float64 (n, T) over all T buckets of the calendar, in the measure's unit; NaN = no value.
    """

    measure: str
    keys: list[SeriesKey]
    values: npt.NDArray[np.float64]

    @property
    def cells(self) -> int:
        """Number of values stated."""
        return int(np.count_nonzero(~np.isnan(self.values)))


@dataclass(frozen=True, eq=False)
class Dataset:
    """Everything one import holds, checked: `entities` by kind (every kind is there), `series` by measure.

    A row has every column of its kind: date, float, int, bool or str, None where there is neither value nor
    default. Codes of other rows that it names exist.
    """

    entities: dict[str, list[Row]]
    series: list[SeriesBlock]

    @cached_property
    def parameters(self) -> Parameters:
        """The planning parameters, typed, defaults filled in; raises ValueError where one is refused."""
        rows = self.entities.get("planning_parameter", [])
        return Parameters.of_texts({str(row["parameter"]): str(row["value"]) for row in rows})

    @cached_property
    def calendar(self) -> Calendar:
        """The buckets that the parameters describe; raises ValueError where they describe none."""
        return build_calendar(self.parameters)

    def block(self, measure: str) -> SeriesBlock | None:
        """Return the series of a measure; None if there are none."""
        return next((block for block in self.series if block.measure == measure), None)


@dataclass(frozen=True, slots=True)
class DatasetResult:
    """What reading gave: the dataset (None if there is any error) and all findings.

    `counts` are the source rows taken per entity kind and measure, `left_out` those that a mapping's filter
    or bucket selection passed over.
    """

    dataset: Dataset | None
    findings: tuple[Finding, ...]
    counts: Mapping[str, int]
    left_out: Mapping[str, int]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that refuse the import."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings that let it pass."""
        return tuple(finding for finding in self.findings if finding.severity == "warning")
