"""What one document may ask for, known before anything is executed.

- tokens  of the document as written (checked while parsing)
- depth   of nested fields, fragments spread out
- selections and aliases of the whole operation, fragments spread out
- objects that the answer can hold: a paged field counts for the page it asks for, a list without pages for
  `ASSUMED_LIST_LENGTH`, both multiplied with what they are nested in

Introspection is held back by graphql-core's own rule on its depth, and counts for depth alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    TypeNameMetaFieldDef,
    VariableNode,
    Visitor,
    get_named_type,
    is_composite_type,
    is_list_type,
    is_non_null_type,
    visit,
)

from app.config import Settings
from app.errors import BadRequest, LimitExceeded
from schema.types.connections import DEFAULT_PAGE

ASSUMED_LIST_LENGTH = 10
_PAGE_ARGUMENT = "first"
_LONGEST_COUNTED = 10**9
"""No page is counted longer: it is refused anyway, and what was found still fits an integer of JSON."""


class _TextCheck(Visitor):
    """Refuses the character that PostgreSQL cannot hold, however it is written in the document."""

    def enter_string_value(self, node: StringValueNode, *_: object) -> None:
        """Look at one literal text."""
        if "\x00" in node.value:
            raise BadRequest(reason="text with a null character")


def check_text(document: DocumentNode) -> None:
    """Refuse literals with a null character."""
    visit(document, _TextCheck())


def check_document(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    document: DocumentNode,
    variables: Mapping[str, object],
    settings: Settings,
) -> None:
    """Raise LimitExceeded where the operation asks for too much.

    Expects a document that was validated, or at least not yet refused: unknown fields and fragments count as
    leaves, and a fragment within itself ends the walk.
    """
    root = schema.get_root_type(operation.operation)
    if root is None:
        return
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    values = {**_default_values(operation), **variables}
    _Count(schema, fragments, values, settings).selections(operation.selection_set, root, 1, 1, ())


def _default_values(operation: OperationDefinitionNode) -> dict[str, object]:
    """Return the whole numbers that variables stand for when they are not given."""
    return {
        definition.variable.name.value: _integer(definition.default_value)
        for definition in operation.variable_definitions or ()
        if isinstance(definition.default_value, IntValueNode)
    }


def _integer(node: IntValueNode) -> int:
    """Return the value; of absurdly long numbers the first digits are enough to refuse them."""
    return int(node.value[:20])


@dataclass(slots=True)
class _Count:
    """Walks an operation and adds up; every limit is checked as soon as it can be passed."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, object]
    settings: Settings
    selected: int = field(default=0)
    aliases: int = field(default=0)
    objects: int = field(default=0)

    def selections(
        self, node: SelectionSetNode, parent: object, depth: int, times: int, spreads: tuple[str, ...]
    ) -> None:
        """Count the selections of `parent`, which the answer holds `times` times."""
        for selected, selected_parent, path in self._fields(node, parent, spreads):
            self._check("a depth of", depth, self.settings.max_depth)
            self.aliases += selected.alias is not None
            self._check("aliases:", self.aliases, self.settings.max_aliases)
            self._field(selected, selected_parent, depth, times, path)

    def _field(
        self, node: FieldNode, parent: object, depth: int, times: int, spreads: tuple[str, ...]
    ) -> None:
        name = node.name.value
        definition = _field_definition(self.schema, parent, name)
        if definition is None:
            return
        type_, paged = definition
        times *= self._length(node, type_, paged, parent)
        if is_composite_type(get_named_type(type_)) and not name.startswith("__"):
            self.objects += times
            self._check("objects in its answer, up to", self.objects, self.settings.max_nodes)
        if node.selection_set:
            named = get_named_type(type_)
            self.selections(node.selection_set, named, depth + 1, times, spreads)

    def _length(self, node: FieldNode, type_: GraphQLOutputType, paged: bool, parent: object) -> int:
        """Return how many objects one occurrence of the field can hold."""
        if paged:
            return self._page(node)
        if not _holds_list(type_) or _is_connection(parent) or _is_introspection(parent):
            return 1
        return ASSUMED_LIST_LENGTH

    def _page(self, node: FieldNode) -> int:
        """Return the page length asked for; what is no positive number is the resolver's to refuse."""
        value: object = None
        for argument in node.arguments or ():
            if argument.name.value == _PAGE_ARGUMENT:
                value = argument.value
        if isinstance(value, IntValueNode):
            value = _integer(value)
        elif isinstance(value, VariableNode):
            value = self.variables.get(value.name.value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return int(min(max(value, 1), _LONGEST_COUNTED))
        return DEFAULT_PAGE

    def _fields(
        self, node: SelectionSetNode, parent: object, spreads: tuple[str, ...]
    ) -> Iterator[tuple[FieldNode, object, tuple[str, ...]]]:
        """Return the fields with fragments spread out, each with the type that it is selected on."""
        for selection in node.selections:
            self.selected += 1
            self._check("selections:", self.selected, self.settings.max_tokens)
            if isinstance(selection, FieldNode):
                yield selection, parent, spreads
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                narrowed = self.schema.get_type(condition.name.value) if condition else parent
                yield from self._fields(selection.selection_set, narrowed, spreads)
            elif isinstance(selection, FragmentSpreadNode):
                name = selection.name.value
                fragment = self.fragments.get(name)
                if fragment is not None and name not in spreads:
                    narrowed = self.schema.get_type(fragment.type_condition.name.value)
                    yield from self._fields(fragment.selection_set, narrowed, (*spreads, name))

    def _check(self, what: str, found: int, limit: int) -> None:
        if found > limit:
            raise LimitExceeded(what=what, found=found, limit=limit)


def _field_definition(
    schema: GraphQLSchema, parent: object, name: str
) -> tuple[GraphQLOutputType, bool] | None:
    """Return the type of a field and whether it is paged, or None for what validation refuses."""
    if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
        return None
    definition = schema.get_field(parent, name)
    if definition is None or definition is TypeNameMetaFieldDef:
        return None
    return definition.type, _PAGE_ARGUMENT in definition.args


def _holds_list(type_: object) -> bool:
    return is_list_type(type_.of_type if is_non_null_type(type_) else type_)


def _is_connection(parent: object) -> bool:
    """Return whether `parent` is a page: its own lists are as long as that, which is counted already."""
    return isinstance(parent, GraphQLObjectType) and parent.name.endswith("Connection")


def _is_introspection(parent: object) -> bool:
    return isinstance(parent, GraphQLObjectType) and parent.name.startswith("__")
