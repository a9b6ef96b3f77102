from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.vocabulary import Bucket, Calendar, build_calendar, working_days


def parameters(plan_date, history_from, weeks=13, months=15):
    return {"plan_date": plan_date, "history_from": history_from, "weeks": weeks, "months": months}


def test_weeks_then_stub_then_months():
    calendar = build_calendar(parameters(date(2026, 1, 5), date(2025, 11, 1), weeks=4, months=2))
    assert [(str(b.start), b.days) for b in calendar.buckets] == [
        ("2025-11-01", 30),
        ("2025-12-01", 31),
        ("2026-01-01", 4),
        ("2026-01-05", 7),
        ("2026-01-12", 7),
        ("2026-01-19", 7),
        ("2026-01-26", 7),
        ("2026-02-02", 27),
        ("2026-03-01", 31),
        ("2026-04-01", 30),
    ]
    assert calendar.first_open == 3


def test_months_only_have_no_stub():
    calendar = build_calendar(parameters(date(2013, 12, 1), date(2011, 6, 1), weeks=0, months=6))
    assert calendar.first_open == 30
    assert [b.start.month for b in calendar.open_buckets] == [12, 1, 2, 3, 4, 5]


@given(
    st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    st.integers(0, 40),
    st.integers(0, 20),
    st.integers(1, 20),
)
def test_every_day_lies_in_exactly_one_bucket(plan_date, back, weeks, months):
    first = (plan_date - timedelta(days=back * 30)).replace(day=1)
    calendar = build_calendar(parameters(plan_date, first, weeks, months))
    assert calendar.buckets[calendar.first_open].start == plan_date
    assert calendar.days.sum() == (calendar.end - first).days
    assert calendar.end.day == 1
    for day in (first, plan_date, calendar.end - timedelta(days=1)):
        bucket = calendar.buckets[calendar.index_of(day)]
        assert bucket.start <= day < bucket.end
    assert calendar.index_of(calendar.end) is None
    assert calendar.index_of(first - timedelta(days=1)) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"history_from": date(2026, 2, 1)},
        {"history_from": date(2025, 1, 2)},
        {"weeks": -1},
        {"weeks": 0, "months": 0},
    ],
)
def test_parameters_that_describe_no_calendar_are_refused(wrong):
    with pytest.raises(ValueError, match=r"history_from|whole|starts no bucket"):
        build_calendar({**parameters(date(2026, 1, 5), date(2025, 1, 1)), **wrong})


def test_buckets_must_adjoin():
    buckets = (
        Bucket(0, date(2026, 1, 1), date(2026, 2, 1)),
        Bucket(1, date(2026, 2, 2), date(2026, 3, 1)),
    )
    with pytest.raises(ValueError, match="adjoin"):
        Calendar(buckets, date(2026, 1, 1))


def test_working_days_skip_weekends_and_holidays():
    week = Bucket(0, date(2026, 1, 5), date(2026, 1, 12))
    assert working_days(week, ()) == 5
    assert working_days(week, [date(2026, 1, 6), date(2026, 1, 6), date(2026, 1, 10)]) == 4
    assert np.isclose(working_days(Bucket(0, date(2026, 1, 10), date(2026, 1, 12)), ()), 0)
