"""Business errors as typed data: what a mutation refuses comes back in its payload, protocol errors do not.

A payload holds `userErrors`; it is empty exactly when the mutation did what was asked. Each error has the
stable code of its class in `app.errors` and, where the input is to blame, the place in it.
"""

from collections.abc import Sequence

import strawberry

from app.errors import (
    BadId,
    ConcordError,
    Conflict,
    Forbidden,
    InputError,
    NotFound,
    NotGranted,
    PlanningError,
    Rejected,
)

BUSINESS_ERRORS = (InputError, BadId, NotFound, Conflict, Forbidden, NotGranted, PlanningError)
"""What a mutation answers as data. Everything else is a protocol error or a fault of ours."""


@strawberry.type(description="Why a mutation did not do what was asked; nothing was written.")
class UserError:
    """One refusal, with the place in the input that it is about."""

    code: str = strawberry.field(description="Stable code; the errors page of the documentation lists them.")
    message: str = strawberry.field(description="The reason for people to read.")
    field: list[str] = strawberry.field(
        description="Path of the input field that is to blame, such as series, 0, values, 3; "
        "empty where none is."
    )
    row: int | None = strawberry.field(
        description="Which entry of the input's list is to blame, counted from 0; null where none is."
    )


def user_errors(error: ConcordError) -> list[UserError]:
    """Return the errors as data; a `Rejected` unfolds into each of its problems."""
    problems: Sequence[ConcordError] = error.problems if isinstance(error, Rejected) else (error,)
    return [_user_error(problem) for problem in problems]


def _user_error(error: ConcordError) -> UserError:
    field, row = error.details.get("field"), error.details.get("row")
    path = [str(part) for part in field] if isinstance(field, list | tuple) else [str(field)] if field else []
    return UserError(
        code=error.code, message=error.message, field=path, row=row if isinstance(row, int) else None
    )
