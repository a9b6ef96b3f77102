"""schemas.toml against the printed graphs: every field is classified once, every line names a field.

The graphs themselves are above this package; who checks hands in their types and fields.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from app.access.checks import Fault
from app.access.policies import Policies

EVERYONE = "everyone"
"""Answers for every role of the graph; what is in it is the rows that the role sees."""
ACTION = "action"
"""A mutation; actions.toml says who may use it."""
MEASURE = "measure"
"""Figures of a measure; measures.toml says who reads them, the others get null with NOT_GRANTED."""

ARGUMENT = "Argument"
"""Stands in schemas.toml for the arguments of a graph's fields, each name once."""

KIND = "kind"
"""Rows of a kind of reference data; who reads none of it (rows.toml) gets null with NOT_GRANTED."""

CLASSES = frozenset({EVERYONE, ACTION, MEASURE, KIND})


def check_graph(policies: Policies, graph: str, fields: Mapping[str, Collection[str]]) -> list[Fault]:
    """Return what is wrong with a graph's part of schemas.toml; `fields` are its object and input types'."""
    listed = policies.graphs.get(graph, {})
    found = list(_types(graph, listed, fields))
    for name, classes in listed.items():
        where = f"schemas.toml {graph}.{name}"
        found += _classes(policies, graph, where, classes)
        if name != "Mutation" and classes.get(ACTION):
            found.append(Fault("no-action", where, "only a mutation is an action"))
        if name in fields:
            found += _fields(where, classes, fields[name])
    return [*found, *_mutations(policies, graph, listed.get("Mutation", {}))]


def _types(graph: str, listed: Collection[str], real: Collection[str]) -> Iterator[Fault]:
    for name in sorted(set(real) - set(listed)):
        yield Fault("unlisted-type", f"schemas.toml {graph}", f"{name} has no lines")
    for name in sorted(set(listed) - set(real)):
        yield Fault("stale-type", f"schemas.toml {graph}", f"{name} does not exist")


def _classes(
    policies: Policies, graph: str, where: str, classes: Mapping[str, Collection[str]]
) -> Iterator[Fault]:
    """Each class is a word of this module or a list of roles of the graph's audience."""
    for label in classes:
        if label in CLASSES:
            continue
        for role in policies.roles(label.split()):
            if role not in policies.roles_of(graph):
                yield Fault("unknown-role", where, role)


def _fields(where: str, classes: Mapping[str, Collection[str]], real: Collection[str]) -> Iterator[Fault]:
    listed = Counter(field for fields in classes.values() for field in fields)
    for name in sorted(set(real) - set(listed)):
        yield Fault("unlisted-field", where, f"{name} has no line")
    for name in sorted(set(listed) - set(real)):
        yield Fault("stale-field", where, f"{name} does not exist")
    for name, times in sorted(listed.items()):
        if times > 1:
            yield Fault("listed-twice", where, name)


def _mutations(policies: Policies, graph: str, classes: Mapping[str, Collection[str]]) -> Iterator[Fault]:
    """Yield a fault for each mutation that is no action of the graph's audience, and the other way round."""
    where = f"schemas.toml {graph}.Mutation"
    for label, fields in classes.items():
        if label != ACTION and fields:
            yield Fault("no-action", where, f"{', '.join(fields)} must be of the class `{ACTION}`")
    actions = {name for name, action in policies.actions.action.items() if action.audience == graph}
    listed = set(classes.get(ACTION, ()))
    for name in sorted(listed - actions):
        yield Fault("unlisted-action", "actions.toml", f"{name} of the graph {graph} has no entry")
    for name in sorted(actions - listed):
        yield Fault("stale-action", "actions.toml", f"the graph {graph} has no mutation {name}")
