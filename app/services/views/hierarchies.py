"""The hierarchies: their levels, their groups, and who belongs to which, today or on a day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from app.dimensions.hierarchies import GROUP_MEMBERSHIP, HIERARCHIES, LEVEL, Hierarchy, Structure
from app.services.grants import require_kind
from app.services.views.pages import Page, page_after
from app.store.branches import At, Commit, resolve
from app.store.database import Transaction
from app.store.entities import read_entities

Rows = Mapping[str, Sequence[Mapping[str, object]]]


@dataclass(frozen=True, slots=True)
class LevelView:
    """A named level; position 1 is the lowest."""

    code: str
    name: str
    position: int


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group of a hierarchy, with what it stands below."""

    code: str
    name: str
    level: str | None
    parent: str | None


@dataclass(frozen=True, slots=True)
class MemberView:
    """A member of a hierarchy's dimension with its groups, the lowest first."""

    code: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HierarchyView:
    """A hierarchy at a state; `on` is the day that it is shown for, None = as the own rows have it."""

    state: Commit
    hierarchy: Hierarchy
    on: date | None
    levels: tuple[LevelView, ...]
    rows: Rows

    @property
    def name(self) -> str:
        """Name of the hierarchy."""
        return self.hierarchy.name

    @property
    def dimension(self) -> str:
        """What is grouped."""
        return self.hierarchy.dimension

    @property
    def description(self) -> str:
        """What it groups by, in words."""
        return self.hierarchy.doc


async def hierarchy_views(tx: Transaction, at: At, on: date | None) -> list[HierarchyView]:
    """Return all hierarchies at a state, in one read; raises `NotGranted` for who reads no levels."""
    require_kind(tx.scope, LEVEL)
    state = await resolve(tx, at)
    trees = {one.tree for one in HIERARCHIES.values() if one.tree is not None}
    rows = await read_entities(tx, state, sorted({*trees, LEVEL, GROUP_MEMBERSHIP}))
    return [HierarchyView(state, one, on, _levels(one, rows), rows) for one in HIERARCHIES.values()]


def _levels(hierarchy: Hierarchy, rows: Rows) -> tuple[LevelView, ...]:
    found = [
        LevelView(str(row["level"]), str(row["name"]), int(str(row["position"])))
        for row in rows[LEVEL]
        if row["hierarchy"] == hierarchy.name
    ]
    return tuple(sorted(found, key=lambda level: level.position))


def group_page(view: HierarchyView, limit: int, after: str | None) -> Page[GroupView]:
    """Return the groups of a hierarchy by code; a hierarchy whose groups are codes alone has none."""
    structure = Structure(view.hierarchy, view.rows)
    names = {str(row[str(view.hierarchy.tree)]): str(row["name"]) for row in _groups(view)}
    groups = [
        GroupView(code, names[code], structure.level_of(code), structure.parent_of(code, view.on))
        for code in structure.groups
    ]
    return page_after(groups, limit, after, lambda group: group.code)


def _groups(view: HierarchyView) -> Sequence[Mapping[str, object]]:
    return () if view.hierarchy.tree is None else view.rows[view.hierarchy.tree]


async def member_page(
    tx: Transaction, view: HierarchyView, limit: int, after: str | None
) -> Page[MemberView]:
    """Return the members that the caller reads, by code, with their groups; one read."""
    kinds = [view.hierarchy.dimension, view.hierarchy.dated]
    rows = {**view.rows, **await read_entities(tx, view.state, kinds)}
    structure = Structure(view.hierarchy, rows)
    members = [
        MemberView(code, structure.path(structure.group_of(code, view.on), view.on))
        for code in structure.members
    ]
    return page_after(members, limit, after, lambda member: member.code)
