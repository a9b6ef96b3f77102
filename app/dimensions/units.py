"""Conversion between units of measure: what is not known is None, never 1 (rules U1, U2)."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from math import prod

Scope = str | None
"""An item; None = what holds for all items."""


class Conversions:
    """Factors of `unit_conversion`, in both directions and in chains; an item's own rows come first."""

    def __init__(self, rows: Iterable[Mapping[str, object]]) -> None:
        """Take the rows of a dataset's `unit_conversion`."""
        self._factors: dict[Scope, dict[str, dict[str, float]]] = {}
        self._chains: dict[tuple[str, str, str], tuple[str, ...]] = {}
        stated = [(row["item"], str(row["from_unit"]), str(row["to_unit"]), row["factor"]) for row in rows]
        for item, start, end, factor in stated:
            self._of(item, start)[end] = float(str(factor))
        for item, start, end, factor in stated:
            self._of(item, end).setdefault(start, 1.0 / float(str(factor)))

    def _of(self, item: object, unit: str) -> dict[str, float]:
        return self._factors.setdefault(None if item is None else str(item), {}).setdefault(unit, {})

    def factor(self, item: str, from_unit: str, to_unit: str) -> float | None:
        """Return how many `to_unit` of the item one `from_unit` holds; None where that is not known.

        Where no row names the two, the shortest chain of rows does, such as pallets of cartons of pieces.
        Both directions take the same chain.
        """
        if from_unit == to_unit:
            return 1.0
        steps = self._from(item, from_unit)
        if to_unit in steps:
            return steps[to_unit]
        first, last = sorted((from_unit, to_unit))
        if (item, first, last) not in self._chains:
            self._chains[item, first, last] = self._chain(item, first, last)
        chain = self._chains[item, first, last]
        if not chain:
            return None
        units = chain if first == from_unit else chain[::-1]
        return prod(self._from(item, unit)[other] for unit, other in pairwise(units))

    def _from(self, item: str, unit: str) -> dict[str, float]:
        """Return the units that one row leads to with their factors, in order."""
        own = self._factors.get(item, {}).get(unit, {})
        general = self._factors.get(None, {}).get(unit, {})
        return dict(sorted({**general, **own}.items()))

    def _chain(self, item: str, start: str, end: str, *, around: bool = False) -> tuple[str, ...]:
        """Return the shortest chain from unit to unit, both included; () where there is none.

        `around` leaves out the step from start to end itself.
        """
        before: dict[str, str | None] = {start: None}
        waiting = [start]
        for unit in waiting:
            for other in self._from(item, unit):
                if other not in before and not (around and (unit, other) == (start, end)):
                    before[other] = unit
                    waiting.append(other)
        chain: list[str] = []
        unit_back: str | None = end if end in before else None
        while unit_back is not None:
            chain.append(unit_back)
            unit_back = before[unit_back]
        return tuple(chain[::-1])

    def contradictions(self, item: Scope) -> Iterator[tuple[str, str, float]]:
        """Yield rows of an item (None = the general ones) that a chain contradicts: from, to, its factor."""
        name = "" if item is None else item
        for start, ends in self._factors.get(item, {}).items():
            for end, factor in ends.items():
                chain = self._chain(name, start, end, around=True)
                other = prod(self._from(name, one)[two] for one, two in pairwise(chain))
                if chain and abs(other / factor - 1) > 1e-6:
                    yield start, end, other
