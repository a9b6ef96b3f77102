from datetime import date

import numpy as np

from app.services.demand.shares import of_customer, ship_tos
from app.services.demand.streams import agreed, blend
from app.services.demand.succession import Life, inherit_history, selling_days
from app.vocabulary import build_calendar

NAN = np.nan


def test_the_streams_present_are_averaged_by_weight():
    sales = np.array([[100.0, NAN, 100.0, NAN]])
    customer = np.array([[40.0, 40.0, NAN, NAN]])
    uplift = np.array([[NAN, 5.0, NAN, NAN]])
    consensus = blend({"sales": sales, "customer": customer}, {"sales": 1.0, "customer": 3.0}, uplift)
    np.testing.assert_allclose(consensus, [[55.0, 45.0, 100.0, NAN]])


def test_a_stream_without_weight_does_not_count_and_demand_is_never_negative():
    consensus = blend({"other": np.array([[7.0, 7.0]])}, {}, np.array([[NAN, -3.0]]))
    np.testing.assert_allclose(consensus, [[NAN, 0.0]])


def test_what_the_gate_decided_wins():
    np.testing.assert_allclose(agreed(np.array([1.0, 2.0]), np.array([NAN, 0.0])), [1.0, 0.0])


def test_demand_shares_are_normalised_and_ordered():
    sites = [
        {"site": "S1", "kind": "ship_to", "customer": "C", "demand_share": 1.0},
        {"site": "S2", "kind": "ship_to", "customer": "C", "demand_share": 3.0},
        {"site": "W", "kind": "warehouse", "customer": None, "demand_share": None},
    ]
    known = ship_tos(sites)
    assert [(s.site, s.share) for s in of_customer("C", known)] == [("S2", 0.75), ("S1", 0.25)]
    assert [(s.site, s.share) for s in of_customer("D", known)] == [(None, 1.0)]


def test_history_counts_for_every_successor_in_a_chain():
    lives = {"B": Life("A", None, None), "C": Life("B", None, None)}
    keys = [("A", "X"), ("B", "X"), ("A", "Y")]
    values = np.array([[10.0, NAN], [1.0, 2.0], [5.0, 5.0]])
    after, total = inherit_history(keys, values, lives)
    by_key = dict(zip(after, total.tolist(), strict=True))
    np.testing.assert_allclose(by_key["A", "X"], [10.0, NAN])
    np.testing.assert_allclose(by_key["B", "X"], [11.0, 2.0])
    np.testing.assert_allclose(by_key["C", "X"], [11.0, 2.0])
    np.testing.assert_allclose(by_key["C", "Y"], [5.0, 5.0])


def test_a_circle_of_successors_ends():
    lives = {"A": Life("B", None, None), "B": Life("A", None, None)}
    keys, _ = inherit_history([("A", "X")], np.array([[1.0]]), lives)
    assert set(keys) == {("A", "X"), ("B", "X")}


def test_an_item_is_sold_until_its_successor_starts():
    cal = build_calendar(
        {"plan_date": date(2026, 1, 1), "history_from": date(2025, 12, 1), "weeks": 0, "months": 3}
    )
    lives = {"NEW": Life("OLD", date(2026, 2, 15), None), "OLD": Life(None, None, None)}
    share = selling_days(["OLD", "NEW", "ELSE"], lives, cal)
    np.testing.assert_allclose(share, [[1, 1, 0.5, 0], [0, 0, 0.5, 1], [1, 1, 1, 1]])
