"""Words of the vocabulary as GraphQL enums, and what a measure is."""

from collections.abc import Mapping
from enum import Enum, EnumMeta, StrEnum
from typing import TYPE_CHECKING, Any, cast

import strawberry
from strawberry.types import Info

from app.services.reconcile import DEFAULT_RULE
from app.services.views import aggregate
from app.services.views.measures import MeasureView, measure_views
from app.store.versions import Kind
from app.vocabulary import DIMENSIONS, MEASURES
from schema.context import Context


def documented_enum(name: str, description: str, values: Mapping[str, str]) -> Any:
    """Return a GraphQL enum of the values with their descriptions; its members are strings."""
    members = cast(EnumMeta, StrEnum(name, {value: value for value in values}))
    made: Any = strawberry.enum(members, description=description)
    for value in made.__strawberry_definition__.values:
        value.description = values[str(value.value)]
    return made


if TYPE_CHECKING:
    MeasureName = str
    DimensionName = str
else:
    MeasureName = documented_enum(
        "MeasureName",
        "The measures of the plan, by their names in the vocabulary.",
        {name: f"{measure.doc} ({measure.unit})." for name, measure in MEASURES.items()},
    )
    DimensionName = documented_enum(
        "DimensionName",
        "What the key of a series is made of.",
        {dimension: f"{dimension.replace('_', ' ').capitalize()} code." for dimension in DIMENSIONS},
    )


@strawberry.enum(description="What series are grouped by.")
class GroupBy(Enum):
    """Levels: the dimensions themselves and what they belong to directly."""

    ITEM = strawberry.enum_value("item", description="Item.")
    FAMILY = strawberry.enum_value("family", description="Family of the item, or of a family's own series.")
    SITE = strawberry.enum_value("site", description="Site.")
    AREA = strawberry.enum_value("area", description="Area of the site, such as its country.")
    TO_SITE = strawberry.enum_value("to_site", description="Site that a transfer goes to.")
    SUPPLIER = strawberry.enum_value("supplier", description="Supplier.")
    SUPPLIER_GROUP = strawberry.enum_value("supplier_group", description="Group of the supplier.")
    CUSTOMER = strawberry.enum_value("customer", description="Customer.")
    REGION = strawberry.enum_value("region", description="Sales region of the customer.")
    CHANNEL = strawberry.enum_value("channel", description="Sales channel of the customer.")
    RESOURCE = strawberry.enum_value("resource", description="Resource.")


@strawberry.enum(description="Periods in which values are answered.")
class Per(Enum):
    """Periods."""

    BUCKET = strawberry.enum_value("bucket", description="Each bucket of the calendar.")
    WEEK = strawberry.enum_value(
        "week", description="Seven days, beginning on the weekday of the plan date where buckets are divided."
    )
    MONTH = strawberry.enum_value("month", description="Calendar month.")
    QUARTER = strawberry.enum_value("quarter", description="Calendar quarter.")
    YEAR = strawberry.enum_value("year", description="Calendar year.")
    TOTAL = strawberry.enum_value("total", description="All buckets together.")


def per_name(per: Per | None) -> aggregate.Per:
    """Return the periods as the services name them; null means buckets."""
    return "bucket" if per is None else cast(aggregate.Per, per.value)


@strawberry.enum(description="How the buckets of the calendar come into periods.")
class Divide(Enum):
    """Ways into periods."""

    AT_START = strawberry.enum_value(
        "at_start", description="A bucket counts as a whole in the period in which it starts."
    )
    WORKING_TIME = strawberry.enum_value(
        "working_time",
        description="A bucket is shared out by working days: Monday to Friday less the holidays of the site.",
    )


@strawberry.enum(description="Which hierarchy holds where somebody has moved from one group to another.")
class Structure(Enum):
    """Times of a hierarchy."""

    PLAN_DATE = strawberry.enum_value(
        "plan_date", description="That of the plan date, for history too: figures can be compared over time."
    )
    BUCKET = strawberry.enum_value(
        "bucket",
        description="That of each bucket's first day: figures stand where they were booked.",
    )


@strawberry.enum(description="How the values of a measure aggregate over time.")
class TimeRule(Enum):
    """Time rules."""

    SUM = strawberry.enum_value("sum", description="They add up.")
    LAST = strawberry.enum_value("last", description="The last one counts, as for stock.")
    WEIGHTED = strawberry.enum_value("weighted", description="Mean weighted by a quantity, as for prices.")
    RECOMPUTE = strawberry.enum_value("recompute", description="A quotient of sums.")


@strawberry.enum(description="Where the values of a measure come from.")
class MeasureKind(Enum):
    """Origins."""

    ACTUAL = strawberry.enum_value("actual", description="What has happened or is open.")
    INPUT = strawberry.enum_value("input", description="Submitted by its owner.")
    DERIVED = strawberry.enum_value("derived", description="Computed from other measures.")
    SOLVER = strawberry.enum_value("solver", description="Decided by the reconciliation.")


@strawberry.type(description="A named quantity of the plan.")
class Measure:
    """Serves `MeasureView`."""

    name: MeasureName = strawberry.field(description="Name.")
    description: str = strawberry.field(description="Meaning.")
    unit: str = strawberry.field(
        description="Unit: UoM is the base unit of the item, currency the company's."
    )
    grain: list[DimensionName] = strawberry.field(description="What its series are kept by.")
    time_rule: TimeRule = strawberry.field(description="How it aggregates over time.")
    kind: MeasureKind = strawberry.field(description="Where its values come from.")
    owners: list[str] = strawberry.field(description="Roles that own it.")
    readable: bool = strawberry.field(
        description="Whether your role may read it, in whole or for its own part."
    )
    submittable: bool = strawberry.field(description="Whether your role may submit it.")


async def resolve_measures(info: Info[Context, None]) -> list[MeasureView]:
    """Return all measures with what the caller may do with each."""
    return measure_views(await info.context.scope())


@strawberry.enum(description="How the departments' objectives are weighed against each other.")
class Rule(Enum):
    """Rules of reconciliation."""

    WEIGHTED = strawberry.enum_value("weighted", description="Least weighted sum of the concessions.")
    LEXIMIN = strawberry.enum_value(
        "leximin",
        description="The greatest concession as small as possible, then the next greatest, and so on.",
    )
    LEXICOGRAPHIC = strawberry.enum_value(
        "lexicographic",
        description="The departments in the company's order, each within the tolerances of those before it.",
    )
    GOALS = strawberry.enum_value(
        "goals", description="Least weighted sum, in money, of what is missing to the departments' targets."
    )


def rule_name(rule: Rule | None) -> str:
    """Return the rule as the services name it; null means the default."""
    return DEFAULT_RULE if rule is None else str(rule.value)


@strawberry.enum(description="Whether parties may still answer a publication.")
class PublicationKind(Enum):
    """Kinds of a published version."""

    DRAFT = strawberry.enum_value("draft", description="A round for answers: projections to be committed to.")
    FINAL = strawberry.enum_value("final", description="The agreed plan.")


def kind_name(kind: PublicationKind) -> Kind:
    """Return the kind of a publication as the store names it."""
    return cast(Kind, kind.value)
