"""What is planned: named axes (buckets, stocks, activities, resources, demands) and NumPy arrays over them.

Conventions. `n` stocks, `a` activities, `r` resources, `d` demands, `T` buckets. Arrays are float64 unless
said otherwise; `[n, T]` is the shape. Index columns (`stock`, `activity`, `resource`) point into the axis
of that name. Money is in ONE currency, time in days, capacity in hours, quantities in the base unit of the
stock's item. Every cost of shape `[., T]` is for the whole bucket: the caller multiplies a rate per day by
`days`. Codes are unique within their axis, and the answer depends on them and not on their order (rule 30).
Each block has a constructor `of(codes, periods, ...)` that stretches a scalar, a vector along the block's
own axis, a row `[1, T]` or a full array to the full shape.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from app.engine import arrays
from app.engine.arrays import floats, ints
from app.engine.lots import Lots, Storages

FloatArray: TypeAlias = arrays.FloatArray
IntArray: TypeAlias = arrays.IntArray

INFINITE = arrays.INFINITE


class Kind(IntEnum):
    """What an activity does; the kind names the cost element that its `cost` falls under."""

    MAKE = 0
    PURCHASE = 1
    TRANSFER = 2
    SUBCONTRACT = 3


@dataclass(frozen=True, slots=True, eq=False)
class Stocks:
    """Points where a material is held: one per item and site. Rules 1, 7, 8, 10."""

    codes: tuple[str, ...]  # such as "bike|plant"
    opening: FloatArray  # [n] on hand when the first bucket starts; not negative
    receipts: (
        FloatArray  # [n, T] receipts already under way (open purchase orders, work in process, in transit)
    )
    target: FloatArray  # [n, T] safety stock wanted at the end of the bucket (soft)
    target_cost: FloatArray  # [n, T] currency per unit missing to the target; inf = hard
    maximum: FloatArray  # [n, T] most that may be held at the end of the bucket; inf = no limit (hard)
    holding_cost: FloatArray  # [n, T] currency per unit held at the end of the bucket, for the bucket's days
    final_target: FloatArray  # [n] stock wanted at the end of the last bucket, on top of nothing (soft)
    final_cost: FloatArray  # [n] currency per unit missing to the final target; inf = hard
    multiple: FloatArray  # [n] deliveries are rounded to multiples of this; 0 = divisible

    @classmethod
    def of(
        cls,
        codes: Sequence[str],
        periods: int,
        *,
        opening: ArrayLike = 0.0,
        receipts: ArrayLike = 0.0,
        target: ArrayLike = 0.0,
        target_cost: ArrayLike = 0.0,
        maximum: ArrayLike = INFINITE,
        holding_cost: ArrayLike = 0.0,
        final_target: ArrayLike = 0.0,
        final_cost: ArrayLike = 0.0,
        multiple: ArrayLike = 0.0,
    ) -> Stocks:
        """Build the block; a scalar, [n], [1, T] or [n, T] is stretched to the shape of the field."""
        n, grid = len(codes), (len(codes), periods)
        return cls(
            tuple(codes),
            floats(opening, n),
            floats(receipts, *grid),
            floats(target, *grid),
            floats(target_cost, *grid),
            floats(maximum, *grid),
            floats(holding_cost, *grid),
            floats(final_target, n),
            floats(final_cost, n),
            floats(multiple, n),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Activities:
    """Ways to obtain or move a material, run at a level per bucket. Rules 2 to 4, 11, 20 to 23.

    The level `x[a, t]` is counted in units STARTED (make: production start; transfer: shipment; purchase: the
    caller books it by receipt, so `arrival[a, t] == t`). Inputs and hours are drawn in bucket `t`; `output
    * x` lands in the stock in bucket `arrival[a, t]` and can be used there. Unequal buckets and lead times
    rounded up to buckets are in `arrival`, which the caller computes; what may not be started (lead time,
    validity) has `upper` 0.
    """

    codes: tuple[str, ...]  # such as "make|bike|plant", "purchase|frame|plant|acme"
    kind: IntArray  # [a] a `Kind`
    stock: IntArray  # [a] stock that the output lands in
    output: FloatArray  # [a] good units per unit started (yield), positive
    arrival: IntArray  # [a, T] bucket of the landing, t <= arrival <= T; T = beyond the last bucket
    lower: FloatArray  # [a, T] least level (contract minimum, firm planned); not negative (hard)
    upper: (
        FloatArray  # [a, T] greatest level (supplier limit, commit, lane limit, 0 = not possible); inf = none
    )
    cost: FloatArray  # [a, T] variable currency per unit of level, besides material and resource hours
    smoothing_cost: (
        FloatArray  # [a] currency per unit by which a bucket's level differs from the last one's rate
    )
    rate_before: FloatArray  # [a] level per day before the first bucket; NaN = the first bucket is free
    multiple: FloatArray  # [a] published levels are multiples of this; 0 = divisible
    quota_group: IntArray  # [a] activities of one group (>= 0) share by quota where costs tie; -1 = none
    quota: FloatArray  # [a] share within the group, not negative (normalised within the group)
    previous: FloatArray  # [a, T] level in the last published plan on THESE buckets; NaN = not published

    @classmethod
    def of(
        cls,
        codes: Sequence[str],
        periods: int,
        *,
        kind: ArrayLike,
        stock: ArrayLike,
        output: ArrayLike = 1.0,
        arrival: ArrayLike | None = None,
        lower: ArrayLike = 0.0,
        upper: ArrayLike = INFINITE,
        cost: ArrayLike = 0.0,
        smoothing_cost: ArrayLike = 0.0,
        rate_before: ArrayLike = np.nan,
        multiple: ArrayLike = 0.0,
        quota_group: ArrayLike = -1,
        quota: ArrayLike = 1.0,
        previous: ArrayLike = np.nan,
    ) -> Activities:
        """Build the block; `arrival` None = every output lands in the bucket of its start."""
        a, grid = len(codes), (len(codes), periods)
        return cls(
            tuple(codes),
            ints(kind, a),
            ints(stock, a),
            floats(output, a),
            ints(np.arange(periods)[None, :] if arrival is None else arrival, *grid),
            floats(lower, *grid),
            floats(upper, *grid),
            floats(cost, *grid),
            floats(smoothing_cost, a),
            floats(rate_before, a),
            floats(multiple, a),
            ints(quota_group, a),
            floats(quota, a),
            floats(previous, *grid),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Material that activities draw: one row per activity and stock (a pair appears once). Rule 2."""

    activity: IntArray  # [k]
    stock: IntArray  # [k] stock drawn from (for a transfer: the shipping site's stock)
    quantity: (
        FloatArray  # [k, T] units per unit of level started in the bucket, scrap included; < 0 = by-product
    )

    @classmethod
    def of(
        cls, activity: ArrayLike = (), stock: ArrayLike = (), quantity: ArrayLike = 0.0, periods: int = 1
    ) -> Inputs:
        """Build the block; `quantity` may be a scalar, [k] or [k, T]."""
        index = np.atleast_1d(np.asarray(activity, dtype=np.int64))
        return cls(index, ints(stock, len(index)), floats(quantity, len(index), periods))


