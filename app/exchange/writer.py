"""Writes a dataset in the format that `read_dataset` reads; the same dataset gives the same bytes."""

import csv
import gzip
import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TextIO

import numpy as np

from app.errors import Conflict
from app.exchange.dataset import Dataset, SeriesBlock
from app.vocabulary import DIMENSIONS, ENTITIES, MEASURES, Calendar


def write_dataset(dataset: Dataset, directory: Path, *, compress: bool = False) -> None:
    """Write the dataset into a new or empty directory, `compress` as .csv.gz; all of it or nothing.

    Kinds and measures without rows get no file; series values stand at the first day of their bucket.
    Raises Conflict where the directory holds something already.
    """
    if directory.exists() and any(directory.iterdir()):
        raise Conflict(reason=f"{directory.name} is not empty, and an export overwrites nothing")
    directory.parent.mkdir(parents=True, exist_ok=True)
    partial = directory.with_name(f".{directory.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        (partial / "series").mkdir(parents=True)
        for kind, rows in dataset.entities.items():
            if rows:
                _write_entity(dataset, kind, partial, compress)
        for block in dataset.series:
            if block.cells:
                _write_series(block, dataset.calendar, partial / "series", compress)
        partial.replace(directory)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write_entity(dataset: Dataset, kind: str, directory: Path, compress: bool) -> None:
    columns = list(ENTITIES[kind].columns)
    with _table(directory / f"{kind}.csv", compress) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_text(row.get(name)) for name in columns] for row in dataset.entities[kind])


def _write_series(block: SeriesBlock, calendar: Calendar, directory: Path, compress: bool) -> None:
    grain = MEASURES[block.measure].grain
    positions = [DIMENSIONS.index(name) for name in grain]
    starts = [start.isoformat() for start in calendar.starts]
    with _table(directory / f"{block.measure}.csv", compress) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*grain, "start", "value"])
        for key, values in zip(block.keys, block.values, strict=True):
            codes = [key[position] or "" for position in positions]
            for ordinal in np.flatnonzero(~np.isnan(values)):
                writer.writerow([*codes, starts[ordinal], _text(float(values[ordinal]))])


@contextmanager
def _table(path: Path, compress: bool) -> Iterator[TextIO]:
    """Open a table for writing; compressed bytes carry neither name nor time, so that they repeat."""
    if not compress:
        with path.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        return
    with (
        path.with_name(f"{path.name}.gz").open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="") as stream,
    ):
        yield stream


def _text(value: object) -> str:
    """Return the shortest text that reads back as the same value."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case date():
            return value.isoformat()
        case _:
            return str(value)
