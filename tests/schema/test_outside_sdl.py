"""The graphs of suppliers and customers: described, filed as printed, and free of the inside."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType

from schema.sdl import drift, graph, printed

OUTSIDE = ("supplier", "customer")


def undescribed(audience: str) -> Iterator[str]:
    """Every type, field, argument and value of a graph without a description."""
    for name, kind in graph(audience)._schema.type_map.items():
        if name.startswith("__") or not isinstance(
            kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType | GraphQLEnumType
        ):
            continue
        if not kind.description:
            yield name
        if isinstance(kind, GraphQLEnumType):
            yield from (f"{name}.{value}" for value, entry in kind.values.items() if not entry.description)
            continue
        for field, entry in kind.fields.items():
            if not entry.description:
                yield f"{name}.{field}"
            for argument, given in getattr(entry, "args", {}).items():
                if not given.description:
                    yield f"{name}.{field}({argument}:)"


@pytest.mark.parametrize("audience", OUTSIDE)
def test_everything_is_described(audience: str) -> None:
    assert list(undescribed(audience)) == []


@pytest.mark.parametrize("audience", OUTSIDE)
def test_the_filed_sdl_is_what_the_code_says(audience: str) -> None:
    assert drift(audience) == ""


@pytest.mark.parametrize("audience", OUTSIDE)
def test_no_word_of_the_inside_is_in_the_sdl(audience: str) -> None:
    inside = r"commit_?id|branch|sealed|hash|shadow|payoff|concession|scenario|margin|standardCost"
    assert re.findall(inside, printed(audience), re.IGNORECASE) == []


@pytest.mark.parametrize(("audience", "other"), [OUTSIDE, OUTSIDE[::-1]])
def test_one_side_does_not_know_the_types_of_the_other(audience: str, other: str) -> None:
    own = {"supplier": "PurchaseProjection", "customer": "SupplyAnswer"}
    types = graph(audience)._schema.type_map
    assert own[audience] in types
    assert own[other] not in types
