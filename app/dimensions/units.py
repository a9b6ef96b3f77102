"""Conversion between units of measure, as far as it is known; what is not known is None, never 1."""

from collections.abc import Iterable, Mapping


class Conversions:
    """Factors of `unit_conversion`, read in both directions; an item's own come before general ones."""

    def __init__(self, rows: Iterable[Mapping[str, object]]) -> None:
        """Take the rows of a dataset's `unit_conversion`."""
        self._factors: dict[tuple[str | None, str, str], float] = {}
        for row in rows:
            item = None if row["item"] is None else str(row["item"])
            start, end, factor = str(row["from_unit"]), str(row["to_unit"]), float(str(row["factor"]))
            self._factors[item, start, end] = factor
            self._factors.setdefault((item, end, start), 1.0 / factor)

    def factor(self, item: str, from_unit: str, to_unit: str) -> float | None:
        """Return how many `to_unit` of the item one `from_unit` holds; None where that is not known."""
        if from_unit == to_unit:
            return 1.0
        own = self._factors.get((item, from_unit, to_unit))
        return self._factors.get((None, from_unit, to_unit)) if own is None else own
