"""Reads a dataset: every table is streamed, checked and typed; any error refuses the whole."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from app.exchange.checks import check_tables
from app.exchange.dataset import Dataset, DatasetResult, SeriesBlock
from app.exchange.findings import Code, FindingLog, Place
from app.exchange.layout import Grid
from app.exchange.mapping import read_mapping
from app.exchange.native import native_columns, native_specs
from app.exchange.plausibility import check_plausibility
from app.exchange.records import Tables
from app.exchange.series import Known, SeriesTable
from app.exchange.source import Source
from app.exchange.spec import TableSpec
from app.exchange.transform import Constants, Origin, Table, Texts, Transform
from app.vocabulary import (
    ENTITIES,
    MEASURES,
    PARAMETERS,
    Calendar,
    Parameters,
    build_calendar,
    parse_parameter,
)

Progress = Callable[[str, int], None]
REPORT_EVERY = 20_000  # rows between two calls of `progress`
PARAMETER = "planning_parameter"


def read_dataset(
    directory: Path,
    mapping: Path | None = None,
    *,
    parameters: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    log: FindingLog | None = None,
) -> DatasetResult:
    """Read a dataset directory, or (`mapping`) a foreign export as a mapping file says.

    `parameters` override planning parameters by name; `progress` is told (file, rows read) now and then.
    Never raises for what is wrong with the files: that is in the result's findings, and its dataset is None
    where any of them is an error.
    """
    log = log or FindingLog()
    specs = _specs(directory, mapping, log, parameters or {})
    if not specs:
        return DatasetResult(None, log.close(), {}, {})
    reading = _Reading(log, progress)
    reading.read_entities([spec for spec in specs if not spec.series])
    reading.override(parameters or {})
    stated = _parameters(reading.tables)
    check_tables(reading.tables, stated)
    blocks = reading.read_series([spec for spec in specs if spec.series], _calendar(reading.tables, stated))
    if not log.errors:
        check_plausibility(reading.tables)
    dataset = Dataset({kind: list(reading.tables.rows(kind)) for kind in ENTITIES}, blocks)
    return DatasetResult(None if log.errors else dataset, log.close(), reading.counts, reading.left_out)


def _specs(
    directory: Path, mapping: Path | None, log: FindingLog, parameters: Mapping[str, str]
) -> list[TableSpec]:
    if not directory.is_dir():
        log.error(Code.UNREADABLE_FILE, Place(directory.name), "no directory", "a directory with tables")
        return []
    if mapping is None:
        return native_specs(directory, log)
    return read_mapping(mapping, directory, log, parameters)


class _Reading:
    """The state of one import: what was read, and how many rows of what."""

    def __init__(self, log: FindingLog, progress: Progress | None) -> None:
        self.tables = Tables(log)
        self.counts: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self._log = log
        self._progress = progress or (lambda file, rows: None)

    def read_entities(self, specs: Sequence[TableSpec]) -> None:
        """Read the tables of reference data."""
        for spec in specs:
            table = self._open(spec)
            if table is not None:
                self.tables.read(spec.target, table.targets, self._told(spec, table), table.origin)
                self._count(spec, table.taken, table.left_out)

    def read_series(self, specs: Sequence[TableSpec], calendar: Calendar | None) -> list[SeriesBlock]:
        """Read the tables of series, once every code is known; a block per measure, in their order."""
        owners = {row["site"]: row["customer"] for row in self.tables.rows("site")}
        known = Known(self.tables.keys, owners)
        grids: dict[str, Grid] = {}
        for spec in sorted(specs, key=lambda spec: list(MEASURES).index(spec.target)):
            grid = None
            if calendar is not None:
                grid = grids.setdefault(spec.target, Grid(MEASURES[spec.target], calendar))
            self._read_table(spec, known, grid)
        return [grid.block() for grid in grids.values()]

    def _read_table(self, spec: TableSpec, known: Known, grid: Grid | None) -> None:
        table = self._open(spec)
        if table is None or not {"start", "value"} <= set(table.targets):
            return
        series = SeriesTable(MEASURES[spec.target], spec, table.targets, table.origin, self._log)
        series.read(self._told(spec, table), known, grid)
        self._count(spec, table.taken - series.left_out, table.left_out + series.left_out)

    def override(self, parameters: Mapping[str, str]) -> None:
        """Put planning parameters in the place of those read."""
        records = self.tables.records[PARAMETER]
        records[:] = [record for record in records if record.values["parameter"] not in parameters]
        for name in parameters:
            self.tables.keys[PARAMETER].pop(name, None)
        rows = list(enumerate(parameters.items(), start=1))
        self.tables.read(PARAMETER, ("parameter", "value"), rows, Origin("override", {}))

    def _open(self, spec: TableSpec) -> Table | None:
        """Return a table ready to be read; None where its header does not allow it (then noted)."""
        if spec.path is None:
            return Constants(spec)
        source = Source(spec.path, spec.file, self._log)
        columns = spec.columns
        if source.header and columns is None:
            columns = native_columns(spec, source, self._log)
        if not source.header or columns is None:
            source.close()
            return None
        return Transform(spec, columns, source, self._log)

    def _told(self, spec: TableSpec, table: Table) -> Iterator[tuple[int, Texts]]:
        """Pass the rows on and tell how far the file is read."""
        number = 0
        for number, row in enumerate(table.rows(), start=1):
            yield row
            if number % REPORT_EVERY == 0:
                self._progress(spec.file, number)
        self._progress(spec.file, number)

    def _count(self, spec: TableSpec, taken: int, left_out: int) -> None:
        self.counts[spec.target] += taken
        if left_out:
            self.left_out[spec.target] += left_out


def _parameters(tables: Tables) -> Parameters | None:
    """Return the planning parameters; None, with findings, where one is refused or missing."""
    errors = tables.log.errors
    texts: dict[str, str] = {}
    for record in tables.records[PARAMETER]:
        name, value = str(record.values["parameter"]), str(record.values["value"])
        try:
            parse_parameter(name, value)
        except ValueError as refusal:
            record.error(tables.log, Code.BAD_PARAMETER, "value", value, str(refusal))
        texts[name] = value
    for name, parameter in PARAMETERS.items():
        if parameter.required and name not in texts:
            expected = f"a row {name}: {parameter.doc}"
            tables.log.error(Code.BAD_PARAMETER, Place(PARAMETER, None, name), "no row", expected)
    return Parameters.of_texts(texts) if tables.log.errors == errors else None


def _calendar(tables: Tables, parameters: Parameters | None) -> Calendar | None:
    if parameters is None:
        return None
    try:
        return build_calendar(parameters)
    except ValueError as refusal:
        tables.log.error(
            Code.BAD_PARAMETER, Place(PARAMETER), str(refusal), "parameters that describe a calendar"
        )
        return None
