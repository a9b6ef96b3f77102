"""Facts: one data set seen over one horizon, with every index that the planning modules share."""

from dataclasses import dataclass
from functools import cached_property

from app.exchange.dataset import Dataset
from app.services.planning.horizon import Horizon
from app.services.planning.notes import Notes
from app.services.planning.prices import Prices
from app.services.planning.series import SeriesIndex
from app.services.planning.standard import StandardPrices, at_standard
from app.services.planning.units import Units
from app.vocabulary import Parameters


@dataclass(frozen=True)
class Facts:
    """What the planning modules read; `notes` collects what they miss."""

    dataset: Dataset
    horizon: Horizon
    notes: Notes

    @property
    def parameters(self) -> Parameters:
        """The planning rules of the company."""
        return self.dataset.parameters

    @cached_property
    def series(self) -> SeriesIndex:
        """Input series by key."""
        return SeriesIndex(self.dataset, self.horizon)

    @cached_property
    def units(self) -> Units:
        """Conversions between units."""
        return Units(self.dataset)

    @cached_property
    def prices(self) -> Prices:
        """Prices and costs per bucket, as the company's costing has them."""
        costing = StandardPrices if at_standard(self.parameters) else Prices
        return costing(self.dataset, self.horizon, self.units, self.notes)

    def base_unit(self, item: str) -> str:
        """Return the unit that an item is counted in."""
        return self._base_units[item]

    def multiple(self, item: str) -> float:
        """Return what quantities of an item in its base unit are multiples of; 0 = divisible."""
        return self.units.multiple(self.base_unit(item))

    @cached_property
    def _base_units(self) -> dict[str, str]:
        return {str(row["item"]): str(row["unit"]) for row in self.dataset.entities["item"]}
