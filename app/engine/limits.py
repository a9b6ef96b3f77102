"""Where the bottlenecks are: limits that bind, each with the value of one unit more (rule 35)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.engine.component import Prices
from app.engine.problem import FloatArray, Problem
from app.engine.solution import BindingLimit

WORTH = 1e-6  # values below this (in the objective's unit) are none


def binding_limits(problem: Problem, prices: Prices) -> tuple[BindingLimit, ...]:
    """List the limits with a value, most valuable first (value, then kind, code, bucket)."""
    stocks, acts, resources = problem.stocks, problem.activities, problem.resources
    given = stocks.receipts.copy()
    given[:, 0] += stocks.opening
    contract = np.where(acts.lower > 0, prices.level_lower, 0.0)
    families: list[tuple[str, Sequence[str], FloatArray, FloatArray]] = [
        ("regular", resources.codes, resources.regular, prices.regular),
        ("overtime", resources.codes, resources.overtime, prices.overtime),
        ("activity_upper", acts.codes, acts.upper, prices.level_upper),
        ("activity_lower", acts.codes, acts.lower, contract),
        ("stock_maximum", stocks.codes, stocks.maximum, prices.stock_maximum),
    ]
    found = [limit for family in families for limit in _worth(*family)]
    return tuple(sorted(found, key=lambda limit: (-limit.value, limit.kind, limit.code, limit.bucket)))


def _worth(kind: str, codes: Sequence[str], limit: FloatArray, value: FloatArray) -> list[BindingLimit]:
    cells = np.argwhere((value > WORTH) & np.isfinite(limit))
    return [
        BindingLimit(kind, codes[row], bucket, float(limit[row, bucket]), float(value[row, bucket]))
        for row, bucket in cells.tolist()
    ]
