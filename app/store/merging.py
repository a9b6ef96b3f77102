"""Three-way merge of figures and of rows; pure.

`base` is what both sides started from, `ours` what the branch shows now, `theirs` what is to be brought in.
A cell (of a series) or a column (of a row) that both sides changed, and not to the same value, is a conflict.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from app.store.cells import Matrix, same

Row = dict[str, Any] | None
"""A stored row of reference data; None = there is none."""

WHOLE_ROW = "*"


def merge_values(base: Matrix, ours: Matrix, theirs: Matrix) -> tuple[Matrix, npt.NDArray[np.bool_]]:
    """Return the merged matrix and where it conflicts (there it shows `theirs`)."""
    changed = ~same(theirs, base)
    conflicts = changed & ~same(ours, base) & ~same(ours, theirs)
    return np.where(changed, theirs, ours), conflicts


def merge_rows(base: Row, ours: Row, theirs: Row) -> tuple[Row, list[str]]:
    """Return the merged row and the columns that conflict (`*` where one side removed the row)."""
    if theirs in (base, ours):
        return ours, []
    if ours == base:
        return theirs, []
    if base is None or ours is None or theirs is None:
        return theirs, [WHOLE_ROW]
    merged, conflicts = dict(ours), []
    for column in base.keys() | theirs.keys():
        before, now, wanted = base.get(column), ours.get(column), theirs.get(column)
        if wanted == before:
            continue
        if now not in (before, wanted):
            conflicts.append(column)
        merged[column] = wanted
    return {column: value for column, value in merged.items() if value is not None}, sorted(conflicts)
