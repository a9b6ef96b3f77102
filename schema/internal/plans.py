"""A plan: one state of the plan database with everything in it."""

from datetime import date

import strawberry
from strawberry.types import Info

from app.services.views import plans as views
from app.vocabulary import Calendar as PlanCalendar
from schema.context import Context
from schema.internal.at import chosen_at
from schema.internal.explanation import Explanation, Pegging, resolve_explain, resolve_pegging
from schema.internal.history import Commit, Version
from schema.internal.reconciliation import Reconciliation, resolve_reconciliation
from schema.internal.series import SeriesConnection, resolve_series
from schema.internal.summary import PlanSummary, resolve_summary
from schema.internal.trade import Frontier, TradePrice, resolve_frontier, resolve_prices
from schema.types.at import PlanAtArgument
from schema.types.calendar import Calendar
from schema.types.fields import served
from schema.types.node import Node


@strawberry.type(description="A state of the plan: inputs, or the result of a reconciliation.")
class Plan(Node):
    """Serves `PlanView`."""

    commit: Commit = strawberry.field(description="The commit that was read.")
    branch: str = strawberry.field(description="Branch of the commit.")
    version: Version | None = strawberry.field(description="The version it was published as, if it was.")
    plan_date: date = strawberry.field(description="First day that is planned; earlier buckets hold actuals.")
    calendar: Calendar = strawberry.field(description="Its buckets.")
    series: SeriesConnection | None = served(
        resolve_series,
        description="The series of a measure; null with NOT_GRANTED for one that your role may not read.",
    )
    summary: PlanSummary = served(resolve_summary, description="The plan per period, from the plan date on.")

    reconciliation: Reconciliation | None = served(
        resolve_reconciliation, description="How it was found; null for a state that is no result."
    )

    explain: list[Explanation] | None = served(
        resolve_explain,
        description="The limits behind a figure of a reconciled plan, decision by decision; null with "
        "NOT_GRANTED where your role does not read limits or the measure.",
    )
    frontier: Frontier | None = served(
        resolve_frontier,
        description="What two departments can have of each other over this plan's inputs, to a thousandth of "
        "the range; null with NOT_GRANTED where your role reads no payoff table.",
    )
    prices: list[TradePrice] | None = served(
        resolve_prices,
        description="What a point of service, an hour of overtime and a day of stock cost; null with "
        "NOT_GRANTED where your role reads no payoff table.",
    )
    pegging: Pegging | None = served(
        resolve_pegging,
        description="What a figure of a reconciled plan is made of, or ends in; null with NOT_GRANTED where "
        "your role does not read all that goods pass through.",
    )

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Serve the service's own objects."""
        return isinstance(obj, views.PlanView)


async def resolve_plan(info: Info[Context, None], at: PlanAtArgument = None) -> views.PlanView:
    """Return the plan at a state."""
    asked = chosen_at(info, at)
    async with info.context.read() as tx:
        return await views.plan_view(tx, asked)


async def resolve_calendar(info: Info[Context, None], at: PlanAtArgument = None) -> PlanCalendar:
    """Return the calendar at a state."""
    asked = chosen_at(info, at)
    async with info.context.read() as tx:
        return (await views.plan_view(tx, asked)).calendar
