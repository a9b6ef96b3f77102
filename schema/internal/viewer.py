"""Who is asking, and what the policies grant."""

import strawberry
from strawberry.types import Info

from app.services.views import viewer as views
from schema.context import Context
from schema.internal.vocabulary import MeasureName


@strawberry.type(description="The caller: its party, its role, and what the policies grant to it.")
class Viewer:
    """Serves the service's `Viewer`."""

    subject: str = strawberry.field(description="Who is calling, as the token names it.")
    audience: str = strawberry.field(description="The audience that selects the graph.")
    party: str | None = strawberry.field(description="Code of the department; null for the host as such.")
    role: str = strawberry.field(description="Business role.")
    regions: list[str] | None = strawberry.field(
        description="Sales regions that it is responsible for; null where it is not narrowed by region."
    )
    sites: list[str] | None = strawberry.field(
        description="Sites that it is responsible for; null where it is not narrowed by site."
    )
    reads: list[MeasureName] = strawberry.field(
        description="Measures it may read, in whole or for its own part."
    )
    submits: list[MeasureName] = strawberry.field(description="Measures it may submit.")
    actions: list[str] = strawberry.field(description="Mutations it may use.")


async def resolve_viewer(info: Info[Context, None]) -> views.Viewer:
    """Return the caller and its grants."""
    return views.viewer(await info.context.scope())
