"""Whole units for customers: the plan shares out a shortage exactly, a customer is answered in whole pieces.

The plan's lines of a customer may be fractional (model rules P18, P19); what is released is rounded line by
line with the remainder carried on, so that nobody's answer depends on another's.
"""

import numpy as np

from app.services.releasing.dates import Floats

EPSILON = 1e-6


def in_whole_units(
    requested: Floats, delivered: Floats, unmet: Floats, whole: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return requested, delivered and unmet (n, T) as whole units where `whole` (n,) is not 0.

    Running totals are rounded to the nearest unit, so no line is ever off by more than half of one, what is
    served in full stays so, and no more is delivered or lost than was asked for.
    """
    asked = _carried(requested)
    accepted = np.minimum(_carried(requested - np.minimum(unmet, requested)), asked)
    given = np.diff(
        np.minimum(_carried(delivered).cumsum(axis=1), accepted.cumsum(axis=1)), axis=1, prepend=0.0
    )
    rounded = whole[:, None] != 0
    return (
        np.where(rounded, asked, requested),
        np.where(rounded, given, delivered),
        np.where(rounded, asked - accepted, unmet),
    )


def _carried(values: Floats) -> Floats:
    """Return the steps of the running total rounded to the nearest whole number."""
    totals: Floats = np.floor(values.cumsum(axis=1) + 0.5 + EPSILON)
    return np.diff(totals, axis=1, prepend=0.0)
