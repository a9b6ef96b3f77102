"""How much is worked on at once, and how often one network address may ask: in this process, and in all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import anyio
import anyio.to_thread

from app.auth.issuer.rates import RateLimit
from app.auth.issuer.registry import Registry

WORKERS: Final = 4
"""Requests worked on at once in a process: each may take 19 MiB to hash a secret."""

Result = TypeVar("Result")


class Limits:
    """What every endpoint of the issuer shares."""

    def __init__(self, registry: Registry, per_minute: int) -> None:
        """Take how many requests an address has in a minute."""
        self._registry = registry
        self._per_minute = per_minute
        self._here = RateLimit(per_minute)
        self._workers = anyio.CapacityLimiter(WORKERS)

    async def wait(self, address: str) -> int:
        """Count a request; return 0 if it may go on, else the seconds to wait.

        This process is asked first, so that a flood does not reach the database.
        """
        return self._here.wait(address) or await self._registry.wait(address, self._per_minute)

    async def work(self, function: Callable[..., Result], *arguments: object) -> Result:
        """Return what `function` returns, run in a worker thread."""
        return await anyio.to_thread.run_sync(function, *arguments, limiter=self._workers)
