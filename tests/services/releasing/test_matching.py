"""First in, first out: what is confirmed for each request."""

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from app.services.releasing.matching import NEVER, match

Floats = npt.NDArray[np.float64]
QUANTITY = st.integers(0, 40).map(float)
ROWS = arrays.arrays(np.float64, (2, 6), elements=QUANTITY)


def one(*values: float) -> Floats:
    """One row."""
    return np.array([values], dtype=np.float64)


def test_the_oldest_request_is_served_first() -> None:
    answer = match(one(10, 10, 10), one(6, 10, 14), one(0, 0, 0))
    assert answer.on_time.tolist() == [[6, 6, 10]]
    assert answer.late.tolist() == [[4, 4, 0]]
    assert answer.late_until.tolist() == [[1, 2, NEVER]]


def test_what_is_lost_is_not_waited_for() -> None:
    answer = match(one(10, 10), one(0, 10), one(10, 0))
    assert answer.not_supplied.tolist() == [[10, 0]]
    assert answer.on_time.tolist() == [[0, 10]]
    assert answer.late.tolist() == [[0, 0]]


def test_what_arrives_after_the_last_bucket_is_late_without_a_day() -> None:
    answer = match(one(10, 0), one(4, 0), one(0, 0))
    assert answer.late.tolist() == [[6, 0]]
    assert answer.late_until.tolist() == [[NEVER, NEVER]]


@given(requested=ROWS, delivered=ROWS, unmet=ROWS)
def test_every_request_is_accounted_for(
    requested: Floats,
    delivered: Floats,
    unmet: Floats,
) -> None:
    answer = match(requested, delivered, unmet)
    np.testing.assert_allclose(answer.on_time + answer.late + answer.not_supplied, requested)
    assert (answer.on_time >= 0).all()
    assert (answer.late >= 0).all()
    on_time_total, delivered_total = np.cumsum(answer.on_time, axis=1), np.cumsum(delivered, axis=1)
    assert (on_time_total <= delivered_total + 1e-6).all()
    dated = answer.late_until != NEVER
    assert (answer.late_until[dated] > np.nonzero(dated)[1]).all()
