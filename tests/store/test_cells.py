"""Cells as bytes: what goes in comes out, in one form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from app.errors import InputError
from app.store.cells import canonical, decode, encode, realign, same
from app.store.merging import merge_rows, merge_values

matrices = arrays(
    np.float64,
    array_shapes(min_dims=2, max_dims=2, max_side=6),
    elements=st.one_of(st.just(np.nan), st.floats(allow_nan=False, allow_infinity=False, width=64)),
)


@given(matrices)
def test_what_is_encoded_is_decoded(matrix: np.ndarray) -> None:
    matrix = canonical(matrix)
    first, cells = encode(matrix)
    kept = [row for row in range(len(matrix)) if cells[row] is not None]
    lengths = np.array([len(cells[row] or b"") // 8 for row in kept], dtype=np.int64)
    found = decode(
        b"".join(cells[row] or b"" for row in kept),
        np.array([first[row] for row in kept], dtype=np.int64),
        lengths,
        matrix.shape[1],
    )
    assert same(found, matrix[kept]).all()
    assert all(np.isnan(matrix[row]).all() for row in range(len(matrix)) if cells[row] is None)
    for row in kept:
        ends = np.frombuffer(cells[row] or b"", "<f8")[[0, -1]]
        assert not np.isnan(ends).any(), "missing values at the ends are not stored"


def test_one_value_has_one_form_and_infinity_is_refused() -> None:
    odd_nan = np.array([0x7FF8000000000001], dtype=np.uint64).view(np.float64)
    assert encode(canonical([[-0.0, odd_nan[0], 1.0]])) == encode(np.array([[0.0, np.nan, 1.0]]))
    with pytest.raises(InputError):
        canonical([[np.inf]])


def test_moving_columns_keeps_values_by_their_bucket() -> None:
    moved = realign(np.array([[1.0, 2.0, 3.0]]), [-1, 0, 3], 4)
    assert same(moved, np.array([[2.0, np.nan, np.nan, 3.0]])).all()


def test_a_merge_takes_what_one_side_changed_and_names_what_both_did() -> None:
    base, ours, theirs = (np.array([row]) for row in ([1.0, 1, 1, 1], [2.0, 1, 3, 4], [1.0, 5, 3, 6]))
    merged, conflicts = merge_values(base, ours, theirs)
    assert conflicts.tolist() == [[False, False, False, True]]
    assert merged[0, :3].tolist() == [2.0, 5.0, 3.0]


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged", "conflicts"),
    [
        ({"a": 1}, {"a": 2}, {"a": 1, "b": 3}, {"a": 2, "b": 3}, []),
        ({"a": 1}, {"a": 2}, {}, {}, ["a"]),
        ({"a": 1}, None, {"a": 1}, None, []),
        ({"a": 1}, {"a": 1}, None, None, []),
        ({"a": 1}, {"a": 2}, None, None, ["*"]),
        (None, {"a": 1}, {"a": 1}, {"a": 1}, []),
    ],
)
def test_rows_merge_column_by_column(
    base: dict[str, int] | None,
    ours: dict[str, int] | None,
    theirs: dict[str, int] | None,
    merged: dict[str, int] | None,
    conflicts: list[str],
) -> None:
    assert merge_rows(base, ours, theirs) == (merged, conflicts)
