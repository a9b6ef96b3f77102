"""Rows that have the key of a series: frames of the store, and keys alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from app.store.identity import SeriesKey


class Keyed(Protocol):
    """Rows of which every part of the key can be asked for."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def column(self, name: str) -> list[str | None]:
        """Return one part of the keys."""

    def take(self, rows: npt.NDArray[Any]) -> "Keyed":
        """Return some of the rows, by position."""


@dataclass(frozen=True, slots=True)
class SeriesKeys:
    """Keys of series, without values."""

    keys: Sequence[SeriesKey]

    def __len__(self) -> int:
        return len(self.keys)

    def column(self, name: str) -> list[str | None]:
        """Return one part of the keys: `measure` or a dimension."""
        return [getattr(key, name) for key in self.keys]

    def take(self, rows: npt.NDArray[Any]) -> "SeriesKeys":
        """Return some of the keys (a mask or positions)."""
        return SeriesKeys([self.keys[row] for row in np.arange(len(self.keys))[rows].tolist()])
