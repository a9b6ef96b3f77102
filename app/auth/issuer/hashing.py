"""Secrets as Argon2id hashes (RFC 9106) in PHC form: parameters and salt stand in the hash itself."""

from __future__ import annotations

import secrets
from functools import cache
from typing import Final

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

_ITERATIONS: Final = 2
_LANES: Final = 1
_MEMORY_KIB: Final = 19 * 1024
"""The first of the equivalent settings that OWASP's password storage cheat sheet gives (2024)."""


def hash_secret(secret: str) -> str:
    """Return the hash of a secret under a salt of its own; takes some 50 ms and 19 MiB."""
    argon = Argon2id(
        salt=secrets.token_bytes(16),
        length=32,
        iterations=_ITERATIONS,
        lanes=_LANES,
        memory_cost=_MEMORY_KIB,
    )
    return argon.derive_phc_encoded(secret.encode())


def secret_matches(secret: str, hashed: str | None) -> bool:
    """Say whether a secret has this hash; without a hash the same work is done, and the answer is no."""
    try:
        Argon2id.verify_phc_encoded(secret.encode(), hashed or _nobodys())
    except InvalidKey:
        return False
    return hashed is not None


@cache
def _nobodys() -> str:
    """Return a hash of a secret that nobody knows."""
    return hash_secret(secrets.token_urlsafe(32))
