"""Make, buy, move: the ways to fill a stock point as activities over the buckets (rules P3 to P11)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from app.engine.problem import INFINITE, Kind, arrival_buckets
from app.services.planning.facts import Facts
from app.services.planning.horizon import Mask
from app.services.planning.lookup import Row, number, text
from app.services.planning.network import Buy, Make, Move, Network, Point

Values = npt.NDArray[np.float64]
PERIOD_DAYS = 30.0


@dataclass(frozen=True)
class Source:
    """One activity: `partner` is the origin of a transfer or the supplier of a purchase, else None.

    Arrays are (T,). `inputs` are units drawn, `hours` hours loaded per unit of level; `limits` names joint
    limits (see `Limit`) that each unit of level counts against.
    """

    kind: Kind
    item: str
    site: str
    partner: str | None
    output: float
    arrival: npt.NDArray[np.int64]
    lower: Values
    upper: Values
    cost: Values
    multiple: float
    quota: float = 1.0
    inputs: Mapping[Point, Values] = field(default_factory=dict)
    hours: Mapping[str, Values] = field(default_factory=dict)
    limits: tuple[str, ...] = ()

    @property
    def point(self) -> Point:
        """The stock point filled."""
        return self.item, self.site


@dataclass(frozen=True)
class Limit:
    """A quantity per bucket (T,) that several activities share: a supplier's or a lane's."""

    code: str
    quantity: Values


class Sourcing:
    """Turns the activities of a network into sources and joint limits."""

    def __init__(self, facts: Facts) -> None:
        """Keep what the rows are read against."""
        self._facts = facts
        self._series, self._horizon, self._prices = facts.series, facts.horizon, facts.prices
        self.limits: dict[str, Limit] = {}

    def sources(self, network: Network) -> tuple[Source, ...]:
        """Return all activities, joint limits collected in `limits`."""
        buys = defaultdict(list)
        for buy in network.buys:
            buys[str(buy.row["supplier"]), buy.point[0]].append(buy)
        return (
            *(self._make(make) for make in network.makes),
            *(source for group in buys.values() for source in self._buy_group(group)),
            *(self._move(move) for move in network.moves),
        )

    def _make(self, make: Make) -> Source:
        item, site = make.point
        valid = self._horizon.valid(make.row)
        firm = self._series.cell("firmPlanned", item=item, site=site)
        fixed = valid & ~np.isnan(firm)
        return Source(
            kind=Kind.MAKE,
            item=item,
            site=site,
            partner=None,
            output=number(make.row, "yield", 1.0),
            arrival=self._arrival(make.row),
            lower=np.where(fixed, firm, 0.0),
            upper=np.where(fixed, firm, np.where(valid, INFINITE, 0.0)),
            cost=self._prices.making(item, site),
            multiple=number(make.row, "lot_multiple", self._multiple(item)),
            inputs={(component, site): drawn for component, drawn in make.recipe.components.items()},
            hours=make.recipe.hours,
        )

    def _move(self, move: Move) -> Source:
        item, site = move.point
        valid = self._horizon.valid(move.row)
        most = number(move.row, "max_quantity_per_day", INFINITE) * self._horizon.days
        shared = text(move.row, "item") is None and bool(np.isfinite(most).all())
        limits = (self._limit(f"lane|{move.origin[1]}|{site}", most),) if shared else ()
        return Source(
            kind=Kind.TRANSFER,
            item=item,
            site=site,
            partner=move.origin[1],
            output=1.0,
            arrival=self._arrival(move.row),
            lower=np.zeros(self._horizon.periods),
            upper=np.where(valid, INFINITE if shared else most, 0.0),
            cost=self._prices.freight(move.origin[1], site, item),
            multiple=self._multiple(item),
            inputs={move.origin: np.ones(self._horizon.periods)},
            limits=limits,
        )

    def _buy_group(self, group: Sequence[Buy]) -> list[Source]:
        """Return the purchases of one item from one supplier; limits over several sites are shared."""
        supplier, item = str(group[0].row["supplier"]), group[0].point[0]
        sites_of_row = [sum(other.row is buy.row for other in group) for buy in group]
        capacity = self._series.cell("supplierCapacity", item=item, supplier=supplier)
        shared = len({buy.point for buy in group}) > 1
        joint = []
        if shared and not np.isnan(capacity).all():
            joint.append(
                self._limit(f"supplier|{supplier}|{item}", np.where(np.isnan(capacity), INFINITE, capacity))
            )
        return [
            self._buy(
                buy, sites, joint, INFINITE if shared else np.where(np.isnan(capacity), INFINITE, capacity)
            )
            for buy, sites in zip(group, sites_of_row, strict=True)
        ]

    def _buy(self, buy: Buy, sites: int, joint: Sequence[str], capacity: Values | float) -> Source:
        """Return one purchase; `sites` says over how many sites its row's minimum and maximum are counted."""
        item, site = buy.point
        supplier = str(buy.row["supplier"])
        scale = self._horizon.days / PERIOD_DAYS
        allowed = self._horizon.valid(buy.row) & self._on_time(buy.row)
        most = number(buy.row, "max_quantity_per_period", INFINITE) * scale
        limits = list(joint)
        if sites > 1 and np.isfinite(most).all():
            contract = np.where(allowed, most, INFINITE)
            limits.append(self._limit(f"supplier|{supplier}|{item}|contract", contract))
            most = np.full_like(most, INFINITE)
        commit = self._commit(item, site, supplier)
        upper = np.where(allowed, np.minimum(np.minimum(most, capacity), commit), 0.0)
        least = number(buy.row, "min_quantity_per_period", 0.0) * scale / sites
        return Source(
            kind=Kind.PURCHASE,
            item=item,
            site=site,
            partner=supplier,
            output=1.0,
            arrival=np.arange(self._horizon.periods),
            lower=np.minimum(least, upper),
            upper=upper,
            cost=self._prices.buying(supplier, item, site),
            multiple=self._purchase_multiple(buy.row),
            quota=number(buy.row, "quota", 1.0),
            limits=tuple(limits),
        )

    def _commit(self, item: str, site: str, supplier: str) -> Values:
        """Return the cap (T,) by the supplier's answers; unanswered buckets as the policy says (rule P9)."""
        commit = self._series.cell("supplierCommit", item=item, site=site, supplier=supplier)
        unanswered = np.full(self._horizon.periods, INFINITE)
        if self._facts.parameters.text("unanswered_commit") == "none" and not np.isnan(commit).all():
            unanswered[self._asked()] = 0.0
        return np.where(np.isnan(commit), unanswered, commit)

    def _asked(self) -> Mask:
        """Return (T,): whether an answer was to be given for the bucket."""
        begin, end = (self._facts.parameters.number(f"commit_{side}_days") for side in ("from", "to"))
        return (self._horizon.starts >= begin) & (self._horizon.starts < end)

    def _purchase_multiple(self, row: Row) -> float:
        """Return what a purchase in base units is a multiple of: whole packs, or whole units if unknown."""
        item, unit = str(row["item"]), str(row["unit"])
        size = self._facts.units.factor(item, unit, self._facts.base_unit(item))
        if size is None:
            self._facts.notes.add(
                "unknown-conversion",
                f"{item}|{unit}|{self._facts.base_unit(item)}",
                f"How many {self._facts.base_unit(item)} one {unit} of {item} holds is not known; "
                f"purchases are rounded to whole {self._facts.base_unit(item)}.",
            )
            return self._multiple(item)
        return number(row, "order_multiple", self._facts.units.multiple(unit)) * size

    def _multiple(self, item: str) -> float:
        return self._facts.multiple(item)

    def _arrival(self, row: Row) -> npt.NDArray[np.int64]:
        arrival: npt.NDArray[np.int64] = arrival_buckets(
            self._horizon.starts, [number(row, "lead_time_days", 0.0)]
        )[0]
        return arrival

    def _on_time(self, row: Row) -> Mask:
        """Return (T,): whether what is ordered on the plan date is there when the bucket starts."""
        return self._horizon.starts >= number(row, "lead_time_days", 0.0)

    def _limit(self, code: str, quantity: Values) -> str:
        """Note a joint limit; where two rows state one, the tighter counts in each bucket."""
        known = self.limits.get(code)
        tighter = quantity if known is None else np.minimum(known.quantity, quantity)
        self.limits[code] = Limit(code, tighter)
        return code
