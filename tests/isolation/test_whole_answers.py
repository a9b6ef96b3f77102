"""Noninterference over whole answers (docs/isolation.md): what is not granted changes no byte."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.isolation.games import Game, games
from tests.isolation.play import TALLY, graph, play
from tests.isolation.worlds import (
    CUSTOMERS,
    EVERYBODY,
    INTERNAL,
    SUPPLIERS,
    Places,
    Serve,
    Who,
    in_process,
    over_http,
)

CALM = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]


def search(whos: Sequence[Who], places: Places, serve: Serve, *, pairs: int, sequences: int) -> None:
    """Look for a pair of databases that a principal can tell apart."""

    @seed(20260105)
    @settings(
        max_examples=pairs, phases=[Phase.generate], deadline=None, suppress_health_check=CALM, database=None
    )
    @given(games(whos, sequences=sequences))
    def indistinguishable(game: Game) -> None:
        asyncio.run(play(game.who, game.seed, game.sequences, places, serve))

    indistinguishable()


@pytest.mark.parametrize("whos", [INTERNAL, SUPPLIERS, CUSTOMERS], ids=["internal", "supplier", "customer"])
def test_what_is_not_granted_changes_no_byte(whos: Sequence[Who], places: Places) -> None:
    search(whos, places, in_process, pairs=3, sequences=6)


@pytest.mark.slow
@pytest.mark.parametrize("who", EVERYBODY, ids=str)
def test_over_a_network(who: Who, places: Places) -> None:
    search([who], places, over_http, pairs=4, sequences=36)


AUDITORS_ALONE = {("query", "auditEvents"), ("query", "auditHead")}
"""Answered with data to nobody who plays: an auditor's moments and pseudonyms differ by nature."""


@pytest.mark.slow
def test_how_much_was_played() -> None:
    """2,000 sequences over 50 pairs, and an answer with data to every operation of every graph."""
    print(f"\nPLAY {TALLY.summary()}")
    if TALLY.pairs < 4 * len(EVERYBODY):
        pytest.skip("says nothing unless the whole file has run")
    assert TALLY.sequences >= 2000
    for audience, answered in TALLY.answered.items():
        assert set(answered) == set(graph(audience).operations) - AUDITORS_ALONE, audience
