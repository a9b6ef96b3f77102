"""How often one network address may ask: a bucket of requests that fills up again over a minute."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

MAX_ADDRESSES: Final = 10_000
"""Most addresses remembered; the one not seen for longest is forgotten first."""


class RateLimit:
    """Counts requests per address in this process."""

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Allow `per_minute` requests at once, and as many in each minute after."""
        self._size = per_minute
        self._clock = clock
        self._seen: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, address: str) -> int:
        """Count a request; return 0 if it may go on, else the seconds to wait, and it does not count."""
        now = self._clock()
        left, at = self._seen.get(address, (float(self._size), now))
        left = min(float(self._size), left + (now - at) * self._size / 60)
        allowed = left >= 1
        self._seen[address] = (left - 1 if allowed else left, now)
        self._seen.move_to_end(address)
        if len(self._seen) > MAX_ADDRESSES:
            self._seen.popitem(last=False)
        return 0 if allowed else math.ceil((1 - left) * 60 / self._size)
