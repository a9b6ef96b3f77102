"""The dataset's own format: which files of a directory are which tables."""

from collections.abc import Mapping
from pathlib import Path

from app.exchange.findings import Code, FindingLog, Place
from app.exchange.source import Source, table_name
from app.exchange.spec import CellRule, TableSpec
from app.vocabulary import ENTITIES, MEASURES

SERIES = "series"


def native_specs(directory: Path, log: FindingLog) -> list[TableSpec]:
    """Return a spec per table file of the directory; CSV files that are no table are noted.

    Files that are not CSV (a README, a licence) are passed over.
    """
    specs = _specs_in(directory, "", ENTITIES, log)
    series = directory / SERIES
    if series.is_dir():
        specs += _specs_in(series, f"{SERIES}/", MEASURES, log)
    if not specs:
        expected = "<kind>.csv files, as docs/dataset.md lists them"
        log.error(Code.UNREADABLE_FILE, Place(directory.name), "no table", expected)
    return specs


def _specs_in(directory: Path, prefix: str, known: Mapping[str, object], log: FindingLog) -> list[TableSpec]:
    specs: dict[str, TableSpec] = {}
    for path in sorted(directory.iterdir()):
        target = table_name(path) if path.is_file() else None
        if target is None:
            continue
        name = f"{prefix}{path.name}"
        if target not in known:
            expected = f"a name of docs/dataset.md: {', '.join(sorted(known))}"
            log.error(Code.UNKNOWN_FILE, Place(name), target, expected)
        elif target in specs:
            log.error(Code.DUPLICATE_FILE, Place(name), path.name, f"{specs[target].file} alone")
        else:
            specs[target] = TableSpec(target, bool(prefix), name, path)
    return list(specs.values())


def native_columns(spec: TableSpec, source: Source, log: FindingLog) -> dict[str, CellRule] | None:
    """Return the rules that take every column of the header as it is called; None where one does not fit."""
    names, required = table_columns(spec)
    unknown = [name for name in source.header if name not in names]
    missing = [name for name in required if name not in source.header]
    for name in unknown:
        log.error(Code.UNKNOWN_COLUMN, Place(spec.file, 1, name), name, f"one of {', '.join(names)}")
    for name in missing:
        log.error(
            Code.MISSING_COLUMN, Place(spec.file, 1, name), ", ".join(source.header), f"a column {name}"
        )
    if unknown or missing or len(set(source.header)) < len(source.header):
        return None
    return {name: CellRule(column=name) for name in source.header}


def table_columns(spec: TableSpec) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return all columns of a table and those that must be there."""
    if spec.series:
        grain = MEASURES[spec.target].grain
        return (*grain, "start", "value"), (*grain, "start", "value")
    columns = ENTITIES[spec.target].columns
    return tuple(columns), tuple(name for name, column in columns.items() if column.required)
