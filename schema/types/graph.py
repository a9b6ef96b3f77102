"""One way to build a graph: shared scalars, no suggestions of names, names exactly as they are declared."""

from collections.abc import Iterable

from strawberry.schema.config import StrawberryConfig

from schema.asgi.guarded import GuardedSchema
from schema.auditing import RecordRefusals
from schema.reading import EndReading
from schema.types.scalars import SCALARS


def build_graph(
    query: type,
    mutation: type | None = None,
    subscription: type | None = None,
    *,
    types: Iterable[type] = (),
) -> GuardedSchema:
    """Return the Strawberry schema of a graph; `types` adds those that only an interface leads to."""
    config = StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True)
    return GuardedSchema(
        query, mutation, subscription, types=types, config=config, extensions=[EndReading, RecordRefusals]
    )
