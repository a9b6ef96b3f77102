"""Splitting adds up exactly, whatever the weights and in whatever order the parts are added."""

from __future__ import annotations

from datetime import date
from math import fsum

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.dimensions.splitting import last_year, split, year_before
from app.vocabulary import build_calendar

WEIGHTS = st.lists(st.floats(0, 1e9), min_size=1, max_size=40).filter(lambda weights: max(weights) > 0)


def test_what_is_left_over_goes_to_the_largest_remainders() -> None:
    assert split(10, [1, 1, 1], whole=True) == [4, 3, 3]
    assert split(7, [5, 3, 2], whole=True) == [4, 2, 1]
    assert split(-7, [5, 3, 2], whole=True) == [-4, -2, -1]
    assert split(0, [5, 3], whole=True) == [0, 0]
    assert split(5, [0, 1, 0], whole=True) == [0, 5, 0]


def test_a_total_that_is_not_whole_has_no_whole_parts() -> None:
    with pytest.raises(ValueError, match="no whole number"):
        split(1.5, [1, 1], whole=True)


@given(total=st.integers(-(10**9), 10**9), weights=WEIGHTS)
def test_whole_parts_add_up_and_are_within_one_of_their_share(total: int, weights: list[float]) -> None:
    parts = split(float(total), weights, whole=True)
    assert sum(parts) == total
    assert all(part == int(part) for part in parts)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - total * weight / fsum(weights)) <= 1 + 1e-6
        assert weight > 0 or part == 0


@given(total=st.floats(-1e12, 1e12), weights=WEIGHTS, data=st.data())
def test_parts_add_up_exactly_in_any_order(total: float, weights: list[float], data: st.DataObject) -> None:
    """By plain floating-point addition, not only by a careful sum."""
    parts = split(total, weights, whole=False)
    order = data.draw(st.permutations(parts))
    added = 0.0
    for part in order:
        added += part
    assert added == total
    for part, weight in zip(parts, weights, strict=True):
        assert part == pytest.approx(
            total * (weight / fsum(weights)), rel=1e-9, abs=1e-9 * abs(total) + 1e-300
        )


@given(total=st.integers(0, 10**6), weights=WEIGHTS, scale=st.sampled_from([0.25, 2.0, 1024.0]))
def test_only_proportions_count(total: int, weights: list[float], scale: float) -> None:
    kept = [weight for weight in weights if weight == 0 or weight > 1e-300]
    if max(kept, default=0) > 0:
        scaled = [weight * scale for weight in kept]
        assert split(float(total), scaled, whole=True) == split(float(total), kept, whole=True)


@given(parts=st.lists(st.integers(0, 10**6), min_size=1, max_size=30).filter(any))
def test_splitting_what_was_grouped_by_itself_is_the_identity(parts: list[int]) -> None:
    figures = [float(part) for part in parts]
    assert split(sum(figures), figures, whole=True) == figures
    assert split(sum(figures), figures, whole=False) == pytest.approx(figures)


def test_a_leap_day_has_a_year_before() -> None:
    assert year_before(date(2024, 2, 29)) == date(2023, 2, 28)
    assert year_before(date(2024, 3, 1)) == date(2023, 3, 1)


def test_last_year_is_read_by_working_time() -> None:
    """A week gets the share that the same days had of September a year before, of 21 working days."""
    calendar = build_calendar(
        {"plan_date": date(2025, 9, 1), "history_from": date(2024, 8, 1), "weeks": 2, "months": 0}
    )
    values = np.full((1, len(calendar)), np.nan)
    values[0, :3] = [220.0, 210.0, 230.0]
    found = last_year(calendar.buckets, values, [])
    assert np.isnan(found[0, :12]).all()
    assert found[0, 12] == pytest.approx(220.0), "August 2025 from August 2024"
    assert found[0, 13] == pytest.approx(210.0 * 5 / 21), "Sunday 1 to Saturday 7 September 2024"
