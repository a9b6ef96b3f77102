"""What every subscription does: read, tell, wait for news, read again under the scope of that moment.

An announcement says only that there may be something new. What is told follows from the database and from
where the stream stands, so nothing is told twice, and nothing is lost while announcements were not heard.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

from schema.context import Context

BATCH = 50
"""How many entries are read at a time by a stream that has to catch up."""


async def turns(context: Context, *topics: str) -> AsyncGenerator[None, None]:
    """Yield once at the start, and then whenever one of the topics was announced or may have been.

    Each time the context is as new: no transaction is open, and the principal is bound again.
    """
    with context.announcing.watch(*topics) as watch:
        while True:
            await context.renew()
            yield
            await context.reading.end()
            await watch.heard()
