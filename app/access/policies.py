"""Reading `policies/`: all files as one `Policies`, groups written out: a role has one entry or none."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from app.access.model import Actions, MeasureList, Parties, Released, Rows, Rule, Visibility
from app.errors import PolicyInvalid

DIRECTORY: Final = Path(__file__).resolve().parents[2] / "policies"
FILES: Final = ("parties", "rows", "fields", "measures", "actions", "releases", "schemas")
READERS: Final = "readers"
"""In fields.toml: every role that has rows of the table."""

Value = TypeVar("Value")
Raw = Mapping[str, Mapping[str, object]]

_FIELDS = TypeAdapter(dict[str, dict[str, str | list[str]]])
_MEASURES = TypeAdapter(dict[str, dict[str, Visibility]])
_SENSITIVE = TypeAdapter(dict[str, list[str]])
_RELEASES = TypeAdapter(dict[str, Released])
_GRAPHS = TypeAdapter(dict[str, dict[str, dict[str, list[str]]]])


@dataclass(frozen=True, slots=True)
class Policies:
    """All policy files; every mapping by role has single roles as keys, groups are written out."""

    parties: Parties
    rows: Mapping[str, Mapping[str, Rule]]
    kinds: Mapping[str, Mapping[str, str]]
    fields: Mapping[str, Mapping[str, frozenset[str]]]
    measures: Mapping[str, Mapping[str, Visibility]]
    sensitive: Mapping[str, frozenset[str]]
    actions: Actions
    releases: Mapping[str, Released]
    submitted: MeasureList
    withheld: MeasureList
    graphs: Mapping[str, Mapping[str, Mapping[str, list[str]]]]

    def database_role(self, role: str) -> str:
        """Return the database role behind a business role."""
        return self.parties.role[role].database_role

    def reads_whole(self, role: str, table: str) -> bool:
        """Say whether a role of Concord's own reads every row and column of a table."""
        return table.partition(".")[0] in self.parties.role[role].reads

    def roles_of(self, audience: str) -> list[str]:
        """Return the roles of an audience, in the order of parties.toml."""
        return [name for name, role in self.parties.role.items() if role.audience == audience]

    def roles(self, names: Iterable[str]) -> list[str]:
        """Return roles and groups as single roles, in order, without repeats."""
        return list(dict.fromkeys(_expand(self.parties, names)))


def read_files(directory: Path = DIRECTORY) -> dict[str, dict[str, object]]:
    """Read the policy files, name → table; a missing or broken file is refused."""
    read: dict[str, dict[str, object]] = {}
    for name in FILES:
        path = directory / f"{name}.toml"
        try:
            read[name] = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise PolicyInvalid(reason=f"{path.name}: {error}") from None
    return read


@cache
def load() -> Policies:
    """Return the policies that Concord ships with, read once."""
    return parse(read_files())


def parse(raw: Raw) -> Policies:
    """Turn the files' tables into `Policies`; a malformed one is refused with its place."""
    try:
        return _parse(raw)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise PolicyInvalid(reason=f"{error.title}: {place}: {first['msg']}") from None


def _parse(raw: Raw) -> Policies:
    parties = Parties.model_validate(raw["parties"])
    rows = Rows.model_validate(raw["rows"])
    releases, measures = dict(raw["releases"]), dict(raw["measures"])
    sensitive = _SENSITIVE.validate_python(measures.pop("sensitive", {}))
    tables = {table: _by_role(parties, rules, f"rows.toml {table}") for table, rules in rows.table.items()}
    return Policies(
        parties=parties,
        rows=tables,
        kinds={kind: _by_role(parties, rules, f"rows.toml {kind}") for kind, rules in rows.kind.items()},
        fields={
            table: {
                column: _readers(parties, tables.get(table, {}), named) for column, named in columns.items()
            }
            for table, columns in _FIELDS.validate_python(raw["fields"]).items()
        },
        measures={
            measure: _by_role(parties, rules, f"measures.toml {measure}")
            for measure, rules in _MEASURES.validate_python(measures).items()
        },
        sensitive={measure: frozenset(_expand(parties, roles)) for measure, roles in sensitive.items()},
        actions=Actions.model_validate(raw["actions"]),
        submitted=MeasureList.model_validate(releases.pop("submitted", {})),
        withheld=MeasureList.model_validate(releases.pop("withheld", {})),
        releases=_RELEASES.validate_python(releases),
        graphs=_GRAPHS.validate_python(raw["schemas"]),
    )


def _expand(parties: Parties, names: Iterable[str]) -> Iterable[str]:
    for name in names:
        yield from parties.group.get(name, (name,))


def _by_role(parties: Parties, rules: Mapping[str, Value], where: str) -> dict[str, Value]:
    """Write groups out; a role that is named twice is refused, since one of the two would be a mistake."""
    by_role: dict[str, Value] = {}
    for name, rule in rules.items():
        for role in _expand(parties, [name]):
            if role in by_role:
                raise PolicyInvalid(reason=f"{where}: {role} is listed twice")
            by_role[role] = rule
    return by_role


def _readers(parties: Parties, rules: Mapping[str, Rule], named: str | list[str]) -> frozenset[str]:
    """Return the roles that read a column."""
    if named == READERS:
        return frozenset(rules)
    return frozenset(_expand(parties, [named] if isinstance(named, str) else named))
