"""`scenarioCreate`: a branch of inputs, forked from any state; copies nothing."""

from typing import Annotated

import strawberry
from strawberry.types import Info

from app.services import scenarios as service
from app.services.views.history import BranchView
from schema.context import Context
from schema.internal.at import chosen_at
from schema.internal.history import Branch
from schema.types.at import PlanAt
from schema.types.errors import UserError
from schema.types.payload import attempt


@strawberry.input(description="A scenario to be forked.")
class ScenarioCreateInput:
    """Input of `scenarioCreate`."""

    name: str = strawberry.field(
        description="Name of the new branch: letters, digits, dot, dash, underscore and slash, at most 100."
    )
    source: PlanAt | None = strawberry.field(
        default=None, description="The state to start from; null starts from the head of main."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="With a key, the same request again is answered with the first branch."
    )


@strawberry.type(description="Answer of `scenarioCreate`.")
class ScenarioCreatePayload:
    """Payload of `scenarioCreate`."""

    branch: Branch | None = strawberry.field(description="The new branch.")
    user_errors: list[UserError] = strawberry.field(description="Why there is none; empty on success.")


ScenarioCreateArgument = Annotated[ScenarioCreateInput, strawberry.argument(description="The input.")]


async def _create(info: Info[Context, None], given: ScenarioCreateInput) -> BranchView:
    source = None if given.source is None else chosen_at(info, given.source)
    return await service.create_scenario(
        info.context.database,
        await info.context.scope(),
        given.name,
        source=source,
        idempotency_key=given.idempotency_key,
    )


async def resolve_scenario_create(
    info: Info[Context, None],
    input: ScenarioCreateArgument,
) -> ScenarioCreatePayload:
    """Fork."""
    made, errors = await attempt(info.context, _create(info, input))
    return ScenarioCreatePayload(branch=made, user_errors=errors)  # type: ignore[arg-type]  # by attribute
