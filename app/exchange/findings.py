"""Findings: what an import has to say about the files it read, one per bad cell, row or file.

A finding names its place as file:line:column, what was found and what was expected, and carries one stable
code of `Code`. Errors refuse the whole import; warnings let it pass and say what planning will not know.
"""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple

Severity = Literal["error", "warning"]

PER_PLACE = 1_000  # findings of one code kept per file
IN_ALL = 20_000  # findings kept over all files
SHOWN = 80  # characters of a found value that are shown


class Code(StrEnum):
    """Stable code of a finding; `doc` says what it means and what happens then."""

    doc: str

    def __new__(cls, value: str, doc: str) -> "Code":
        """Keep the documentation beside the value."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.doc = doc
        return member

    UNREADABLE_FILE = (
        "unreadable-file",
        "The file or directory cannot be read, or its compression is damaged.",
    )
    UNKNOWN_FILE = "unknown-file", "A CSV file that no entity kind and no measure is called by."
    DUPLICATE_FILE = "duplicate-file", "The same table twice, once as .csv and once as .csv.gz."
    BAD_MAPPING = "bad-mapping", "The mapping file is not valid; `column` names the entry."
    BAD_ENCODING = "bad-encoding", "Bytes that are not UTF-8."
    MALFORMED_ROW = "malformed-row", "A line that is not CSV: an open quote, or too long."
    RAGGED_ROW = "ragged-row", "More or fewer cells than the header has."
    UNKNOWN_COLUMN = "unknown-column", "A column that the table does not have (its values would be lost)."
    MISSING_COLUMN = "missing-column", "A column that must be there is not."
    DUPLICATE_COLUMN = "duplicate-column", "Two columns of one name."
    MISSING_VALUE = "missing-value", "An empty cell where a value is required."
    WRONG_TYPE = "wrong-type", "Text that is not of the column's type."
    NOT_FINITE = "not-finite", "NaN or infinity."
    ABSURD_VALUE = "absurd-value", "A number beyond 1e12, or a date outside 1970 to 2200."
    NEGATIVE_VALUE = "negative-value", "A negative number where none makes sense."
    OUT_OF_RANGE = "out-of-range", "A number outside the column's bounds."
    VALUE_NOT_ALLOWED = "value-not-allowed", "A word that is not among those of the column."
    UNMAPPED_VALUE = "unmapped-value", "A word for which the mapping's value map has no entry."
    DUPLICATE_KEY = "duplicate-key", "A second row with one key, or a second value for one series and bucket."
    UNKNOWN_REFERENCE = "unknown-reference", "A key that no row of the table referred to has."
    MISSING_UNIT = "missing-unit", "An empty unit of measure."
    UNKNOWN_UNIT = "unknown-unit", "A unit of measure that is not in `unit`."
    UNKNOWN_CONVERSION = (
        "unknown-conversion",
        "Warning: no conversion between two units is known, and it is never taken as 1. The row is kept with "
        "its unit and nothing converts it: quantities stay in the item's base unit, and a price for such a "
        "unit is not known per base unit.",
    )
    UNKNOWN_CURRENCY = "unknown-currency", "A currency that is not the company's and has no rate."
    EMPTY_VALIDITY = "empty-validity", "valid_to is not after valid_from."
    OVERLAPPING_VALIDITY = "overlapping-validity", "Two rows of one key are valid on the same day."
    GAP_IN_VALIDITY = "gap-in-validity", "Memberships of one member with a time between them without any."
    CYCLE = "cycle", "A tree or bill of materials that leads back to itself."
    INCONSISTENT = "inconsistent", "Two columns, or two tables, that contradict one another."
    BAD_PARAMETER = "bad-parameter", "A planning parameter is missing, unknown or not of its type."
    DATE_OUTSIDE_CALENDAR = "date-outside-calendar", "A date in no bucket of the calendar."
    NO_SOURCE = "no-source", "Warning: an item that is used or sold, but neither made nor bought."
    NO_BOM = "no-bom", "Warning: an item that is made from nothing."
    NO_ROUTING = "no-routing", "Warning: an item that is made without hours."
    NO_LANE = "no-lane", "Warning: a ship-to that no lane leads to; its demand cannot be delivered."


class Place(NamedTuple):
    """Where something was found: file, line (1 is the header) and column, as far as there is one."""

    file: str
    line: int | None = None
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong (error) or not known (warning), and where; line 1 is the header."""

    severity: Severity
    file: str
    line: int | None
    column: str | None
    found: str
    expected: str
    code: str

    def __str__(self) -> str:
        """Return file:line:column: found …, expected … [code]; parts that have no place are left out."""
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        return f"{place}: {self.severity}: found {self.found}, expected {self.expected} [{self.code}]"


class FindingLog:
    """Collects findings within bounded memory: past a cap they are counted, and `close` says how many."""

    def __init__(self, per_place: int = PER_PLACE, in_all: int = IN_ALL) -> None:
        self._per_place, self._in_all = per_place, in_all
        self._kept: list[Finding] = []
        self._seen: Counter[tuple[Severity, str, Code]] = Counter()
        self._dropped: Counter[tuple[Severity, str, Code]] = Counter()
        self.errors = 0

    def error(self, code: Code, place: Place, found: object, expected: str) -> None:
        """Note something that refuses the import."""
        self.errors += 1
        self._add("error", code, place, (found, expected))

    def warning(self, code: Code, place: Place, found: object, expected: str) -> None:
        """Note something that planning will not know."""
        self._add("warning", code, place, (found, expected))

    def _add(self, severity: Severity, code: Code, place: Place, said: tuple[object, str]) -> None:
        group = (severity, place.file, code)
        self._seen[group] += 1
        if self._seen[group] > self._per_place or len(self._kept) >= self._in_all:
            self._dropped[group] += 1
            return
        found, expected = said
        self._kept.append(Finding(severity, *place, _shown(found), expected, code.value))

    def close(self) -> tuple[Finding, ...]:
        """Return the findings by file and line, and one for each kind of which some were only counted."""
        more = [
            Finding(
                severity, file, None, None, f"{count:,} more of these, counted only", code.doc, code.value
            )
            for (severity, file, code), count in self._dropped.items()
        ]
        return tuple(sorted([*self._kept, *more], key=lambda f: (f.file, f.line is None, f.line or 0)))


def _shown(found: object) -> str:
    """Return a found value fit for one line of a report: quoted, cut, without control characters."""
    if not isinstance(found, str):
        return str(found)
    cut = found if len(found) <= SHOWN else found[: SHOWN - 1] + "…"
    return repr(cut)
