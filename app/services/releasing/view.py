"""The plan that is being published, as pure data: nothing below this package reads a database."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

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


@dataclass(frozen=True)
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

    @cached_property
    def buckets(self) -> tuple[Bucket, ...]:
        """The open buckets: those a release speaks about."""
        return self.calendar.open_buckets

    @cached_property
    def zones(self) -> tuple[str, ...]:
        """Zone of every open bucket."""
        firm, tradeoff = self.parameters.integer("firm_days"), self.parameters.integer("tradeoff_days")
        return zones(self.buckets, self.plan_date, firm, tradeoff)

    @cached_property
    def owned(self) -> Mapping[str, Mapping[str, Measured]]:
        """The series by measure and by the supplier or customer they belong to (the last part of the key)."""
        grouped: dict[str, dict[str, dict[Key, Floats]]] = {}
        for measure, series in self.series.items():
            by_owner: dict[str, dict[Key, Floats]] = defaultdict(dict)
            for key, values in series.items():
                by_owner[str(key[-1])][key] = values
            grouped[measure] = by_owner
        return grouped

    def of_owner(self, measure: str, code: str) -> Measured:
        """Return a measure's series of one supplier or customer."""
        return self.owned.get(measure, {}).get(code, {})