@dataclass(frozen=True, slots=True, eq=False)
class Uses:
    """Hours that activities load on resources, as coordinates (a pair appears once). Rule 5."""

    activity: IntArray  # [k]
    resource: IntArray  # [k]
    hours: FloatArray  # [k, T] hours per unit of level started in the bucket; not negative

    @classmethod
    def of(
        cls, activity: ArrayLike = (), resource: ArrayLike = (), hours: ArrayLike = 0.0, periods: int = 1
    ) -> Uses:
        """Build the block; `hours` may be a scalar, [k] or [k, T]."""
        index = np.atleast_1d(np.asarray(activity, dtype=np.int64))
        return cls(index, ints(resource, len(index)), floats(hours, len(index), periods))


@dataclass(frozen=True, slots=True, eq=False)
class Resources:
    """Capacity, demonstrated: calendar x efficiency x target utilisation, made by the caller. Rule 5."""

    codes: tuple[str, ...]
    regular: FloatArray  # [r, T] regular hours; inf = unlimited
    overtime: FloatArray  # [r, T] overtime hours beyond them
    regular_cost: FloatArray  # [r, T] currency per regular hour used
    overtime_cost: FloatArray  # [r, T] currency per overtime hour (whole, not the premium)

    @classmethod
    def of(
        cls,
        codes: Sequence[str],
        periods: int,
        *,
        regular: ArrayLike = INFINITE,
        overtime: ArrayLike = 0.0,
        regular_cost: ArrayLike = 0.0,
        overtime_cost: ArrayLike = 0.0,
    ) -> Resources:
        """Build the block; a scalar, [r], [1, T] or [r, T] is stretched."""
        grid = (len(codes), periods)
        blocks = (regular, overtime, regular_cost, overtime_cost)
        return cls(tuple(codes), *(floats(block, *grid) for block in blocks))


