"""Scalars: `Numbers` carries all values of a series at once, aligned with the calendar's buckets.

One scalar for the list instead of a list of nullable floats: the executor then visits a series once and
not once a bucket (about twice the throughput of a planner's grid; design decision, measured).
"""

import math
from collections.abc import Mapping, Sequence
from typing import NewType

import numpy as np
import strawberry
from graphql import GraphQLError, ListValueNode, ValueNode
from graphql.utilities import value_from_ast_untyped
from strawberry.types.scalar import ScalarDefinition

Numbers = NewType("Numbers", Sequence[float | None])
"""Values in bucket order; None where there is none."""

MAX_NUMBERS = 10_000


def serialize_numbers(values: object) -> list[float | None]:
    """Return JSON numbers of a float array (T,) or sequence; NaN and None become null."""
    if isinstance(values, np.ndarray):
        numbers: list[float | None] = values.tolist()
        return [_or_null(number) for number in numbers] if np.isnan(values).any() else numbers
    if isinstance(values, Sequence) and not isinstance(values, str | bytes):
        return [_or_null(value) for value in values]
    raise GraphQLError("Numbers cannot represent this value.")


def _or_null(number: float | None) -> float | None:
    return None if number is None or math.isnan(number) else float(number)


def parse_numbers(value: object) -> list[float | None]:
    """Return the numbers of a JSON list; anything but finite numbers and null is refused by its place."""
    if not isinstance(value, list):
        raise GraphQLError("Numbers must be a list of numbers and nulls.")
    if len(value) > MAX_NUMBERS:
        raise GraphQLError(f"Numbers holds at most {MAX_NUMBERS} values.")
    return [_number(place, entry) for place, entry in enumerate(value)]


def _number(place: int, entry: object) -> float | None:
    if entry is None:
        return None
    if isinstance(entry, bool) or not isinstance(entry, int | float):
        raise GraphQLError(f"Numbers must hold numbers and nulls only; value {place} is neither.")
    try:
        number = float(entry)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise GraphQLError(f"Numbers must be finite; value {place} is not.")
    return number


def parse_numbers_literal(
    node: ValueNode, variables: Mapping[str, object] | None = None
) -> list[float | None]:
    """Return the numbers of a list written in the document."""
    if not isinstance(node, ListValueNode):
        raise GraphQLError("Numbers must be a list of numbers and nulls.")
    return parse_numbers(value_from_ast_untyped(node, dict(variables) if variables else None))


SCALARS: Mapping[object, ScalarDefinition] = {
    Numbers: strawberry.scalar(
        name="Numbers",
        description="Values in the order of the buckets (or periods) that the answer names: "
        "a list of JSON numbers, null where there is no value.",
        serialize=serialize_numbers,
        parse_value=parse_numbers,
        parse_literal=parse_numbers_literal,
    ),
}
