"""`waterfall`: how the figure for one bucket evolved over the published plans."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

import strawberry
from strawberry.types import Info

from app.services.views import waterfall as service
from app.vocabulary import DIMENSIONS
from schema.context import Context
from schema.internal.vocabulary import MeasureName


@strawberry.type(description="What one published plan says of the bucket.")
class WaterfallStep:
    """Serves the service's `WaterfallStep`."""

    version: str = strawberry.field(description="Name of the published version.")
    published_at: datetime = strawberry.field(description="When it was published.")
    plan_date: date = strawberry.field(description="Its plan date.")
    start: date = strawberry.field(description="First day of the bucket.")
    end: date = strawberry.field(description="First day after it; its length may differ between plans.")
    value: float | None = strawberry.field(description="The value; null where the plan has none.")
    lag: int = strawberry.field(description="Months from the plan date's month to the bucket's.")


@strawberry.input(description="The key of one series: exactly the codes that its measure is kept by.")
class SeriesKeyInput:
    """Codes by dimension."""

    item: str | None = strawberry.field(default=None, description="Item.")
    family: str | None = strawberry.field(default=None, description="Family.")
    site: str | None = strawberry.field(default=None, description="Site.")
    to_site: str | None = strawberry.field(default=None, description="Site that a transfer goes to.")
    supplier: str | None = strawberry.field(default=None, description="Supplier.")
    customer: str | None = strawberry.field(default=None, description="Customer.")
    resource: str | None = strawberry.field(default=None, description="Resource.")


MeasureArgument = Annotated[MeasureName, strawberry.argument(description="The measure.")]
KeyArgument = Annotated[SeriesKeyInput, strawberry.argument(description="The series.")]
StartArgument = Annotated[date, strawberry.argument(description="First day of the bucket.")]
LagArgument = Annotated[
    int | None,
    strawberry.argument(
        description="Only the last plan that was made at least so many months ahead (lag-n); null = all."
    ),
]


async def resolve_waterfall(
    info: Info[Context, None],
    measure: MeasureArgument,
    key: KeyArgument,
    start: StartArgument,
    lag: LagArgument = None,
) -> Sequence[service.WaterfallStep]:
    """Return the steps."""
    codes = {name: code for name in DIMENSIONS if (code := getattr(key, name)) is not None}
    async with info.context.read() as tx:
        return await service.waterfall(tx, measure, codes, start, lag)
