"""What suppliers and customers have submitted, and what became of it."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from app.services.views import submissions as views
from schema.context import Context
from schema.types.connections import (
    DEFAULT_PAGE,
    AfterArgument,
    Connection,
    FirstArgument,
    connection,
    page_size,
    resume_key,
)


@strawberry.type(description="A submission of an outside party, as it lies in the inbox.")
class Submission:
    """Serves the service's `SubmissionView`."""

    party_code: str = strawberry.field(description="Party that submitted it.")
    audience: str = strawberry.field(description="supplier or customer: in which role it did.")
    ordinal: int = strawberry.field(description="Number of the submission, counted for each party and role.")
    kind: str = strawberry.field(description="Measure that it states, or acknowledgement.")
    payload: JSON = strawberry.field(description="What was submitted, as it was sent.")
    submitted_by: str = strawberry.field(description="Who submitted it.")
    submitted_at: datetime = strawberry.field(description="When.")
    state: str = strawberry.field(description="pending, included or rejected.")
    reason: str | None = strawberry.field(description="Why it was rejected.")
    decided_at: datetime | None = strawberry.field(description="When it was dealt with.")


PartyArgument = Annotated[
    str | None, strawberry.argument(description="Only those of this party; null means all.")
]
StateArgument = Annotated[
    str | None, strawberry.argument(description="Only pending, included or rejected ones; null means all.")
]


async def resolve_submissions(
    info: Info[Context, None],
    party: PartyArgument = None,
    state: StateArgument = None,
    first: FirstArgument = DEFAULT_PAGE,
    after: AfterArgument = None,
) -> Connection[views.SubmissionView]:
    """Return the submissions that the role may read, latest first."""
    limit, key = page_size(first), resume_key(info, after)
    async with info.context.read() as tx:
        return connection(
            info, await views.submission_page(tx, party=party, state=state, limit=limit, after=key)
        )
