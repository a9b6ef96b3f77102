"""The figures of an answer before they are added up: values, and the weights of a quotient, step by step.

On the calendar's buckets they are brought under labels; then, where buckets are divided, to the periods of
the answer. All that reference data say about it is read at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.access import Scope
from app.services.views.aggregate import FloatArray, Period, aggregate, group_index
from app.services.views.calendars import KINDS, Timing, WorkingTime
from app.services.views.filters import Selection
from app.services.views.keyed import Keyed
from app.services.views.levels import Label, Labels
from app.services.views.units import PRICE, SHARE, Telling, unit_kinds
from app.services.views.weights import weights_for
from app.store.branches import Commit
from app.store.database import Transaction
from app.store.entities import read_entities
from app.store.series import SeriesFrame
from app.vocabulary import Calendar, Measure

Rows = Mapping[str, Sequence[Mapping[str, object]]]


@dataclass(frozen=True, slots=True)
class Figures:
    """Values (n, T) of the series of `frame`, and the weights (n, T) of a quotient."""

    frame: Keyed
    values: FloatArray
    weights: FloatArray | None = None

    def under(self, labels: Labels) -> "Figures":
        """Return them as rows for the labels of their series."""
        weights = None if self.weights is None else labels.spread(self.weights)
        return Figures(self.frame.take(labels.source), labels.spread(self.values), weights)


@dataclass(frozen=True, slots=True)
class Question:
    """What figures are wanted of: a measure at a state, in periods."""

    measure: Measure
    state: Commit
    calendar: Calendar
    timing: Timing
    spans: tuple[Period, ...]
    chosen: Selection = field(default_factory=Selection)
    unit: str | None = None

    async def reference(self, tx: Transaction, kinds: set[str]) -> Rows:
        """Read `kinds` and what else the question depends on, at once."""
        wanted = kinds | (set(KINDS) if self.timing.divides else set())
        if self.unit is not None:
            wanted |= unit_kinds(self.measure, self.unit)
        return await read_entities(tx, self.state, sorted(wanted)) if wanted else {}

    async def figures(
        self, tx: Transaction, frame: SeriesFrame, rows: Rows, *, summed: bool = True
    ) -> Figures:
        """Return the figures of a frame in the unit asked for; those that are `summed` with their weights.

        Raises `GroupingUndefined` for a quotient without a denominator, `UnitUndefined` for an unknown unit.
        """
        weights = await weights_for(tx, self.state, self.measure, frame, self.chosen) if summed else None
        return self.told(tx.scope, Figures(frame, frame.values, weights), rows)

    def told(self, scope: Scope, figures: Figures, rows: Rows) -> Figures:
        """Return figures in the unit asked for; raises `UnitUndefined` where something is not known."""
        if self.unit is None:
            return figures
        telling = Telling(scope, self.measure, self.unit, rows)
        values, weights = figures.values, figures.weights
        if self.measure.unit == SHARE and weights is not None and "item" in self.measure.grain:
            return Figures(figures.frame, values, weights * telling.sizes(figures.frame))
        factors = telling.factors(figures.frame, self.calendar)
        if weights is not None and self.measure.unit == PRICE:
            weights = weights / factors
        return Figures(figures.frame, values * factors, weights)

    def added_up(self, figures: Figures, labels: Labels, rows: Rows) -> tuple[list[Label], FloatArray]:
        """Return the distinct labels, and the measure (groups, P) of each by period."""
        labelled = figures.under(labels)
        values, weights = labelled.values, labelled.weights
        if self.timing.divides:
            working = WorkingTime(self.calendar, self.spans, rows)
            values, weights = working.convert(self.measure, labelled.frame, values, weights)
        groups, index = group_index(labels.labels)
        return groups, aggregate(self.measure, values, index, len(groups), spans=self.spans, weights=weights)
