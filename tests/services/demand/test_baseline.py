from datetime import date

import numpy as np

from app.services.demand.baseline import seasonal_naive
from app.vocabulary import build_calendar


def calendar(plan_date=date(2026, 1, 1), history_from=date(2024, 1, 1), weeks=0, months=15):
    return build_calendar(
        {"plan_date": plan_date, "history_from": history_from, "weeks": weeks, "months": months}
    )


def rows(cal, *series):
    history = np.full((len(series), len(cal)), np.nan)
    for row, values in enumerate(series):
        history[row, cal.first_open - len(values) : cal.first_open] = values
    return history


def test_a_month_repeats_the_same_month_of_last_year():
    cal = calendar()
    monthly = np.arange(1.0, 25.0) * 100
    forecast = seasonal_naive(rows(cal, monthly), cal)[0, cal.first_open :]
    np.testing.assert_allclose(forecast[:12], monthly[12:])
    np.testing.assert_allclose(forecast[12:15], monthly[12:15])


def test_weeks_and_months_share_a_month_by_days():
    cal = calendar(weeks=6, months=2)
    steady = rows(cal, 24 * [310.0])
    forecast = seasonal_naive(steady, cal)[0]
    in_january = forecast[cal.first_open : cal.first_open + 4]
    np.testing.assert_allclose(in_january, 70.0)
    by_day = forecast[cal.first_open :].sum()
    january_to_april = steady[0, 12:16].sum()
    np.testing.assert_allclose(by_day, january_to_april)


def test_past_buckets_have_no_forecast_and_no_history_gives_none():
    cal = calendar()
    forecast = seasonal_naive(rows(cal, [5.0], []), cal)
    assert np.isnan(forecast[:, : cal.first_open]).all()
    assert np.isnan(forecast[1]).all()
    assert not np.isnan(forecast[0, cal.first_open :]).any()


def test_little_history_falls_back_to_its_mean_rate_per_day():
    cal = calendar()
    forecast = seasonal_naive(rows(cal, [300.0, 310.0]), cal)[0]
    march = cal.index_of(date(2026, 3, 1))
    np.testing.assert_allclose(forecast[march], 610.0 / 61 * 31)
    november = cal.index_of(date(2026, 11, 1))
    np.testing.assert_allclose(forecast[november], 300.0)


def test_a_gap_after_the_first_sale_counts_as_no_demand():
    cal = calendar()
    history = rows(cal, 24 * [30.0])
    history[0, 14] = np.nan
    forecast = seasonal_naive(history, cal)[0]
    assert forecast[cal.index_of(date(2026, 3, 1))] == 0.0


def test_leap_day_looks_back_to_february_28():
    cal = calendar(plan_date=date(2024, 1, 1), history_from=date(2023, 1, 1), months=3)
    forecast = seasonal_naive(rows(cal, 12 * [280.0]), cal)[0]
    np.testing.assert_allclose(forecast[cal.index_of(date(2024, 2, 1))], 290.0)


def test_without_any_past_bucket_there_is_no_forecast():
    cal = calendar(history_from=date(2026, 1, 1))
    assert np.isnan(seasonal_naive(np.full((3, len(cal)), np.nan), cal)).all()
