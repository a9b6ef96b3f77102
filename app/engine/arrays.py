"""Array types of the engine, and values stretched to the shape of a block's field."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]

INFINITE = float("inf")


def floats(values: ArrayLike, *shape: int) -> FloatArray:
    """Broadcast to `shape`; a vector always runs along the leading axis and is stretched over the buckets."""
    return np.broadcast_to(_column(np.asarray(values, dtype=np.float64), len(shape)), shape)


def ints(values: ArrayLike, *shape: int) -> IntArray:
    """Broadcast whole numbers to `shape`, likewise."""
    return np.broadcast_to(_column(np.asarray(values, dtype=np.int64), len(shape)), shape)


def _column(array: NDArray[Any], dimensions: int) -> NDArray[Any]:
    return array[:, None] if dimensions == 2 and array.ndim == 1 else array


def compact(values: FloatArray) -> FloatArray:
    """Return the values, or a stretched zero in their place where there is nothing else."""
    return values if values.any() else np.broadcast_to(0.0, values.shape)
