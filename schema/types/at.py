"""`at:`, the state that a query reads: version, branch, commit or time inside; release or time outside."""

from datetime import datetime
from typing import Annotated

import strawberry


@strawberry.input(
    one_of=True,
    description="The state of the plan to read: exactly one of its fields. "
    "Without it the latest published version is read, or the head of main before the first publication.",
)
class PlanAt:
    """A state of the plan database, for the internal graph."""

    version: str | None = strawberry.field(
        default=strawberry.UNSET, description="Name of a published version."
    )
    branch: str | None = strawberry.field(
        default=strawberry.UNSET, description="Name of a branch; its head is read."
    )
    commit: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Id of a commit.")
    time: datetime | None = strawberry.field(
        default=strawberry.UNSET,
        description="A moment: the state of main as it was then.",
    )


@strawberry.input(
    one_of=True,
    description="Which release to read: exactly one of its fields. Without it the latest one.",
)
class ReleaseAt:
    """A release made to the calling party, for the supplier and customer graphs."""

    release: int | None = strawberry.field(
        default=strawberry.UNSET, description="Number of the release, counted from 1 for each party."
    )
    time: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="A moment: the release that was the latest then."
    )


PlanAtArgument = Annotated[
    PlanAt | None,
    strawberry.argument(
        description="The state to read; null reads the latest published version, "
        "or the head of main before the first publication."
    ),
]
ReleaseAtArgument = Annotated[
    ReleaseAt | None, strawberry.argument(description="The release to read; null reads the latest one.")
]
