"""Processes that solve components side by side, in the form that the engine asks for (rule 32)."""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from app.errors import PlanningError


class Processes:
    """A pool of planning processes: started when first needed, started anew after one of them died."""

    def __init__(self, count: int) -> None:
        """Hold up to `count` processes."""
        self._count = count
        self._pool: ProcessPoolExecutor | None = None

    def map(self, fn: Callable[..., Any], /, *iterables: Iterable[Any]) -> Iterator[Any]:
        """Apply `fn` to the items in order, as `concurrent.futures` does.

        Raises PlanningError where a process dies (memory, a signal); the next call has new ones.
        """
        if self._pool is None:
            context = multiprocessing.get_context("spawn")  # the worker has threads: it cannot be forked
            self._pool = ProcessPoolExecutor(self._count, mp_context=context)
        try:
            yield from self._pool.map(fn, *iterables)
        except BrokenProcessPool:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
            raise PlanningError(reason="a planning process died; ask for the plan again") from None

    def close(self) -> None:
        """End the processes; what they have not begun is dropped."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
