"""Two states side by side: which measures differ, in which series, in which cells."""

from datetime import date
from typing import Annotated

import strawberry
from strawberry.types import Info

from app.services import compare as service
from schema.context import Context
from schema.internal.at import chosen_at
from schema.internal.history import Commit
from schema.internal.series import with_codes
from schema.internal.vocabulary import MeasureName
from schema.types.at import PlanAt
from schema.types.connections import (
    DEFAULT_PAGE,
    AfterArgument,
    Connection,
    FirstArgument,
    connection,
    page_size,
    resume_key,
)
from schema.types.fields import served


@strawberry.type(description="What changed in one measure.")
class MeasureChange:
    """Serves the service's `MeasureChange`."""

    measure: MeasureName = strawberry.field(description="The measure.")
    unit: str = strawberry.field(description="Its unit.")
    series: int = strawberry.field(description="Series that differ, of those that your role may read.")
    cells: int = strawberry.field(description="Cells that differ.")
    net: float | None = strawberry.field(
        description="Target less base over all differing cells; "
        "null for a measure that does not add up over time."
    )
    absolute: float | None = strawberry.field(
        description="Sum of the absolute differences; null for a measure that does not add up over time."
    )


@strawberry.type(description="A bucket in which a series differs.")
class CellChange:
    """Serves the service's `CellChange`."""

    start: date = strawberry.field(description="First day of the bucket.")
    end: date = strawberry.field(description="First day after it.")
    base: float | None = strawberry.field(description="Value in the base; null where there is none.")
    target: float | None = strawberry.field(description="Value in the target; null where there is none.")


@strawberry.type(description="A series that differs between the two states.")
@with_codes
class SeriesChange:
    """Serves the service's `SeriesChange`."""

    measure: MeasureName = strawberry.field(description="The measure.")
    cells: list[CellChange] = strawberry.field(description="Its buckets that differ, oldest first.")


MeasuresArgument = Annotated[
    list[MeasureName] | None, strawberry.argument(description="Only these measures; null means all.")
]


def _summary(
    root: strawberry.Parent[service.Comparison], measures: MeasuresArgument = None
) -> list[service.MeasureChange]:
    return service.measure_changes(root, measures)


def _series(
    root: strawberry.Parent[service.Comparison],
    info: Info[Context, None],
    measures: MeasuresArgument = None,
    first: FirstArgument = DEFAULT_PAGE,
    after: AfterArgument = None,
) -> Connection[service.SeriesChange]:
    limit, key = page_size(first), resume_key(info, after)
    return connection(info, service.series_changes(root, measures, limit, key))


@strawberry.type(
    description="Two states compared by date; a series that only one of them has differs in every bucket."
)
class Comparison:
    """Serves the service's `Comparison`."""

    base: Commit = strawberry.field(description="The state compared with.")
    target: Commit = strawberry.field(description="The state compared.")
    summary: list[MeasureChange] = served(_summary, description="The measures that differ, by name.")
    series: Connection[SeriesChange] = served(
        _series, description="The series that differ, with their cells."
    )


BaseArgument = Annotated[PlanAt, strawberry.argument(description="The state to compare with.")]
TargetArgument = Annotated[PlanAt, strawberry.argument(description="The state to compare.")]


async def resolve_compare(
    info: Info[Context, None], base: BaseArgument, target: TargetArgument
) -> service.Comparison:
    """Return the two states, ready to be compared."""
    async with info.context.read() as tx:
        return await service.comparison(tx, chosen_at(info, base), chosen_at(info, target))
