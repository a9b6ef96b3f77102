"""What Hypothesis draws: a principal, how its two databases differ, and sequences of requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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


def operations_of(who: Who) -> list[tuple[str, str]]:
    """Return the operations to draw from, the rich ones several times."""
    known = graph(who.audience).operations
    return known + 4 * [each for each in known if each[0] == "mutation" or each[1] in RICH]


@st.composite
def games(
    draw: st.DrawFn,
    whos: Sequence[Who],
    *,
    sequences: int,
    operations: Sequence[tuple[str, str]] | None = None,
) -> Game:
    """Draw a game; the documents follow from the seeds of the steps and from what was answered before."""
    who = draw(st.sampled_from(list(whos)))
    step = st.builds(Step, st.sampled_from(list(operations or operations_of(who))), SEEDS)
    drawn = [tuple(draw(st.lists(step, min_size=1, max_size=4))) for _ in range(sequences)]
    return Game(who, draw(SEEDS), tuple(drawn))
