"""Documents drawn from a printed graph: any field, any arguments, right ones and wrong ones.

The generator knows the SDL and nothing of the code behind it. Ids, cursors and codes come from a `Pool`,
filled from earlier answers; the same seed over pools of the same shape gives the same document.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_named_type,
    is_composite_type,
)

from app.vocabulary import MEASURES
from schema.sdl import sdl_path

DEEPEST = 5
DAYS = ("2026-01-05", "2026-01-12", "2026-01-19", "2026-02-01", "2026-03-01", "2025-12-01", "2026-01-07")
TIMES = ("2026-01-05T08:00:00+00:00", "2031-01-01T00:00:00+00:00", "2001-01-01T00:00:00Z", "yesterday")
KEYS = ("key-1", "key-2", "key-3", "key-4", "")
HOLDERS = {"run": "run", "commit": "commit", "expectedHead": "commit"}
"""Argument -> the field whose ids fit it; otherwise the operation that has the argument."""
GRAINS = {
    name: {"toSite" if one == "to_site" else one for one in measure.grain}
    for name, measure in MEASURES.items()
}
"""Measure -> the parts of the key of its series, so that a key asked for often fits the measure beside it."""
SUBMITTABLE = sorted(
    name
    for name, measure in MEASURES.items()
    if measure.kind == "input" and not {"customer", "supplier"} & set(measure.owner.split())
)
"""Measures that an edit at a level mostly names, so that some of them are written."""
RACING = frozenset({"reconciledPlan", "reconciledPlans"})
"""Not asked for twice at once: it has transactions of its own, so of two errors the faster one is told."""
JUNK = ("", "AAAA", "0", "1'; --", "x" * 40, "\u00e4\u00f6", "main", "%")


@dataclass
class Pool:
    """What a caller has learnt so far, in the order in which it did; `codes` it may know from elsewhere.

    `held` has the ids by the field that held the object, `cursors` those of each field with pages.
    """

    codes: Mapping[str, Sequence[str]]
    ids: list[str] = field(default_factory=list)
    held: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    foreign: list[str] = field(default_factory=list)
    cursors: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    names: Sequence[str] = ("main",)

    def learn(self, answer: object, at: str = "") -> None:
        """Keep the ids and cursors of an answer; a cursor is good for the field that holds its page."""
        if isinstance(answer, dict):
            for name, value in answer.items():
                if isinstance(value, str) and name in ("id", "parentId", "inputsId"):
                    self._keep(self.ids, value)
                    self._keep(self.held[at], value)
                elif isinstance(value, str) and name in ("cursor", "endCursor"):
                    self._keep(self.cursors[at], value)
                else:
                    self.learn(value, at if name in ("edges", "pageInfo") else name)
        elif isinstance(answer, list):
            for entry in answer:
                self.learn(entry, at)

    @staticmethod
    def _keep(kept: list[str], value: str) -> None:
        if value not in kept and len(kept) < 400:
            kept.append(value)


class Enumerated(str):
    """The name of an enum's value: written without quotes in a document."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A document and its variables, as they are sent."""

    query: str
    variables: Mapping[str, Any]

    @property
    def body(self) -> dict[str, Any]:
        """The request's body."""
        return {"query": self.query, "variables": dict(self.variables)}


class Graph:
    """A printed graph, and which of its fields were asked for so far."""

    def __init__(self, audience: str) -> None:
        self.audience = audience
        self.schema: GraphQLSchema = build_schema(sdl_path(audience).read_text(encoding="utf-8"))
        self.asked: set[tuple[str, str]] = set()

    @property
    def operations(self) -> list[tuple[str, str]]:
        """All queries and mutations: (`query` or `mutation`, name of the field)."""
        roots = (("query", self.schema.query_type), ("mutation", self.schema.mutation_type))
        return [(kind, name) for kind, root in roots if root is not None for name in sorted(root.fields)]

    @property
    def fields(self) -> set[tuple[str, str]]:
        """All fields: (type, name)."""
        return {
            (type_.name, name)
            for type_ in self.schema.type_map.values()
            if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__")
            for name in type_.fields
        }

    def document(self, operation: tuple[str, str], seed: int, pool: Pool) -> Document:
        """Return a document with one operation."""
        return _Writer(self, Random(seed), pool).document(*operation)


