"""What a customer is told as it happens."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import strawberry
from strawberry.types import Info

from app.services.parties import reading
from app.services.parties.answering import SupplyAnswerLine, supply_answers
from app.store.releases import Release as StoredRelease
from schema.context import Context
from schema.customer.answers import SupplyAnswer
from schema.types.connections import DEFAULT_PAGE, AfterArgument, Connection, FirstArgument, connection
from schema.types.fields import served
from schema.types.outside import ItemArgument, Release, paged
from schema.types.released import AfterReleaseArgument, new_releases


async def _answers(
    root: strawberry.Parent["SupplyAnswered"],
    info: Info[Context, None],
    item: ItemArgument = None,
    first: FirstArgument = DEFAULT_PAGE,
    after: AfterArgument = None,
) -> Connection[SupplyAnswerLine]:
    stretch, release = paged(info, first, after), reading.At(release=root.stored.ordinal)
    async with info.context.read() as tx:
        return connection(info, await supply_answers(tx, stretch, at=release, item=item))


def _release(root: strawberry.Parent["SupplyAnswered"]) -> StoredRelease:
    return root.stored


@strawberry.type(description="Our answers to what you asked for have been released.")
class SupplyAnswered:
    """Serves the stream of releases."""

    stored: strawberry.Private[StoredRelease]
    release: Release = served(
        _release, description="The release; its number is what `after` takes when you come back."
    )
    supply_answers: Connection[SupplyAnswer] = served(
        _answers, description="Our answers of this release, by item and ship-to."
    )


async def supply_answered(
    info: Info[Context, None], after: AfterReleaseArgument = None
) -> AsyncGenerator[SupplyAnswered, None]:
    """Yield each release to the calling customer."""
    async with aclosing(new_releases(info.context, after)) as releases:
        async for release in releases:
            yield SupplyAnswered(stored=release)


@strawberry.type(description="What a customer is told as it happens, over a WebSocket.")
class Subscription:
    """Root of all subscriptions."""

    supply_answered = strawberry.subscription(
        resolver=supply_answered,
        description="Every release of our answers to you, as it is made.",
    )
