"""Series: the values of one measure, by key or by group, aligned with the periods that the answer names."""

from collections.abc import Callable, Mapping
from typing import Annotated, Protocol

import strawberry
from strawberry.types import Info

from app.services.views import series as views
from app.services.views.plans import PlanView
from app.services.views.records import LinkTree
from app.vocabulary import DIMENSIONS
from schema.context import Context
from schema.internal.reference import REFERENCE_TYPES, camel, to_node, type_name
from schema.internal.selection import CONNECTION_PATHS, links_by_field
from schema.internal.vocabulary import Divide, GroupBy, MeasureName, Per, Structure, per_name
from schema.types.calendar import Bucket
from schema.types.connections import (
    DEFAULT_PAGE,
    AfterArgument,
    Edge,
    FirstArgument,
    PageInfo,
    connection,
    page_size,
    resume_key,
)
from schema.types.fields import served
from schema.types.node import Node
from schema.types.scalars import Numbers


class Coded(Protocol):
    """What has the key of a series."""

    @property
    def codes(self) -> Mapping[str, str | None]:
        """Codes by level."""


def _link(level: str) -> Callable[..., Node | None]:
    """Return the resolver of the record behind a part of the key."""

    def resolve(root: strawberry.Parent[views.SeriesView]) -> Node | None:
        record = root.links.get(level)
        return None if record is None else to_node(record)

    return resolve


def _code(level: str) -> Callable[..., str | None]:
    """Return the resolver of a part of the key."""

    def resolve(root: strawberry.Parent[Coded]) -> str | None:
        return root.codes.get(level)

    return resolve


def _add(cls: type, name: str, annotation: object, field: object) -> None:
    cls.__annotations__[name] = annotation
    setattr(cls, name, field)


def _code_field(level: str) -> tuple[str, object]:
    """Return the name in the graph and the field of a part of the key."""
    name = camel(level if views.LEVEL_KINDS[level] is None else f"{level}_code")
    words = level.replace("_", " ").capitalize()
    described = f"{words} of the key; null where the series is not kept or grouped by it."
    return name, served(_code(level), name=name, description=described)


def with_codes(cls: type) -> type:
    """Add the codes of a series' key to a type, one for each dimension."""
    for dimension in DIMENSIONS:
        _add(cls, f"{dimension}_code", str | None, _code_field(dimension)[1])
    return cls


def _with_key(cls: type) -> type:
    """Add the parts of a key to a type: the code of each level, and the record where the level is a kind."""
    for level, kind in views.LEVEL_KINDS.items():
        name, field = _code_field(level)
        _add(cls, f"{level}_code", str | None, field)
        if kind is not None:
            described = f"The {type_name(kind)} that `{name}` names; null where your role may not read it."
            link = served(_link(level), name=camel(level), description=described)
            _add(cls, level, REFERENCE_TYPES[kind] | None, link)
    return cls


@strawberry.type(description="The group of a named level of a hierarchy.")
class LevelCode:
    """Serves `LevelCode`."""

    level: str = strawberry.field(description="Level, such as category.")
    code: str | None = strawberry.field(
        description="Code of the group; null for what stands below no group of the level."
    )


@strawberry.type(description="One series: a key, or a group of keys, with its values.")
@_with_key
class Series:
    """Serves `SeriesView`."""

    groups: list[LevelCode] = strawberry.field(
        description="Its groups of the named levels that were asked for by `levels`."
    )
    values: Numbers = strawberry.field(description="Values, one for each of the connection's periods.")


@strawberry.type(description="A page of the series of one measure.")
class SeriesConnection:
    """Serves `SeriesPage` and its page."""

    measure: MeasureName = strawberry.field(description="The measure.")
    unit: str = strawberry.field(
        description="Unit: the one asked for; else UoM is the base unit of the item, currency the company's."
    )
    partial: bool = strawberry.field(
        description="Whether sums hold only the part of the measure that your role reads: no figure of the "
        "whole company, family or market."
    )
    periods: list[Bucket] = strawberry.field(description="The periods that all values are aligned with.")
    edges: list[Edge[Series]] = strawberry.field(description="The series with their cursors.")
    nodes: list[Series] = strawberry.field(description="The series alone.")
    page_info: PageInfo = strawberry.field(description="Where this page lies.")


