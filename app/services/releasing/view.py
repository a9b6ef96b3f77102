"""The plan that is being published, as pure data: nothing below this package reads a database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from app.services.releasing.dates import Floats, zones
from app.services.releasing.reference import Reference
from app.vocabulary import Bucket, Calendar, Parameters

Key = tuple[str | None, ...]
Measured = Mapping[Key, Floats]

RELEASED_MEASURES = ("purchaseProjection", "netDemand", "constrainedDemand", "unmetDemand")
"""Solved figures that a release is made from."""
CATALOGUE_MEASURES = ("actualDemand", "customerSignal", "salesForecast")
"""Measures whose series say that a customer deals in an item."""
MEASURES_READ = (*RELEASED_MEASURES, *CATALOGUE_MEASURES)


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that binds: a resource's hours or a supplier's quantity in one bucket (its ordinal)."""

    ordinal: int
    resource: str | None = None
    supplier: str | None = None
    item: str | None = None


@dataclass(frozen=True, slots=True)
class PlanView:
    """A sealed plan: calendar, rules, reference data, and per measure the series over the open buckets.

    Keys follow the measure's grain: (item, site, supplier) of purchaseProjection, (item, site, customer) of
    the demand measures with site = ship-to; values are float64 (T,) in base units, T the open buckets.
    """

    calendar: Calendar
    parameters: Parameters
    reference: Reference
    series: Mapping[str, Measured]
    limits: Sequence[Limit] = field(default=())

    @property
    def plan_date(self) -> date:
        """First day of the first open bucket."""
        return self.calendar.plan_date

    @property
    def buckets(self) -> tuple[Bucket, ...]:
        """The open buckets: those a release speaks about."""
        return self.calendar.open_buckets

    @property
    def zones(self) -> tuple[str, ...]:
        """Zone of every open bucket."""
        firm, tradeoff = self.parameters.integer("firm_days"), self.parameters.integer("tradeoff_days")
        return zones(self.buckets, self.plan_date, firm, tradeoff)

    def measure(self, name: str) -> Measured:
        """Return the series of a measure; none where the plan holds none."""
        return self.series.get(name, {})
