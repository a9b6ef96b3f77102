"""Consensus: one unconstrained demand out of several forecasts (model rules D5 and D6)."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]


def blend(streams: Mapping[str, Values], weights: Mapping[str, float], uplift: Values) -> Values:
    """Return the weighted mean of the streams present in each cell, plus the uplift.

    Every array is (n, T) with NaN where a stream has no value; a stream without a weight of its own does not
    count. A cell with neither a stream nor an uplift has no consensus (NaN).
    """
    total, weight = np.zeros_like(uplift), np.zeros_like(uplift)
    for name, values in streams.items():
        share = weights.get(name, 0.0) * ~np.isnan(values)
        total += share * np.nan_to_num(values)
        weight += share
    mean = np.divide(total, weight, out=np.full_like(total, np.nan), where=weight > 0)
    lifted = np.maximum(np.nan_to_num(mean) + np.nan_to_num(uplift), 0.0)
    return np.where(np.isnan(mean) & np.isnan(uplift), np.nan, lifted)


def agreed(proposal: Values, decided: Values) -> Values:
    """Return the proposal with every cell that was decided at the gate in its place, both (n, T)."""
    return np.where(np.isnan(decided), proposal, decided)
