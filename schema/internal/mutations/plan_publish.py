"""`planPublish`: seals a reconciled plan and releases to each party what it may see."""

from typing import Annotated

import strawberry
from strawberry.types import Info

from app.services import publish as service
from app.services.views.history import VersionView, find_version
from schema.context import Context
from schema.internal.at import chosen_at
from schema.internal.history import Version
from schema.internal.vocabulary import PublicationKind, kind_name
from schema.types.at import PlanAt
from schema.types.errors import UserError
from schema.types.payload import attempt


@strawberry.input(description="A reconciled plan to be published.")
class PlanPublishInput:
    """Input of `planPublish`."""

    plan: PlanAt = strawberry.field(description="The plan, the result of a reconciliation.")
    kind: PublicationKind = strawberry.field(description="A draft round for answers, or the agreed plan.")
    name: str = strawberry.field(description="Name of the version, at most 200 characters.")
    idempotency_key: str | None = strawberry.field(
        default=None, description="With a key, the same request again is answered with the first version."
    )


@strawberry.type(description="Answer of `planPublish`.")
class PlanPublishPayload:
    """Payload of `planPublish`."""

    version: Version | None = strawberry.field(description="The version, sealed and released.")
    user_errors: list[UserError] = strawberry.field(
        description="Why nothing was published; empty on success."
    )


PlanPublishArgument = Annotated[PlanPublishInput, strawberry.argument(description="The input.")]


async def _publish(info: Info[Context, None], given: PlanPublishInput) -> VersionView:
    context = info.context
    made = await service.publish(
        context.database,
        await context.scope(),
        chosen_at(info, given.plan),
        kind=kind_name(given.kind),
        name=given.name,
        idempotency_key=given.idempotency_key,
    )
    async with context.read() as tx:
        return await find_version(tx, made.name)


async def resolve_plan_publish(
    info: Info[Context, None],
    input: PlanPublishArgument,
) -> PlanPublishPayload:
    """Publish."""
    made, errors = await attempt(info.context, _publish(info, input))
    return PlanPublishPayload(version=made, user_errors=errors)  # type: ignore[arg-type]  # by attribute
