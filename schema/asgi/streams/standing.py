"""The right to keep a socket: it ends with the token, and with the session, subject or party behind it.

An end is announced (app.store.announcements) and cuts the socket off at once. Besides, the proof is looked at
again when announcements may have been missed, shortly after the start (a process may go by what it knew of
revocations for two seconds), and every minute.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final, NoReturn

from app.errors import AccessError, StoreError
from app.store.announcements import Watch
from schema.asgi.streams.admission import Admitted
from schema.asgi.streams.messages import Closing, Code, closing_for
from schema.context import Context

FIRST_LOOK_SECONDS: Final = 3.0
LOOK_SECONDS: Final = 60.0
TOKEN_EXPIRED: Final = "TOKEN_EXPIRED: the access token has expired"  # noqa: S105  a reason, not a secret
ACCESS_ENDED: Final = "ACCESS_ENDED: the session, token, client or party was ended"


async def hold(admitted: Admitted, context: Context, watch: Watch) -> NoReturn:
    """Wait until the right ends, however it does; raises Closing then."""
    expires_at = admitted.principal.expires_at + context.settings.token_leeway_seconds
    pause = FIRST_LOOK_SECONDS
    while True:
        left = expires_at - time.time()
        if left <= 0:
            raise Closing(Code.FORBIDDEN, TOKEN_EXPIRED)
        try:
            async with asyncio.timeout(min(pause, left)):
                heard = await watch.heard()
        except TimeoutError:
            if left > pause:
                await look(admitted, context)
                pause = LOOK_SECONDS
            continue
        if heard.topics:
            raise Closing(Code.FORBIDDEN, ACCESS_ENDED)
        await look(admitted, context)


async def look(admitted: Admitted, context: Context) -> None:
    """Raise Closing if the proof or the party is refused by now; nothing changes while that is unknown."""
    try:
        await admitted.again()
        await context.bind(admitted.principal)
    except AccessError as error:
        raise closing_for(Code.FORBIDDEN, error) from None
    except StoreError:
        return
