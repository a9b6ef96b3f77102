"""The Shapley value: a difference split over the groups that make it, in whatever order (rule 48)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from math import factorial

import numpy as np

from app.engine.arrays import FloatArray

Worth = Callable[[frozenset[str]], FloatArray]


def shapley(players: Sequence[str], worth: Worth) -> Mapping[str, FloatArray]:
    """Split `worth(all) - worth(none)` over the players, exactly: 2^n evaluations, each once.

    Player i gets the sum over the sets S without it of |S|! (n - |S| - 1)! / n! x (worth(S + i) - worth(S)).
    `worth` answers an array; the shares have its shape and add up to the difference.
    """
    known = {chosen: worth(chosen) for chosen in subsets(players)}
    shares = {}
    for player in players:
        others = [one for one in players if one != player]
        total = np.zeros_like(known[frozenset()])
        for chosen in subsets(others):
            weight = factorial(len(chosen)) * factorial(len(others) - len(chosen)) / factorial(len(players))
            total = total + weight * (known[chosen | {player}] - known[chosen])
        shares[player] = total
    return shares


def subsets(players: Sequence[str]) -> list[frozenset[str]]:
    """List all subsets, small ones first."""
    return [frozenset(some) for size in range(len(players) + 1) for some in combinations(players, size)]
