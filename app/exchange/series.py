"""Series from long rows: one column per dimension of the measure's grain, `start` and `value`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.exchange.cells import CellError, parse_code, parse_date, parse_number
from app.exchange.findings import Code, FindingLog, Place
from app.exchange.layout import MONTH, Grid, Slot, slots_of
from app.exchange.spec import TableSpec
from app.exchange.transform import Origin, Texts
from app.vocabulary import DIMENSIONS, Measure

REFERENCES: Mapping[str, str] = {name: "site" if name == "to_site" else name for name in DIMENSIONS}


@dataclass(frozen=True, slots=True)
class Known:
    """What the rows of series refer to: the keys by kind, and the customer of each ship-to."""

    keys: Mapping[str, Mapping[str, str]]
    owners: Mapping[object, object]


def optional_dimensions(measure: Measure) -> frozenset[str]:
    """Return the dimensions that may be empty: the ship-to of a customer's series, where it is not known."""
    return frozenset({"site"} if {"site", "customer"} <= set(measure.grain) else ())


class SeriesTable:
    """One table of a measure being read into a grid (None: dates have no calendar, rows are only checked)."""

    def __init__(
        self, measure: Measure, spec: TableSpec, targets: Sequence[str], origin: Origin, log: FindingLog
    ) -> None:
        self.measure, self.spec = measure, spec
        self.left_out = 0
        self._origin, self._log = origin, log
        self._start, self._value = targets.index("start"), targets.index("value")
        self._dimensions = [(name, targets.index(name)) for name in measure.grain if name in targets]
        self._optional = optional_dimensions(measure)
        self._adding = spec.columns is not None and spec.columns["value"].total == "sum"
        self._codes: dict[tuple[str, str], str | None] = {}
        self._slots: dict[str, tuple[Slot, ...]] = {}
        self._touched: set[int] = set()

    def read(self, rows: Iterable[tuple[int, Texts]], known: Known, grid: Grid | None) -> None:
        """Take all rows; their codes must be known, a second value for a cell is noted."""
        for line, texts in rows:
            stated = [text for text in texts if text is not None]
            if len(stated) < len(texts):
                continue
            try:
                self._take(stated, known, grid)
            except _ColumnError as bad:
                name = self._origin.column(bad.column)
                self._log.error(bad.code, Place(self._origin.file, line, name), bad.found, bad.expected)
        if grid is not None and self.spec.spread_quarters:
            grid.spread_quarters(sorted(self._touched))

    def _take(self, texts: Sequence[str], known: Known, grid: Grid | None) -> None:
        key: dict[str, str | None] = {}
        for name, position in self._dimensions:
            key[name] = self._code(name, texts[position], known)
        self._check_ship_to(key, known)
        slots = self._buckets(texts[self._start].strip(), grid)
        value = self._number(texts[self._value].strip())
        if grid is None:
            return
        if not slots:
            self.left_out += 1
            return
        row = grid.row_of(tuple(key.get(name) for name in DIMENSIONS))
        self._touched.add(row)
        for slot in slots:
            if self._adding:
                grid.add(row, slot, value)
            elif not grid.put(row, slot, value):
                raise _ColumnError(
                    "start", texts[self._start], Code.DUPLICATE_KEY, "one value per series and bucket"
                )

    def _check_ship_to(self, key: Mapping[str, str | None], known: Known) -> None:
        """Where a measure has a customer, its site is one of the customer's ship-tos."""
        site, customer = key.get("site"), key.get("customer")
        if site and customer and known.owners.get(site, customer) != customer:
            raise _ColumnError("site", site, Code.INCONSISTENT, f"a ship-to of {customer}")

    def _code(self, name: str, text: str, known: Known) -> str | None:
        place = (name, text)
        if place not in self._codes:
            self._codes[place] = self._checked_code(name, text.strip(), known)
        return self._codes[place]

    def _checked_code(self, name: str, text: str, known: Known) -> str | None:
        kind = REFERENCES[name]
        if not text:
            if name in self._optional:
                return None
            raise _ColumnError(name, text, Code.MISSING_VALUE, f"a {kind}")
        try:
            parse_code(text)
        except CellError as bad:
            raise _ColumnError(name, text, bad.code, bad.expected) from None
        if text not in known.keys[kind]:
            raise _ColumnError(name, text, Code.UNKNOWN_REFERENCE, f"a {kind} that is listed")
        return text

    def _buckets(self, text: str, grid: Grid | None) -> tuple[Slot, ...]:
        """Return the buckets of a date that the table wants."""
        if text not in self._slots:
            try:
                self._slots[text] = self._wanted(text, grid)
            except CellError as bad:
                raise _ColumnError("start", text, bad.code, bad.expected) from None
        return self._slots[text]

    def _wanted(self, text: str, grid: Grid | None) -> tuple[Slot, ...]:
        if not text:
            raise CellError(Code.MISSING_VALUE, "a date as YYYY-MM-DD, or a month as YYYY-MM")
        if grid is None:
            parse_date(f"{text}-01" if len(text) == MONTH else text)
            return ()
        try:
            slots = slots_of(text, grid.calendar)
        except CellError as bad:
            if bad.code is Code.DATE_OUTSIDE_CALENDAR and self.spec.take != "all":
                return ()
            raise
        first = grid.calendar.first_open
        match self.spec.take:
            case "history":
                return tuple(slot for slot in slots if slot.ordinal < first)
            case "future":
                return tuple(slot for slot in slots if slot.ordinal >= first)
            case _:
                return slots

    def _number(self, text: str) -> float:
        if not text:
            raise _ColumnError("value", text, Code.MISSING_VALUE, "a number")
        try:
            value = parse_number(text)
        except CellError as bad:
            raise _ColumnError("value", text, bad.code, bad.expected) from None
        if value < 0 and not self.measure.signed:
            raise _ColumnError("value", text, Code.NEGATIVE_VALUE, f"no negative {self.measure.name}")
        return value


class _ColumnError(ValueError):
    """A cell of a series row that cannot be taken."""

    def __init__(self, column: str, found: str, code: Code, expected: str) -> None:
        super().__init__(expected)
        self.column, self.found, self.code, self.expected = column, found, code, expected
