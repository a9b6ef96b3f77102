"""What the graphs of suppliers and customers share about changes between two releases."""

from enum import Enum
from typing import Annotated

import strawberry

from schema.types.at import ReleaseAt


@strawberry.enum(description="What became of a line between two releases.")
class ChangeKind(Enum):
    """Values of `app.services.parties.changes.ChangeKind`."""

    ADDED = strawberry.enum_value("added", description="It stands in the later release only.")
    CHANGED = strawberry.enum_value("changed", description="Both have it, and it differs.")
    REMOVED = strawberry.enum_value("removed", description="It stands in the earlier release only.")


SinceArgument = Annotated[
    ReleaseAt, strawberry.argument(description="The release to compare with, as a rule an earlier one.")
]
