"""First in, first out: which deliveries serve which requests, so that a request has an answer.

The plan books a delivery in the bucket in which it arrives and says nothing about the request it serves.
Deliveries are matched with requests in the order of time: for a lateness cost that rises with time no other
matching is cheaper, and it is the one a customer expects ("the oldest order first").
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.services.releasing.dates import Floats

TOLERANCE = 1e-6
NEVER = -1


@dataclass(frozen=True, slots=True)
class Answer:
    """What is confirmed for every request, arrays (n, T) by the bucket of the request, in units of quantity.

    `late_until` is the ordinal of the bucket in which the last late unit arrives, NEVER where nothing is late
    or where the late part arrives after the last bucket.
    """

    on_time: Floats
    late: Floats
    not_supplied: Floats
    late_until: npt.NDArray[np.int64]


def match(requested: Floats, delivered: Floats, unmet: Floats) -> Answer:
    """Match deliveries with requests, first in, first out; all arrays (n, T), quantities not negative.

    A request of bucket t less its lost part lies between the running totals S(t-1) and S(t); what has been
    delivered by the end of t reaches D(t). The part below D(t) is on time, the rest late.
    """
    not_supplied = np.minimum(unmet, requested)
    served_total = np.cumsum(requested - not_supplied, axis=1)
    delivered_total = np.cumsum(delivered, axis=1)
    before = served_total - (requested - not_supplied)
    on_time = np.clip(np.minimum(served_total, delivered_total) - before, 0.0, None)
    late = _clean(requested - not_supplied - on_time)
    return Answer(_clean(on_time), late, not_supplied, _last_arrival(served_total, delivered_total, late))


def _last_arrival(served_total: Floats, delivered_total: Floats, late: Floats) -> npt.NDArray[np.int64]:
    """Return the first bucket whose delivered total covers the request, where part of it is late."""
    last = np.full(late.shape, NEVER, dtype=np.int64)
    horizon = late.shape[1]
    for row in np.flatnonzero(late.any(axis=1)):
        slack = TOLERANCE * max(1.0, float(served_total[row, -1]))
        arrival = np.searchsorted(delivered_total[row], served_total[row] - slack)
        reached = (late[row] > 0) & (arrival < horizon)
        last[row, reached] = arrival[reached]
    return last


def _clean(values: Floats) -> Floats:
    """Return the values with what is only floating-point noise set to zero."""
    return np.where(values > TOLERANCE, values, 0.0)
