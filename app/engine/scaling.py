"""Rows and columns of a program brought to one size before the solver sees it, where they differ widely.

Factors are powers of two, so that nothing is rounded. The answer is carried back to the program as it was
and verified there (rule 33): scaling cannot hide a residual.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.engine.linear import Program
from app.engine.problem import FloatArray, IntArray

EVEN = 1e7  # ratio between coefficients up to which a program is left as it is
PASSES = 4  # of the geometric mean over rows and columns in turn


def uneven(program: Program) -> bool:
    """Say whether the coefficients of a program differ so much that they want scaling."""
    sizes = np.abs(program.value[program.value != 0.0])
    return bool(len(sizes)) and bool(sizes.max() > EVEN * sizes.min())


def scaled(program: Program) -> tuple[Program, FloatArray, FloatArray]:
    """Return the program with every coefficient near 1, and the factors of columns [k] and rows [m].

    A point of the scaled program times the column factors is one of the original; duals times the row
    factors likewise.
    """
    size, columns = np.log2(np.abs(program.value) + (program.value == 0.0)), program.entry_columns
    row, column = np.zeros(len(program.row_lower)), np.zeros(len(program.cost))
    for _ in range(PASSES):
        row = -_mean(size + column[columns], program.index, len(row))
        column = -_mean(size + row[program.index], columns, len(column))
    by_row, by_column = np.exp2(np.round(row)), np.exp2(np.round(column))
    changed = replace(
        program,
        cost=program.cost * by_column,
        lower=program.lower / by_column,
        upper=program.upper / by_column,
        row_lower=program.row_lower * by_row,
        row_upper=program.row_upper * by_row,
        value=program.value * by_row[program.index] * by_column[columns],
    )
    return changed, by_column, by_row


def _mean(values: FloatArray, group: IntArray, count: int) -> FloatArray:
    """Average the values of each group, [count]; 0 where there are none."""
    number = np.bincount(group, minlength=count)
    return np.asarray(np.bincount(group, values, minlength=count) / np.maximum(number, 1))
