"""Mapping files: TOML that says how a foreign export, as it lies, becomes a dataset.

docs/dataset.md documents the language. What is wrong with a mapping is a finding (`bad-mapping`) that names
the entry; all of them are reported at once.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, cast

from app.exchange.findings import Code, FindingLog, Place
from app.exchange.native import table_columns
from app.exchange.spec import CellRule, Condition, TableSpec, Take
from app.exchange.transform import source_columns
from app.vocabulary import ENTITIES, MEASURES

Json = object  # whatever TOML holds
DEEPEST = 5  # mappings that extend one another

TOP = {"name", "doc", "extends", "omit", "parameters", "entity", "series"}
ENTITY = {"kind", "source", "rows", "columns", "where", "distinct", "doc"}
SERIES = {"measure", "source", "columns", "where", "take", "spread", "doc"}
BASES = {"column", "constant", "template", "parameter", "sum", "max", "min", "ratio"}
RULE = BASES | {"empty", "values", "otherwise", "date", "scale"}
CONDITION = {"equals", "in", "not_in", "starts_with", "from", "before", "above", "empty"}


class _EntryError(ValueError):
    """An entry of a mapping that cannot be taken."""

    def __init__(self, entry: str, found: Json, expected: str) -> None:
        super().__init__(expected)
        self.entry, self.found, self.expected = entry, found, expected


def read_mapping(
    path: Path, directory: Path, log: FindingLog, overrides: Mapping[str, str] | None = None
) -> list[TableSpec]:
    """Return the tables that a mapping describes over the export in `directory`; none if it is refused.

    `overrides` are planning parameters that come before the mapping's own.
    """
    errors = log.errors
    table = _load(path, log, 0)
    table["parameters"] = {**_table_or_empty(table, "parameters"), **(overrides or {})}
    specs = _Mapping(path.name, directory, log).specs(table) if log.errors == errors else []
    return specs if log.errors == errors else []


def _load(path: Path, log: FindingLog, depth: int) -> dict[str, Json]:
    """Read a mapping, laid over the one that it extends."""
    try:
        table: dict[str, Json] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        reason = getattr(fault, "strerror", None) or str(fault)
        log.error(Code.BAD_MAPPING, Place(path.name), reason, "a TOML file in UTF-8")
        return {}
    for entry, found, expected in _shape_faults(table):
        log.error(Code.BAD_MAPPING, Place(path.name, None, entry), found, expected)
    base = table.pop("extends", None)
    if base is None:
        return table
    if not isinstance(base, str) or depth == DEEPEST:
        expected = f"the name of a mapping file, at most {DEEPEST} deep"
        log.error(Code.BAD_MAPPING, Place(path.name, None, "extends"), str(base), expected)
        return table
    return _laid_over(_load(path.parent / base, log, depth + 1), table)


def _shape_faults(table: Mapping[str, Json]) -> Iterator[tuple[str, str, str]]:
    """Yield (entry, found, expected) for what is of the wrong shape at the top of a mapping."""
    for name in sorted(set(table) - TOP):
        yield name, name, f"only {', '.join(sorted(TOP))}"
    if not isinstance(table.get("parameters", {}), dict):
        yield "parameters", str(table["parameters"]), "a table"
    for group in ("entity", "series"):
        entries = table.get(group, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            yield group, str(entries), f"tables, each headed [[{group}]]"
    for omitted in _list_or_empty(table, "omit"):
        if omitted not in ENTITIES and omitted not in MEASURES:
            yield "omit", str(omitted), "a name of docs/dataset.md"


def _laid_over(base: Mapping[str, Json], table: Mapping[str, Json]) -> dict[str, Json]:
    """Return a mapping over its base: its kinds and measures replace the base's, its parameters theirs."""
    result = {**base, **table}
    result["parameters"] = {**_table_or_empty(base, "parameters"), **_table_or_empty(table, "parameters")}
    omitted = {str(name) for name in _list_or_empty(table, "omit")}
    for group, name in (("entity", "kind"), ("series", "measure")):
        own = _tables(table, group)
        replaced = omitted | {str(entry.get(name)) for entry in own}
        kept = [entry for entry in _tables(base, group) if str(entry.get(name)) not in replaced]
        result[group] = [*kept, *own]
    return result


def _table_or_empty(table: Mapping[str, Json], name: str) -> dict[str, Json]:
    value = table.get(name, {})
    return value if isinstance(value, dict) else {}


def _list_or_empty(table: Mapping[str, Json], name: str) -> list[Json]:
    value = table.get(name, [])
    return value if isinstance(value, list) else []


