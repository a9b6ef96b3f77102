"""Typed rows of reference data with their origin, and the keys seen so far."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from app.exchange.cells import CellError, Value, parse_cell
from app.exchange.dataset import Row
from app.exchange.findings import Code, FindingLog, Place
from app.exchange.transform import Origin, Texts
from app.vocabulary import ENTITIES, Entity, entity_key


class Record(NamedTuple):
    """A good row of an entity kind and where it was read."""

    values: Row
    origin: Origin
    line: int

    def error(self, log: FindingLog, code: Code, column: str, found: object, expected: str) -> None:
        """Note an error at a column of this row."""
        log.error(code, Place(self.origin.file, self.line, self.origin.column(column)), found, expected)

    def warning(self, log: FindingLog, code: Code, column: str, found: object, expected: str) -> None:
        """Note a warning at a column of this row."""
        log.warning(code, Place(self.origin.file, self.line, self.origin.column(column)), found, expected)


@dataclass(slots=True)
class Tables:
    """All records by kind, and where each key was first seen (rows with another bad cell included)."""

    log: FindingLog
    records: dict[str, list[Record]] = field(default_factory=lambda: {kind: [] for kind in ENTITIES})
    keys: dict[str, dict[str, str]] = field(default_factory=lambda: {kind: {} for kind in ENTITIES})

    def read(
        self, kind: str, targets: Sequence[str], rows: Iterable[tuple[int, Texts]], origin: Origin
    ) -> None:
        """Parse the rows of a kind; bad cells and second rows of a key are noted."""
        entity = ENTITIES[kind]
        defaults: Row = {name: column.default for name, column in entity.columns.items()}
        for line, texts in rows:
            values, bad = self._parse(entity, zip(targets, texts, strict=True), origin, line)
            row = defaults | values
            if bad.isdisjoint(entity.key) and self._is_new(entity, row, origin, line) and not bad:
                self.records[kind].append(Record(row, origin, line))

    def rows(self, kind: str) -> Iterator[Row]:
        """Yield the values of a kind's records."""
        return (record.values for record in self.records[kind])

    def _parse(
        self, entity: Entity, cells: Iterable[tuple[str, str | None]], origin: Origin, line: int
    ) -> tuple[dict[str, Value | None], set[str]]:
        values: dict[str, Value | None] = {}
        bad: set[str] = set()
        for name, text in cells:
            if text is None:
                bad.add(name)
                continue
            try:
                values[name] = parse_cell(entity.columns[name], text)
            except CellError as fault:
                bad.add(name)
                self.log.error(
                    fault.code, Place(origin.file, line, origin.column(name)), text, fault.expected
                )
        return values, bad

    def _is_new(self, entity: Entity, row: Row, origin: Origin, line: int) -> bool:
        key = entity_key(entity.kind, row)
        first = self.keys[entity.kind].setdefault(key, f"{origin.file}:{line}")
        if first == f"{origin.file}:{line}":
            return True
        columns = "+".join(origin.column(name) for name in entity.key)
        self.log.error(
            Code.DUPLICATE_KEY,
            Place(origin.file, line, columns),
            key,
            f"one row per key; the first is {first}",
        )
        return False
