"""The reconciliation behind a plan: proof, what each department gave up, what holds the plan back."""

from datetime import date

import strawberry
from strawberry.types import Info

from app.services.views import reconciliation as views
from app.services.views.plans import PlanView
from app.store.reconciliations import Payoff
from schema.context import Context
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

WHERE_GRANTED = "; null with NOT_GRANTED where your role may not read it."


def guarded(column: str, description: str) -> float | None:
    """Return a field of a column with a grant of its own; it is an error where the role may not read it."""

    def resolve(root: strawberry.Parent[views.Guarded]) -> float | None:
        return root.guarded(column)

    made: float | None = served(resolve, description=description + WHERE_GRANTED)
    return made


@strawberry.type(description="Something that the planning took differently from how the inputs state it.")
class PlanNote:
    """Serves the service's `Note`."""

    code: str = strawberry.field(description="Stable code of the kind of note.")
    subject: str = strawberry.field(description="What it is about, by code.")
    text: str = strawberry.field(description="The note for people to read.")


@strawberry.type(
    description="Residuals of the optimality conditions: a reader can check them with the plan alone."
)
class Certificate:
    """Serves the service's `Certificate`."""

    primal: float | None = strawberry.field(description="Worst violation of a constraint, relative.")
    dual: float | None = strawberry.field(description="Worst reduced cost of the wrong sign, relative.")
    complementarity: float | None = strawberry.field(
        description="Worst product of slack and multiplier, relative."
    )
    gap: float | None = strawberry.field(description="Distance between objective and bound, relative.")
    accepted: bool = strawberry.field(description="Whether all of them are within the stated tolerances.")
    rounding: list[str] = strawberry.field(
        description="Limits that the plan in whole units misses; empty where rounding costs none."
    )
    notes: list[PlanNote] = strawberry.field(description="What was taken differently from how it was stated.")


@strawberry.type(
    description="A department's own objective, at its best, at its worst and in this plan: over the whole "
    "horizon that is planned, the months after the published ones included."
)
class StakeholderOutcome:
    """Serves the service's `StakeholderOutcome`."""

    stakeholder: str = strawberry.field(description="The department.")
    objective: str = strawberry.field(description="What it wants, in words.")
    unit: str = strawberry.field(description="Unit of best, worst and value.")
    concession: float = strawberry.field(
        description="(best - value) / (best - worst): 0 = it got everything, 1 = nothing."
    )
    no_conflict: bool = strawberry.field(description="Whether all others' optima give it its best anyway.")
    best: float | None = guarded("best", "Its value if only its own objective counted")
    worst: float | None = guarded("worst", "Its lowest value in the others' optima")
    value: float | None = guarded("value", "Its value in this plan")
    money: float | None = guarded("money", "What it gave up, in currency")


@strawberry.type(description="What the column's department gets in the plan that is best for the row's.")
class PayoffCell:
    """Serves the store's `Payoff`."""

    row_stakeholder: str = strawberry.field(description="Department whose optimum it is.")
    column_stakeholder: str = strawberry.field(description="Department whose value it is.")
    value: float = strawberry.field(description="Value in the column department's unit.")
    money: float | None = strawberry.field(description="The same in currency.")


@strawberry.type(description="A limit that holds the plan back.")
class BindingLimit:
    """Serves the service's `LimitView`."""

    kind: str = strawberry.field(description="Kind of the limit, such as regular or overtime.")
    text: str = strawberry.field(description="The limit in words.")
    item_code: str | None = strawberry.field(description="Item concerned.")
    site_code: str | None = strawberry.field(description="Site concerned.")
    supplier_code: str | None = strawberry.field(description="Supplier concerned.")
    resource_code: str | None = strawberry.field(description="Resource concerned.")
    start: date | None = strawberry.field(description="First day of the bucket in which it binds.")
    amount: float = strawberry.field(description="The limit itself, in the unit of its kind.")
    shadow_price: float | None = guarded("shadow_price", "What one more unit of it is worth, in currency")


async def _outcomes(
    root: strawberry.Parent[views.ReconciliationView], info: Info[Context, None]
) -> list[views.StakeholderOutcome]:
    async with info.context.read() as tx:
        return await views.outcomes(tx, root)


async def _payoff(
    root: strawberry.Parent[views.ReconciliationView], info: Info[Context, None]
) -> list[Payoff]:
    async with info.context.read() as tx:
        return await views.payoff(tx, root)


async def _limits(
    root: strawberry.Parent[views.ReconciliationView],
    info: Info[Context, None],
    first: FirstArgument = DEFAULT_PAGE,
    after: AfterArgument = None,
) -> Connection[views.LimitView]:
    limit, key = page_size(first), resume_key(info, after)
    async with info.context.read() as tx:
        return connection(info, await views.limit_page(tx, root, limit, key))


def _certificate(root: strawberry.Parent[views.ReconciliationView]) -> views.Certificate:
    return root.certificate()


@strawberry.type(description="How a plan was found, and the proof of it.")
class Reconciliation:
    """Serves `ReconciliationView`."""

    rule: str = strawberry.field(description="Rule by which the departments' objectives were weighed.")
    status: str = strawberry.field(description="optimal is proven; anything else carries its gap.")
    objective: float | None = guarded("objective", "Value of the rule's own objective, minimised")
    bound: float | None = guarded("bound", "No plan has a lower value than this")
    gap: float | None = strawberry.field(description="Distance between objective and bound, relative.")
    currency: str = strawberry.field(description="Currency of all money in it.")
    seconds: float = strawberry.field(description="Time it took.")
    components: int = strawberry.field(description="Independent parts that it was solved in.")
    certificate: Certificate | None = served(_certificate, description=f"The proof{WHERE_GRANTED}")
    outcomes: list[StakeholderOutcome] | None = served(
        _outcomes,
        description="What the departments got: your own, and the others' where your role may read them.",
    )
    payoff: list[PayoffCell] | None = served(_payoff, description=f"The payoff table{WHERE_GRANTED}")
    binding_limits: Connection[BindingLimit] | None = served(
        _limits, description=f"What holds the plan back, most expensive first{WHERE_GRANTED}"
    )


async def resolve_reconciliation(
    root: strawberry.Parent[PlanView], info: Info[Context, None]
) -> views.ReconciliationView | None:
    """Return how the plan was found; null for a state that is no reconciled plan."""
    async with info.context.read() as tx:
        return await views.reconciliation(tx, root)
