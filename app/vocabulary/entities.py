"""Entity kinds: the tables of reference data, read from `entities.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from types import MappingProxyType

Default = bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an entity kind.

    `type` is one of code, text, integer, number, boolean, date; `references` names the kind whose key
    the value must be; an absent optional value is `default`. A number obeys `least` ≤ value, `above` < value,
    value ≤ `most` and value < `below`, each where it is stated.
    """

    name: str
    type: str
    required: bool
    references: str | None
    unit: str | None
    values: tuple[str, ...]
    default: Default
    doc: str
    least: float | None = None
    above: float | None = None
    most: float | None = None
    below: float | None = None


@dataclass(frozen=True, slots=True)
class Entity:
    """A kind of reference data: its columns in file order and those that identify a row."""

    kind: str
    doc: str
    key: tuple[str, ...]
    columns: Mapping[str, Column]


def entity_key(kind: str, row: Mapping[str, object]) -> str:
    """Return the code of a row: its key columns joined by "|", dates in ISO form, an empty value as "".

    >>> entity_key("lane", {"from_site": "P1", "to_site": "W1", "item": None, "valid_from": None})
    'P1|W1||'
    """
    return "|".join(_text(row.get(name)) for name in ENTITIES[kind].key)


def _text(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, date) else str(value)


def _column(name: str, table: Mapping[str, object]) -> Column:
    values = table.get("values", ())
    references, unit, default = table.get("references"), table.get("unit"), table.get("default")
    if not isinstance(values, list | tuple) or not isinstance(default, Default):
        raise TypeError(f"entities.toml: column {name} is malformed")
    return Column(
        name=name,
        type=str(table["type"]),
        required=bool(table.get("required", False)),
        references=None if references is None else str(references),
        unit=None if unit is None else str(unit),
        values=tuple(str(value) for value in values),
        default=default,
        doc=str(table["doc"]),
        least=_bound(table, "least"),
        above=_bound(table, "above"),
        most=_bound(table, "most"),
        below=_bound(table, "below"),
    )


def _bound(table: Mapping[str, object], name: str) -> float | None:
    value = table.get(name)
    if value is not None and not isinstance(value, int | float):
        raise TypeError(f"entities.toml: {name} = {value!r} is no number")
    return None if value is None else float(value)


def _load() -> Mapping[str, Entity]:
    tables = tomllib.loads((files("app.vocabulary") / "entities.toml").read_text(encoding="utf-8"))
    return MappingProxyType(
        {
            kind: Entity(
                kind=kind,
                doc=table["doc"],
                key=tuple(table["key"]),
                columns=MappingProxyType({name: _column(name, c) for name, c in table["columns"].items()}),
            )
            for kind, table in tables.items()
        }
    )


ENTITIES: Mapping[str, Entity] = _load()
