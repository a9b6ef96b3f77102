"""The plan in a few lines per period: demand, deliveries, money, stock, service, load."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.errors import NotGranted
from app.services.grants import reads_in_part, reads_kind, reads_measure
from app.services.views.aggregate import WEIGHTS, FloatArray, Per, Period, aggregate, is_quotient, periods
from app.services.views.plans import PlanView
from app.services.views.weights import aligned_weights
from app.store.database import Transaction
from app.store.entities import read_entities
from app.store.series import SeriesFrame, read_series
from app.vocabulary import MEASURES

FIGURES: Mapping[str, str] = {
    "demand": "netDemand",
    "volume": "constrainedDemand",
    "backlog": "backlog",
    "unmet": "unmetDemand",
    "revenue": "revenue",
    "margin": "contributionMargin",
    "inventory_value": "inventoryValue",
    "service": "serviceLevel",
    "utilization": "utilization",
}
"""The measure behind each figure."""


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """Figures (P,) by period from the plan date on; those that the role may not read are not there.

    `partial` says that some of them hold only the part that the role reads.
    """

    currency: str | None
    partial: bool
    periods: tuple[Period, ...]
    figures: Mapping[str, FloatArray]

    def figure(self, name: str) -> FloatArray:
        """Return a figure; raises `NotGranted` where the role may not read its measure."""
        if name not in self.figures:
            raise NotGranted(measure=FIGURES[name])
        return self.figures[name]


async def plan_summary(tx: Transaction, plan: PlanView, per: Per) -> PlanSummary:
    """Return the summary over everything that the role reads; one read for all series."""
    spans = periods(plan.calendar.open_buckets, per)
    figures = {name: measure for name, measure in FIGURES.items() if reads_measure(tx.scope, measure)}
    needed = {*figures.values(), *(weight for m in figures.values() for weight in WEIGHTS.get(m, ()))}
    readable = sorted(name for name in needed if reads_measure(tx.scope, name))
    frame = await read_series(tx, plan.state, measures=readable) if readable else None
    return PlanSummary(
        currency=await _currency(tx, plan),
        partial=any(reads_in_part(tx.scope, measure) for measure in figures.values()),
        periods=spans,
        figures={} if frame is None else {name: _total(frame, m, spans) for name, m in figures.items()},
    )


def _total(frame: SeriesFrame, name: str, spans: Sequence[Period]) -> FloatArray:
    """Return one measure over all its series, by period (P,)."""
    measure = MEASURES[name]
    mine = _of(frame, [name])
    weights = None
    if is_quotient(measure):
        weights = aligned_weights(measure, WEIGHTS[name], mine, _of(frame, WEIGHTS[name]))
    index = np.zeros(len(mine), dtype=np.int64)
    total: FloatArray = aggregate(measure, mine.values, index, 1, spans=spans, weights=weights)[0]
    return total


def _of(frame: SeriesFrame, names: Sequence[str]) -> SeriesFrame:
    return frame.take(np.isin(np.array(frame.column("measure"), dtype=object), list(names)))


async def _currency(tx: Transaction, plan: PlanView) -> str | None:
    """Return the company's currency, where the role may read the planning parameters."""
    if not reads_kind(tx.scope, "planning_parameter"):
        return None
    rows = await read_entities(tx, plan.state, ["planning_parameter"], keys=["currency"])
    return next((str(row["value"]) for row in rows["planning_parameter"]), None)
