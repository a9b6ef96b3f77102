"""Stakeholders are data: objectives linear over the cost elements (rule 40)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.engine.problem import FloatArray
from app.engine.solution import ELEMENTS, Stakeholder
from app.errors import ProblemInvalid

SIGNS = np.array([-1.0 if name == "revenue" else 1.0 for name in ELEMENTS])
"""Value of an element per unit of contribution to cost, [E]: revenue is earned, the rest is spent."""


def loss_weights(stakeholders: Sequence[Stakeholder]) -> FloatArray:
    """Weights [K, E] on contributions to cost whose sum is MINUS the stakeholder's value.

    Raises ProblemInvalid where a stakeholder weighs an unknown element, or two have one name.
    """
    unknown = sorted({name for one in stakeholders for name in one.weights} - set(ELEMENTS))
    names = [one.name for one in stakeholders]
    if unknown or len(set(names)) != len(names) or not names:
        first = f"stakeholders {names} need names of their own and known elements; unknown: {unknown}"
        raise ProblemInvalid(count=1, first=first, findings=[first])
    table = np.array([[one.weights.get(name, 0.0) for name in ELEMENTS] for one in stakeholders])
    return np.asarray(-table * SIGNS, dtype=np.float64)
