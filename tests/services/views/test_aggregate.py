"""Aggregation by the measure's rule: sums, last values, quotients of sums."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.services.views.aggregate import (
    WEIGHTS,
    add_up,
    aggregate,
    first_stated,
    group_index,
    is_quotient,
    over_time,
    periods,
)
from app.vocabulary import MEASURES, build_calendar

NAN = np.nan
CALENDAR = build_calendar(
    {"plan_date": date(2026, 1, 1), "history_from": date(2025, 11, 1), "weeks": 6, "months": 4}
)


def test_buckets_belong_to_the_period_in_which_they_start() -> None:
    months = periods(CALENDAR.buckets, "month")
    assert [(span.start, span.end) for span in months[:4]] == [
        (date(2025, 11, 1), date(2025, 12, 1)),
        (date(2025, 12, 1), date(2026, 1, 1)),
        (date(2026, 1, 1), date(2026, 2, 5)),
        (date(2026, 2, 5), date(2026, 3, 1)),
    ]
    assert [span.beyond - span.first for span in months[:4]] == [1, 1, 5, 2]


@pytest.mark.parametrize(
    ("per", "count"), [("bucket", len(CALENDAR)), ("quarter", 3), ("year", 2), ("total", 1)]
)
def test_periods_cover_every_bucket_once(per: str, count: int) -> None:
    spans = periods(CALENDAR.buckets, per)  # type: ignore[arg-type]  # the parametrised literals
    assert len(spans) == count
    assert [span.first for span in spans[1:]] == [span.beyond for span in spans[:-1]]
    assert (spans[0].first, spans[-1].beyond) == (0, len(CALENDAR))
    assert sum(span.days for span in spans) == CALENDAR.days.sum()


def test_nothing_added_up_is_nothing_and_not_zero() -> None:
    values = np.array([[1.0, NAN], [NAN, NAN], [2.0, 5.0]])
    labels, index = group_index(["a", "b", "a"])
    assert labels == ["a", "b"]
    np.testing.assert_array_equal(add_up(values, index, 2), [[3.0, 5.0], [NAN, NAN]])


def test_stock_is_summed_over_keys_and_taken_last_over_time() -> None:
    values = np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
    buckets = CALENDAR.buckets[:3]
    index = np.zeros(2, dtype=np.int64)
    result = aggregate(MEASURES["projectedBalance"], values, index, 1, spans=periods(buckets, "total"))
    np.testing.assert_array_equal(result, [[33.0]])


def test_a_price_is_weighted_by_what_is_sold_at_it() -> None:
    prices = np.array([[10.0, 10.0], [20.0, NAN]])
    volumes = np.array([[30.0, 0.0], [10.0, 5.0]])
    index = np.zeros(2, dtype=np.int64)
    spans = periods(CALENDAR.buckets[:2], "bucket")
    result = aggregate(MEASURES["sellingPrice"], prices, index, 1, spans=spans, weights=volumes)
    np.testing.assert_allclose(result, [[12.5, NAN]])


def test_utilization_is_recomputed_from_hours() -> None:
    """90 % of 100 hours and 10 % of 300 hours are 120 of 400 hours: 30 %, not 50 %."""
    result = aggregate(
        MEASURES["utilization"],
        np.array([[90.0], [10.0]]),
        np.zeros(2, dtype=np.int64),
        1,
        spans=periods(CALENDAR.buckets[:1], "bucket"),
        weights=np.array([[100.0], [300.0]]),
    )
    np.testing.assert_allclose(result, [[30.0]])


def test_a_quotient_without_weights_is_refused() -> None:
    with pytest.raises(ValueError, match="daysOfSupply"):
        aggregate(
            MEASURES["daysOfSupply"],
            np.ones((1, 1)),
            np.zeros(1, dtype=np.int64),
            1,
            spans=periods(CALENDAR.buckets[:1], "bucket"),
        )


def test_weights_are_additive_measures_of_the_vocabulary() -> None:
    for measure, weights in WEIGHTS.items():
        assert is_quotient(MEASURES[measure])
        assert not any(is_quotient(MEASURES[weight]) for weight in weights)
        assert all(set(MEASURES[measure].grain) <= set(MEASURES[weight].grain) for weight in weights)


def test_a_bucket_is_weighted_by_the_first_measure_stated_in_it() -> None:
    """In the second bucket deliveries are stated, so the series without one has no weight there."""
    deliveries = np.array([[NAN, 1.0, NAN], [NAN, NAN, NAN]])
    bookings = np.array([[2.0, 3.0, NAN], [4.0, 5.0, NAN]])
    result = first_stated([deliveries, bookings])
    np.testing.assert_array_equal(result, [[2.0, 1.0, NAN], [4.0, NAN, NAN]])


@given(
    values=arrays(np.float64, (6, len(CALENDAR)), elements=st.integers(0, 1000).map(float)),
    labels=st.lists(st.integers(0, 3), min_size=6, max_size=6),
)
def test_the_order_of_aggregating_keys_and_time_does_not_matter(
    values: np.ndarray, labels: list[int]
) -> None:
    """Keys then time equals time then keys, for sums and for last values."""
    names, index = group_index(labels)
    spans = periods(CALENDAR.buckets, "month")
    for rule in ("sum", "last"):
        keys_first = over_time(add_up(values, index, len(names)), spans, rule)
        time_first = add_up(over_time(values, spans, rule), index, len(names))
        np.testing.assert_array_equal(keys_first, time_first)


@given(
    values=arrays(np.float64, (5, len(CALENDAR)), elements=st.integers(0, 100).map(float)),
    weights=arrays(np.float64, (5, len(CALENDAR)), elements=st.integers(1, 100).map(float)),
)
def test_aggregating_a_quotient_in_two_steps_agrees_with_one(values: np.ndarray, weights: np.ndarray) -> None:
    measure = MEASURES["utilization"]
    spans, total = periods(CALENDAR.buckets, "bucket"), periods(CALENDAR.buckets, "total")
    groups = np.array([0, 0, 1, 1, 1], dtype=np.int64)
    step = aggregate(measure, values, groups, 2, spans=spans, weights=weights)
    step_weights = add_up(weights, groups, 2)
    two = aggregate(measure, step, np.zeros(2, dtype=np.int64), 1, spans=total, weights=step_weights)
    one = aggregate(measure, values, np.zeros(5, dtype=np.int64), 1, spans=total, weights=weights)
    np.testing.assert_allclose(two, one, rtol=1e-9, atol=1e-9)
