"""Relay connections: pages of bounded size, resumed by opaque cursors.

A service returns a `Page`: the rows, a resume key for each, and whether more follow. Cursors are keyed like
ids, so they carry nothing about rows that the reader may not see, and there is no total count.
"""

from collections.abc import Iterable
from typing import Annotated, Generic, Protocol, TypeVar

import strawberry
from strawberry.types import Info

from app.errors import LimitExceeded
from schema.context import Context

DEFAULT_PAGE = 100
MAX_PAGE = 1000

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Rows(Protocol[T_co]):
    """What a service returns for a page."""

    @property
    def rows(self) -> Iterable[T_co]:
        """The rows of the page, in order."""

    @property
    def resume_keys(self) -> Iterable[str]:
        """For each row, the key after which the next page starts."""

    @property
    def has_next(self) -> bool:
        """Whether rows follow."""


@strawberry.type(description="Where a page lies in its connection.")
class PageInfo:
    """Forward paging only: there is no way to page backwards, so there is nothing to say about it."""

    has_next_page: bool = strawberry.field(description="Whether more follow this page.")
    end_cursor: str | None = strawberry.field(
        description="Cursor of the last entry, for the argument `after` of the next page; "
        "null on an empty page."
    )


@strawberry.type(description="An entry of a page with its cursor.")
class Edge(Generic[T]):
    """One entry."""

    cursor: str = strawberry.field(description="Opaque place of this entry, for the argument `after`.")
    node: T = strawberry.field(description="The entry itself.")


@strawberry.type(description="A page of entries.")
class Connection(Generic[T]):
    """A page as Relay clients expect it, and `nodes` for everybody else."""

    edges: list[Edge[T]] = strawberry.field(description="The entries with their cursors.")
    nodes: list[T] = strawberry.field(description="The entries alone.")
    page_info: PageInfo = strawberry.field(description="Where this page lies.")


FirstArgument = Annotated[
    int | None,
    strawberry.argument(description=f"Length of the page, from 1 to {MAX_PAGE}; null means {DEFAULT_PAGE}."),
]
AfterArgument = Annotated[
    str | None,
    strawberry.argument(description="Cursor after which the page starts; null starts at the beginning."),
]


def page_size(first: int | None) -> int:
    """Return the page length asked for; raises `LimitExceeded` outside 1…MAX_PAGE."""
    if first is None:
        return DEFAULT_PAGE
    if not 1 <= first <= MAX_PAGE:
        raise LimitExceeded(what="a page length `first` of", found=first, limit=MAX_PAGE)
    return first


def resume_key(info: Info[Context, None], after: str | None) -> str | None:
    """Return the service's key of a cursor; raises `BadId` for one that was not given here."""
    return None if after is None else info.context.ids.decode(_cursor_kind(info), after)


def connection(info: Info[Context, None], page: Rows[T]) -> Connection[T]:
    """Return the page as a connection; cursors are bound to the field they were given by."""
    kind, ids = _cursor_kind(info), info.context.ids
    edges = [
        Edge(cursor=ids.encode(kind, key), node=row)
        for row, key in zip(page.rows, page.resume_keys, strict=True)
    ]
    end = edges[-1].cursor if edges else None
    return Connection(
        edges=edges,
        nodes=[edge.node for edge in edges],
        page_info=PageInfo(has_next_page=page.has_next, end_cursor=end),
    )


def _cursor_kind(info: Info[Context, None]) -> str:
    """Return what a cursor is sealed under: the field, so that one of items is no cursor of sites."""
    raw = info._raw_info
    return f"cursor:{raw.parent_type.name}.{raw.field_name}"
