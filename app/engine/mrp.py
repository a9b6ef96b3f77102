"""The classic explosion of material requirements: net, lot, offset by lead time, level by level.

No optimisation and no capacity: what a planner's textbook does by hand (rule 50). Planning proper is `solve`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Literal, TypeAlias

import numpy as np

from app.engine.problem import FloatArray
from app.errors import PlanningError

Lot: TypeAlias = Literal["lot_for_lot", "minimum", "multiple", "fixed"]
EPS = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class MrpItem:
    """One item: [T] arrays by period; quantities in its unit, lead time in periods."""

    gross: FloatArray  # [T] independent demand
    receipts: FloatArray  # [T] scheduled receipts
    on_hand: float = 0.0
    lead_time: int = 0
    lot: Lot = "lot_for_lot"
    quantity: float = 0.0  # of the lot rule
    components: Mapping[str, float] = field(default_factory=dict)  # quantity per unit released


@dataclass(frozen=True, slots=True, eq=False)
class MrpPlan:
    """Answer for one item, [T] by period."""

    gross: FloatArray  # own demand and that of the releases of its parents
    receipts: FloatArray  # planned order receipts
    releases: (
        FloatArray  # planned order releases; what should have been released before is in the first period
    )
    on_hand: FloatArray  # projected, at the end of the period
    past_due: float  # part of the first release that is too late by its lead time


def explode(items: Mapping[str, MrpItem]) -> dict[str, MrpPlan]:
    """Plan every item after all its parents.

    Raises PlanningError where an item contains itself or a component is not defined.
    """
    gross = {name: np.array(item.gross, dtype=np.float64) for name, item in items.items()}
    plans: dict[str, MrpPlan] = {}
    for name in _parents_first(items):
        plans[name] = _plan(items[name], gross[name])
        for component, per_unit in items[name].components.items():
            gross[component] = gross[component] + per_unit * plans[name].releases
    return plans


def _plan(item: MrpItem, gross: FloatArray) -> MrpPlan:
    periods, stock = len(gross), item.on_hand
    receipts, releases, on_hand = np.zeros(periods), np.zeros(periods), np.zeros(periods)
    past_due = 0.0
    for period in range(periods):
        stock += item.receipts[period] - gross[period]
        if stock < -EPS:
            receipts[period] = lot_size(-stock, item.lot, item.quantity)
            stock += receipts[period]
            releases[max(period - item.lead_time, 0)] += receipts[period]
            past_due += receipts[period] if period < item.lead_time else 0.0
        on_hand[period] = stock
    return MrpPlan(gross, receipts, releases, on_hand, past_due)


def lot_size(net: float, lot: Lot, quantity: float) -> float:
    """Quantity ordered for a net requirement; as many fixed lots or multiples as it takes."""
    if lot == "minimum":
        return max(net, quantity)
    if lot in {"multiple", "fixed"}:
        if quantity <= 0:
            raise PlanningError(reason=f"a lot rule {lot} needs a quantity above zero")
        return ceil(net / quantity - EPS) * quantity
    return net


def _parents_first(items: Mapping[str, MrpItem]) -> list[str]:
    """Order items so that each follows every item that contains it."""
    waiting = dict.fromkeys(items, 0)
    for name, item in items.items():
        for component in item.components:
            if component not in waiting:
                raise PlanningError(reason=f"{name} contains {component}, which is not defined")
            waiting[component] += 1
    ready, order = [name for name, count in waiting.items() if not count], []
    while ready:
        name = ready.pop(0)
        order.append(name)
        for component in items[name].components:
            waiting[component] -= 1
            if not waiting[component]:
                ready.append(component)
    if len(order) < len(items):
        stuck = ", ".join(sorted(set(items) - set(order)))
        raise PlanningError(reason=f"the bill of materials runs in a circle: {stuck}")
    return order
