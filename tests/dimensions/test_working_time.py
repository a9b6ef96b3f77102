"""Weeks and months of one calendar: what is shared out adds up, and keys and time may change places."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.dimensions.working_time import PeriodKind, calendar_periods, sharing
from app.vocabulary import Bucket, build_calendar

NAN = np.nan
CALENDAR = build_calendar(
    {"plan_date": date(2025, 9, 1), "history_from": date(2025, 7, 1), "weeks": 5, "months": 3}
)
"""July and August; five weeks from Monday 1 September; the rest of October; November to January."""
KINDS: tuple[PeriodKind, ...] = ("week", "month", "quarter", "year", "total")
T = len(CALENDAR)
figures = arrays(np.float64, (4, T), elements=st.one_of(st.just(NAN), st.integers(0, 10_000).map(float)))
holidays = st.sets(st.dates(CALENDAR.buckets[0].start, CALENDAR.end), max_size=30)


@pytest.mark.parametrize("kind", KINDS)
def test_periods_cover_each_day_of_the_calendar_once(kind: PeriodKind) -> None:
    periods = calendar_periods(CALENDAR, kind)
    assert (periods[0].start, periods[-1].end) == (CALENDAR.buckets[0].start, CALENDAR.end)
    assert [one.end for one in periods[:-1]] == [one.start for one in periods[1:]]
    assert [one.ordinal for one in periods] == list(range(len(periods)))


def test_weeks_are_the_weekly_buckets_of_the_plan() -> None:
    weeks = {(one.start, one.end) for one in calendar_periods(CALENDAR, "week")}
    assert {(b.start, b.end) for b in CALENDAR.open_buckets[:5]} <= weeks


def spans(*days: date) -> list[Bucket]:
    """Return adjoining periods between days."""
    return [Bucket(place, *pair) for place, pair in enumerate(pairwise(days))]


def test_a_month_is_shared_out_to_weeks_by_working_days() -> None:
    """November 2025 has 20 working days of which one is free here: four of 19 in the week from the 3rd."""
    month = spans(date(2025, 11, 1), date(2025, 12, 1))
    weeks = spans(date(2025, 11, 1), date(2025, 11, 3), date(2025, 11, 10), date(2025, 12, 1))
    shared = sharing(month, weeks, [date(2025, 11, 4)])
    np.testing.assert_allclose(shared.convert(np.array([[190.0]]), "sum"), [[NAN, 40.0, 150.0]])


def test_a_week_across_the_end_of_a_month_counts_in_both() -> None:
    """Of the week from Monday 29 September, two working days lie in September and three in October."""
    week = spans(date(2025, 9, 29), date(2025, 10, 6))
    months = spans(date(2025, 9, 29), date(2025, 10, 1), date(2025, 10, 6))
    np.testing.assert_allclose(sharing(week, months, ()).convert(np.array([[50.0]]), "sum"), [[20.0, 30.0]])


def test_a_stretch_without_working_days_is_shared_out_by_its_days() -> None:
    weekend = spans(date(2025, 11, 1), date(2025, 11, 3))
    days = spans(date(2025, 11, 1), date(2025, 11, 2), date(2025, 11, 3))
    np.testing.assert_allclose(sharing(weekend, days, ()).convert(np.array([[8.0]]), "sum"), [[4.0, 4.0]])


def test_a_stock_closes_with_the_bucket_that_holds_the_last_day() -> None:
    buckets = spans(date(2025, 9, 22), date(2025, 9, 29), date(2025, 10, 6))
    month = spans(date(2025, 9, 22), date(2025, 10, 1), date(2025, 10, 6))
    stock = sharing(buckets, month, ()).convert(np.array([[7.0, 9.0]]), "last")
    np.testing.assert_array_equal(stock, [[9.0, 9.0]])


@given(values=figures, kind=st.sampled_from(KINDS), free=holidays)
def test_what_is_shared_out_adds_up_to_what_was_there(
    values: np.ndarray, kind: PeriodKind, free: set[date]
) -> None:
    made = sharing(CALENDAR.buckets, calendar_periods(CALENDAR, kind), free).convert(values, "sum")
    np.testing.assert_allclose(np.nansum(made, axis=1), np.nansum(values, axis=1), rtol=1e-12)


@given(values=figures, kind=st.sampled_from(KINDS), free=holidays, rule=st.sampled_from(["sum", "last"]))
def test_adding_up_keys_and_sharing_out_time_may_change_places(
    values: np.ndarray, kind: PeriodKind, free: set[date], rule: str
) -> None:
    """Within one working calendar; sites with other holidays are shared out before they are added up."""
    shared = sharing(CALENDAR.buckets, calendar_periods(CALENDAR, kind), free)
    full = np.nan_to_num(values)
    keys_first = shared.convert(full.sum(axis=0, keepdims=True), rule)
    time_first = shared.convert(full, rule).sum(axis=0, keepdims=True)
    np.testing.assert_allclose(keys_first, time_first, rtol=1e-12, atol=1e-9)


@given(values=figures, free=holidays)
def test_months_of_buckets_are_quarters_of_months(values: np.ndarray, free: set[date]) -> None:
    """Periods that hold periods: sharing out in two steps is sharing out in one."""
    months, quarters = (calendar_periods(CALENDAR, kind) for kind in ("month", "quarter"))
    full = np.nan_to_num(values)
    direct = sharing(CALENDAR.buckets, quarters, free).convert(full, "sum")
    by_month = sharing(CALENDAR.buckets, months, free).convert(full, "sum")
    np.testing.assert_allclose(sharing(months, quarters, free).convert(by_month, "sum"), direct, atol=1e-9)


@given(values=figures, free=holidays)
def test_buckets_that_are_periods_stay_as_they_are(values: np.ndarray, free: set[date]) -> None:
    made = sharing(CALENDAR.buckets, CALENDAR.buckets, free).convert(values, "sum")
    np.testing.assert_array_equal(made, values)
