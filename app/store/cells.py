"""Series values as they lie in the database: float64 little-endian, trimmed of missing values at both ends.

Pure NumPy: matrices of (series, buckets), NaN = no value. One value has one form: no negative zero, one NaN.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from app.errors import InputError

Matrix = npt.NDArray[np.float64]
CELL = np.dtype("<f8")


def canonical(values: npt.ArrayLike) -> Matrix:
    """Return values as float64 with one zero and one NaN; infinities are refused."""
    matrix = np.array(values, dtype=np.float64) + 0.0
    if np.isinf(matrix).any():
        raise InputError(reason="a value is infinite")
    matrix[np.isnan(matrix)] = np.nan
    return matrix


def same(left: Matrix, right: Matrix) -> npt.NDArray[np.bool_]:
    """Return per cell whether both have the same value, or both none."""
    return np.asarray((left == right) | (np.isnan(left) & np.isnan(right)))


def encode(matrix: Matrix) -> tuple[list[int], list[bytes | None]]:
    """Return each row's first ordinal and cells; a row without any value has none (None)."""
    present = ~np.isnan(matrix)
    first = present.argmax(axis=1).tolist()
    end = (matrix.shape[1] - present[:, ::-1].argmax(axis=1)).tolist()
    filled = np.count_nonzero(present, axis=1) > 0
    rows = np.ascontiguousarray(matrix, dtype=CELL)
    cells = [
        rows[row, first[row] : end[row]].tobytes() if has_value else None
        for row, has_value in enumerate(filled)
    ]
    return first, cells


def pack(matrix: Matrix) -> tuple[list[int], list[int], bytes]:
    """Return each row's first ordinal and number of cells, and all cells one after the other."""
    present = ~np.isnan(matrix)
    rows = np.ascontiguousarray(matrix, dtype=CELL)
    if present.all():
        return [0] * len(matrix), [matrix.shape[1]] * len(matrix), rows.tobytes()
    first = present.argmax(axis=1)
    end = np.where(present.any(axis=1), matrix.shape[1] - present[:, ::-1].argmax(axis=1), first)
    return first.tolist(), (end - first).tolist(), rows[_span(first, end, matrix.shape[1])].tobytes()


def _span(first: npt.NDArray[np.int64], end: npt.NDArray[np.int64], buckets: int) -> npt.NDArray[np.bool_]:
    """Return the cells (rows, buckets) from each row's first ordinal up to its end."""
    ordinals = np.arange(buckets)
    return np.asarray((ordinals >= first[:, None]) & (ordinals < end[:, None]))


def decode(blob: bytes, first: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], buckets: int) -> Matrix:
    """Return the matrix of rows whose cells lie one after the other in `blob`.

    `first` is each row's first ordinal, `lengths` its number of cells. Cells beyond `buckets` are dropped.
    """
    values, end = np.frombuffer(blob, CELL), first + lengths
    if len(first) and (first == 0).all() and (lengths == buckets).all():
        return values.reshape(len(first), buckets).astype(np.float64)
    width = max(buckets, int(end.max(initial=0)))
    matrix = np.full((len(first), width), np.nan)
    matrix[_span(first, end, width)] = values
    return matrix[:, :buckets]


def realign(matrix: Matrix, positions: Sequence[int], buckets: int) -> Matrix:
    """Move columns: column i goes to positions[i], or is dropped where that is negative."""
    moved = np.full((matrix.shape[0], buckets), np.nan)
    for source, target in enumerate(positions):
        if target >= 0 and source < matrix.shape[1]:
            moved[:, target] = matrix[:, source]
    return moved
