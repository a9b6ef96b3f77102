"""Dataset files as they lie: typed rows, and series over the open buckets."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from app.checker.buckets import Buckets, build_buckets
from app.errors import InputError

Row = Mapping[str, Any]
Key = tuple[str, ...]
Values = list[float]

_TYPES: Mapping[str, Callable[[str], object]] = {
    "code": str,
    "text": str,
    "integer": int,
    "number": float,
    "date": date.fromisoformat,
    "boolean": lambda text: text.lower() in {"true", "yes", "1"},
}


class Files:
    """One exported dataset directory."""

    def __init__(self, directory: Path) -> None:
        """Read the planning parameters and the calendar; everything else when it is asked for.

        Raises InputError for a directory that is no dataset.
        """
        if not directory.is_dir():
            raise InputError(reason=f"{directory} is no directory")
        self._directory = directory
        self._rows: dict[str, list[Row]] = {}
        self._indexes: dict[tuple[str, Key], dict[tuple[str | None, ...], list[Row]]] = {}
        self._series: dict[str, dict[Key, list[float | None]]] = {}
        self.parameters = {
            str(row["parameter"]): str(row["value"]) for row in self.rows("planning_parameter")
        }
        self.buckets = self._buckets()

    @property
    def periods(self) -> range:
        """The numbers of the open buckets."""
        return range(len(self.buckets.open))

    def rows(self, kind: str) -> list[Row]:
        """Return the rows of a kind, empty columns as their defaults."""
        if kind not in self._rows:
            columns = _vocabulary("entities.toml")[kind]["columns"]
            self._rows[kind] = [_typed(row, columns, kind) for row in self._table(Path(f"{kind}.csv"))]
        return self._rows[kind]

    def matching(self, kind: str, **codes: str | None) -> list[Row]:
        """Return the rows of a kind that have these codes, in the order of the file."""
        columns = tuple(codes)
        if (kind, columns) not in self._indexes:
            index = self._indexes[kind, columns] = defaultdict(list)
            for row in self.rows(kind):
                index[tuple(row[name] for name in columns)].append(row)
        return self._indexes[kind, columns].get(tuple(codes.values()), [])

    def series(self, measure: str) -> dict[Key, list[float | None]]:
        """Return the open part of each series; the key has the codes in the order of the measure's grain."""
        if measure not in self._series:
            self._series[measure] = self._read_series(measure)
        return self._series[measure]

    def values(self, measure: str, key: Key) -> Values:
        """Return the figures of one series, 0 where nothing is said."""
        return [value or 0.0 for value in self.stated(measure, key)]

    def stated(self, measure: str, key: Key) -> list[float | None]:
        """Return the figures of one series, None where nothing is said."""
        return self.series(measure).get(key) or [None] * len(self.buckets.open)

    def claims(self) -> dict[str, Any]:
        """Return what plan.json states; nothing where there is none."""
        path = self._directory / "plan.json"
        try:
            return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
        except ValueError as error:
            raise InputError(reason=f"plan.json cannot be read ({error})") from None

    def number(self, parameter: str) -> float:
        """Return a planning parameter, its default where the company states none."""
        default = _vocabulary("parameters.toml").get(parameter, {}).get("default")
        return float(self.parameters.get(parameter, default))

    def _buckets(self) -> Buckets:
        try:
            plan_date, history = (
                date.fromisoformat(self.parameters[n]) for n in ("plan_date", "history_from")
            )
            return build_buckets(plan_date, history, int(self.number("weeks")), int(self.number("months")))
        except (KeyError, ValueError) as error:
            raise InputError(reason=f"planning_parameter says no calendar ({error})") from None

    def _read_series(self, measure: str) -> dict[Key, list[float | None]]:
        grain, buckets = _grains()[measure], self.buckets
        index = {bucket.start: number for number, bucket in enumerate(buckets.open)}
        carried = measure == "openingStock"
        read: dict[Key, list[float | None]] = {}
        for row in self._table(Path("series") / f"{measure}.csv"):
            key, start, value = _cell(row, grain, measure)
            if start >= buckets.plan_date or carried:
                cells = read.setdefault(key, [None] * len(buckets.open))
                number = index.get(start, 0 if start < buckets.plan_date else None)
                if number is None:
                    raise InputError(reason=f"series/{measure}.csv: {start} starts no bucket of the calendar")
                cells[number] = value
        return read

    def _table(self, name: Path) -> Iterator[dict[str, str]]:
        """Yield the rows of a table, plain or compressed; none where the file is absent."""
        plain, packed = self._directory / name, self._directory / f"{name}.gz"
        if plain.is_file():
            with plain.open(encoding="utf-8-sig", newline="") as text:
                yield from csv.DictReader(text)
        elif packed.is_file():
            with gzip.open(packed, "rt", encoding="utf-8-sig", newline="") as text:
                yield from csv.DictReader(text)


def _cell(row: Mapping[str, str], grain: tuple[str, ...], measure: str) -> tuple[Key, date, float]:
    """Return the key, the start and the value of one line of a series."""
    try:
        return tuple(row[name] for name in grain), date.fromisoformat(row["start"]), float(row["value"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(reason=f"series/{measure}.csv: a line cannot be read ({error})") from None


def _typed(row: Mapping[str, str], columns: Mapping[str, Mapping[str, Any]], kind: str) -> Row:
    """Return a row with every column of its kind."""
    typed = {}
    for name, column in columns.items():
        text = (row.get(name) or "").strip()
        try:
            typed[name] = _TYPES[column["type"]](text) if text else column.get("default")
        except ValueError:
            raise InputError(reason=f"{kind}.csv: {name} {text!r} is no {column['type']}") from None
    return typed


@cache
def _vocabulary(name: str) -> dict[str, Any]:
    """Return a file of the vocabulary as data; its code is not used."""
    return tomllib.loads((files("app") / "vocabulary" / name).read_text(encoding="utf-8"))


@cache
def _grains() -> dict[str, tuple[str, ...]]:
    """Return the dimensions of each measure."""
    text = (files("app") / "vocabulary" / "measures.csv").read_text(encoding="utf-8")
    return {row["measure"]: tuple(row["grain"].split()) for row in csv.DictReader(io.StringIO(text))}
