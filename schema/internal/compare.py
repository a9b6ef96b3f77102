"""Two states side by side: which measures differ, in which series, in which cells."""

from datetime import date
from typing import Annotated

import strawberry
from strawberry.types import Info

from app.services import compare as service
from app.services.views import series as views
from schema.context import Context
from schema.internal.at import chosen_at
from schema.internal.history import Commit
from schema.internal.series import (
    DivideArgument,
    GroupByArgument,
    LevelsArgument,
    MeasureArgument,
    PerArgument,
    SeriesConnection,
    StructureArgument,
    UnitArgument,
    as_connection,
    chosen_grouping,
    followed_links,
    with_codes,
)
from schema.internal.trade import Attribution, resolve_attribution
from schema.internal.vocabulary import Divide, MeasureName, Per, per_name
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


async def _summary(
    root: strawberry.Parent[service.Comparison],
    info: Info[Context, None],
    measures: MeasuresArgument = None,
    unit: UnitArgument = None,
) -> list[service.MeasureChange]:
    async with info.context.read() as tx:
        told = await service.told_in_unit(tx, root, measures, unit)
    return service.measure_changes(told, measures, unit)


async def _series(
    root: strawberry.Parent[service.Comparison],
    info: Info[Context, None],
    *,
    measures: MeasuresArgument = None,
    unit: UnitArgument = None,
    first: FirstArgument = DEFAULT_PAGE,
    after: AfterArgument = None,
) -> Connection[service.SeriesChange]:
    limit, key = page_size(first), resume_key(info, after)
    async with info.context.read() as tx:
        told = await service.told_in_unit(tx, root, measures, unit)
    return connection(info, service.series_changes(told, measures, limit, key))


async def _groups(
    root: strawberry.Parent[service.Comparison],
    info: Info[Context, None],
    *,
    measure: MeasureArgument,
    group_by: GroupByArgument = None,
    levels: LevelsArgument = None,
    structure: StructureArgument = None,
    per: PerArgument = Per.BUCKET,
    divide: DivideArgument = None,
    unit: UnitArgument = None,
    first: FirstArgument = DEFAULT_PAGE,
    after: AfterArgument = None,
) -> SeriesConnection:
    question = views.SeriesQuestion(
        measure=str(measure),
        filter=views.SeriesFilter(),
        grouping=chosen_grouping(group_by or [], levels, structure),
        timing=views.Timing(per_name(per), by_working_time=divide is Divide.WORKING_TIME),
        limit=page_size(first),
        unit=unit,
        after=resume_key(info, after),
        links=followed_links(info),
    )
    async with info.context.read() as tx:
        return as_connection(info, await service.group_changes(tx, root, question))


@strawberry.type(
    description="Two states compared by date; a series that only one of them has differs in every bucket."
)
class Comparison:
    """Serves the service's `Comparison`."""

    base: Commit = strawberry.field(description="The state compared with.")
    target: Commit = strawberry.field(description="The state compared.")
    summary: list[MeasureChange] = served(_summary, description="The measures that differ, by name.")
    attribution: list[Attribution] | None = served(
        resolve_attribution,
        description="Where both are reconciled plans: the change of every total, split over the groups of "
        "inputs that changed (three at most here); null with NOT_GRANTED where your role reads no payoffs.",
    )
    series: Connection[SeriesChange] = served(
        _series, description="The series that differ, with their cells."
    )
    groups: SeriesConnection | None = served(
        _groups,
        description="Target less base of one measure, added up by group and period over the buckets that "
        "both have; null with NOT_GRANTED for a measure that your role may not read.",
    )


BaseArgument = Annotated[PlanAt, strawberry.argument(description="The state to compare with.")]
TargetArgument = Annotated[PlanAt, strawberry.argument(description="The state to compare.")]


async def resolve_compare(
    info: Info[Context, None], base: BaseArgument, target: TargetArgument
) -> service.Comparison:
    """Return the two states, ready to be compared."""
    async with info.context.read() as tx:
        return await service.comparison(tx, chosen_at(info, base), chosen_at(info, target))
