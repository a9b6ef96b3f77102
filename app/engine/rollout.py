"""Roll a wanted plan out forwards in time, never beyond the material and the hours really there (rule 31).

Within a bucket material flows from the deepest level of the product structure upwards. What cannot be done in
a bucket stays wanted in the next one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from app.engine.order import canonical_order
from app.engine.problem import FloatArray, IntArray, Problem
from app.engine.solution import Decisions

EPS = 1e-6  # quantities closer than this to a multiple are that multiple


def round_down(values: FloatArray, multiple: FloatArray) -> FloatArray:
    """Greatest multiple not above the values; a multiple of 0 leaves them as they are."""
    step = np.where(multiple > 0, multiple, 1.0)
    return np.asarray(np.where(multiple > 0, np.floor(values / step + EPS) * step, values))


def round_up(values: FloatArray, multiple: FloatArray) -> FloatArray:
    """Least multiple not below the values; a multiple of 0 leaves them as they are."""
    step = np.where(multiple > 0, multiple, 1.0)
    return np.asarray(np.where(multiple > 0, np.ceil(values / step - EPS) * step, values))


@dataclass(frozen=True, slots=True, eq=False)
class Tier:
    """Activities whose outputs lie on one level of the product structure, with their inputs and uses."""

    members: IntArray
    inputs: IntArray
    uses: IntArray


def tiers(problem: Problem, depth: IntArray) -> list[Tier]:
    """Group activities by the depth of the stock they supply, raw material first, each in canonical order."""
    acts = problem.activities
    level = depth[acts.stock]
    in_order = canonical_order(problem).activities
    found = []
    for step in range(int(level.max(initial=-1)), -1, -1):
        members = in_order[level[in_order] == step]
        drawn = np.flatnonzero(level[problem.inputs.activity] == step)
        found.append(Tier(members, drawn, np.flatnonzero(level[problem.uses.activity] == step)))
    return found


@dataclass(slots=True, eq=False)
class Rollout:
    """State of a plan being carried out; `run` does one bucket after the other."""

    problem: Problem
    wanted: FloatArray  # [a, T] cumulative levels wanted
    supplied: FloatArray  # [d, T] cumulative demand to be supplied, by bucket of request
    deliveries: FloatArray  # [d, T] cumulative deliveries wanted
    level: FloatArray = field(init=False)
    deliver: FloatArray = field(init=False)
    lost: FloatArray = field(init=False)  # [d, T] wanted but too late to deliver, by bucket of request
    stock: FloatArray = field(init=False)  # [n] on hand now
    landing: FloatArray = field(init=False)  # [n, T + 1]
    hours: FloatArray = field(init=False)  # [r] left in the bucket
    settled: FloatArray = field(init=False)  # [d] delivered or lost so far
    in_order: IntArray = field(init=False)  # [d] demands in canonical order

    def __post_init__(self) -> None:
        """Start with the opening stock."""
        problem = self.problem
        self.level, self.deliver = np.zeros(self.wanted.shape), np.zeros(self.supplied.shape)
        self.lost, self.settled = np.zeros(self.supplied.shape), np.zeros(len(problem.demands.codes))
        self.stock = problem.stocks.opening.copy()
        self.landing = np.zeros((len(self.stock), problem.periods + 1))
        self.hours = np.zeros(len(problem.resources.codes))
        self.in_order = canonical_order(problem).demands

    def run(self, structure: list[Tier]) -> FloatArray:
        """Carry the plan out; returns the stock at the end of each bucket, [n, T]."""
        problem = self.problem
        ends = np.zeros((len(self.stock), problem.periods))
        for bucket in range(problem.periods):
            self.stock = self.stock + problem.stocks.receipts[:, bucket] + self.landing[:, bucket]
            self.hours = problem.resources.regular[:, bucket] + problem.resources.overtime[:, bucket]
            for tier in structure:
                self._make(tier, bucket)
            self._serve(bucket)
            ends[:, bucket] = self.stock
        left = self.supplied[:, -1] - problem.demands.final_backlog
        self._lose(np.maximum(left, self.settled))
        return ends

    def _make(self, tier: Tier, bucket: int) -> None:
        """Do what a tier wants in this bucket, as far as material and hours go."""
        acts, members = self.problem.activities, tier.members
        open_now = np.maximum(self.wanted[members, bucket] - self.level[members].sum(axis=1), 0.0)
        upper, multiple = acts.upper[members, bucket], acts.multiple[members]
        want = round_down(np.minimum(open_now, upper), multiple)
        least = np.minimum(round_up(acts.lower[members, bucket], multiple), round_down(upper, multiple))
        amount = np.zeros(len(acts.codes))
        amount[members] = np.maximum(want, least)
        self._limit(tier, bucket, amount)
        drawn, loaded = self._needs(tier, bucket, amount)
        self.stock, self.hours = self.stock - drawn, self.hours - loaded
        self.level[:, bucket] += amount
        made = acts.output[members] * amount[members]
        arrival = acts.arrival[members, bucket]
        now = arrival == bucket
        np.add.at(self.stock, acts.stock[members[now]], made[now])
        np.add.at(self.landing, (acts.stock[members[~now]], arrival[~now]), made[~now])

    def _needs(self, tier: Tier, bucket: int, amount: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Material [n] and hours [r] that the amounts take."""
        inputs, uses = self.problem.inputs, self.problem.uses
        drawn = inputs.quantity[tier.inputs, bucket] * amount[inputs.activity[tier.inputs]]
        loaded = uses.hours[tier.uses, bucket] * amount[uses.activity[tier.uses]]
        return (
            np.bincount(inputs.stock[tier.inputs], drawn, minlength=len(self.stock)).astype(np.float64),
            np.bincount(uses.resource[tier.uses], loaded, minlength=len(self.hours)).astype(np.float64),
        )

    def _limit(self, tier: Tier, bucket: int, amount: FloatArray) -> None:
        """Cut amounts where a shared stock or resource does not suffice, one activity after the other."""
        inputs, uses = self.problem.inputs, self.problem.uses
        drawn, loaded = self._needs(tier, bucket, amount)
        short = drawn > self.stock + _slack(self.stock)
        tight = loaded > self.hours + _slack(self.hours)
        if not short.any() and not tight.any():
            return
        rows = tier.inputs[short[inputs.stock[tier.inputs]]]
        loads = tier.uses[tight[uses.resource[tier.uses]]]
        touched = np.union1d(inputs.activity[rows], uses.activity[loads])
        wishes = amount[touched].copy()
        amount[touched] = 0.0
        drawn, loaded = self._needs(tier, bucket, amount)
        room, time = self.stock - drawn, self.hours - loaded
        for activity in tier.members[np.isin(tier.members, touched)].tolist():
            own = rows[inputs.activity[rows] == activity]
            own_load = loads[uses.activity[loads] == activity]
            wish = wishes[np.searchsorted(touched, activity)]
            quantity, hours = inputs.quantity[own, bucket], uses.hours[own_load, bucket]
            by_material = _share(room[inputs.stock[own]], quantity)
            by_hours = _share(time[uses.resource[own_load]], hours)
            most = np.concatenate((by_material, by_hours, [wish]))
            multiple = self.problem.activities.multiple[activity]
            amount[activity] = max(float(round_down(most.min(), multiple)), 0.0)
            room[inputs.stock[own]] -= quantity * amount[activity]
            time[uses.resource[own_load]] -= hours * amount[activity]

    def _serve(self, bucket: int) -> None:
        """Deliver what is wanted and there, first classes first; what is too late is lost."""
        demands = self.problem.demands
        expired = (demands.latest < bucket).sum(axis=1)
        padded = np.concatenate((np.zeros((len(expired), 1)), self.supplied), axis=1)
        self._lose(np.maximum(padded[np.arange(len(expired)), expired], self.settled))
        planned = self.deliveries[:, bucket] - self.deliver.sum(axis=1)
        want = np.maximum(np.minimum(self.supplied[:, bucket] - self.settled, planned), 0.0)
        asked = np.bincount(demands.stock, want, minlength=len(self.stock))
        scarce = asked > self.stock + _slack(self.stock)
        room = self.stock.copy()
        by_rank = self.in_order[np.argsort(demands.rank[self.in_order], kind="stable")]
        for row in by_rank[scarce[demands.stock[by_rank]]].tolist():
            stock = demands.stock[row]
            multiple = self.problem.stocks.multiple[stock]
            want[row] = max(float(round_down(min(want[row], room[stock]), multiple)), 0.0)
            room[stock] -= want[row]
        self.stock = self.stock - np.bincount(demands.stock, want, minlength=len(self.stock))
        self.deliver[:, bucket] = want
        self.settled = self.settled + want

    def _lose(self, until: FloatArray) -> None:
        """Give up what was asked for between what is settled and `until` (both cumulative)."""
        before = np.concatenate((np.zeros((len(until), 1)), self.supplied[:, :-1]), axis=1)
        upper = np.minimum(until[:, None], self.supplied)
        self.lost += np.maximum(upper - np.maximum(self.settled[:, None], before), 0.0)
        self.settled = until


