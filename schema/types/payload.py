"""What all payloads share: the business errors of the call, and the end of the reads before it."""

from collections.abc import Awaitable
from typing import TypeVar

from schema.context import Context
from schema.types.errors import BUSINESS_ERRORS, UserError, user_errors

T = TypeVar("T")


async def attempt(context: Context, call: Awaitable[T]) -> tuple[T | None, list[UserError]]:
    """Await a service call; return its result, or the business errors that it was refused with.

    The operation's transaction ends first: what is read afterwards must see what was written.
    """
    await context.reading.end()
    try:
        return await call, []
    except BUSINESS_ERRORS as error:
        await context.refused(error)
        return None, user_errors(error)
