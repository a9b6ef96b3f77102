"""Linear programs as arrays: built block by block without a loop over cells, kept in compressed columns.

minimise cost @ x + offset   subject to   row_lower <= A x <= row_upper,   lower <= x <= upper

Columns named in `whole` must be whole numbers; a linear solve leaves that aside.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.engine.problem import FloatArray, IntArray

ABSENT = -1
AT_LOWER, BASIC, AT_UPPER = 0, 1, 2
FACE = 1e-7  # multipliers below FACE x (1 + median size of their terms) count as zero


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """Where the columns [k] and rows [m] of a program are: AT_LOWER, BASIC or AT_UPPER."""

    columns: NDArray[np.int8]
    rows: NDArray[np.int8]

    @classmethod
    def of(cls, basic_columns: NDArray[np.bool_], basic_rows: NDArray[np.bool_]) -> Basis:
        """Say what is basic; the rest is at its lower bound (where it has none, at its upper)."""
        return cls(basic_columns.astype(np.int8), basic_rows.astype(np.int8))


@dataclass(frozen=True, slots=True, eq=False)
class ElementCosts:
    """Objective coefficients by cost element, [E, k], as coordinates; `weights @ costs` weighs them."""

    element: IntArray
    column: IntArray
    value: FloatArray
    shape: tuple[int, int]

    __array_ufunc__ = None  # `array @ costs` is ours, not NumPy's

    def __rmatmul__(self, weights: FloatArray) -> FloatArray:
        """Costs [k] of weights [E], or [K, k] of weights [K, E]."""
        rows = np.atleast_2d(weights)
        weighed = [
            np.bincount(self.column, row[self.element] * self.value, minlength=self.shape[1]) for row in rows
        ]
        shape = (*np.shape(weights)[:-1], self.shape[1])
        return np.array(weighed, dtype=np.float64).reshape(shape)

    def __matmul__(self, point: FloatArray) -> FloatArray:
        """Contribution of each element at a point [k], [E]."""
        terms = self.value * point[self.column]
        return np.bincount(self.element, terms, minlength=self.shape[0]).astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A linear program of `m` rows and `k` columns; `start`, `index`, `value` are A by compressed columns."""

    cost: FloatArray  # [k]
    lower: FloatArray  # [k]
    upper: FloatArray  # [k]
    row_lower: FloatArray  # [m]
    row_upper: FloatArray  # [m]
    start: IntArray  # [k + 1]
    index: IntArray  # [nonzeros] row of each entry
    value: FloatArray  # [nonzeros]
    offset: float = 0.0
    whole: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))  # whole columns

    @property
    def entry_columns(self) -> IntArray:
        """Column of each entry, [nonzeros]."""
        return np.repeat(np.arange(len(self.lower)), np.diff(self.start))

    def times(self, point: FloatArray) -> FloatArray:
        """Row activities: A times a point, [m]."""
        terms = self.value * point[self.entry_columns]
        return np.bincount(self.index, terms, minlength=len(self.row_lower)).astype(np.float64)

    def transposed(self, duals: FloatArray) -> FloatArray:
        """Price the columns: A transposed times row duals, [k]."""
        terms = self.value * duals[self.index]
        return np.bincount(self.entry_columns, terms, minlength=len(self.lower)).astype(np.float64)

    def worth(self, point: FloatArray) -> float:
        """Objective at a point; summed in one thread, whatever the size."""
        return float((self.cost * point).sum()) + self.offset

    def with_cost(self, cost: FloatArray, offset: float = 0.0) -> Program:
        """Return the same feasible set under another objective."""
        return replace(self, cost=cost, offset=offset)


def with_fixed(program: Program, numbers: FloatArray) -> Program:
    """Fix the whole columns at the numbers given: what is left is linear."""
    lower, upper = program.lower.copy(), program.upper.copy()
    lower[program.whole] = upper[program.whole] = numbers
    return replace(program, lower=lower, upper=upper)


