"""What Hypothesis draws: a principal, how its two databases differ, and sequences of requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from hypothesis import strategies as st

from tests.isolation.play import Step, graph
from tests.isolation.worlds import Who

SEEDS = st.integers(0, 2**32 - 1)
RICH = frozenset({"plan", "compare", "node", "nodes", "submissions", "reconciledPlan", "commits", "viewer"})
"""Queries with more below them than a list of reference data; they and the mutations are drawn more often."""


@dataclass(frozen=True, slots=True)
class Game:
    """A principal, the seed of its pair of databases, and sequences of requests."""

    who: Who
    seed: int
    sequences: tuple[tuple[Step, ...], ...]


def deck(who: Who) -> list[tuple[str, str]]:
    """Return the operations to draw from, the rich ones several times."""
    known = graph(who.audience).operations
    return known + 2 * [each for each in known if each[0] == "mutation" or each[1] in RICH]


@st.composite
def games(draw: st.DrawFn, whos: Sequence[Who], *, sequences: int) -> Game:
    """Draw a game: operations are dealt from a shuffled deck, so that a long game leaves none out.

    The documents follow from the seeds of the steps and from what was answered before.
    """
    who, seed = draw(st.sampled_from(list(whos))), draw(SEEDS)
    random, dealt = Random(f"{who} {seed}"), list[tuple[str, str]]()

    def step(drawn: int) -> Step:
        if not dealt:
            dealt.extend(deck(who))
            random.shuffle(dealt)
        return Step(dealt.pop(), drawn ^ random.getrandbits(32))

    drawn = [draw(st.lists(SEEDS, min_size=2, max_size=4)) for _ in range(sequences)]
    return Game(who, random.getrandbits(32), tuple(tuple(map(step, seeds)) for seeds in drawn))
