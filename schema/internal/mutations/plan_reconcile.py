"""`planReconcile` and `runCancel`: a reconciliation asked for, and stopped."""

from typing import Annotated
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.services import reconcile as service
from app.services.views.runs import RunView, run_view
from schema.context import Context
from schema.internal.runs import Run
from schema.internal.vocabulary import Rule, rule_name
from schema.types.errors import UserError
from schema.types.payload import attempt


@strawberry.input(description="A reconciliation to be asked for.")
class PlanReconcileInput:
    """Input of `planReconcile`."""

    branch: str | None = strawberry.field(
        default="main", description="Branch of inputs to be planned; null means main."
    )
    rule: Rule | None = strawberry.field(
        default=Rule.LEXIMIN, description="How the departments' objectives are weighed; null means LEXIMIN."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="With a key, the same request again is answered with the first run."
    )


@strawberry.type(description="Answer of `planReconcile`.")
class PlanReconcilePayload:
    """Payload of `planReconcile`."""

    run: Run | None = strawberry.field(
        description="The run; the one that is active where this branch and rule have one."
    )
    user_errors: list[UserError] = strawberry.field(description="Why there is none; empty on success.")


@strawberry.input(description="A run to be stopped.")
class RunCancelInput:
    """Input of `runCancel`."""

    run: strawberry.ID = strawberry.field(description="Id of the run.")


@strawberry.type(description="Answer of `runCancel`.")
class RunCancelPayload:
    """Payload of `runCancel`."""

    run: Run | None = strawberry.field(description="The run as it is now.")
    user_errors: list[UserError] = strawberry.field(description="Why it was not stopped; empty on success.")


PlanReconcileArgument = Annotated[PlanReconcileInput, strawberry.argument(description="The input.")]
RunCancelArgument = Annotated[RunCancelInput, strawberry.argument(description="The input.")]


async def _reconcile(info: Info[Context, None], given: PlanReconcileInput) -> RunView:
    asked = await service.request(
        info.context.database,
        await info.context.scope(),
        branch_name=given.branch or "main",
        rule=rule_name(given.rule),
        idempotency_key=given.idempotency_key,
    )
    return run_view(asked)


async def resolve_plan_reconcile(
    info: Info[Context, None],
    input: PlanReconcileArgument,
) -> PlanReconcilePayload:
    """Ask for a run."""
    asked, errors = await attempt(info.context, _reconcile(info, input))
    return PlanReconcilePayload(run=asked, user_errors=errors)  # type: ignore[arg-type]  # by attribute


async def _cancel(info: Info[Context, None], given: RunCancelInput) -> RunView:
    number = UUID(info.context.ids.decode("Run", str(given.run)))
    return run_view(await service.cancel(info.context.database, await info.context.scope(), number))


async def resolve_run_cancel(
    info: Info[Context, None],
    input: RunCancelArgument,
) -> RunCancelPayload:
    """Stop a run."""
    stopped, errors = await attempt(info.context, _cancel(info, input))
    return RunCancelPayload(run=stopped, user_errors=errors)  # type: ignore[arg-type]  # by attribute
