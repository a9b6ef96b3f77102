"""Fields whose resolver returns what a service returns, and not the GraphQL type that serves it."""

from collections.abc import Callable
from typing import Any

import strawberry


def served(resolver: Callable[..., object], description: str, name: str | None = None) -> Any:
    """Return a field answered by `resolver`; the annotation of the attribute says its GraphQL type.

    The Strawberry types name the attributes of the services' dataclasses and are served by them as they are
    (Strawberry's default resolver reads attributes), so a type checker must not compare the two.
    """
    return strawberry.field(resolver=resolver, description=description, name=name)
