"""What a query asks for below a field, as far as the services need to know it beforehand.

Only one thing: which references between reference data are followed, so that a page's references are read
together. Fragments are looked through; @skip and @include are not, so more may be read than is answered.
"""

from collections.abc import Iterable, Iterator, Sequence

from strawberry.types import Info
from strawberry.types.nodes import SelectedField, Selection

from app.services.views.records import LinkTree
from app.vocabulary import ENTITIES
from schema.context import Context
from schema.internal.reference import KIND_OF_TYPE, camel

CONNECTION_PATHS = (("nodes",), ("edges", "node"))


def links_below(info: Info[Context, None], kind: str, paths: Sequence[Sequence[str]] = ((),)) -> LinkTree:
    """Return the references of `kind` that the query follows, at each of the paths below this field."""
    selections = [field for path in paths for field in _at(_root(info), path)]
    return link_tree(kind, selections)


def links_by_field(
    info: Info[Context, None], kinds: dict[str, str], paths: Sequence[Sequence[str]]
) -> dict[str, LinkTree]:
    """Return, for each selected field among `kinds` (field -> kind), the references followed below it."""
    found: dict[str, list[Selection]] = {}
    for path in paths:
        for field in _fields(_at(_root(info), path)):
            if field.name in kinds:
                found.setdefault(field.name, []).extend(field.selections)
    return {name: link_tree(kinds[name], selections) for name, selections in found.items()}


def links_by_type(info: Info[Context, None]) -> dict[str, LinkTree]:
    """Return, for each kind that an inline fragment or a named one is on, the references followed there."""
    trees: dict[str, list[Selection]] = {}
    for selection in _root(info):
        if not isinstance(selection, SelectedField):
            kind = KIND_OF_TYPE.get(str(selection.type_condition))
            trees.setdefault(str(kind), []).extend(selection.selections)
    return {kind: link_tree(kind, chosen) for kind, chosen in trees.items() if kind in ENTITIES}


def link_tree(kind: str, selections: Iterable[Selection]) -> LinkTree:
    """Return column -> references followed below it, for the selected fields of a kind's type."""
    links = {
        camel(column.name): (column.name, str(column.references))
        for column in ENTITIES[kind].columns.values()
        if column.references is not None
    }
    below: dict[str, list[Selection]] = {}
    for field in _fields(selections):
        if field.name in links:
            below.setdefault(field.name, []).extend(field.selections)
    return {links[name][0]: link_tree(links[name][1], chosen) for name, chosen in below.items()}


def _root(info: Info[Context, None]) -> list[Selection]:
    return [below for field in info.selected_fields for below in field.selections]


def _at(selections: Iterable[Selection], path: Sequence[str]) -> list[Selection]:
    """Return what is selected below the fields along `path`."""
    current = list(selections)
    for name in path:
        current = [below for field in _fields(current) if field.name == name for below in field.selections]
    return current


def _fields(selections: Iterable[Selection]) -> Iterator[SelectedField]:
    for selection in selections:
        if isinstance(selection, SelectedField):
            yield selection
        else:
            yield from _fields(selection.selections)