def roll_out(
    problem: Problem, structure: list[Tier], wanted: FloatArray, supplied: FloatArray, deliveries: FloatArray
) -> Decisions:
    """Carry out cumulative wishes: levels [a, T], demand to supply by request [d, T], deliveries [d, T]."""
    rollout = Rollout(problem, wanted, supplied, deliveries)
    ends = rollout.run(structure)
    demands, stocks, resources = problem.demands, problem.stocks, problem.resources
    short = demands.quantity - np.diff(supplied, axis=1, prepend=0.0) + rollout.lost
    backlog = np.cumsum(demands.quantity - short - rollout.deliver, axis=1)
    hours = np.zeros(resources.regular.shape)
    np.add.at(hours, problem.uses.resource, problem.uses.hours * rollout.level[problem.uses.activity])
    dear = resources.overtime_cost >= resources.regular_cost
    overtime = np.where(
        dear, np.maximum(hours - resources.regular, 0.0), np.minimum(hours, resources.overtime)
    )
    return Decisions(
        level=rollout.level,
        stock=_clean(ends),
        deliver=rollout.deliver,
        short=_clean(short),
        backlog=_clean(backlog),
        regular=hours - overtime,
        overtime=overtime,
        below_target=np.maximum(stocks.target - ends, 0.0),
        below_final=np.maximum(stocks.final_target - ends[:, -1], 0.0),
    )


def _share(room: FloatArray, need: NDArray[np.float64]) -> FloatArray:
    """Units that the room allows at this need per unit; no limit where nothing is needed."""
    most = np.full(len(need), np.inf)
    np.divide(np.maximum(room, 0.0), need, out=most, where=need > 0)
    return most


def _slack(values: FloatArray) -> FloatArray:
    finite = np.where(np.isfinite(values), values, 0.0)
    return (1.0 + np.abs(finite)).astype(np.float64) * 1e-9


def _clean(values: FloatArray) -> FloatArray:
    """Take away what is only noise of floating-point sums."""
    return np.asarray(np.where(np.abs(values) < EPS, 0.0, values))
