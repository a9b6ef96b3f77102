"""`hierarchies`: the levels that figures are grouped by, and who belongs to which group."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

import strawberry
from strawberry.types import Info

from app.services.views import hierarchies as views
from schema.context import Context
from schema.internal.at import chosen_at
from schema.internal.vocabulary import DimensionName
from schema.types.at import PlanAtArgument
from schema.types.connections import (
    DEFAULT_PAGE,
    AfterArgument,
    Connection,
    FirstArgument,
    connection,
    page_size,
    resume_key,
)
from schema.types.fields import served


@strawberry.type(description="A named level of a hierarchy.")
class HierarchyLevel:
    """Serves `LevelView`."""

    code: str = strawberry.field(description="Code, for the argument `levels` of a plan's series.")
    name: str = strawberry.field(description="Name.")
    position: int = strawberry.field(description="1 = the lowest.")


@strawberry.type(description="A group of a hierarchy, such as a family or a region.")
class HierarchyGroup:
    """Serves `GroupView`."""

    code: str = strawberry.field(description="Code.")
    name: str = strawberry.field(description="Name.")
    level: str | None = strawberry.field(description="Level that it stands on; null = none.")
    parent: str | None = strawberry.field(description="Group above; null at the top.")


@strawberry.type(description="A member of a hierarchy, with its groups.")
class HierarchyMember:
    """Serves `MemberView`."""

    code: str = strawberry.field(description="Code of the item, site, customer or supplier.")
    groups: list[str] = strawberry.field(description="Groups that it belongs to, the lowest first.")


def _groups(
    root: strawberry.Parent[views.HierarchyView],
    info: Info[Context, None],
    first: FirstArgument = DEFAULT_PAGE,
    after: AfterArgument = None,
) -> Connection[views.GroupView]:
    return connection(info, views.group_page(root, page_size(first), resume_key(info, after)))


async def _members(
    root: strawberry.Parent[views.HierarchyView],
    info: Info[Context, None],
    first: FirstArgument = DEFAULT_PAGE,
    after: AfterArgument = None,
) -> Connection[views.MemberView]:
    limit, key = page_size(first), resume_key(info, after)
    async with info.context.read() as tx:
        return connection(info, await views.member_page(tx, root, limit, key))


@strawberry.type(description="How the members of a dimension are grouped; groups stand on named levels.")
class Hierarchy:
    """Serves `HierarchyView`."""

    name: str = strawberry.field(description="Name, such as family or region.")
    description: str = strawberry.field(description="What it groups by.")
    dimension: DimensionName = strawberry.field(description="What is grouped.")
    levels: list[HierarchyLevel] = strawberry.field(description="Its named levels, the lowest first.")
    groups: Connection[HierarchyGroup] = served(_groups, description="Its groups, by code.")
    members: Connection[HierarchyMember] = served(
        _members, description="Its members that your role may read, by code."
    )


OnArgument = Annotated[
    date | None,
    strawberry.argument(
        description="The day whose groups are shown; null = those of the plan date, which hold today."
    ),
]


async def resolve_hierarchies(
    info: Info[Context, None], at: PlanAtArgument = None, on: OnArgument = None
) -> Sequence[views.HierarchyView]:
    """Return all hierarchies."""
    asked = chosen_at(info, at)
    async with info.context.read() as tx:
        return await views.hierarchy_views(tx, asked, on)
