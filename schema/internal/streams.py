"""What a department is told as it happens: publications, answers to customers, runs."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Final
from uuid import UUID

import strawberry
from strawberry.types import Info

from app.errors import NotFound
from app.services.grants import require_measure
from app.services.views import runs as run_views
from app.services.views.answered import SUPPLY_ANSWER, answers_customers
from app.services.views.history import VersionView, find_version, latest_version_number, next_versions
from app.services.views.plans import PlanView, plan_view
from app.store.announcements import PUBLISHED, run_progressed
from app.store.branches import At
from schema.context import Context
from schema.internal.history import Version
from schema.internal.plans import Plan
from schema.internal.runs import Run, RunArgument
from schema.streaming import BATCH, turns
from schema.types.fields import served

FINAL: Final = "final"

AfterVersionArgument = Annotated[
    strawberry.ID | None,
    strawberry.argument(
        description="Id of the last version that you know: later ones come at once, then each as it is "
        "published. Null begins with the next one."
    ),
]


async def new_versions(context: Context, after: str | None) -> AsyncGenerator[VersionView, None]:
    """Yield the versions published after the one with an id, in their order."""
    name = None if after is None else context.ids.decode("Version", after)
    last: int | None = None
    async with aclosing(turns(context, PUBLISHED)) as news:
        async for _ in news:
            while True:
                async with context.read() as tx:
                    if last is None and name is not None:
                        last = (await find_version(tx, name)).number
                    elif last is None:
                        last = await latest_version_number(tx)
                    found = await next_versions(tx, last, BATCH)
                for version in found:
                    yield version
                    last = version.number
                if len(found) < BATCH:
                    break


def _version(root: strawberry.Parent["PlanPublished"]) -> VersionView:
    return root.published


async def _plan(root: strawberry.Parent["PlanPublished"], info: Info[Context, None]) -> PlanView:
    async with info.context.read() as tx:
        return await plan_view(tx, At(version=root.published.name))


@strawberry.type(description="A plan was published, as a draft round or final.")
class PlanPublished:
    """Serves the stream of versions."""

    published: strawberry.Private[VersionView]
    version: Version = served(
        _version, description="The version; its id is what `after` takes when you come back."
    )
    plan: Plan = served(_plan, description="The plan, as far as your role reads it.")


@strawberry.type(description="A final plan was published that answers customers whose answers you read.")
class SupplyAnswered(PlanPublished):
    """Serves the stream of final versions with answers in them."""


async def plan_published(
    info: Info[Context, None], after: AfterVersionArgument = None
) -> AsyncGenerator[PlanPublished, None]:
    """Yield each published version."""
    async with aclosing(new_versions(info.context, after)) as versions:
        async for version in versions:
            yield PlanPublished(published=version)


async def supply_answered(
    info: Info[Context, None], after: AfterVersionArgument = None
) -> AsyncGenerator[SupplyAnswered, None]:
    """Yield each final version with a supply answer that the caller reads."""
    require_measure(await info.context.scope(), SUPPLY_ANSWER)
    async with aclosing(new_versions(info.context, after)) as versions:
        async for version in versions:
            if version.kind != FINAL:
                continue
            async with info.context.read() as tx:
                answers = await answers_customers(tx, version)
            if answers:
                yield SupplyAnswered(published=version)


async def run_progress(info: Info[Context, None], id: RunArgument) -> AsyncGenerator[run_views.RunView, None]:
    """Yield a run as it is, then whenever it has changed, until it has ended."""
    context, key = info.context, info.context.ids.decode("Run", str(id))
    told: run_views.RunView | None = None
    async with aclosing(turns(context, run_progressed(UUID(key)))) as news:
        async for _ in news:
            async with context.read() as tx:
                found = await run_views.find_run(tx, key)
            if found is None:
                raise NotFound(kind="run", name=id)
            if found != told:
                yield found
                told = found
            if found.ended:
                return


@strawberry.type(description="What a department is told as it happens, over a WebSocket.")
class Subscription:
    """Root of all subscriptions."""

    plan_published = strawberry.subscription(
        resolver=plan_published, description="Every publication, drafts too, as it is made."
    )
    supply_answered = strawberry.subscription(
        resolver=supply_answered,
        description="Every final publication that answers customers whose answers you read.",
    )
    run_progressed = strawberry.subscription(
        resolver=run_progress,
        graphql_type=Run,
        description="A run as it is now, then at every change; the stream completes when the run has ended.",
    )
