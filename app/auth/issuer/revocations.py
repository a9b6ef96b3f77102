"""Tokens of the built-in issuer that were ended before their time are refused within seconds."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from app.auth.issuer.registry import Registry, Revoked
from app.auth.principal import Principal
from app.auth.validation import TokenValidator
from app.errors import Unauthenticated

_log = logging.getLogger(__name__)

FRESH_SECONDS: Final = 2.0
"""How long a process goes by what it knows of revocations."""


class LiveAuthenticator:
    """A validator that also asks whether a token of the built-in issuer was revoked."""

    def __init__(
        self,
        validator: TokenValidator,
        registry: Registry,
        issuer: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the validator; other issuers' tokens are theirs to end."""
        self._validator = validator
        self._registry = registry
        self._issuer = issuer
        self._clock = clock
        self._revoked = Revoked()
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def authenticate(self, token: str) -> Principal:
        """Return the principal of a valid token that was not revoked; raises Unauthenticated for others.

        Raises StoreError where that cannot be known.
        """
        principal = await self._validator.authenticate(token)
        if principal.issuer == self._issuer and (await self._current()).covers(principal):
            _log.info("token refused: revoked")
            raise Unauthenticated
        return principal

    async def _current(self) -> Revoked:
        """Return what is revoked, read again where that is older than FRESH_SECONDS, by one caller."""
        if self._clock() - self._read_at >= FRESH_SECONDS:
            async with self._reading:
                if self._clock() - self._read_at >= FRESH_SECONDS:
                    self._revoked = await self._registry.revoked()
                    self._read_at = self._clock()
        return self._revoked
