"""What one role sees and does, and why not more: each answer names the line of `policies/` or its absence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.access.graphs import CLASSES
from app.access.lines import place
from app.access.model import Rule
from app.access.policies import Policies
from app.errors import NotFound

OUTSIDE = ("supplier", "customer")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a role is granted something, how far, and the line that says so or is missing."""

    what: str
    name: str
    granted: bool
    how: str
    line: str


@dataclass(frozen=True, slots=True)
class Explainer:
    """Answers for one role."""

    policies: Policies
    role: str

    @property
    def audience(self) -> str:
        """The graph of the role."""
        return self.policies.parties.role[self.role].audience

    def everything(self) -> list[Verdict]:
        """Return every verdict: measures, kinds, tables, actions, and fields that are kept back."""
        policies = self.policies
        return [
            *map(self.measure, policies.measures),
            *map(self.kind, policies.kinds),
            *map(self.table, policies.rows),
            *map(self.action, policies.actions.action),
            *self._kept_back(),
        ]

    def why(self, name: str) -> list[Verdict]:
        """Return the verdicts on whatever has this name; raises NotFound where nothing has.

        A measure, kind, table (with or without its schema), column (table.column, or alone), action, or field
        of a graph (Type.field, or alone).
        """
        found = list(self._named(name))
        if not found:
            raise NotFound(kind="measure, kind, table, column, action or field", name=name)
        return found

    def _named(self, name: str) -> Iterator[Verdict]:
        policies = self.policies
        if name in policies.measures:
            yield self.measure(name)
        if name in policies.kinds:
            yield self.kind(name)
        for table in policies.rows:
            if name in (table, table.partition(".")[2]):
                yield self.table(table)
            for column in policies.fields[table]:
                if name in (column, f"{table}.{column}", f"{table.partition('.')[2]}.{column}"):
                    yield self.column(table, column)
        if name in policies.actions.action:
            yield self.action(name)
        yield from self._fields(name)

    def measure(self, name: str) -> Verdict:
        """Say how far the role reads a measure, and for a party on which way it gets there."""
        far = self.policies.measures[name].get(self.role)
        line = place("measures", name)
        if far is None:
            return self._absent("measure", name, line)
        how = far if far != "own" else f"own: {self._way(name)}"
        if self.role in self.policies.sensitive.get(name, ()):
            how += "; reads go on record"
        return Verdict("measure", name, True, how, line)

    def _way(self, measure: str) -> str:
        """Return on which way a measure that is a party's own reaches it."""
        for table, release in self.policies.releases.items():
            if measure in release.measures and self.audience in release.to:
                return f"through outside.{table} ({place('releases', table)})"
        if measure in self.policies.submitted.measures:
            return f"in its own inbox ({place('releases', 'submitted')})"
        return f"agreed, but no release copies it yet ({place('releases', 'withheld')})"

    def kind(self, name: str) -> Verdict:
        """Say how far the role reads a kind of reference data."""
        rule, line = self.policies.kinds[name].get(self.role), place("rows", "kind", name)
        if rule is None:
            return self._absent("kind", name, line)
        return Verdict("kind", name, True, rule, line)

    def table(self, name: str) -> Verdict:
        """Say which rows of a table the role sees, and which of its columns it does not."""
        if self.policies.reads_whole(self.role, name):
            return Verdict("table", name, True, "all", place("parties", "role", self.role, "reads"))
        rule, line = self.policies.rows[name].get(self.role), place("rows", "table", name)
        if rule is None:
            return self._absent("table", name, line)
        hidden = [
            column for column, readers in self.policies.fields[name].items() if self.role not in readers
        ]
        how = _words(rule) + (f"; without {', '.join(hidden)}" if hidden else "")
        return Verdict("table", name, True, how, line)

    def column(self, table: str, column: str) -> Verdict:
        """Say whether the role reads a column of the rows that it sees."""
        name, line = f"{table}.{column}", place("fields", table, column)
        if not self.table(table).granted:
            return self._absent("column", name, place("rows", "table", table))
        granted = self.role in self.policies.fields[table][column] or self.policies.reads_whole(
            self.role, table
        )
        return Verdict("column", name, granted, "of the rows it sees" if granted else "kept for others", line)

    def action(self, name: str) -> Verdict:
        """Say whether the role may use a mutation."""
        action, line = self.policies.actions.action[name], place("actions", "action", name, "roles")
        if self.role not in self.policies.roles(action.roles):
            return self._absent("action", name, line)
        how = f"as {action.carried_out_by}"
        return Verdict("action", name, True, how + ("; four eyes" if action.four_eyes else ""), line)

    def _fields(self, name: str) -> Iterator[Verdict]:
        """Yield verdicts on the fields of this name; those of other graphs only where its own has none."""
        own: list[Verdict] = []
        others: list[Verdict] = []
        for graph, types in self.policies.graphs.items():
            for graphql_type, classes in types.items():
                for label, fields in classes.items():
                    for field in fields:
                        if name in (field, f"{graphql_type}.{field}"):
                            found = self._field(graph, graphql_type, label, field)
                            (own if graph == self.audience else others).append(found)
        yield from own or others

    def _field(self, graph: str, graphql_type: str, label: str, field: str) -> Verdict:
        name, line = f"{graphql_type}.{field}", place("schemas", graph, graphql_type, label)
        if graph != self.audience:
            return Verdict("field", name, False, f"of the {graph} graph; this role's is another", line)
        if label in CLASSES:
            return Verdict("field", name, True, FIELDS[label], line)
        granted = self.role in self.policies.roles(label.split())
        return Verdict("field", name, granted, f"for {label}", line)

    def _kept_back(self) -> Iterator[Verdict]:
        for graphql_type, classes in self.policies.graphs.get(self.audience, {}).items():
            for label, fields in classes.items():
                if label not in CLASSES and self.role not in self.policies.roles(label.split()):
                    yield from (self._field(self.audience, graphql_type, label, field) for field in fields)

    def _absent(self, what: str, name: str, line: str) -> Verdict:
        groups = [group for group, members in self.policies.parties.group.items() if self.role in members]
        named = " or ".join([self.role, *groups])
        return Verdict(what, name, False, f"no entry for {named}", line)


FIELDS: Mapping[str, str] = {
    "everyone": "for every role of the graph; what is in it is the rows that the role sees",
    "action": "a mutation; see its action",
    "measure": "figures of measures; see the measure",
    "kind": "rows of a kind of reference data; see the kind",
}


def _words(rule: Rule) -> str:
    if isinstance(rule, str):
        return rule
    return " and ".join(
        f"{column}: {wanted if isinstance(wanted, str) else ', '.join(wanted)}"
        for column, wanted in rule.items()
    )
