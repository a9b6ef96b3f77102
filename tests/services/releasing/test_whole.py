import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from app.services.releasing.whole import in_whole_units

ONE = np.array([1.0])
quantities = hnp.arrays(np.float64, (1, 8), elements=st.floats(0, 50))
shares = hnp.arrays(np.float64, (1, 8), elements=st.floats(0, 1))


def test_what_is_served_in_full_stays_so_in_whole_units():
    asked = np.array([[6.6, 7.2, 6.6, 0.0, 0.4]])
    requested, delivered, unmet = in_whole_units(asked, asked, np.zeros_like(asked), ONE)
    np.testing.assert_array_equal(requested, [[7, 7, 6, 0, 1]])
    np.testing.assert_array_equal(delivered, requested)
    assert not unmet.any()


def test_divisible_goods_stay_as_they_are():
    asked = np.array([[6.6, 7.2]])
    requested, delivered, unmet = in_whole_units(asked, asked / 2, asked / 4, np.zeros(1))
    np.testing.assert_array_equal(requested, asked)
    np.testing.assert_array_equal(delivered, asked / 2)
    np.testing.assert_array_equal(unmet, asked / 4)


@given(quantities, shares, shares)
def test_whole_answers_stay_near_the_plan_and_within_the_request(asked, lost, later):
    unmet = asked * lost
    accepted = asked - unmet
    delivered = accepted * later
    requested, given_now, not_supplied = in_whole_units(asked, delivered, unmet, ONE)
    for whole in (requested, given_now, not_supplied):
        np.testing.assert_array_equal(whole, np.round(whole))
        assert (whole >= 0).all()
    assert (not_supplied <= requested).all()
    assert (given_now.cumsum() <= (requested - not_supplied).cumsum()).all()
    assert np.abs(requested.cumsum() - asked.cumsum()).max() <= 0.5 + 1e-5
