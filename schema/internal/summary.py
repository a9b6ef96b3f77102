"""The plan in a few lines per period, and what it is worth."""

from collections.abc import Callable
from typing import Annotated

import strawberry
from strawberry.types import Info

from app.services.views import summary as views
from app.services.views.aggregate import FloatArray
from app.services.views.plans import PlanView
from schema.context import Context
from schema.internal.vocabulary import Per, per_name
from schema.types.calendar import Bucket
from schema.types.fields import served
from schema.types.scalars import Numbers

PerMonthArgument = Annotated[
    Per | None, strawberry.argument(description="Periods of the figures; null means the calendar's buckets.")
]


def _figure(name: str) -> Callable[..., FloatArray]:
    """Return the resolver of a figure; raises `NotGranted` where the role may not read its measure."""

    def resolve(root: strawberry.Parent[views.PlanSummary]) -> FloatArray:
        return root.figure(name)

    return resolve


def _field(name: str, description: str) -> Numbers | None:
    made: Numbers | None = served(_figure(name), description=description)
    return made


@strawberry.type(
    description="The plan from its plan date on, added up over everything your role may read. "
    "A figure that your role may not read is null, with the error NOT_GRANTED."
)
class PlanSummary:
    """Serves the service's `PlanSummary`."""

    currency: str | None = strawberry.field(description="Currency of the money.")
    partial: bool = strawberry.field(
        description="Whether any of the figures holds only your role's part: no figure of the whole company."
    )
    periods: list[Bucket] = strawberry.field(description="The periods that all figures are aligned with.")
    demand: Numbers | None = _field("demand", "Net demand, in base units.")
    volume: Numbers | None = _field("volume", "Deliveries, in base units.")
    backlog: Numbers | None = _field(
        "backlog", "Demand due and not delivered at the end of the period, in base units."
    )
    unmet: Numbers | None = _field("unmet", "Demand that is never delivered, in base units.")
    revenue: Numbers | None = _field("revenue", "Deliveries at selling price.")
    margin: Numbers | None = _field(
        "margin", "Contribution margin of what is delivered: revenue less its unit cost and freight."
    )
    inventory_value: Numbers | None = _field(
        "inventory_value", "Stock at the end of the period at standard cost."
    )
    service: Numbers | None = _field("service", "Delivered on time over net demand, in per cent.")
    utilization: Numbers | None = _field("utilization", "Required over available regular hours, in per cent.")


async def resolve_summary(
    root: strawberry.Parent[PlanView], info: Info[Context, None], per: PerMonthArgument = Per.MONTH
) -> views.PlanSummary:
    """Return the figures of the plan per period, of those that the role may read."""
    async with info.context.read() as tx:
        return await views.plan_summary(tx, root, per_name(per))
