"""What comes back: decisions as arrays on the axes of the `Problem`, with the proof that they are optimal.

Status is one of `STATUSES`; only an answer whose certificate verifies is called `optimal` (rule 33).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from app.engine.problem import FloatArray

Status: TypeAlias = Literal["optimal", "feasible", "infeasible", "unbounded", "limit"]

# Elements that every plan's money is kept by. `revenue` is what is earned, all others are what is given for
# it. `priority` is not money paid: it is what rule 13 adds so that a lower class never gains by outbidding
# a higher.
ELEMENTS = (
    "revenue",
    "purchase",
    "production",
    "freight",
    "subcontract",
    "regular",
    "overtime",
    "holding",
    "lateness",
    "shortfall",
    "safety",
    "terminal",
    "smoothing",
    "priority",
)


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """Every decision of a plan on the axes of the Problem (base units, hours). Not negative."""

    level: FloatArray  # [a, T] activity level by bucket of start (purchases: of receipt)
    stock: FloatArray  # [n, T] stock at the end of the bucket
    deliver: FloatArray  # [d, T] delivered by bucket of delivery
    short: FloatArray  # [d, T] never supplied, by bucket of request
    backlog: FloatArray  # [d, T] asked for, to be delivered later, open at the end of the bucket
    regular: FloatArray  # [r, T] regular hours used
    overtime: FloatArray  # [r, T] overtime hours used
    below_target: FloatArray  # [n, T] missing to the safety stock at the end of the bucket
    below_final: FloatArray  # [n] missing to the final target


@dataclass(frozen=True, slots=True)
class Certificate:
    """Residuals of the optimality conditions, found by `verify` (NumPy alone), worst over the components.

    Relative residuals are per unit of (1 + magnitude of what they are a residual of); `gap_money` is
    objective - bound in currency (or in the objective's unit).
    """

    primal: float  # worst violation of a row or bound
    dual: float  # worst reduced cost of the wrong sign
    complementarity: float  # worst product of slack and dual
    gap: float  # |objective - bound| / (1 + |objective|)
    gap_money: float  # objective - bound, summed over the components
    accepted: bool  # all residuals within Parameters.accept
    integrality: float = 0.0  # worst distance of a whole-number decision from a whole number


@dataclass(frozen=True, slots=True)
class BindingLimit:
    """A limit that the plan runs into and what one more unit of it would be worth.

    kind: regular | overtime (resource, hours), activity_upper (supplier, lane or other limit on an
    activity, units), activity_lower (contract minimum; value = what one unit LESS is worth), stock_maximum
    (units), opening (a unit more on hand at the start of the bucket: material).
    """

    kind: str
    code: str  # of the resource, activity or stock
    bucket: int
    limit: float  # the limit itself, in the unit of its kind
    value: float  # currency per unit, >= 0, by the dual multiplier (valid for a small change)


@dataclass(frozen=True, slots=True)
class Conflict:
    """One of a set of requirements that cannot hold together, in words, and its least relaxation."""

    kind: (
        str  # demand | floor | minimum | stock_maximum | target | final; forced by: regular | overtime | ...
    )
    code: str
    bucket: int | None
    amount: float  # by how much it must give way
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Rounded:
    """The publishable plan: whole units and multiples, re-checked (rule 31)."""

    decisions: Decisions
    elements: Mapping[str, float]
    loss: float  # objective of the rounded plan less the optimum, currency; what rounding costs
    violations: tuple[str, ...]  # what the re-check found (a hard lower limit missed …); empty = clean


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Answer to one Problem. Where `decisions` is None (infeasible, unbounded, a limit without a plan) so
    is the rest.

    `objective` is MINIMISED: cost less revenue, `priority` included. margin = elements["revenue"] - all
    others. Duals: `material_value` [n, T] currency per unit more of a stock in a bucket, `capacity_value`
    [r, T] currency per regular hour more.
    """

    status: Status
    objective: float
    bound: float
    gap: float
    decisions: Decisions | None = None
    elements: Mapping[str, float] = field(default_factory=dict)
    material_value: FloatArray | None = None
    capacity_value: FloatArray | None = None
    certificate: Certificate | None = None
    binding: tuple[BindingLimit, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    rounded: Rounded | None = None
    components: int = 0
    cached: int = 0  # components answered from the cache

    @property
    def plan(self) -> Decisions:
        """Decisions to publish: the rounded ones where there are any."""
        if self.rounded is not None:
            return self.rounded.decisions
        if self.decisions is None:
            msg = f"a solution with status {self.status} has no plan"
            raise ValueError(msg)
        return self.decisions


@dataclass(frozen=True, slots=True)
class Stakeholder:
    """A department and its objective, linear over ELEMENTS: value = sum of weight x element, to be MAXIMISED.

    `weights` name elements with their signs (operations: every cost at -1). `unit` and `money` (currency
    per unit of value) say how to read it; `weight` is its weight under the rules `weighted` and `goals`,
    `target` the value that `goals` aims at (None: its best), `tolerance` the concession that `lexicographic`
    lets it make for those after it.
    """

    name: str
    weights: Mapping[str, float]
    unit: str = "currency"
    money: float = 1.0
    weight: float = 1.0
    objective: str = ""  # in words, for the reader
    target: float | None = None
    tolerance: float = 0.0


@dataclass(frozen=True, slots=True)
class Concession:
    """What a stakeholder gives up in the reconciled plan: (best - value) / (best - worst)."""

    stakeholder: str
    unit: str
    best: float
    worst: float
    value: float
    share: float  # 0 = own optimum, 1 = the worst of the payoff table; 0 where there is no conflict
    money: float  # (best - value) in currency
    no_conflict: bool  # best - worst is about zero: every other optimum gives it its best as well


@dataclass(frozen=True, slots=True, eq=False)
class Reconciliation:
    """One plan between several stakeholders.

    `payoff[i, j]` is the value of stakeholder j (own unit) at the lexicographic optimum of stakeholder i.
    `solution` is the reconciled plan; its `objective`, `bound` and `certificate` are those of the rule's
    own LP (weighted: weighted sum of concessions; leximin: the greatest concession, first level;
    lexicographic: the concession of the stakeholder whose optimum it proves; goals: what is missing to the
    targets, in currency), and `binding[].value` is in currency. `weights` are those on the elements of cost,
    in currency, under which this plan is least: the eyes in which it is explained (rule 61).
    """

    status: Status
    rule: str
    stakeholders: tuple[str, ...]
    payoff: FloatArray | None = None
    concessions: tuple[Concession, ...] = ()
    solution: Solution | None = None
    conflicts: tuple[Conflict, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)


def empty_payoff(count: int) -> FloatArray:
    """Payoff table without values yet, [k, k] of NaN."""
    return np.full((count, count), np.nan)
