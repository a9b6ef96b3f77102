"""Units of measure: factors between them, never guessed, and what a published quantity is a multiple of."""

from app.dimensions.units import Conversions
from app.exchange.dataset import Dataset

DIVISIBLE = 0.0
WHOLE = 1.0


class Units:
    """Conversions and whole units of one data set."""

    def __init__(self, dataset: Dataset) -> None:
        """Read the kinds `unit` and `unit_conversion`."""
        self._whole = {str(row["unit"]): row["whole"] is not False for row in dataset.entities["unit"]}
        self._conversions = Conversions(dataset.entities["unit_conversion"])

    def factor(self, item: str, source: str, target: str) -> float | None:
        """Return how many `target` one `source` of the item holds; None if that is not known."""
        return self._conversions.factor(item, source, target)

    def multiple(self, unit: str) -> float:
        """Return what quantities in the unit are multiples of: 1 for whole units, 0 for divisible ones."""
        return WHOLE if self._whole.get(unit, True) else DIVISIBLE
