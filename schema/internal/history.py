"""Commits, branches and published versions."""

from datetime import date, datetime
from typing import Annotated

import strawberry
from strawberry.types import Info

from app.services.views import history
from schema.context import Context
from schema.types.connections import (
    DEFAULT_PAGE,
    AfterArgument,
    Connection,
    FirstArgument,
    Rows,
    connection,
    page_size,
    resume_key,
)
from schema.types.fields import served
from schema.types.node import Node


def _commit_id(info: Info[Context, None], commit: int | None) -> strawberry.ID | None:
    return None if commit is None else strawberry.ID(info.context.ids.encode("Commit", str(commit)))


def _parent_id(
    root: strawberry.Parent[history.CommitView], info: Info[Context, None]
) -> strawberry.ID | None:
    return _commit_id(info, root.parent)


def _inputs_id(
    root: strawberry.Parent[history.CommitView], info: Info[Context, None]
) -> strawberry.ID | None:
    return _commit_id(info, root.inputs)


@strawberry.type(description="One change of a branch: who, when and why. It never changes.")
class Commit(Node):
    """Serves `CommitView`."""

    branch: str = strawberry.field(description="Branch on which it was made.")
    author: str = strawberry.field(description="Who made it.")
    at: datetime = strawberry.field(description="When.")
    reason: str = strawberry.field(description="Why.")
    message: str = strawberry.field(description="Further words; may be empty.")
    plan_date: date | None = strawberry.field(description="Plan date, where this commit set it.")
    rule: str | None = strawberry.field(
        description="Rule of the reconciliation that made it; null for inputs."
    )
    parent_id: strawberry.ID | None = served(
        _parent_id,
        description="Id of the commit before it on its branch; null for a branch's first.",
    )
    inputs_id: strawberry.ID | None = served(
        _inputs_id,
        description="Id of the commit whose inputs it reconciles; null for inputs themselves.",
    )

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Serve the service's own objects."""
        return isinstance(obj, history.CommitView)


@strawberry.type(description="A line of commits: main, a scenario, or the result of a reconciliation.")
class Branch(Node):
    """Serves `BranchView`."""

    name: str = strawberry.field(description="Name.")
    state: str = strawberry.field(description="open, or closed to further commits.")
    created_by: str = strawberry.field(description="Who forked it.")
    created_at: datetime = strawberry.field(description="When.")
    head: Commit | None = strawberry.field(description="Its latest commit; null while it has none.")

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Serve the service's own objects."""
        return isinstance(obj, history.BranchView)


@strawberry.type(description="A published plan, sealed by a hash over its series and reference data.")
class Version(Node):
    """Serves `VersionView`."""

    name: str = strawberry.field(description="Name.")
    kind: str = strawberry.field(description="draft or final.")
    sealed_hash: str | None = strawberry.field(
        description="Hash over everything in it, in hexadecimal digits; NOT_GRANTED if you do not read it."
    )
    published_by: str = strawberry.field(description="Who published it.")
    published_at: datetime = strawberry.field(description="When.")
    commit: Commit = strawberry.field(description="The state that was published.")

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Serve the service's own objects."""
        return isinstance(obj, history.VersionView)


BranchArgument = Annotated[
    str | None, strawberry.argument(description="Name of the branch; null means main.")
]


async def resolve_commits(
    info: Info[Context, None],
    branch: BranchArgument = "main",
    first: FirstArgument = DEFAULT_PAGE,
    after: AfterArgument = None,
) -> Connection[history.CommitView]:
    """Return the commits of a branch and of what it was forked from, newest first."""
    limit, key = page_size(first), resume_key(info, after)
    async with info.context.read() as tx:
        return connection(info, await history.commit_page(tx, branch or "main", limit, key))


async def resolve_branches(
    info: Info[Context, None], first: FirstArgument = DEFAULT_PAGE, after: AfterArgument = None
) -> Connection[history.BranchView]:
    """Return all branches by name."""
    limit, key = page_size(first), resume_key(info, after)
    async with info.context.read() as tx:
        return connection(info, await history.branch_page(tx, limit, key))


async def resolve_versions(
    info: Info[Context, None], first: FirstArgument = DEFAULT_PAGE, after: AfterArgument = None
) -> Connection[history.VersionView]:
    """Return the published versions, newest first."""
    limit, key = page_size(first), resume_key(info, after)
    async with info.context.read() as tx:
        page: Rows[history.VersionView] = await history.version_page(tx, limit, key)
        return connection(info, page)
