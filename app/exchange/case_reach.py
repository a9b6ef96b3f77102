"""How much a market without a maximum can be sold: what stock, modes and hours allow, or without end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from app.engine.problem import INFINITE, Problem
from app.engine.solution import Decisions

WITHOUT_END = 1e7
"""Units that stand for a market without limit where nothing limits the item either."""


def market_reach(case: Mapping[str, Any], row: Mapping[str, Any]) -> float:
    """Most of an item that can be sold in a period; WITHOUT_END where neither modes nor hours limit it.

    An item that can only be obtained at no less than its price earns nothing by being resold at once: then
    only what is in stock counts.
    """
    periods = len(case["periods"])
    dear = all(
        _least(mode.get("cost"), 0.0) >= _most(sale["price"], 0.0)
        for mode in row.get("modes", [])
        for sale in row.get("sales", {}).values()
    )
    same = all(
        (_series(mode.get("cost"), 0.0, periods) >= _series(sale["price"], 0.0, periods)).all()
        for mode in row.get("modes", [])
        for sale in row.get("sales", {}).values()
    )
    obtained = sum(_mode_reach(case, mode) for mode in row.get("modes", []))
    initial, held = float(row.get("initial_inventory") or 0.0), _most(row.get("max_inventory"), INFINITE)
    kept = max(initial, min(held, initial + (0.0 if dear else periods * obtained)))
    reach = kept + (0.0 if dear or same else obtained)
    return float(reach) if np.isfinite(reach) else WITHOUT_END


def sold_without_end(problem: Problem, plan: Decisions) -> bool:
    """Whether a plan sells to a market without limit as much as stands for having no end."""
    endless = problem.demands.quantity == WITHOUT_END
    return bool((plan.deliver[endless] > WITHOUT_END / 2).any())


def _mode_reach(case: Mapping[str, Any], mode: Mapping[str, Any]) -> float:
    """Most that a mode gives in a period: its own maximum and the hours that there are."""
    limits = [_most(mode.get(name), INFINITE) for name in ("max", "max_lot")]
    for resource, amount in (mode.get("uses") or {}).items():
        if (per_unit := _least(amount, 0.0)) > 0:
            limits.append(_hours(case, resource) / per_unit)
    return min(limits)


def _hours(case: Mapping[str, Any], resource: str) -> float:
    """Most hours of a resource in a period, extra capacity included; no limit where workers give them."""
    if (case.get("workforce") or {}).get("resource") == resource:
        return INFINITE
    row = (case.get("resources") or {}).get(resource) or {}
    units = float(row.get("units") or 0.0) * float(row.get("hours_per_unit") or 0.0)
    extra = sum(_most(tier.get("max"), INFINITE) for tier in row.get("extra_capacity") or [])
    return _most(row.get("capacity"), units) + extra


def _series(value: Any, default: float, periods: int) -> np.ndarray:
    cells = value if isinstance(value, list) else [value] * periods
    return np.array([default if cell is None else float(cell) for cell in cells])


def _most(value: Any, default: float) -> float:
    return float(_series(value, default, 1).max())


def _least(value: Any, default: float) -> float:
    return float(_series(value, default, 1).min())
