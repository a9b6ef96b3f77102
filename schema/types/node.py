"""Relay nodes: every object that can be found again has an opaque id, keyed to the party that reads it.

An id is made from the GraphQL type and the key within it by the request's codec (`schema.ids`); nobody but
the holder of the key can read or make one, and the id that one party sees means nothing to another.
"""

from typing import Protocol

import strawberry
from strawberry.types import Info

from schema.context import Context


class Keyed(Protocol):
    """What a service returns for a node: anything with the key that finds it again."""

    @property
    def node_key(self) -> str:
        """Key within the kind."""


def _node_id(root: strawberry.Parent[Keyed], info: Info[Context, None]) -> strawberry.ID:
    return strawberry.ID(info.context.ids.encode(info._raw_info.parent_type.name, root.node_key))


@strawberry.interface(description="An object that can be found again by its id.")
class Node:
    """Each implementing type serves service objects with a `node_key`."""

    id: strawberry.ID = strawberry.field(
        resolver=_node_id,
        description="Opaque id; it means something only to the party that it was given to.",
    )
