"""Text to value: parses one cell as its column's type and bounds say, strictly."""

import re
from datetime import date
from math import isfinite

from app.exchange.findings import Code
from app.vocabulary import Column

Value = str | int | float | bool | date

LARGEST = 1e12
FIRST_YEAR, LAST_YEAR = 1970, 2200
LONGEST_CODE, LONGEST_TEXT = 100, 1_000

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NOT_FINITE = re.compile(r"[+-]?(nan|inf(inity)?)", re.IGNORECASE)
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class CellError(ValueError):
    """A cell that cannot be taken: the code of the finding and what was expected."""

    def __init__(self, code: Code, expected: str) -> None:
        super().__init__(expected)
        self.code, self.expected = code, expected


def parse_cell(column: Column, text: str) -> Value | None:
    """Return the typed value of a cell, the column's default where it is empty.

    Raises CellError for an empty required cell and for text outside type, bounds or words of the column.
    """
    text = text.strip()
    if not text:
        if column.required:
            code = Code.MISSING_UNIT if column.references == "unit" else Code.MISSING_VALUE
            raise CellError(code, describe(column))
        return column.default
    match column.type:
        case "number":
            return _bounded(column, parse_number(text))
        case "integer":
            return int(_bounded(column, _integer(text)))
        case "date":
            return parse_date(text)
        case "boolean":
            return _boolean(text)
        case "code":
            return _word(column, parse_code(text))
        case _:
            return _text(text)


def parse_number(text: str) -> float:
    """Return a finite number below 1e12 in magnitude; raises CellError."""
    if _NUMBER.fullmatch(text):
        value = float(text)
        if isfinite(value) and abs(value) <= LARGEST:
            return value
        raise CellError(Code.ABSURD_VALUE, "a number of at most 1e12")
    if _NOT_FINITE.fullmatch(text):
        raise CellError(Code.NOT_FINITE, "a finite number")
    raise CellError(Code.WRONG_TYPE, "a number such as 12.5 (point as decimal mark, no thousands mark)")


def parse_date(text: str) -> date:
    """Return an ISO date between 1970 and 2200; raises CellError."""
    if not _DATE.fullmatch(text):
        raise CellError(Code.WRONG_TYPE, "a date as YYYY-MM-DD")
    try:
        value = date.fromisoformat(text)
    except ValueError:
        raise CellError(Code.WRONG_TYPE, "a day of the calendar as YYYY-MM-DD") from None
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise CellError(Code.ABSURD_VALUE, f"a date from {FIRST_YEAR} to {LAST_YEAR}")
    return value


def parse_code(text: str) -> str:
    """Return a code: printable, at most 100 characters, without the key separator "|"; raises CellError."""
    if len(text) <= LONGEST_CODE and "|" not in text and text.isprintable():
        return text
    raise CellError(Code.WRONG_TYPE, f"a code of at most {LONGEST_CODE} printable characters without '|'")


def describe(column: Column) -> str:
    """Return in words what a cell of the column may hold."""
    if column.values:
        return f"one of {', '.join(column.values)}"
    if column.references:
        return f"a {column.references}"
    kind = {"integer": "a whole number", "code": "a code", "text": "a text"}.get(
        column.type, f"a {column.type}"
    )
    bounds = [
        f"{sign} {limit:g}"
        for sign, limit in (
            (">=", column.least),
            (">", column.above),
            ("<=", column.most),
            ("<", column.below),
        )
        if limit is not None
    ]
    return " ".join([kind, *[" and ".join(bounds)][: len(bounds)]])


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        parse_number(text)  # tells a number that is not whole from NaN and from no number at all
        raise CellError(Code.WRONG_TYPE, "a whole number")
    value = int(text)
    if abs(value) > LARGEST:
        raise CellError(Code.ABSURD_VALUE, "a whole number of at most 1e12")
    return value


def _bounded(column: Column, value: float) -> float:
    low = (column.least is not None and value < column.least) or (
        column.above is not None and value <= column.above
    )
    high = (column.most is not None and value > column.most) or (
        column.below is not None and value >= column.below
    )
    if low or high:
        raise CellError(Code.NEGATIVE_VALUE if value < 0 else Code.OUT_OF_RANGE, describe(column))
    return value


def _boolean(text: str) -> bool:
    value = _BOOLEANS.get(text.lower())
    if value is None:
        raise CellError(Code.WRONG_TYPE, "true or false")
    return value


def _word(column: Column, text: str) -> str:
    if column.values and text not in column.values:
        raise CellError(Code.VALUE_NOT_ALLOWED, describe(column))
    return text


def _text(text: str) -> str:
    if len(text) > LONGEST_TEXT or any(not c.isprintable() and c not in "\n\t" for c in text):
        raise CellError(Code.WRONG_TYPE, f"a text of at most {LONGEST_TEXT} printable characters")
    return text
