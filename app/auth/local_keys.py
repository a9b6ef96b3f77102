"""The verification keys of the local issuer, followed while they are rotated under a running server."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from app.auth.keys import ALGORITHM, SigningKeys, keys_path, load_signing_keys
from app.auth.verifying import FixedKeys, VerificationKey
from app.config import Settings
from app.errors import ConfigurationError

_ALGORITHMS = frozenset({ALGORITHM})
_log = logging.getLogger(__name__)


def fixed_keys(keys: SigningKeys) -> FixedKeys:
    """Return the verification keys of a set that nobody rotates."""
    return FixedKeys({kid: VerificationKey(key, _ALGORITHMS) for kid, key in keys.public.items()})


Version = tuple[int, int, int]


class LocalKeys:
    """The local key set as its file has it now: a look at the file's status for each token (about 2 µs)."""

    def __init__(self, settings: Settings, *, now: Callable[[], float] = time.time) -> None:
        """Read the set, creating it on first use; `now` is in seconds since 1970-01-01 UTC."""
        self._settings = settings
        self._path = keys_path(settings)
        self._now = now
        self._keys = load_signing_keys(settings)
        self._version = self._status()

    @property
    def current(self) -> SigningKeys:
        """The set, read again if its file was replaced; one that cannot be read leaves the last in force."""
        try:
            version = self._status()
            if version != self._version:
                self._keys, self._version = load_signing_keys(self._settings), version
        except (OSError, ConfigurationError) as error:
            _log.error("the signing keys cannot be read again: %s", error)
        return self._keys

    def _status(self) -> Version:
        status = self._path.stat()
        return status.st_ino, status.st_mtime_ns, status.st_size

    def known(self, kid: str) -> VerificationKey | None:
        """Return the key with this id while it verifies."""
        key = self.current.verifying(kid, self._now())
        return None if key is None else VerificationKey(key, _ALGORITHMS)

    async def find(self, kid: str) -> VerificationKey | None:
        """Return the key with this id while it verifies."""
        return self.known(kid)