@dataclass(frozen=True, slots=True, eq=False)
class Demands:
    """What is asked for, a row per stock point and group of customers of one class. Rules 6, 9, 12 to 15.

    A unit asked for in bucket `s` is either never supplied (`short[d, s]`, loses price and short cost) or
    delivered in a bucket `s <= t <= latest[d, s]`, oldest request first; it pays the price of the bucket it
    was ASKED for in, and `late_cost[d, t]` for every bucket `t` at whose end it is still open.
    """

    codes: tuple[str, ...]  # such as "bike|plant|class 1"
    stock: IntArray  # [d] stock that supplies it
    quantity: FloatArray  # [d, T] net demand by bucket of request; not negative
    price: FloatArray  # [d, T] currency per unit by bucket of request
    late_cost: (
        FloatArray  # [d, T] currency per unit open at the END of bucket t (= cost per unit-day x days[t])
    )
    short_cost: (
        FloatArray  # [d, T] currency per unit never supplied, on top of the lost price, by bucket of request
    )
    latest: IntArray  # [d, T] last bucket of delivery, s <= latest < T, not falling in s; T - 1 = any time
    rank: IntArray  # [d] priority class, 1 = served first
    # [d] least share of the published buckets' demand to be supplied, 0 .. 1; 1 = all of it, always
    floor: FloatArray
    minimum: FloatArray  # [d, T] part of the quantity that must be supplied, on time or late (hard)
    fill_group: IntArray  # [d] demands of one group (>= 0: same item and class) aim at equal fill; -1 = none
    final_backlog: FloatArray  # [d] most that may still be open at the end of the last bucket (0 = nothing)

    @classmethod
    def of(
        cls,
        codes: Sequence[str],
        periods: int,
        *,
        stock: ArrayLike,
        quantity: ArrayLike,
        price: ArrayLike = 0.0,
        late_cost: ArrayLike = 0.0,
        short_cost: ArrayLike = 0.0,
        latest: ArrayLike | None = None,
        rank: ArrayLike = 1,
        floor: ArrayLike = 0.0,
        minimum: ArrayLike = 0.0,
        fill_group: ArrayLike = -1,
        final_backlog: ArrayLike = 0.0,
    ) -> Demands:
        """Build the block; `latest` None = nothing may be late."""
        d, grid = len(codes), (len(codes), periods)
        return cls(
            tuple(codes),
            ints(stock, d),
            floats(quantity, *grid),
            floats(price, *grid),
            floats(late_cost, *grid),
            floats(short_cost, *grid),
            ints(np.arange(periods)[None, :] if latest is None else latest, *grid),
            ints(rank, d),
            floats(floor, d),
            floats(minimum, *grid),
            ints(fill_group, d),
            floats(final_backlog, d),
        )


@dataclass(frozen=True, slots=True)
class Parameters:
    """How to solve; none of them changes what a good plan is, except `canonical` and `rounding`."""

    canonical: bool = True  # rule 30: pick the one answer among all optima
    rounding: bool = True  # rule 31: whole units and multiples in `Solution.rounded`
    tolerance: float = 1e-7  # primal and dual feasibility asked of the solver (absolute, after scaling)
    accept: float = 1e-6  # relative residuals and gap up to which an answer is called optimal
    time_limit: float = INFINITE  # seconds of the solver for the whole call
    gap: float = 0.0  # relative gap at which a search in whole numbers may stop, as a limit (rule 37)
    threads: int = 1  # HiGHS threads per solve


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """A whole planning problem.

    `buckets` names the T buckets (ISO start dates do well), `days` [T] is their length, and the first
    `published` of them make the plan that is published; the rest is the extension by the longest lead time
    (rule 10), which the caller appends with the demand expected there.
    """

    buckets: tuple[str, ...]
    days: FloatArray
    published: int
    stocks: Stocks
    activities: Activities
    inputs: Inputs
    resources: Resources
    uses: Uses
    demands: Demands
    parameters: Parameters = field(default_factory=Parameters)
    lots: Lots = field(default_factory=Lots.of)
    setup_inputs: Inputs = field(default_factory=Inputs.of)  # drawn once per bucket in which a lot is run
    setup_uses: Uses = field(default_factory=Uses.of)  # hours per bucket in which a lot is run
    storages: Storages = field(default_factory=Storages.of)

    @property
    def periods(self) -> int:
        """Number of buckets T, the extension included."""
        return len(self.buckets)

    @property
    def whole(self) -> bool:
        """Whether anything is decided in whole numbers (rules 16 to 18)."""
        return len(self.lots) > 0


def arrival_buckets(starts: ArrayLike, lead_days: ArrayLike) -> IntArray:
    """Bucket in which what is started in each bucket lands: the first that starts no earlier than start +
    lead time.

    `starts` [T] in days (any origin), `lead_days` [a]; returns [a, T] with T = beyond the last bucket. A
    lead time of 0 lands in the same bucket.
    """
    begin = np.asarray(starts, dtype=np.float64)
    lead = np.atleast_1d(np.asarray(lead_days, dtype=np.float64))
    return np.searchsorted(begin, begin[None, :] + lead[:, None] - 1e-9).astype(np.int64)


def latest_buckets(starts: ArrayLike, max_late_days: ArrayLike) -> IntArray:
    """Last bucket of delivery of a request: the last that starts within `max_late_days` of the request's
    bucket start.

    `starts` [T] in days, `max_late_days` [d]; returns [d, T]. 0 days = the bucket of request itself.
    """
    begin = np.asarray(starts, dtype=np.float64)
    late = np.atleast_1d(np.asarray(max_late_days, dtype=np.float64))
    return np.searchsorted(begin, begin[None, :] + late[:, None] + 1e-9, side="right").astype(np.int64) - 1


def group_ids(keys: Iterable[Any]) -> IntArray:
    """Give equal keys equal numbers (0, 1, …, by first appearance): for `quota_group` and `fill_group`."""
    seen: dict[Any, int] = {}
    return np.array([seen.setdefault(key, len(seen)) for key in keys], dtype=np.int64)
