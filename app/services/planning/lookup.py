"""Values of reference rows by key and bucket: the row that is valid when the bucket starts counts."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from app.services.planning.horizon import Horizon

Values = npt.NDArray[np.float64]
Row = Mapping[str, object]
Key = tuple[Hashable, ...]


def number(row: Row, column: str, default: float = np.nan) -> float:
    """Return a numeric cell; `default` where it is empty."""
    value = row.get(column)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else default


def text(row: Row, column: str) -> str | None:
    """Return a code; None where it is empty."""
    value = row.get(column)
    return None if value is None or value == "" else str(value)


class Lookup:
    """(T,) values by key; where several rows are valid in a bucket, the one read last counts."""

    def __init__(
        self,
        rows: Iterable[Row],
        key: Sequence[str],
        value: Callable[[Row], float],
        horizon: Horizon,
    ) -> None:
        """Read `value` of each row under its `key` columns; a row whose value is NaN says nothing."""
        self._periods = horizon.periods
        self._values: dict[Key, Values] = {}
        for row in rows:
            worth = value(row)
            if not np.isnan(worth):
                cells = self._values.setdefault(
                    tuple(text(row, column) for column in key), np.full(self._periods, np.nan)
                )
                cells[horizon.valid(row)] = worth

    def first(self, *keys: Key) -> Values:
        """Return (T,): in each bucket the value of the first key that has one, else NaN."""
        found = np.full(self._periods, np.nan)
        for key in keys:
            cells = self._values.get(key)
            if cells is not None:
                found = np.where(np.isnan(found), cells, found)
        return found


def filled(values: Values, default: float = 0.0) -> Values:
    """Return (T,) or (n, T) without gaps: the last known value, else the next one, else `default`."""
    rows = np.atleast_2d(values)
    known = ~np.isnan(rows)
    columns = np.arange(rows.shape[1])
    last = np.maximum.accumulate(np.where(known, columns, -1), axis=1)
    first = np.where(known.any(axis=1), known.argmax(axis=1), 0)[:, None]
    taken = np.take_along_axis(rows, np.where(last < 0, first, last), axis=1)
    return np.where(np.isnan(taken), default, taken).reshape(values.shape)
