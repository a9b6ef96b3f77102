"""One way to build a graph: shared scalars, no suggestions of names, names exactly as they are declared."""

from collections.abc import Iterable

import strawberry
from strawberry.schema.config import StrawberryConfig

from schema.reading import EndReading
from schema.types.scalars import SCALARS


def build_graph(query: type, mutation: type | None = None, types: Iterable[type] = ()) -> strawberry.Schema:
    """Return the Strawberry schema of a graph; `types` adds those that only an interface leads to."""
    config = StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True)
    return strawberry.Schema(
        query=query, mutation=mutation, types=tuple(types), extensions=[EndReading], config=config
    )
