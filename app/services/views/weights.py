"""The weights of a quotient, aligned with its series."""

from collections.abc import Sequence

import numpy as np

from app.errors import GroupingUndefined
from app.services.grants import reads_measure
from app.services.views.aggregate import WEIGHTS, FloatArray, add_up, first_stated, is_quotient
from app.services.views.filters import Selection
from app.store.branches import Commit
from app.store.database import Transaction
from app.store.series import SeriesFrame, read_series
from app.vocabulary import Measure


async def weights_for(
    tx: Transaction, state: Commit, measure: Measure, frame: SeriesFrame, chosen: Selection
) -> FloatArray | None:
    """Return the weights (n, T) of the series in `frame`; None for a measure that adds up by itself.

    Raises `GroupingUndefined` for a quotient whose denominator is no measure, or none that the role reads.
    """
    if not is_quotient(measure):
        return None
    names = [name for name in WEIGHTS.get(measure.name, ()) if reads_measure(tx.scope, name)]
    if not names:
        reason = "it is a quotient, and what it would be weighted by is not there for your role"
        raise GroupingUndefined(measure=measure.name, reason=reason, field=["groupBy"])
    weighing = await read_series(tx, state, measures=names, **chosen.arguments())
    return aligned_weights(measure, names, frame, weighing)


def aligned_weights(
    measure: Measure, names: Sequence[str], frame: SeriesFrame, weighing: SeriesFrame
) -> FloatArray:
    """Return the weight of each series of `frame`: bucket by bucket the first of `names` that is stated.

    A weight that is kept by more than the measure is added up over the rest of its key.
    """
    places = {key: row for row, key in enumerate(_keys(frame, measure))}
    measures = np.array(weighing.column("measure"), dtype=object)
    rows = np.array([places.get(key, -1) for key in _keys(weighing, measure)], dtype=np.int64)
    layers = []
    for name in names:
        mine = (measures == name) & (rows >= 0)
        layers.append(add_up(weighing.values[mine], rows[mine], len(frame)))
    return first_stated(layers)


def _keys(frame: SeriesFrame, measure: Measure) -> list[tuple[str | None, ...]]:
    return list(zip(*(frame.column(name) for name in measure.grain), strict=True))
