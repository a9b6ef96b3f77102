"""Every type, field, argument, input field and enum value of the three graphs says what it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    Undefined,
    is_specified_scalar_type,
)

from app.auth import AUDIENCES, Audience
from app.main import SCHEMAS


def described(schema: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    """Yield everything that has a description, by its path."""
    for name, type_ in schema.type_map.items():
        if not name.startswith("__") and not is_specified_scalar_type(type_):
            yield name, type_.description
            yield from _members(name, type_)


def _members(name: str, type_: GraphQLNamedType) -> Iterator[tuple[str, str | None]]:
    if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
        for field_name, field in type_.fields.items():
            yield f"{name}.{field_name}", field.description
            for argument_name, argument in field.args.items():
                yield f"{name}.{field_name}({argument_name}:)", argument.description
    elif isinstance(type_, GraphQLInputObjectType):
        for field_name, input_field in type_.fields.items():
            yield f"{name}.{field_name}", input_field.description
    elif isinstance(type_, GraphQLEnumType):
        for value_name, value in type_.values.items():
            yield f"{name}.{value_name}", value.description


@pytest.mark.parametrize("audience", AUDIENCES)
def test_everything_is_described(audience: Audience) -> None:
    silent = [path for path, text in described(SCHEMAS[audience]._schema) if not (text or "").strip()]
    assert silent == []


@pytest.mark.parametrize("audience", AUDIENCES)
def test_a_graph_is_larger_than_nothing(audience: Audience) -> None:
    """The walk above really walks: it meets the root's fields and their arguments."""
    paths = [path for path, _ in described(SCHEMAS[audience]._schema)]
    assert "Query.viewer" in paths
    assert any("(" in path for path in paths)
    assert len(paths) > 50


@pytest.mark.parametrize("audience", AUDIENCES)
def test_mutations_take_one_input_and_answer_errors_as_data(audience: Audience) -> None:
    mutation = SCHEMAS[audience]._schema.mutation_type
    assert mutation is not None
    for name, field in mutation.fields.items():
        assert list(field.args) == ["input"], name
        payload = SCHEMAS[audience]._schema.type_map[f"{name[0].upper()}{name[1:]}Payload"]
        assert isinstance(payload, GraphQLObjectType)
        assert str(payload.fields["userErrors"].type) == "[UserError!]!"


def defaulted(schema: GraphQLSchema) -> Iterator[tuple[str, str]]:
    """Yield path and type of every argument and input field that has a default."""
    for name, type_ in schema.type_map.items():
        if isinstance(type_, GraphQLObjectType) and not name.startswith("__"):
            for field_name, field in type_.fields.items():
                for argument_name, argument in field.args.items():
                    if argument.default_value is not Undefined:
                        yield f"{name}.{field_name}({argument_name}:)", str(argument.type)
        elif isinstance(type_, GraphQLInputObjectType):
            for field_name, input_field in type_.fields.items():
                if input_field.default_value is not Undefined:
                    yield f"{name}.{field_name}", str(input_field.type)


@pytest.mark.parametrize("audience", AUDIENCES)
def test_what_has_a_default_may_also_be_null(audience: Audience) -> None:
    """Generated clients treat non-null arguments with defaults differently, so there are none."""
    found = list(defaulted(SCHEMAS[audience]._schema))
    assert found
    assert [path for path, type_ in found if type_.endswith("!")] == []
