"""Grants: what a role may do and read, as far as code outside the database has to know it.

PostgreSQL enforces the rows and columns by itself. A service asks here before it acts as the host for a
caller; a graph asks here which measures and fields answer null with the code NOT_GRANTED.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from app.access.graphs import CLASSES
from app.access.model import Visibility
from app.access.policies import Policies, load
from app.errors import Forbidden, PartyRefused


@dataclass(frozen=True, slots=True)
class Grants:
    """What one role is granted: actions, measures it reads and submits, kinds, and fields kept from it."""

    role: str
    audience: str
    actions: frozenset[str]
    measures: Mapping[str, Visibility]
    submits: frozenset[str]
    kinds: Mapping[str, str]
    refused_fields: frozenset[tuple[str, str]]

    def may(self, action: str) -> bool:
        """Say whether the role may use a mutation."""
        return action in self.actions

    def require(self, action: str) -> None:
        """Raise `Forbidden` unless the role may use a mutation."""
        if action not in self.actions:
            raise Forbidden(action=action)

    def reads(self, measure: str) -> bool:
        """Say whether the role reads a measure, in whole or for its own part."""
        return measure in self.measures

    def reads_kind(self, kind: str) -> bool:
        """Say whether the role reads rows of a kind of reference data, in whole or for its own part."""
        return kind in self.kinds

    def sees(self, graphql_type: str, field: str) -> bool:
        """Say whether a field of the role's graph answers; one that does not is null with NOT_GRANTED."""
        return (graphql_type, field) not in self.refused_fields


@cache
def grants_of(role: str) -> Grants:
    """Return the grants of a role; one that no policy knows is refused."""
    return compile_grants(load(), role)


def compile_grants(policies: Policies, role: str) -> Grants:
    """Return the grants of a role under these policies."""
    if role not in policies.parties.role:
        raise PartyRefused
    audience = policies.parties.role[role].audience
    actions = {
        name: action
        for name, action in policies.actions.action.items()
        if role in policies.roles(action.roles)
    }
    submits = policies.actions.submits.get(role)
    submitted = {kind for action in actions.values() for kind in action.submits if kind in policies.measures}
    return Grants(
        role=role,
        audience=audience,
        actions=frozenset(actions),
        measures=MappingProxyType({m: far[role] for m, far in policies.measures.items() if role in far}),
        submits=frozenset(submits.measures if submits else submitted),
        kinds=MappingProxyType(
            {kind: rules[role] for kind, rules in policies.kinds.items() if role in rules}
        ),
        refused_fields=frozenset(_refused(policies, audience, role)),
    )


def _refused(policies: Policies, graph: str, role: str) -> list[tuple[str, str]]:
    """Return the fields of a graph that are kept for other roles."""
    return [
        (graphql_type, field)
        for graphql_type, classes in policies.graphs.get(graph, {}).items()
        for label, fields in classes.items()
        if label not in CLASSES and role not in policies.roles(label.split())
        for field in fields
    ]