def _tables(table: Mapping[str, Json], group: str) -> list[dict[str, Json]]:
    return [entry for entry in _list_or_empty(table, group) if isinstance(entry, dict)]


class _Mapping:
    """Turns the entries of a mapping into specs; a bad entry is noted and the next one is looked at."""

    def __init__(self, file: str, directory: Path, log: FindingLog) -> None:
        self._file, self._directory, self._log = file, directory, log
        self._parameters: dict[str, str] = {}

    def specs(self, table: Mapping[str, Json]) -> list[TableSpec]:
        """Return the specs of all entries."""
        specs: list[TableSpec] = []
        try:
            specs.append(self._parameter_rows(_mapping(table["parameters"], "parameters")))
        except _EntryError as refused:
            self._note(refused)
        for group, parse in (("entity", self._entity), ("series", self._series)):
            for number, entry in enumerate(_list_or_empty(table, group), start=1):
                place = f"{group}[{number}]"
                try:
                    specs.append(parse(_mapping(entry, place), place))
                except _EntryError as refused:
                    self._note(refused)
        return specs

    def _note(self, refused: _EntryError) -> None:
        found = refused.found if isinstance(refused.found, str) else repr(refused.found)
        self._log.error(Code.BAD_MAPPING, Place(self._file, None, refused.entry), found, refused.expected)

    def _parameter_rows(self, table: Mapping[str, Json]) -> TableSpec:
        self._parameters = {name: _scalar(value, f"parameters.{name}") for name, value in table.items()}
        rows = tuple({"parameter": name, "value": text} for name, text in self._parameters.items())
        return TableSpec("planning_parameter", False, self._file, rows=rows)

    def _entity(self, entry: Mapping[str, Json], place: str) -> TableSpec:
        _only(entry, ENTITY, place)
        kind = _word(entry.get("kind"), ENTITIES, f"{place}.kind")
        place = f"{place} {kind}"
        if "rows" in entry:
            return self._constant_rows(entry, kind, place)
        spec = self._sourced(entry, kind, place, series=False)
        return replace(spec, distinct=bool(entry.get("distinct", False)))

    def _constant_rows(self, entry: Mapping[str, Json], kind: str, place: str) -> TableSpec:
        rows = []
        for number, row in enumerate(_list_or_empty(entry, "rows"), start=1):
            cells = _mapping(row, f"{place}.rows[{number}]")
            _only(cells, set(ENTITIES[kind].columns), f"{place}.rows[{number}]")
            rows.append(
                {name: _scalar(value, f"{place}.rows[{number}].{name}") for name, value in cells.items()}
            )
        return TableSpec(kind, False, f"{self._file} {place}", rows=tuple(rows))

    def _series(self, entry: Mapping[str, Json], place: str) -> TableSpec:
        _only(entry, SERIES, place)
        measure = _word(entry.get("measure"), MEASURES, f"{place}.measure")
        place = f"{place} {measure}"
        spec = self._sourced(entry, measure, place, series=True)
        take = _word(entry.get("take", "all"), ("all", "history", "future"), f"{place}.take")
        spread = _word(entry.get("spread", ""), ("", "quarter"), f"{place}.spread")
        return replace(spec, take=cast(Take, take), spread_quarters=spread == "quarter")

    def _sourced(self, entry: Mapping[str, Json], target: str, place: str, *, series: bool) -> TableSpec:
        """Return the spec of a table that reads a source file."""
        source = _text(entry.get("source"), f"{place}.source")
        columns = {
            name: _rule(value, f"{place}.columns.{name}", self._parameters)
            for name, value in _mapping(entry.get("columns"), f"{place}.columns").items()
        }
        where = {
            name: _condition(value, f"{place}.where.{name}")
            for name, value in _mapping(entry.get("where", {}), f"{place}.where").items()
        }
        spec = TableSpec(target, series, source, self._path(source, place), columns, where=where)
        self._check_targets(spec, columns, place)
        return spec

    def _check_targets(self, spec: TableSpec, columns: Mapping[str, CellRule], place: str) -> None:
        known, required = table_columns(spec)
        _only(columns, set(known), f"{place}.columns")
        missing = [name for name in required if name not in columns and not (spec.series and name == "site")]
        if missing:
            raise _EntryError(f"{place}.columns", f"no {', '.join(missing)}", "every required column")
        totals = [name for name, rule in columns.items() if rule.total or rule.ratio]
        if spec.series and any(name != "value" or columns[name].total != "sum" for name in totals):
            raise _EntryError(f"{place}.columns", f"totals of {', '.join(totals)}", "sum, and of value alone")

    def _path(self, source: str, place: str) -> Path:
        path = self._directory / source
        if not path.resolve().is_relative_to(self._directory.resolve()):
            raise _EntryError(f"{place}.source", source, "a file inside the export's directory")
        if not path.is_file():
            raise _EntryError(f"{place}.source", source, "a file that is there")
        return path


