"""The stream of releases to the calling party, of which each outside graph makes its subscription."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from app.services.parties import reading
from app.store.announcements import released
from app.store.releases import Release
from schema.context import Context
from schema.streaming import BATCH, turns

AfterReleaseArgument = Annotated[
    int | None,
    strawberry.argument(
        description="Number of the last release that you know: later ones come at once, then each as it is "
        "made; 0 begins with the first. Null begins with the next release."
    ),
]


async def new_releases(context: Context, after: int | None) -> AsyncGenerator[Release, None]:
    """Yield the releases to the calling party after a number, in their order, for as long as anybody asks."""
    audience, last = context.principal.audience, after
    async with aclosing(turns(context, released(audience))) as news:
        async for _ in news:
            while True:
                async with context.read() as tx:
                    if last is None:
                        latest = await reading.release_at(tx, audience)
                        last = 0 if latest is None else latest.ordinal
                    found = await reading.next_releases(tx, audience, last, BATCH)
                for release in found:
                    yield release
                    last = release.ordinal
                if len(found) < BATCH:
                    break
