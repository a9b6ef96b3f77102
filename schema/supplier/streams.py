"""What a supplier is told as it happens."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import strawberry
from strawberry.types import Info

from app.services.parties import reading
from app.services.parties.states import ProjectionLine
from app.store.releases import Release as StoredRelease
from schema.context import Context
from schema.supplier.projections import PurchaseProjection
from schema.types.connections import DEFAULT_PAGE, AfterArgument, Connection, FirstArgument, connection
from schema.types.fields import served
from schema.types.outside import ItemArgument, Release, paged
from schema.types.released import AfterReleaseArgument, new_releases


async def _projections(
    root: strawberry.Parent["ProjectionPublished"],
    info: Info[Context, None],
    item: ItemArgument = None,
    first: FirstArgument = DEFAULT_PAGE,
    after: AfterArgument = None,
) -> Connection[ProjectionLine]:
    stretch, release = paged(info, first, after), reading.At(release=root.stored.ordinal)
    async with info.context.read() as tx:
        return connection(info, await reading.projections(tx, stretch, at=release, item=item))


def _release(root: strawberry.Parent["ProjectionPublished"]) -> StoredRelease:
    return root.stored


@strawberry.type(description="A release was made to you.")
class ProjectionPublished:
    """Serves the stream of releases."""

    stored: strawberry.Private[StoredRelease]
    release: Release = served(
        _release, description="The release; its number is what `after` takes when you come back."
    )
    purchase_projections: Connection[PurchaseProjection] = served(
        _projections, description="What we expect to buy from you by this release, by item and site."
    )


async def projection_published(
    info: Info[Context, None], after: AfterReleaseArgument = None
) -> AsyncGenerator[ProjectionPublished, None]:
    """Yield each release to the calling supplier."""
    async with aclosing(new_releases(info.context, after)) as releases:
        async for release in releases:
            yield ProjectionPublished(stored=release)


@strawberry.type(description="What a supplier is told as it happens, over a WebSocket.")
class Subscription:
    """Root of all subscriptions."""

    projection_published = strawberry.subscription(
        resolver=projection_published,
        description="Every release to you, drafts too, as it is made.",
    )
