"""Why a figure of a plan is what it is, and what it is made of."""

from collections.abc import Mapping
from datetime import date
from enum import Enum
from typing import Annotated, cast

import strawberry
from strawberry.types import Info

from app.services.explaining import explain as explaining
from app.services.explaining import pegging as pegs
from app.services.explaining.cells import Figure
from app.services.views.plans import PlanView
from app.store.branches import At
from app.vocabulary import DIMENSIONS
from schema.context import Context
from schema.internal.vocabulary import MeasureName
from schema.internal.waterfall import SeriesKeyInput
from schema.types.fields import served

MONEY = "; null with NOT_GRANTED where your role reads no money."


@strawberry.enum(description="Which way pegs are followed.")
class PegDirection(Enum):
    """Directions."""

    DOWN = strawberry.enum_value("down", description="From a delivery or a start to what it is made of.")
    UP = strawberry.enum_value("up", description="From a purchase, a start, stock or hours to their uses.")


def _named(kind: str) -> str | None:
    def resolve(root: strawberry.Parent[explaining.Reason]) -> str | None:
        return root.codes.get(kind)

    made: str | None = served(resolve, description=f"{kind.capitalize()} concerned.")
    return made


@strawberry.type(
    description="A limit behind a figure. Values of a unit more and less come from plans solved."
)
class ExplainedLimit:
    """Serves the service's `Reason`."""

    kind: str = strawberry.field(
        description="regular, overtime, activity_upper, activity_lower, stock_maximum, material, closed "
        "(not open in the bucket), lead_time or cost (possible, but dearer)."
    )
    text: str = strawberry.field(description="The limit in words.")
    item_code: str | None = _named("item")
    site_code: str | None = _named("site")
    supplier_code: str | None = _named("supplier")
    resource_code: str | None = _named("resource")
    start: date = strawberry.field(description="First day of the bucket in which it binds.")
    amount: float = strawberry.field(description="The limit itself.")
    unit: str = strawberry.field(description="Unit of amount and flip.")
    alone: bool = strawberry.field(
        description="Whether a unit more of it, by itself, brings the figure nearer to what is wanted."
    )
    flip: float | None = strawberry.field(
        description="The least by which it alone has to give way for the figure to be as wanted; null where "
        "it alone cannot, or where it is money that your role does not read."
    )
    more: float | None = strawberry.field(
        description="What a unit more gains, in currency; null without a plan, or where you read no money."
    )
    less: float | None = strawberry.field(
        description="What a unit less costs, in currency; null without a plan, or where you read no money."
    )


def _money(name: str, description: str) -> float | None:
    def resolve(root: strawberry.Parent[explaining.ExplainedCell]) -> float | None:
        return root.priced(getattr(root, name))

    made: float | None = served(resolve, description=description + MONEY)
    return made


@strawberry.type(description="One decision behind a figure, and why it is so.")
class Explanation:
    """Serves the service's `ExplainedCell`."""

    text: str = strawberry.field(description="What is the matter, in words.")
    verdict: str = strawberry.field(
        description="met, late, early, limited, held, missing, built_ahead or free."
    )
    value: float = strawberry.field(
        description="The decision: units, or hours; of a demand the units open or lost at the bucket's end."
    )
    wanted: float = strawberry.field(description="What would be wanted of it.")
    possible: bool = strawberry.field(description="Whether any plan has it a unit nearer to that.")
    more: float | None = _money("more", "Change of cost where it is held a unit higher, in currency")
    less: float | None = _money("less", "Change of cost where it is held a unit lower, in currency")
    reasons: list[ExplainedLimit] = strawberry.field(
        description="The limits behind it that your role may read, those that help alone first."
    )


@strawberry.type(description="A part of a movement of goods; pegs hang under one another.")
class Peg:
    """Serves the service's `Peg`."""

    parent: int | None = strawberry.field(
        description="Place in the list, from 0, of the peg that it hangs under; null for a root."
    )
    depth: int = strawberry.field(description="Number of pegs above it.")
    kind: str = strawberry.field(
        description="opening, receipt, purchase, production, transfer or by_product; upwards also delivery, "
        "safety, stock (held at the end) and beyond (lands after the horizon)."
    )
    item: str = strawberry.field(description="Item that moves.")
    site: str = strawberry.field(description="Site that it moves into (downwards) or out of (upwards).")
    partner: str | None = strawberry.field(description="Supplier of a purchase, or origin of a transfer.")
    into: str | None = strawberry.field(description="Upwards: item that it is drawn for.")
    rank: int | None = strawberry.field(description="Upwards: priority class of a delivery.")
    start: date = strawberry.field(description="First day of the bucket in which it starts.")
    landing: date | None = strawberry.field(
        description="First day of the bucket in which it moves; null after the horizon."
    )
    quantity: float = strawberry.field(description="Units of the item.")
    share: float = strawberry.field(description="Units of what was asked about that go through it.")


@strawberry.type(description="Hours that a peg takes of a resource.")
class PegHours:
    """Serves the service's `PegHours`."""

    peg: int = strawberry.field(description="Place of the peg in the list, from 0.")
    resource: str = strawberry.field(description="Resource.")
    start: date = strawberry.field(description="First day of the bucket.")
    hours: float = strawberry.field(description="Hours.")


@strawberry.type(description="Pegs first in first out: they add up to what was asked about.")
class Pegging:
    """Serves the service's `Pegging`."""

    quantity: float = strawberry.field(description="What is pegged: units, or hours of a resource.")
    pegs: list[Peg] = strawberry.field(description="All pegs, parents before children.")
    hours: list[PegHours] | None = strawberry.field(
        description="Hours that the pegs take; null where your role does not read load."
    )


MeasureArgument = Annotated[MeasureName, strawberry.argument(description="Measure of the figure.")]
KeyArgument = Annotated[SeriesKeyInput, strawberry.argument(description="Key of its series.")]
StartArgument = Annotated[date, strawberry.argument(description="A day of its bucket.")]
DirectionArgument = Annotated[
    PegDirection | None, strawberry.argument(description="Which way; null means down.")
]


def _figure(measure: str, key: SeriesKeyInput, start: date) -> Figure:
    codes: Mapping[str, str] = {name: code for name in DIMENSIONS if (code := getattr(key, name)) is not None}
    return Figure(str(measure), codes, start)


async def resolve_explain(
    root: strawberry.Parent[PlanView],
    info: Info[Context, None],
    measure: MeasureArgument,
    key: KeyArgument,
    start: StartArgument,
) -> list[explaining.ExplainedCell]:
    """Return the decisions behind a figure, explained."""
    async with info.context.read() as tx:
        figure = _figure(measure, key, start)
        return await explaining.explain(info.context.database, tx, At(commit=root.state.id), figure)


async def resolve_pegging(
    root: strawberry.Parent[PlanView],
    info: Info[Context, None],
    *,
    measure: MeasureArgument,
    key: KeyArgument,
    start: StartArgument,
    direction: DirectionArgument = PegDirection.DOWN,
) -> pegs.Pegging:
    """Return the pegs of a figure."""
    way = cast(pegs.Direction, PegDirection.DOWN.value if direction is None else direction.value)
    async with info.context.read() as tx:
        figure = _figure(measure, key, start)
        return await pegs.pegging(info.context.database, tx, At(commit=root.state.id), figure, way)
