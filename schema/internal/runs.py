"""Runs: a reconciliation asked for, from the queue to its result."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry.types import Info

from app.errors import LimitExceeded
from app.services.reconciled_plan import reconciled_plan
from app.services.scenario_plans import reconciled_plans
from app.services.views import runs as views
from app.services.views.plans import PlanView
from schema.context import Context
from schema.internal.at import chosen_at
from schema.internal.plans import Plan
from schema.internal.vocabulary import Rule, rule_name
from schema.types.at import PlanAtArgument
from schema.types.fields import served
from schema.types.node import Node


async def _error_detail(root: strawberry.Parent[views.RunView], info: Info[Context, None]) -> str | None:
    async with info.context.read() as tx:
        return await views.run_error(tx, root)


async def _plan(root: strawberry.Parent[views.RunView], info: Info[Context, None]) -> PlanView | None:
    async with info.context.read() as tx:
        return await views.result_plan(tx, root)


@strawberry.type(description="A reconciliation asked for: queued, running, done, failed or cancelled.")
class Run(Node):
    """Serves `RunView`."""

    state: str = strawberry.field(description="queued, running, done, failed or cancelled.")
    branch: str = strawberry.field(description="Branch whose inputs are planned.")
    rule: Rule = strawberry.field(description="Rule by which the departments' objectives are weighed.")
    progress: float = strawberry.field(description="Share of the work that is done, from 0 to 1.")
    requested_by: str = strawberry.field(description="Who asked for it.")
    requested_at: datetime = strawberry.field(description="When.")
    started_at: datetime | None = strawberry.field(description="When a worker took it.")
    finished_at: datetime | None = strawberry.field(description="When it ended.")
    error_code: str | None = strawberry.field(
        description="Stable code of what went wrong; null unless it failed."
    )
    error_detail: str | None = served(
        _error_detail, description="What went wrong, in words; NOT_GRANTED where your role may not read it."
    )
    plan: Plan | None = served(_plan, description="The result; null until it is done.")

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Serve the service's own objects."""
        return isinstance(obj, views.RunView)


@strawberry.type(description="The reconciled plan of given inputs, or the run that leads to it.")
class ReconciledPlan:
    """Serves `ReconciledView`."""

    plan: Plan | None = strawberry.field(description="The plan; null until the run is done.")
    run: Run | None = strawberry.field(
        description="The run that leads or has led to it; null where `at` names the plan itself."
    )


@strawberry.type(description="A branch of inputs and its reconciled plan, or the run that leads to it.")
class ScenarioPlan:
    """One branch of `reconciledPlans`."""

    branch: str = strawberry.field(description="The branch.")
    plan: Plan | None = strawberry.field(description="Its plan; null until the run is done.")
    run: Run | None = strawberry.field(description="The run that leads or has led to it.")


RunArgument = Annotated[strawberry.ID, strawberry.argument(description="Id of the run.")]


async def resolve_run(info: Info[Context, None], id: RunArgument) -> views.RunView | None:
    """Return a run; null where there is none."""
    key = info.context.ids.decode("Run", str(id))
    async with info.context.read() as tx:
        return await views.find_run(tx, key)


RuleArgument = Annotated[
    Rule | None,
    strawberry.argument(description="How the departments' objectives are weighed; null means LEXIMIN."),
]
WaitArgument = Annotated[
    float | None,
    strawberry.argument(
        description="Seconds to wait for a run, up to the limit of this server (60 unless set otherwise); "
        "null waits for none."
    ),
]


async def resolve_reconciled_plan(
    info: Info[Context, None],
    *,
    at: PlanAtArgument = None,
    rule: RuleArgument = Rule.LEXIMIN,
    wait_seconds: WaitArgument = 0.0,
) -> views.ReconciledView:
    """Return the plan of exactly the inputs at a state; starts a run where nobody has asked for it before."""
    context, seconds = info.context, wait_seconds or 0.0
    longest = context.settings.response_wait_seconds
    if not 0 <= seconds <= longest:
        raise LimitExceeded(what="waitSeconds of", found=seconds, limit=longest)
    state = None if at is None else chosen_at(info, at)
    asked = await reconciled_plan(context.database, await context.scope(), state, rule_name(rule), seconds)
    async with context.read() as tx:
        return await views.reconciled_view(tx, asked.commit, asked.run)


BranchesArgument = Annotated[
    list[str], strawberry.argument(description="Branches of inputs: main and scenarios, ten at most.")
]


async def resolve_reconciled_plans(
    info: Info[Context, None],
    *,
    branches: BranchesArgument,
    rule: RuleArgument = Rule.LEXIMIN,
    wait_seconds: WaitArgument = 0.0,
) -> list[ScenarioPlan]:
    """Return the plans of several branches under one rule; starts the runs that nobody has asked for."""
    context, seconds = info.context, wait_seconds or 0.0
    longest = context.settings.response_wait_seconds
    if not 0 <= seconds <= longest:
        raise LimitExceeded(what="waitSeconds of", found=seconds, limit=longest)
    scope = await context.scope()
    asked = await reconciled_plans(context.database, scope, branches, rule_name(rule), seconds)
    found = []
    async with context.read() as tx:
        for one in asked:
            view = await views.reconciled_view(tx, one.reconciled.commit, one.reconciled.run)
            found.append(ScenarioPlan(branch=one.branch, plan=view.plan, run=view.run))  # type: ignore[arg-type]  # by attribute
    return found