def on_face(program: Program, duals: FloatArray) -> Program:
    """Restrict the program to its set of optima, given optimal duals of its rows.

    By complementary slackness a feasible point is optimal exactly when every column with a reduced cost and
    every row with a dual lies at the bound that the sign names: an exact restriction without a dense row on
    the objective. Multipliers below FACE x the size of the terms that they are sums of count as zero.
    """
    terms = np.abs(program.value * duals[program.index])
    sizes = np.concatenate((np.abs(program.cost), terms))
    sizes = sizes[sizes > 0.0]
    tolerance = FACE * (1.0 + (float(np.median(sizes)) if len(sizes) else 0.0))
    reduced = program.cost - program.transposed(duals)
    lower, upper = _pinned(program.lower, program.upper, reduced, tolerance)
    row_lower, row_upper = _pinned(program.row_lower, program.row_upper, duals, tolerance)
    return replace(program, lower=lower, upper=upper, row_lower=row_lower, row_upper=row_upper)


def only_point(face: Program, basis: Basis) -> bool:
    """Say whether an optimal face is a single point: whatever is not basic has no room on it."""
    column_room = (face.lower < face.upper) & (basis.columns != BASIC)
    row_room = (face.row_lower < face.row_upper) & (basis.rows != BASIC)
    return not column_room.any() and not row_room.any()


def _pinned(
    lower: FloatArray, upper: FloatArray, multiplier: FloatArray, tolerance: float
) -> tuple[FloatArray, FloatArray]:
    at_lower = (multiplier > tolerance) & np.isfinite(lower)
    at_upper = (multiplier < -tolerance) & np.isfinite(upper)
    return np.where(at_upper, upper, lower), np.where(at_lower, lower, upper)


@dataclass(slots=True)
class Builder:
    """Collects columns, rows, entries and costs in blocks of any shape, then makes a `Program` of them.

    Index arrays hold `ABSENT` where a mask left a cell out; entries and costs that touch an absent cell
    vanish.
    """

    elements: tuple[str, ...]
    _lower: list[FloatArray] = field(default_factory=list)
    _upper: list[FloatArray] = field(default_factory=list)
    _row_lower: list[FloatArray] = field(default_factory=list)
    _row_upper: list[FloatArray] = field(default_factory=list)
    _entries: list[tuple[IntArray, IntArray, FloatArray]] = field(default_factory=list)
    _costs: list[tuple[int, IntArray, FloatArray]] = field(default_factory=list)
    _offset: dict[str, float] = field(default_factory=dict)
    _whole: list[IntArray] = field(default_factory=list)
    width: int = 0
    height: int = 0

    def whole(self, columns: IntArray) -> None:
        """Ask for whole numbers in columns."""
        self._whole.append(columns[columns >= 0])

    def columns(self, mask: NDArray[np.bool_], lower: ArrayLike, upper: ArrayLike) -> IntArray:
        """Add a column per true cell of `mask`; returns its index in the cell, ABSENT elsewhere."""
        index, self.width = _number(mask, self.width)
        self._lower.append(_picked(mask, lower))
        self._upper.append(_picked(mask, upper))
        return index

    def rows(self, mask: NDArray[np.bool_], lower: ArrayLike, upper: ArrayLike) -> IntArray:
        """Add a row per true cell of `mask`; returns its index in the cell, ABSENT elsewhere."""
        index, self.height = _number(mask, self.height)
        self._row_lower.append(_picked(mask, lower))
        self._row_upper.append(_picked(mask, upper))
        return index

    def entries(self, rows: IntArray, columns: IntArray, values: ArrayLike) -> None:
        """Add coefficients (broadcast against each other); several for one cell of A add up."""
        row, column, value = np.broadcast_arrays(rows, columns, np.asarray(values, dtype=np.float64))
        keep = (row >= 0) & (column >= 0) & (value != 0.0)
        self._entries.append((row[keep], column[keep], value[keep]))

    def cost(self, element: str, columns: IntArray, values: ArrayLike) -> None:
        """Add objective coefficients under a cost element."""
        column, value = np.broadcast_arrays(columns, np.asarray(values, dtype=np.float64))
        keep = (column >= 0) & (value != 0.0)
        self._costs.append((self.elements.index(element), column[keep], value[keep]))

    def constant(self, element: str, value: float) -> None:
        """Add a constant to the objective under a cost element."""
        self._offset[element] = self._offset.get(element, 0.0) + value

    def costs(self) -> tuple[ElementCosts, FloatArray]:
        """Objective coefficients by element [E, k] and constants [E]."""
        element = np.repeat(
            [number for number, _, _ in self._costs], [len(columns) for _, columns, _ in self._costs]
        ).astype(np.int64)
        none = np.zeros(0, dtype=np.int64)
        column = np.concatenate((none, *(columns for _, columns, _ in self._costs)))
        value = np.concatenate((np.zeros(0), *(values for _, _, values in self._costs)))
        constants = np.array([self._offset.get(name, 0.0) for name in self.elements])
        return ElementCosts(element, column, value, (len(self.elements), self.width)), constants

    def build(self) -> Program:
        """Make the program under the sum of all elements."""
        costs, offset = self.costs()
        start, index, value = compress(self._entries, self.width, self.height)
        return Program(
            np.ones(len(self.elements)) @ costs,
            _joined(self._lower),
            _joined(self._upper),
            _joined(self._row_lower),
            _joined(self._row_upper),
            start,
            index,
            value,
            float(offset.sum()),
            np.unique(np.concatenate((np.zeros(0, dtype=np.int64), *self._whole))),
        )