def _rule(value: Json, place: str, parameters: Mapping[str, str]) -> CellRule:
    """Return the rule of a target column: the name of a source column, or a table."""
    if isinstance(value, str):
        return CellRule(column=value)
    table = _mapping(value, place)
    _only(table, RULE, place)
    bases = BASES & set(table)
    if len(bases) != 1:
        raise _EntryError(place, f"{len(bases)} of them", f"exactly one of {', '.join(sorted(BASES))}")
    base = bases.pop()
    rule = CellRule(
        empty=_optional_text(table, "empty", place),
        values=_values(table, place),
        otherwise=_optional_text(table, "otherwise", place),
        date=_optional_text(table, "date", place),
        scale=_optional_number(table, "scale", place),
    )
    if base == "parameter":
        return replace(rule, constant=parameters[_word(table[base], parameters, f"{place}.parameter")])
    return _with_base(rule, base, table[base], f"{place}.{base}")


def _with_base(rule: CellRule, base: str, value: Json, place: str) -> CellRule:
    if base == "ratio":
        pair = [_text(part, place) for part in _sequence(value, place)]
        if len(pair) != 2:
            raise _EntryError(place, value, "two columns: dividend, divisor")
        return replace(rule, ratio=(pair[0], pair[1]))
    if base in {"sum", "max", "min"}:
        return replace(rule, column=_text(value, place), total=cast(Literal["sum", "max", "min"], base))
    if base == "constant":
        return replace(rule, constant=_scalar(value, place))
    if base == "column":
        return replace(rule, column=_text(value, place))
    rule = replace(rule, template=_text(value, place))
    if not source_columns(rule):
        raise _EntryError(place, value, "a text with {column} in it")
    return rule


def _condition(value: Json, place: str) -> Condition:
    """Return what a source column must hold."""
    table = _mapping(value, place)
    _only(table, CONDITION, place)
    isin = [_scalar(table["equals"], place)] if "equals" in table else None
    if "in" in table:
        isin = [_scalar(part, place) for part in _sequence(table["in"], place)]
    notin = [_scalar(part, place) for part in _sequence(table.get("not_in", []), place)]
    empty = table.get("empty")
    if empty is not None and not isinstance(empty, bool):
        raise _EntryError(f"{place}.empty", empty, "true or false")
    return Condition(
        isin=None if isin is None else frozenset(isin),
        notin=frozenset(notin) or None,
        starts_with=_optional_text(table, "starts_with", place),
        first=_optional_text(table, "from", place),
        before=_optional_text(table, "before", place),
        above=_optional_number(table, "above", place),
        empty=empty,
    )


def _values(table: Mapping[str, Json], place: str) -> dict[str, str] | None:
    if "values" not in table:
        return None
    words = _mapping(table["values"], f"{place}.values")
    return {name: _scalar(value, f"{place}.values.{name}") for name, value in words.items()}


def _only(table: Mapping[str, object], known: set[str], place: str) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        raise _EntryError(place or unknown[0], ", ".join(unknown), f"only {', '.join(sorted(known))}")


def _mapping(value: Json, place: str) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise _EntryError(place, value, "a table")
    return value


def _sequence(value: Json, place: str) -> list[Json]:
    if not isinstance(value, list):
        raise _EntryError(place, value, "a list")
    return value


def _word(value: Json, known: Mapping[str, object] | Sequence[str], place: str) -> str:
    if not isinstance(value, str) or value not in known:
        raise _EntryError(place, value, f"one of {', '.join(sorted(known))}")
    return value


def _text(value: Json, place: str) -> str:
    if not isinstance(value, str) or not value:
        raise _EntryError(place, value, "a text")
    return value


def _optional_text(table: Mapping[str, Json], name: str, place: str) -> str | None:
    return _scalar(table[name], f"{place}.{name}") if name in table else None


def _optional_number(table: Mapping[str, Json], name: str, place: str) -> float | None:
    value = table.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _EntryError(f"{place}.{name}", value, "a number")
    return float(value)


def _scalar(value: Json, place: str) -> str:
    """Return the text of a TOML value as a dataset's cell would hold it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        raise _EntryError(place, value, "a text, number, date or boolean")
    return str(value)
