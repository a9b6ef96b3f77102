"""What the caller may do, as far as it must be said before the database says it.

The database enforces the policies by itself. This page only tells the two apart that look the same from
inside: nothing is there, and nothing of it is granted (`NOT_GRANTED`). Concord's own scopes, which stand for
no person, may do anything here; what they may really do is what their database role may.
"""

from collections.abc import Collection

from app.access import Grants, Scope, grants_of, load
from app.errors import NotGranted

WHOLE_WITHIN = {"region": {"customer", "region"}, "site": {"site", "resource"}}
"""Scope -> levels whose groups lie within it or outside, never across its edge."""


def grants_in(scope: Scope) -> Grants | None:
    """Return the grants of the caller's role; None for Concord's own work."""
    return None if scope.principal is None else grants_of(scope.principal.role)


def reads_measure(scope: Scope, measure: str) -> bool:
    """Say whether the caller reads a measure, in whole or for its own part."""
    grants = grants_in(scope)
    return grants is None or grants.reads(measure)


def reads_in_part(scope: Scope, measure: str, apart: Collection[str] = ()) -> bool:
    """Say whether the caller reads only a part of a measure: its regions or its sites.

    `apart` names levels of which each group is read whole or not at all. It follows from the grants and the
    assignments alone, so it tells nothing about what is hidden.
    """
    grants = grants_in(scope)
    far = None if grants is None else grants.measures.get(measure)
    limits = {"region": scope.regions, "site": scope.sites}
    return limits.get(str(far)) is not None and not WHOLE_WITHIN[str(far)] & set(apart)


def reads_kind(scope: Scope, kind: str) -> bool:
    """Say whether the caller reads a kind of reference data, in whole or for its own part."""
    grants = grants_in(scope)
    return grants is None or grants.reads_kind(kind)


def submits_measure(scope: Scope, measure: str) -> bool:
    """Say whether the caller submits a measure, in whole or for its own part."""
    grants = grants_in(scope)
    return grants is None or measure in grants.submits


def reads_table(scope: Scope, table: str) -> bool:
    """Say whether the caller reads any rows of a table."""
    grants = grants_in(scope)
    return grants is None or grants.role in load().rows[table]


def reads_column(scope: Scope, table: str, column: str) -> bool:
    """Say whether the caller reads a column of a table."""
    grants = grants_in(scope)
    return grants is None or grants.role in load().fields[table][column]


def require_action(scope: Scope, action: str) -> None:
    """Raise `Forbidden` unless the caller may use a mutation."""
    grants = grants_in(scope)
    if grants is not None:
        grants.require(action)


def require_measure(scope: Scope, measure: str) -> None:
    """Raise `NotGranted` unless the caller reads some of a measure."""
    if not reads_measure(scope, measure):
        raise NotGranted(measure=measure)


def require_kind(scope: Scope, kind: str) -> None:
    """Raise `NotGranted` unless the caller reads some of a kind of reference data."""
    if not reads_kind(scope, kind):
        raise NotGranted(kind=kind)


def require_table(scope: Scope, table: str) -> None:
    """Raise `NotGranted` unless the caller reads some rows of a table."""
    if not reads_table(scope, table):
        raise NotGranted