def _number(mask: NDArray[np.bool_], first: int) -> tuple[IntArray, int]:
    count = int(mask.sum())
    index = np.full(mask.shape, ABSENT, dtype=np.int64)
    index[mask] = first + np.arange(count)
    return index, first + count


def _picked(mask: NDArray[np.bool_], values: ArrayLike) -> FloatArray:
    return np.broadcast_to(np.asarray(values, dtype=np.float64), mask.shape)[mask]


def _joined(parts: list[FloatArray]) -> FloatArray:
    return np.concatenate(parts) if parts else np.zeros(0)


def compress(
    entries: list[tuple[IntArray, IntArray, FloatArray]], width: int, height: int
) -> tuple[IntArray, IntArray, FloatArray]:
    """Coordinates (row, column, value) to compressed columns, equal coordinates added up."""
    if not entries:
        return np.zeros(width + 1, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)
    row, column, value = (np.concatenate(part) for part in zip(*entries, strict=True))
    key = column * max(height, 1) + row
    order = np.argsort(key, kind="stable")
    key = key[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    unique = key[first]
    summed = np.add.reduceat(value[order], first) if len(first) else np.zeros(0)
    columns = unique // max(height, 1)
    start = np.concatenate(([0], np.cumsum(np.bincount(columns, minlength=width))))
    return start.astype(np.int64), unique % max(height, 1), summed


def extended(program: Program, extra: Builder) -> Program:
    """Add the rows and columns of `extra` to a program; `extra` starts at width and height of the program.

    The objective of the result is that of `extra` alone (zero on the old columns).
    """
    start, index, value = compress(
        [(program.index, program.entry_columns, program.value), *extra._entries], extra.width, extra.height
    )
    costs, offset = extra.costs()
    return Program(
        np.ones(len(extra.elements)) @ costs,
        np.concatenate((program.lower, *extra._lower)),
        np.concatenate((program.upper, *extra._upper)),
        np.concatenate((program.row_lower, *extra._row_lower)),
        np.concatenate((program.row_upper, *extra._row_upper)),
        start,
        index,
        value,
        float(offset.sum()),
        program.whole,
    )
