"""Each mistake of `mutants` is found by the game that finds nothing in Concord as it is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from tests.isolation.mutants import MUTANTS, SOUND, Mutant
from tests.isolation.play import Interference, Step, play
from tests.isolation.worlds import Places, in_process

PAIRS, SEQUENCES, LENGTH = 3, 2, 12
QUICK = frozenset(
    {
        "a row policy set to true",
        "a cursor that encodes a hidden id",
        "a release that copies one row too many",
    }
)


def hunt(mutant: Mutant, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """Play the operations in which the mutant would show; what Hypothesis draws elsewhere is seeded here."""
    random = Random(mutant.name)
    with monkeypatch.context() as patch:
        mutant.patch(patch)
        for pair in range(PAIRS):
            sequences = [
                [Step(random.choice(mutant.operations), random.randrange(2**32)) for _ in range(LENGTH)]
                for _ in range(SEQUENCES)
            ]
            asyncio.run(play(mutant.who, pair, sequences, places, in_process, statements=mutant.statements))


def some_slow(mutants: Sequence[Mutant], quick: frozenset[str]) -> list[Any]:
    """Return the mutants as parameters; the plain run takes the quick ones only."""
    return [
        pytest.param(one, id=one.name, marks=() if one.name in quick else pytest.mark.slow) for one in mutants
    ]


@pytest.mark.parametrize("mutant", some_slow(MUTANTS, QUICK))
def test_a_mutant_is_caught(mutant: Mutant, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Interference):
        hunt(mutant, places, monkeypatch)


@pytest.mark.parametrize("change", some_slow(SOUND, frozenset()))
def test_what_the_database_makes_harmless_is_not(
    change: Mutant, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    hunt(change, places, monkeypatch)
