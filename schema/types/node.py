"""Relay nodes: every object that can be found again has an opaque id, keyed to the party that reads it.

An id is made from the GraphQL type and the key within it by the request's `IdCodec`; nobody but the holder
of the key can read or make one, and the id that one party sees means nothing in the hands of another.
"""

from typing import Protocol

import strawberry
from strawberry.types import Info


class IdCodec(Protocol):
    """What the graphs need of the request's codec (`schema.ids`)."""

    def encode(self, kind: str, key: str) -> str:
        """Return the opaque text for a key of this kind."""

    def decode(self, kind: str, text: str) -> str:
        """Return the key; raises `BadId` for a text that was not made for this reader and kind."""

    def decode_any(self, text: str) -> tuple[str, str]:
        """Return kind and key."""


class HasIds(Protocol):
    """The part of the request's context that nodes and connections use."""

    @property
    def ids(self) -> IdCodec:
        """The codec of the calling party."""


class Keyed(Protocol):
    """What a service returns for a node: anything with the key that finds it again."""

    @property
    def node_key(self) -> str:
        """Key within the kind."""


def _node_id(root: strawberry.Parent[Keyed], info: Info[HasIds, None]) -> strawberry.ID:
    return strawberry.ID(info.context.ids.encode(info._raw_info.parent_type.name, root.node_key))


@strawberry.interface(description="An object that can be found again by its id.")
class Node:
    """Each implementing type serves service objects with a `node_key`."""

    id: strawberry.ID = strawberry.field(
        resolver=_node_id,
        description="Opaque id; it means something only to the party that it was given to.",
    )
