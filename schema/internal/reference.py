"""The types of the reference data, made from the vocabulary: one node type per entity kind.

A column that refers to another kind becomes two fields: its code (`itemCode`, always there) and the record
itself (`item`, null where the role may not read it). The key of a kind that is keyed by its own code is
called `code`. Everything a type says comes from `entities.toml`, so the two cannot drift apart.
"""

import keyword
import sys
from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

import strawberry

from app.services.views.records import Record
from app.vocabulary import ENTITIES, Column, Entity
from schema.types.node import Node

SCALAR_TYPES: Mapping[str, type] = {
    "code": str,
    "text": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "date": date,
}
IRREGULAR_TYPES = {
    "bom": "BomLine",
    "production": "ProductionSource",
    "routing": "RoutingOperation",
    "sales_order": "SalesOrderLine",
    "purchase_order": "PurchaseOrderLine",
}
IRREGULAR_PLURALS = {"bom": "bom", "production": "productionSources"}


def pascal(name: str) -> str:
    """Return snake_case as PascalCase."""
    return "".join(part.capitalize() for part in name.split("_"))


def camel(name: str) -> str:
    """Return snake_case as camelCase."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def type_name(kind: str) -> str:
    """Return the GraphQL type of an entity kind."""
    return IRREGULAR_TYPES.get(kind, pascal(kind))


def plural(kind: str) -> str:
    """Return the name of the query field that lists a kind."""
    name = camel(kind)
    if kind in IRREGULAR_PLURALS:
        return IRREGULAR_PLURALS[kind]
    if name.endswith("y") and name[-2] not in "aeiou":
        return f"{name[:-1]}ies"
    return f"{name}es" if name.endswith(("s", "x")) else f"{name}s"


def attribute(name: str) -> str:
    """Return a column's name as a Python attribute."""
    return f"{name}_" if keyword.iskeyword(name) else name


def code_field(entity: Entity, column: Column) -> str:
    """Return the snake_case name of the field that holds a column's own value."""
    if column.references is not None:
        return f"{column.name}_code"
    return "code" if entity.key == (column.name,) == (entity.kind,) else column.name


def _describe(column: Column) -> str:
    parts = [column.doc]
    if column.values:
        parts.append(f"One of {', '.join(column.values)}.")
    if column.unit:
        parts.append(f"Unit: {column.unit}.")
    return " ".join(parts)


def _value_field(column: Column, name: str) -> tuple[object, object]:
    """Return annotation and field of a column's own value, non-null where the vocabulary promises one."""
    scalar = SCALAR_TYPES[column.type]
    always = column.required or column.default is not None
    annotation = scalar if always else scalar | None
    return annotation, strawberry.field(name=camel(name), description=_describe(column))


def _link_field(column: Column) -> tuple[object, object]:
    """Return annotation and field of the record that a column refers to."""
    target = type_name(str(column.references))
    code = camel(f"{column.name}_code")
    described = (
        f"The record that `{code}` names; null where it is empty or your role may not read the record."
    )
    return f"{target} | None", strawberry.field(name=camel(column.name), description=described, default=None)


def _object_type(entity: Entity) -> type[Node]:
    annotations: dict[str, object] = {"node_key": strawberry.Private[str]}
    namespace: dict[str, object] = {"__doc__": entity.doc, "__module__": __name__}
    for column in entity.columns.values():
        name = code_field(entity, column)
        annotations[attribute(name)], namespace[attribute(name)] = _value_field(column, name)
        if column.references is not None:
            link = attribute(column.name)
            annotations[link], namespace[link] = _link_field(column)
    namespace["__annotations__"] = annotations
    return strawberry.type(type(type_name(entity.kind), (Node,), namespace), description=entity.doc)


REFERENCE_TYPES: Mapping[str, type[Node]] = MappingProxyType(
    {kind: _object_type(entity) for kind, entity in ENTITIES.items()}
)
"""The node type of every entity kind."""

KIND_OF_TYPE: Mapping[str, str] = MappingProxyType({type_name(kind): kind for kind in ENTITIES})

# Links are written as names of types that come later in the page; Strawberry looks them up in this module.
vars(sys.modules[__name__]).update({type_name(kind): made for kind, made in REFERENCE_TYPES.items()})


def to_node(record: Record) -> Node:
    """Return a record as an object of its kind's type, the records behind its links included."""
    entity = ENTITIES[record.kind]
    values: dict[str, object] = {"node_key": record.code}
    for name, column in entity.columns.items():
        value = record.row.get(name)
        values[attribute(code_field(entity, column))] = column.default if value is None else value
    for name, link in record.links.items():
        values[attribute(name)] = None if link is None else to_node(link)
    return REFERENCE_TYPES[record.kind](**values)
