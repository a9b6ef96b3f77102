"""What the policies mean, said a second time: which columns of a row a role sees, computed in Python.

It shares the parsed files with the compiler and nothing else; the tests hold PostgreSQL against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.access.model import Rule
from app.access.policies import Policies
from app.vocabulary import ENTITIES, MEASURES
from tests.access.lab import Row, Rows

NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Caller:
    """A role, and the settings of its transactions."""

    role: str
    settings: Mapping[str, str]

    def ids(self, setting: str) -> frozenset[str]:
        """Return the ids of a setting as text; empty if it was not set."""
        return frozenset(self.settings.get(setting, "").strip("{}").split(",")) - {""}


@dataclass(frozen=True, slots=True)
class Oracle:
    """Judges rows; `measures` are the names by id."""

    policies: Policies
    measures: Mapping[int, str]

    def visible(self, caller: Caller, table: str, row: Row, others: Rows) -> frozenset[str]:
        """Return the columns of the row that the caller sees; none if the row is not for it."""
        policies = self.policies
        if policies.reads_whole(caller.role, table):
            return frozenset(policies.fields[table])
        rule = policies.rows[table].get(caller.role)
        if rule is None or not self._row(caller, table, row, rule, others):
            return NOTHING
        return frozenset(name for name, roles in policies.fields[table].items() if caller.role in roles)

    def _row(self, caller: Caller, table: str, row: Row, rule: Rule, others: Rows) -> bool:
        if isinstance(rule, dict):
            return all(self._column(caller, row, name, wanted) for name, wanted in rule.items())
        if rule == "all":
            return True
        if rule == "measures":
            return self._measure(caller, row, self.measures.get(row["measure_id"]))
        if rule == "kinds":
            return self._kind(caller, table, row, others)
        if rule == "submissions":
            return self._submission(caller, row)
        scope = self.policies.parties.scope[rule]
        dimension = next(name for name in scope.by if f"{name}_id" in row)
        return self._within(caller, rule, dimension, row[f"{dimension}_id"])

    def _column(self, caller: Caller, row: Row, name: str, wanted: str | list[str]) -> bool:
        if isinstance(wanted, list):
            return row[name] in wanted
        by = self.policies.parties.scope[wanted].by
        dimension = name.removesuffix("_id") if name.removesuffix("_id") in by else next(iter(by))
        return self._within(caller, wanted, dimension, row[name])

    def _within(self, caller: Caller, scope: str, dimension: str, value: Any) -> bool:
        rule = self.policies.parties.scope[scope]
        if rule.unlimited is not None and caller.settings.get(rule.unlimited) == "on":
            return True
        return value is not None and str(value) in caller.ids(rule.by[dimension])

    def _measure(self, caller: Caller, row: Row, measure: str | None) -> bool:
        far = self.policies.measures.get(measure or "", {}).get(caller.role)
        if far in (None, "own") or measure is None:
            return False
        if far == "all":
            return True
        dimension = next(
            name for name in self.policies.parties.scope[far].by if name in MEASURES[measure].grain
        )
        return self._within(caller, far, dimension, row[f"{dimension}_id"])

    def _kind(self, caller: Caller, table: str, row: Row, others: Rows) -> bool:
        kind = row["kind"]
        far = self.policies.kinds.get(kind, {}).get(caller.role)
        if far is None or far == "all":
            return far == "all"
        scope = far.removesuffix(" or general")
        by = self.policies.parties.scope[scope].by
        if kind in by:
            return self._within(caller, scope, kind, row["id" if table == "plan.entity" else "entity_id"])
        if table == "plan.entity":
            return any(
                version["entity_id"] == row["id"]
                and self._kind(caller, "plan.entity_version", version, others)
                for version in others.get("plan.entity_version", ())
            )
        dimension = next(name for name in by if name in ENTITIES[kind].columns)
        value = row[f"{dimension}_id"]
        return (value is None and far != scope) or self._within(caller, scope, dimension, value)

    def _submission(self, caller: Caller, row: Row) -> bool:
        kind = row["kind"]
        if kind in self.policies.actions.inbox:
            return caller.role in self.policies.roles(self.policies.actions.inbox[kind])
        submitted = {name for action in self.policies.actions.action.values() for name in action.submits}
        far = self.policies.measures.get(kind, {}).get(caller.role) if kind in submitted else None
        return far == "all" or (far == "region" and self._within(caller, "region", "party", row["party_id"]))
