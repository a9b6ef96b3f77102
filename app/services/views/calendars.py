"""Values brought from buckets to the periods of an answer: where a bucket starts, or by working time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from app.dimensions.working_time import Sharing, calendar_periods, sharing
from app.services.views.aggregate import FloatArray, Per, Period, group_index, periods
from app.services.views.keyed import Keyed
from app.vocabulary import Bucket, Calendar, Measure

Rows = Mapping[str, Sequence[Mapping[str, object]]]
KINDS = ("holiday", "resource")
"""Reference data that working time depends on."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The periods of an answer; `by_working_time` shares buckets out over them."""

    per: Per
    by_working_time: bool = False

    @property
    def divides(self) -> bool:
        """Whether buckets are divided."""
        return self.by_working_time and self.per != "bucket"

    def spans(self, calendar: Calendar) -> tuple[Period, ...]:
        """Return the periods; where buckets are divided, each is the only bucket of itself."""
        if self.per == "bucket" or not self.by_working_time:
            return periods(calendar.buckets, self.per)
        found = calendar_periods(calendar, self.per)
        return tuple(Period(p.ordinal, p.ordinal, p.ordinal + 1, p.start, p.end) for p in found)


class WorkingTime:
    """Shares buckets out over periods, each series by the working days of its own site."""

    def __init__(self, calendar: Calendar, spans: Sequence[Period], rows: Rows) -> None:
        """Read the holidays; a series without a site goes by those that hold everywhere."""
        self._buckets = calendar.buckets
        self._periods = [Bucket(span.ordinal, span.start, span.end) for span in spans]
        self._everywhere = frozenset(_days(row for row in rows["holiday"] if row["site"] is None))
        self._own = {
            str(site): frozenset(_days(row for row in rows["holiday"] if row["site"] == site))
            for site in {row["site"] for row in rows["holiday"]} - {None}
        }
        self._sites = {str(row["resource"]): str(row["site"]) for row in rows["resource"]}
        self._known: dict[frozenset[date], Sharing] = {}

    def convert(
        self, measure: Measure, frame: Keyed, values: FloatArray, weights: FloatArray | None
    ) -> tuple[FloatArray, FloatArray | None]:
        """Return values and weights (n, P) of series (n, T); a quotient's are those of its sums."""
        width = len(self._periods)
        made = np.full((len(values), width), np.nan)
        weighing = None if weights is None else np.full((len(values), width), np.nan)
        holidays, index = group_index([self._holidays(site) for site in self._sites_of(measure, frame)])
        for place, free in enumerate(holidays):
            mine = index == place
            shared = self._sharing(free)
            if weights is None or weighing is None:
                made[mine] = shared.convert(values[mine], measure.time_rule)
            else:
                made[mine], weighing[mine] = _quotient(shared, values[mine], weights[mine])
        return made, weighing

    def _sites_of(self, measure: Measure, frame: Keyed) -> list[str | None]:
        if "resource" in measure.grain:
            return [self._sites.get(str(code)) for code in frame.column("resource")]
        return frame.column("site") if "site" in measure.grain else [None] * len(frame)

    def _holidays(self, site: str | None) -> frozenset[date]:
        return self._everywhere | self._own.get(str(site), frozenset())

    def _sharing(self, holidays: frozenset[date]) -> Sharing:
        if holidays not in self._known:
            self._known[holidays] = sharing(self._buckets, self._periods, holidays)
        return self._known[holidays]


def _days(rows: Iterable[Mapping[str, object]]) -> Iterator[date]:
    return (day for row in rows if isinstance(day := row["date"], date))


def _quotient(shared: Sharing, values: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return a quotient and its denominator by period: the quotient of what each period gets of both."""
    known = ~(np.isnan(values) | np.isnan(weights))
    above = shared.convert(np.where(known, values * np.where(known, weights, 0.0), np.nan), "sum")
    below = shared.convert(np.where(known, weights, np.nan), "sum")
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(below > 0, above / below, np.nan), below
