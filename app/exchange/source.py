"""Bytes to rows: streams a CSV or CSV.gz file and notes whatever is not readable as UTF-8 CSV."""

import csv
import gzip
import io
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path

from app.exchange.findings import Code, FindingLog, Place

LONGEST_LINE = 1 << 20  # bytes; a longer one is not a table
SUFFIXES = (".csv", ".csv.gz")


class Source:
    """An open table: its header (empty where none can be read), then its rows one by one."""

    def __init__(self, path: Path, name: str, log: FindingLog) -> None:
        self.name = name
        self._path, self._log = path, log
        self._undecoded = False
        self._line = 1
        self._records = self._read()
        self.header = self._take_header(next(self._records, None))

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield (line, cells) of every readable row; line 1 is the header's. The others are noted."""
        width = len(self.header)
        for cells in self._records:
            if not cells:
                continue
            if len(cells) != width:
                self._note(Code.RAGGED_ROW, f"{len(cells)} cells", f"{width} cells as in the header")
            elif self._undecoded:
                self._note_encoding(cells)
            else:
                yield self._line, cells

    def close(self) -> None:
        """Close the file before its end."""
        self._records.close()

    def _read(self) -> Generator[list[str], None, None]:
        """Yield the cells of every line of CSV, the header included, keeping `_line` where each began."""
        try:
            with _open(self._path) as stream:
                reader = csv.reader(self._lines(stream), strict=True)
                while True:
                    self._line, self._undecoded = reader.line_num + 1, False
                    try:
                        yield next(reader)
                    except StopIteration:
                        return
                    except csv.Error as fault:
                        self._note(Code.MALFORMED_ROW, str(fault), "a line of CSV")
        except (OSError, EOFError, zlib.error) as damage:
            self._log.error(
                Code.UNREADABLE_FILE, Place(self.name), _reason(damage), "a readable CSV or CSV.gz file"
            )

    def _lines(self, stream: io.BufferedIOBase) -> Iterator[str]:
        encoding = "utf-8-sig"
        for line in iter(lambda: stream.readline(LONGEST_LINE + 1), b""):
            if len(line) > LONGEST_LINE:
                self._note(Code.MALFORMED_ROW, "a line of over 1 MiB", "a table (reading stopped here)")
                return
            try:
                yield line.decode(encoding)
            except UnicodeDecodeError:
                self._undecoded = True
                yield line.decode("utf-8", errors="surrogateescape")
            encoding = "utf-8"

    def _take_header(self, cells: list[str] | None) -> tuple[str, ...]:
        if not cells:
            self._note(Code.MISSING_COLUMN, "no header", "a first line with the column names")
            return ()
        names = tuple(cell.strip() for cell in cells)
        if self._undecoded:
            self._note(Code.BAD_ENCODING, ",".join(names), "UTF-8")
            return ()
        for position, name in enumerate(names):
            if name in names[:position]:
                self._log.error(Code.DUPLICATE_COLUMN, Place(self.name, 1, name), name, "each column once")
        return names

    def _note(self, code: Code, found: str, expected: str) -> None:
        self._log.error(code, Place(self.name, self._line), found, expected)

    def _note_encoding(self, cells: list[str]) -> None:
        for name, cell in zip(self.header, cells, strict=True):
            if any("\udc80" <= character <= "\udcff" for character in cell):
                self._log.error(Code.BAD_ENCODING, Place(self.name, self._line, name), cell, "UTF-8")


def _open(path: Path) -> io.BufferedIOBase:
    return gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb")


def _reason(damage: Exception) -> str:
    """Return what went wrong without the machine's path in it."""
    return getattr(damage, "strerror", None) or str(damage) or type(damage).__name__


def table_name(path: Path) -> str | None:
    """Return the table that a file holds (`item` of item.csv.gz); None if it is no CSV file."""
    suffix = next((suffix for suffix in SUFFIXES if path.name.endswith(suffix)), None)
    return None if suffix is None else path.name.removesuffix(suffix)
