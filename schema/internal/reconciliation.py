"""The reconciliation behind a plan: proof, what each department gave up, what holds the plan back."""

from collections.abc import Callable
from datetime import date

import strawberry
from strawberry.types import Info

from app.services.views import reconciliation as views
from app.services.views.plans import PlanView
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


def _granted(name: str) -> Callable[..., float | None]:
    """Return the resolver of a column with a grant of its own; raises `NotGranted` where it was not read."""

    def resolve(root: strawberry.Parent[views.Guarded]) -> float | None:
        return root.guarded(name)

    return resolve


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


@strawberry.type(description="A department's own objective, at its best, at its worst and in this plan.")
class StakeholderOutcome:
    """Serves the service's `StakeholderOutcome`."""

    stakeholder: str = strawberry.field(description="The department.")
    objective: str = strawberry.field(description="What it wants, in words.")
    unit: str = strawberry.field(description="Unit of best, worst and value.")
    best: float = strawberry.field(description="Its value if only its own objective counted.")
    worst: float = strawberry.field(description="Its lowest value in the others' optima.")
    value: float = strawberry.field(description="Its value in this plan.")
    concession: float = strawberry.field(
        description="(best - value) / (best - worst): 0 = everything, 1 = nothing."
    )
    no_conflict: bool = strawberry.field(description="Whether all others' optima give it its best anyway.")
    money: float | None = served(
        _granted("money"),
        description="What it gave up in currency; NOT_GRANTED where you may not read it.",
    )


@strawberry.type(description="What the column's department gets in the plan that is best for the row's.")
class PayoffCell:
    """Serves the service's `PayoffCell`."""

    row: str = strawberry.field(description="Department whose optimum it is.")
    column: str = strawberry.field(description="Department whose value it is.")
    value: float = strawberry.field(description="Value in the column department's unit.")
    money: float | None = strawberry.field(description="The same in currency.")


@strawberry.type(description="A limit that holds the plan back.")
class BindingLimit:
    """Serves the service's `BindingLimit`."""

    kind: str = strawberry.field(description="Kind of the limit, such as regular or overtime.")
    text: str = strawberry.field(description="The limit in words.")
    item_code: str | None = strawberry.field(description="Item concerned.")
    site_code: str | None = strawberry.field(description="Site concerned.")
    supplier_code: str | None = strawberry.field(description="Supplier concerned.")
    resource_code: str | None = strawberry.field(description="Resource concerned.")
    start: date | None = strawberry.field(description="First day of the bucket in which it binds.")
    amount: float = strawberry.field(description="The limit itself, in the unit of its kind.")
    shadow_price: float | None = served(
        _granted("shadow_price"),
        description="What one more unit of it is worth in currency; NOT_GRANTED where you may not read it.",
    )


async def _outcomes(
    root: strawberry.Parent[views.ReconciliationView], info: Info[Context, None]
) -> list[views.StakeholderOutcome]:
    async with info.context.read() as tx:
        return await views.outcomes(tx, root.commit)


async def _payoff(
    root: strawberry.Parent[views.ReconciliationView], info: Info[Context, None]
) -> list[views.PayoffCell]:
    async with info.context.read() as tx:
        return await views.payoff(tx, root.commit)


async def _limits(
    root: strawberry.Parent[views.ReconciliationView],
    info: Info[Context, None],
    first: FirstArgument = DEFAULT_PAGE,
    after: AfterArgument = None,
) -> Connection[views.BindingLimit]:
    limit, key = page_size(first), resume_key(info, after)
    async with info.context.read() as tx:
        return connection(info, await views.binding_limits(tx, root, limit, key))


@strawberry.type(description="How a plan was found, and the proof of it.")
class Reconciliation:
    """Serves `ReconciliationView`."""

    rule: str = strawberry.field(description="Rule by which the departments' objectives were weighed.")
    status: str = strawberry.field(description="optimal is proven; anything else carries its gap.")
    objective: float = strawberry.field(description="Value of the rule's own objective, minimised.")
    bound: float | None = strawberry.field(description="No plan has a lower value than this.")
    gap: float | None = strawberry.field(description="Distance between the two, relative.")
    currency: str = strawberry.field(description="Currency of all money in it.")
    seconds: float = strawberry.field(description="Time it took.")
    components: int = strawberry.field(description="Independent parts that it was solved in.")
    certificate: Certificate = strawberry.field(description="The proof.")
    outcomes: list[StakeholderOutcome] = served(
        _outcomes,
        description="What the departments got: your own, and the others' where your role may read them.",
    )
    payoff: list[PayoffCell] | None = served(
        _payoff,
        description="The payoff table; null with NOT_GRANTED where your role may not read it.",
    )
    binding_limits: Connection[BindingLimit] | None = served(
        _limits,
        description="What holds the plan back, most expensive first; "
        "null with NOT_GRANTED where your role may not read it.",
    )


async def resolve_reconciliation(
    root: strawberry.Parent[PlanView], info: Info[Context, None]
) -> views.ReconciliationView | None:
    """Return how the plan was found; null for a state that is no reconciled plan."""
    async with info.context.read() as tx:
        return await views.reconciliation(tx, root)
