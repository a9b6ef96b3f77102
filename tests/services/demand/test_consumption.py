from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from app.services.demand.consumption import Window, consume, net_demand
from app.vocabulary import build_calendar

CAL = build_calendar(
    {"plan_date": date(2026, 1, 5), "history_from": date(2025, 12, 1), "weeks": 4, "months": 2}
)
FIRST = CAL.first_open
quantities = hnp.arrays(np.float64, (3, len(CAL)), elements=st.integers(0, 1000).map(float))
windows = st.builds(Window, st.integers(0, 60), st.integers(0, 60))


def cells(**at):
    values = np.zeros((1, len(CAL)))
    for ordinal, quantity in at.items():
        values[0, int(ordinal[1:])] = quantity
    return values


def test_an_order_consumes_its_own_bucket_then_earlier_ones_nearest_first():
    forecast = cells(b2=10, b3=10, b4=10, b5=10)
    left = consume(forecast, cells(b4=15), CAL, Window(7, 0))
    np.testing.assert_allclose(left[0, 2:6], [10, 5, 0, 10])


def test_then_later_ones_and_the_rest_is_extra_demand():
    forecast = cells(b3=10, b4=10, b5=10)
    net = net_demand(forecast, cells(b4=50), CAL, Window(7, 7))
    np.testing.assert_allclose(net[0, 3:6], [0, 50, 0])


def test_only_the_days_inside_the_window_can_be_consumed():
    month = 6 + FIRST - 2
    assert CAL.buckets[month].days == 27
    left = consume(cells(b6=27), cells(b5=100), CAL, Window(0, 9))
    np.testing.assert_allclose(left[0, 6], 18)


def test_past_due_orders_fall_in_the_first_open_bucket_and_past_forecast_is_gone():
    net = net_demand(cells(b0=500, b1=500, b2=8), cells(b0=5, b1=5), CAL, Window(30, 0))
    np.testing.assert_allclose(net[0], cells(b2=10)[0])


@given(quantities, quantities, windows)
def test_net_demand_covers_orders_and_conserves_the_total(forecast, orders, window):
    net = net_demand(forecast, orders, CAL, window)
    due = orders.copy()
    due[:, FIRST] = orders[:, : FIRST + 1].sum(axis=1)
    due[:, :FIRST] = 0
    coming = forecast.copy()
    coming[:, :FIRST] = 0
    assert (net >= due - 1e-9).all()
    assert (net <= due + coming + 1e-9).all()
    consumed = due.sum(axis=1) + coming.sum(axis=1) - net.sum(axis=1)
    assert (consumed <= np.minimum(due.sum(axis=1), coming.sum(axis=1)) + 1e-6).all()


@given(quantities, quantities, windows, st.floats(0.1, 0.9))
def test_two_halves_of_a_customer_consume_like_the_whole(forecast, orders, window, share):
    whole = net_demand(forecast, orders, CAL, window)
    parts = [net_demand(forecast * s, orders * s, CAL, window) for s in (share, 1 - share)]
    np.testing.assert_allclose(sum(parts), whole, atol=1e-6)


@given(quantities, quantities)
def test_windows_over_the_whole_horizon_consume_all_that_can_be(forecast, orders):
    forecast[:, :FIRST] = 0
    net = net_demand(forecast, orders, CAL, Window(999, 999))
    np.testing.assert_allclose(net.sum(axis=1), np.maximum(forecast.sum(axis=1), orders.sum(axis=1)))


@given(quantities, quantities)
def test_without_a_window_each_bucket_stands_alone(forecast, orders):
    net = net_demand(forecast, orders, CAL, Window(0, 0))
    later = slice(FIRST + 1, None)
    np.testing.assert_allclose(net[:, later], np.maximum(forecast, orders)[:, later])