@dataclass
class _Writer:
    """Writes one document."""

    graph: Graph
    random: Random
    pool: Pool
    grain: Collection[str] = ()
    declared: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)

    def document(self, kind: str, name: str) -> Document:
        schema = self.graph.schema
        root = schema.query_type if kind == "query" else schema.mutation_type
        assert root is not None
        text = self._field(root, name, root.fields[name], 0)
        if self.random.random() < 0.1 and name not in RACING:
            text += " " + self._field(root, name, root.fields[name], 2).replace(name, f"again: {name}", 1)
        declared = ", ".join(f"${variable}: {type_}" for variable, type_ in self.declared.items())
        query = f"{kind} {f'({declared}) ' if declared else ''}{{ {text} }}"
        return Document(self._spoilt(query) if self.random.random() < 0.05 else query, self.variables)

    def _spoilt(self, query: str) -> str:
        """Return a document with a mistake in it."""
        return self.random.choice(
            [
                query[:-1],
                query.replace("{", "{ secretField ", 1),
                query.replace(
                    "{", "{ supplyAnswers { nodes { id } } purchaseProjections { nodes { id } } ", 1
                ),
                query.replace("id", "idd", 1),
                f"{query} fragment F on Version {{ sealedHash }}",
                query.replace("first: ", "first: 10000", 1),
            ]
        )

    def _field(self, parent: GraphQLObjectType, name: str, definition: GraphQLField, depth: int) -> str:
        self.graph.asked.add((parent.name, name))
        arguments = self._arguments(name, definition.args)
        named = get_named_type(definition.type)
        if not is_composite_type(named):
            return f"{name}{arguments}"
        return f"{name}{arguments} {{ {self._selection(named, depth + 1)} }}"

    def _selection(self, type_: object, depth: int) -> str:
        if isinstance(type_, GraphQLInterfaceType):
            kinds = self.graph.schema.get_possible_types(type_)
            chosen = self.random.sample(kinds, min(len(kinds), 3))
            parts = [f"... on {kind.name} {{ {self._selection(kind, depth + 1)} }}" for kind in chosen]
            return " ".join(["__typename id", *parts])
        assert isinstance(type_, GraphQLObjectType)
        parts = []
        for name, definition in type_.fields.items():
            composite = is_composite_type(get_named_type(definition.type))
            appetite = self._appetite(name, depth) if composite else 0.9
            if self.random.random() < appetite:
                parts.append(self._field(type_, name, definition, depth))
        return " ".join(parts) or "__typename"

    def _appetite(self, name: str, depth: int) -> float:
        """Return how likely it is that objects are asked for, the less the deeper they are."""
        if depth >= DEEPEST:
            return 0.0
        if name in ("edges", "nodes", "node", "pageInfo", "userErrors"):
            return 0.85
        return {1: 0.65, 2: 0.5, 3: 0.2}.get(depth, 0.1)

    def _arguments(self, owner: str, arguments: Mapping[str, GraphQLArgument]) -> str:
        written = []
        for name, argument in arguments.items():
            needed = isinstance(argument.type, GraphQLNonNull)
            if not needed and self.random.random() > self._interest(owner, name):
                continue
            value = self._value(argument.type, name, owner)
            if name == "measure" and isinstance(value, Enumerated):
                self.grain = GRAINS.get(str(value), ())
            if self.random.random() < 0.3:
                variable = f"v{len(self.declared)}"
                self.declared[variable], self.variables[variable] = str(argument.type), value
                written.append(f"{name}: ${variable}")
            else:
                written.append(f"{name}: {_literal(value)}")
        return f"({', '.join(written)})" if written else ""

    def _interest(self, owner: str, name: str) -> float:
        if name == "after":
            return 0.6 if self.pool.cursors.get(owner) else 0.1
        return {"first": 0.6, "at": 0.4, "waitSeconds": 0.0}.get(name, 0.3)

    def _value(self, type_: object, name: str, owner: str) -> Any:
        if isinstance(type_, GraphQLNonNull):
            return self._value(type_.of_type, name, owner)
        if isinstance(type_, GraphQLList):
            count = 1 if self.random.random() < 0.7 else 2
            return [self._value(type_.of_type, name, owner) for _ in range(count)]
        if isinstance(type_, GraphQLEnumType) and owner == "seriesSpread" and name == "measure":
            return Enumerated(self.random.choice([*SUBMITTABLE, *sorted(type_.values)[:3]]))
        if isinstance(type_, GraphQLEnumType):
            return Enumerated(self.random.choice(sorted(type_.values)))
        if isinstance(type_, GraphQLInputObjectType):
            return self._object(type_, owner)
        return self._scalar(str(type_), name, owner)

    def _object(self, type_: GraphQLInputObjectType, owner: str) -> dict[str, Any]:
        fields = list(type_.fields.items())
        if type_.is_one_of:
            fields = [self.random.choice(fields)]
            if self.random.random() < 0.02:
                fields = []
        elif type_.name == "SeriesKeyInput" and self.grain and self.random.random() < 0.9:
            fields = [(name, one) for name, one in fields if name in self.grain]
        elif self.random.random() < 0.97:
            fields = [
                (name, one)
                for name, one in fields
                if isinstance(one.type, GraphQLNonNull) or self.random.random() < 0.4
            ]
        return {name: self._value(one.type, name, owner) for name, one in fields}

    def _scalar(self, type_: str, name: str, owner: str) -> Any:
        pick, chance = self.random.choice, self.random.random()
        if chance < 0.03:
            return pick([None, 7, pick(JUNK), True])
        if name == "after":
            return (
                pick(self.pool.cursors.get(owner) or self.pool.ids or JUNK) if chance < 0.9 else self._id("")
            )
        if type_ == "ID":
            return self._id(HOLDERS.get(name, owner))
        if type_ == "Int":
            return pick([1, 2, 3, 5]) if name == "first" else pick([0, 1, 1, 1, 2, 3, -1])
        if type_ == "Float":
            return pick([0.0, 1.0, 12.5, 100.0, -1.0])
        if type_ == "Boolean":
            return pick([True, False])
        if type_ == "Date":
            return pick(DAYS)
        if type_ == "DateTime":
            return pick(TIMES)
        if type_ == "Numbers":
            return [pick([None, 0, 1, 2.5, 50]) for _ in range(pick([1, 2, 3]))]
        return self._text(name)

    def _text(self, name: str) -> str:
        pick = self.random.choice
        if name == "idempotencyKey":
            return str(pick(KEYS))
        if name in ("branch", "branches", "version", "name"):
            return str(pick([*self.pool.names, *self.pool.names, *JUNK]))
        if name in ("reason", "note"):
            return str(pick(["because", "", "another"]))
        if name == "state":
            return str(pick(["pending", "included", "rejected", "?"]))
        fitting = self.pool.codes.get(name.removesuffix("s").lower())
        if fitting and self.random.random() < 0.8:
            return str(pick(fitting))
        known = [code for codes in self.pool.codes.values() for code in codes]
        return str(pick(known) if known and self.random.random() < 0.8 else pick(JUNK))

    def _id(self, holder: str) -> str:
        """Return an id: one that was given here, one that another party was given, or none at all."""
        chance, pool = self.random.random(), self.pool
        if chance < 0.5 and pool.held.get(holder):
            return self.random.choice(pool.held[holder])
        if pool.ids and chance < 0.75:
            return self.random.choice(pool.ids)
        if pool.foreign and chance < 0.92:
            return self.random.choice(pool.foreign)
        cursors = [cursor for known in pool.cursors.values() for cursor in known]
        return self.random.choice(cursors or JUNK)


def _literal(value: object) -> str:
    """Return a value as it is written in a document."""
    if isinstance(value, Enumerated):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_literal(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_literal(part) for part in value) + "]"
    return json.dumps(value)
