"""Proof of optimality that a reader can check: NumPy alone, nothing of the solver (rule 33).

For `minimise c@x : L <= A x <= U, l <= x <= u` and row multipliers y the reduced costs are z = c - A.T @ y.
The bound `sum(y+ L) - sum(y- U) + sum(z+ l) - sum(z- u)` holds for EVERY y (weak duality); a feasible x
that meets it is optimal.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from app.engine.linear import Program
from app.engine.problem import FloatArray
from app.engine.solution import Certificate


def verify(
    program: Program, point: FloatArray, duals: FloatArray, accept: float
) -> tuple[Certificate, float]:
    """Measure the residuals of a primal and dual point; returns the certificate and the bound."""
    activity = program.times(point)
    reduced = program.cost - program.transposed(duals)
    sizes = np.abs(program.value * point[program.entry_columns])
    row_scale = (1.0 + np.bincount(program.index, sizes, minlength=len(duals))).astype(np.float64)
    column_scale = 1.0 + np.abs(program.cost)
    primal = max(
        _outside(activity, program.row_lower, program.row_upper, row_scale),
        _outside(point, program.lower, program.upper, 1.0 + np.abs(point)),
    )
    wrong_row = _wrong_sign(duals, program.row_lower, program.row_upper)
    wrong_column = _wrong_sign(reduced, program.lower, program.upper)
    dual = max(_worst(wrong_column / column_scale), _worst(wrong_row / (1.0 + np.abs(duals))))
    objective = program.worth(point)
    bound = program.offset + _supported(duals, program.row_lower, program.row_upper)
    bound += _supported(reduced, program.lower, program.upper)
    slack = max(
        _slackness(duals, activity, program.row_lower, program.row_upper),
        _slackness(reduced, point, program.lower, program.upper),
    ) / (1.0 + abs(objective))
    gap = abs(objective - bound) / (1.0 + abs(objective))
    accepted = max(primal, dual, slack, gap) <= accept
    return Certificate(primal, dual, slack, gap, objective - bound, accepted), bound


def verify_whole(
    program: Program, fixed: Certificate, point: FloatArray, bound: float, accept: float
) -> Certificate:
    """Certify a point in whole numbers against the bound of the search (rule 37).

    `fixed` holds the residuals with the whole numbers fixed. A bound above the objective proves that one of
    the two is wrong: it is a gap like any other.
    """
    numbers = point[program.whole]
    integrality = _worst(np.abs(numbers - np.round(numbers)))
    objective = program.worth(point)
    gap = abs(objective - bound) / (1.0 + abs(objective))
    residuals = (fixed.primal, fixed.dual, fixed.complementarity, gap, integrality)
    accepted = bool(np.isfinite(bound)) and max(residuals) <= accept
    return Certificate(
        fixed.primal, fixed.dual, fixed.complementarity, gap, objective - bound, accepted, integrality
    )


def combine(parts: Iterable[tuple[Certificate, float]], accept: float) -> Certificate:
    """Join the certificates of independent components, each given with its objective."""
    rows = list(parts)
    if not rows:
        return Certificate(0.0, 0.0, 0.0, 0.0, 0.0, accepted=True)
    money = sum(part.gap_money for part, _ in rows)
    gap = sum(abs(part.gap_money) for part, _ in rows) / (1.0 + abs(sum(value for _, value in rows)))
    names = ("primal", "dual", "complementarity", "integrality")
    primal, dual, slack, whole = (max(getattr(part, name) for part, _ in rows) for name in names)
    accepted = all(part.accepted for part, _ in rows) and max(primal, dual, slack, gap) <= accept
    return Certificate(primal, dual, slack, gap, money, accepted, whole)


def _worst(values: FloatArray) -> float:
    return float(values.max(initial=0.0))


def _outside(values: FloatArray, lower: FloatArray, upper: FloatArray, scale: FloatArray) -> float:
    return _worst(np.maximum(lower - values, values - upper) / scale)


def _wrong_sign(multiplier: FloatArray, lower: FloatArray, upper: FloatArray) -> FloatArray:
    """Part of a multiplier that leans on a bound that is not there."""
    up = np.where(np.isneginf(lower), np.maximum(multiplier, 0.0), 0.0)
    down = np.where(np.isposinf(upper), np.maximum(-multiplier, 0.0), 0.0)
    return up + down


def _supported(multiplier: FloatArray, lower: FloatArray, upper: FloatArray) -> float:
    at_lower = np.maximum(multiplier, 0.0) * np.where(np.isfinite(lower), lower, 0.0)
    at_upper = np.minimum(multiplier, 0.0) * np.where(np.isfinite(upper), upper, 0.0)
    return float(at_lower.sum() + at_upper.sum())


def _slackness(multiplier: FloatArray, values: FloatArray, lower: FloatArray, upper: FloatArray) -> float:
    below = np.where(np.isfinite(lower), values - lower, 0.0) * np.maximum(multiplier, 0.0)
    above = np.where(np.isfinite(upper), upper - values, 0.0) * np.maximum(-multiplier, 0.0)
    return _worst(np.maximum(np.abs(below), np.abs(above)))
