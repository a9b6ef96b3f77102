"""Rule 48: the Shapley value by hand and by its axioms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.shapley import shapley, subsets

PLAYERS = ("left", "right", "idle")


def test_rule_48_gloves():
    """A pair of gloves is worth 1: left and right share it, the idle one gets nothing."""
    shares = shapley(PLAYERS, lambda chosen: np.array([float({"left", "right"} <= chosen)]))
    assert {name: share.item() for name, share in shares.items()} == pytest.approx(
        {"left": 0.5, "right": 0.5, "idle": 0.0}
    )


def test_rule_48_no_players_nothing_to_share():
    assert shapley((), lambda chosen: np.array([7.0])) == {}


@given(st.integers(1, 5), st.integers(0, 10**6))
def test_rule_48_the_shares_add_up_and_a_player_without_effect_gets_nothing(count, seed):
    players = [f"p{number}" for number in range(count)]
    rng = np.random.default_rng(seed)
    table = {chosen - {"p0"}: rng.normal(size=2) for chosen in subsets(players)}
    shares = shapley(players, lambda chosen: table[chosen - {"p0"}])  # p0 changes nothing
    total = table[frozenset(players) - {"p0"}] - table[frozenset()]
    np.testing.assert_allclose(sum(shares.values()), total, atol=1e-12)
    np.testing.assert_allclose(shares["p0"], 0.0, atol=1e-15)