@strawberry.input(
    description="Narrows series to those whose key names one of the codes, for every field that is given. "
    "A measure that is not kept by what a field names answers nothing for it."
)
class SeriesFilter:
    """Codes by part of the key."""

    items: list[str] | None = strawberry.field(default=None, description="Items.")
    families: list[str] | None = strawberry.field(
        default=None, description="Families, with those below them; of the item, or of a family's own series."
    )
    sites: list[str] | None = strawberry.field(default=None, description="Sites.")
    to_sites: list[str] | None = strawberry.field(default=None, description="Sites that a transfer goes to.")
    suppliers: list[str] | None = strawberry.field(default=None, description="Suppliers.")
    customers: list[str] | None = strawberry.field(default=None, description="Customers.")
    regions: list[str] | None = strawberry.field(
        default=None, description="Sales regions of the customer, with those below them."
    )
    channels: list[str] | None = strawberry.field(default=None, description="Sales channels of the customer.")
    areas: list[str] | None = strawberry.field(
        default=None, description="Areas of the site, with those below them."
    )
    supplier_groups: list[str] | None = strawberry.field(
        default=None, description="Groups of the supplier, with those below them."
    )
    resources: list[str] | None = strawberry.field(default=None, description="Resources.")

    def chosen(self) -> views.SeriesFilter:
        """Return the filter as the service takes it."""
        return views.SeriesFilter(
            **{name: None if codes is None else tuple(codes) for name, codes in vars(self).items()}
        )


MeasureArgument = Annotated[MeasureName, strawberry.argument(description="The measure.")]
FilterArgument = Annotated[
    SeriesFilter | None,
    strawberry.argument(description="Which series; null means all that your role may read."),
]
GroupByArgument = Annotated[
    list[GroupBy] | None,
    strawberry.argument(
        description="Adds the series up by these levels, by the measure's own rule; "
        "an empty list gives the total, null every series by itself."
    ),
]
LevelsArgument = Annotated[
    list[str] | None,
    strawberry.argument(
        description="Adds the series up by these named levels (see `hierarchies`) as well, "
        "such as category or market."
    ),
]
StructureArgument = Annotated[
    Structure | None,
    strawberry.argument(description="Which hierarchy holds; null means that of the plan date."),
]
UnitArgument = Annotated[
    str | None,
    strawberry.argument(
        description="Unit that quantities are told in, or that prices are told per (see `units`); or a "
        "currency, for what quantities are worth: at selling prices for a measure that is kept by customer, "
        "at purchase prices for one by supplier, else at standard cost. Null = base units of the items."
    ),
]
PerArgument = Annotated[
    Per | None, strawberry.argument(description="Periods of the values; null means the calendar's buckets.")
]
DivideArgument = Annotated[
    Divide | None,
    strawberry.argument(description="How buckets come into periods; null means where they start."),
]


def chosen_grouping(
    group_by: list[GroupBy] | None, levels: list[str] | None, structure: Structure | None
) -> views.Grouping | None:
    """Return what to group by, None where nothing was asked for; a level named twice counts once."""
    if group_by is None and levels is None:
        return None
    return views.Grouping(
        levels=tuple(dict.fromkeys(str(level.value) for level in group_by or ())),
        named=tuple(dict.fromkeys(levels or ())),
        dated=structure is Structure.BUCKET,
    )


def followed_links(info: Info[Context, None]) -> dict[str, LinkTree]:
    """Return the levels whose records the query selects, with the references that it follows from each."""
    linked = {camel(level): level for level, kind in views.LEVEL_KINDS.items() if kind is not None}
    kinds = {name: str(views.LEVEL_KINDS[level]) for name, level in linked.items()}
    followed = links_by_field(info, kinds, CONNECTION_PATHS)
    return {linked[name]: tree for name, tree in followed.items()}


def as_connection(info: Info[Context, None], answer: views.SeriesPage) -> SeriesConnection:
    """Return a page of series as the graph serves it."""
    page = connection(info, answer.page)
    return SeriesConnection(
        measure=answer.measure.name,
        unit=answer.unit,
        partial=answer.partial,
        periods=answer.periods,  # type: ignore[arg-type]  # served by the default resolver
        edges=page.edges,  # type: ignore[arg-type]
        nodes=page.nodes,  # type: ignore[arg-type]
        page_info=page.page_info,
    )


async def resolve_series(
    root: strawberry.Parent[PlanView],
    info: Info[Context, None],
    *,
    measure: MeasureArgument,
    filter: FilterArgument = None,
    group_by: GroupByArgument = None,
    levels: LevelsArgument = None,
    structure: StructureArgument = None,
    per: PerArgument = Per.BUCKET,
    divide: DivideArgument = None,
    unit: UnitArgument = None,
    first: FirstArgument = DEFAULT_PAGE,
    after: AfterArgument = None,
) -> SeriesConnection:
    """Return a page of a measure's series; raises `NotGranted` for one that the role does not read."""
    question = views.SeriesQuestion(
        measure=str(measure),
        filter=filter.chosen() if filter is not None else views.SeriesFilter(),
        grouping=chosen_grouping(group_by, levels, structure),
        timing=views.Timing(per_name(per), by_working_time=divide is Divide.WORKING_TIME),
        limit=page_size(first),
        unit=unit,
        after=resume_key(info, after),
        links=followed_links(info),
    )
    async with info.context.read() as tx:
        return as_connection(info, await views.series_page(tx, root, question))
