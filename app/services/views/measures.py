"""The measures of the vocabulary, with what the caller's role may do with each."""

from dataclasses import dataclass

from app.access import Scope
from app.services.grants import reads_measure, submits_measure
from app.vocabulary import MEASURES


@dataclass(frozen=True, slots=True)
class MeasureView:
    """A measure as the caller sees it."""

    name: str
    description: str
    unit: str
    grain: tuple[str, ...]
    time_rule: str
    kind: str
    owners: tuple[str, ...]
    readable: bool
    submittable: bool


def measure_views(scope: Scope) -> list[MeasureView]:
    """Return every measure, in the order of the vocabulary."""
    return [
        MeasureView(
            name=measure.name,
            description=measure.doc,
            unit=measure.unit,
            grain=measure.grain,
            time_rule=measure.time_rule,
            kind=measure.kind,
            owners=tuple(measure.owner.split()),
            readable=reads_measure(scope, measure.name),
            submittable=submits_measure(scope, measure.name),
        )
        for measure in MEASURES.values()
    ]
