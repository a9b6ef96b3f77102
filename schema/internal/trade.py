"""What departments trade against each other: frontier, prices, and what has made one plan another."""

from typing import Annotated

import strawberry
from strawberry.types import Info

from app.engine.trade import Price
from app.services.compare import Comparison
from app.services.explaining import attribution, trade
from app.services.views.plans import PlanView
from app.store.branches import At
from schema.context import Context
from schema.types.fields import served

MOST_GROUPS = 3
"""Groups of inputs that a request may split over: eight plans; the command line takes all six."""


@strawberry.type(description="A breakpoint of a frontier; between two of them all mixtures are plans.")
class FrontierPoint:
    """Serves the service's `FrontierPoint`."""

    first: float = strawberry.field(description="Value of the first department, in its unit.")
    second: float = strawberry.field(description="Value of the second department, in its unit.")
    rate: float | None = strawberry.field(
        description="What the second gains per unit that the first gives up from here on; null at the end."
    )


@strawberry.type(description="All trades between two departments that no plan improves for both.")
class Frontier:
    """Serves the service's `FrontierView`."""

    first: str = strawberry.field(description="The department whose optimum is the first point.")
    second: str = strawberry.field(description="The department whose optimum is the last point.")
    points: list[FrontierPoint] = strawberry.field(description="The breakpoints in order.")
    gap: float = strawberry.field(
        description="The most by which a plan could lie beyond it, in currency of a weighted sum."
    )


@strawberry.type(description="What one unit more and one unit less of a quantity of the plan costs.")
class TradePrice:
    """Serves the engine's `Price`."""

    name: str = strawberry.field(
        description="service (points), overtime (hours) or stock (days of use, weighted by holding cost)."
    )
    value: float = strawberry.field(description="The quantity in the least-cost plan.")
    more: float | None = strawberry.field(
        description="Change of cost with a unit more, in currency; null where no plan has it."
    )
    less: float | None = strawberry.field(
        description="Change of cost with a unit less, in currency; null where no plan has it."
    )


@strawberry.type(description="The part of a change that a group of inputs has made.")
class AttributedPart:
    """One group of inputs."""

    group: str = strawberry.field(description="demand, capacity, cost, price, supply or rules.")
    part: float = strawberry.field(description="Its part of the change.")


def _parts(root: strawberry.Parent[attribution.Attributed]) -> list[AttributedPart]:
    return [AttributedPart(group=group, part=part) for group, part in root.parts.items()]


@strawberry.type(
    description="The change of a total from the base to the target, split over groups of inputs."
)
class Attribution:
    """Serves the service's `Attributed`."""

    total: str = strawberry.field(description="The total: an element of money, the margin or a quantity.")
    base: float = strawberry.field(description="Its value in the plan of the base's inputs.")
    target: float = strawberry.field(description="Its value in the plan of the target's inputs.")

    parts: list[AttributedPart] = served(_parts, description="The parts; they add up to the change.")


FirstArgument = Annotated[str, strawberry.argument(description="A department, such as sales.")]
SecondArgument = Annotated[str, strawberry.argument(description="Another department.")]


async def resolve_frontier(
    root: strawberry.Parent[PlanView],
    info: Info[Context, None],
    first: FirstArgument,
    second: SecondArgument,
) -> trade.FrontierView:
    """Return the frontier between two departments."""
    async with info.context.read() as tx:
        return await trade.frontier(info.context.database, tx, At(commit=root.state.id), (first, second))


async def resolve_prices(root: strawberry.Parent[PlanView], info: Info[Context, None]) -> tuple[Price, ...]:
    """Return what a point of service, an hour of overtime and a day of stock cost."""
    async with info.context.read() as tx:
        return await trade.trade_prices(info.context.database, tx, At(commit=root.state.id))


async def resolve_attribution(
    root: strawberry.Parent[Comparison], info: Info[Context, None]
) -> list[attribution.Attributed]:
    """Return the change of every total, split over groups of inputs."""
    scope = await info.context.scope()
    base, target = At(commit=root.base.number), At(commit=root.target.number)
    return await attribution.attribute(info.context.database, scope, base, target, most_groups=MOST_GROUPS)
