"""Tickets: 256 random bits in a cookie, and what the server keeps under them.

A ticket is found again by its digest, and what is kept is sealed under a key derived from the ticket itself.
Who reads the tables learns neither a cookie that works nor a token.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_TICKET: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_NONCE_BYTES: Final = 12


def new_ticket() -> str:
    """Return a ticket that nobody can guess."""
    return secrets.token_urlsafe(32)


def is_ticket(value: str) -> bool:
    """Say whether a text can be a ticket."""
    return _TICKET.fullmatch(value) is not None


def digest(ticket: str) -> str:
    """Return what a ticket is found by."""
    return hashlib.sha256(ticket.encode()).hexdigest()


def seal(ticket: str, purpose: str, value: object) -> bytes:
    """Return a JSON value encrypted so that only the ticket, for the same purpose, opens it."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(_key(ticket, purpose)).encrypt(nonce, orjson.dumps(value), None)


def unseal(ticket: str, purpose: str, sealed: bytes) -> dict[str, Any] | None:
    """Return the object that was sealed, None where this ticket did not seal it."""
    nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        opened = orjson.loads(AESGCM(_key(ticket, purpose)).decrypt(nonce, rest, None))
    except (InvalidTag, ValueError):
        return None
    return opened if isinstance(opened, dict) else None


def _key(ticket: str, purpose: str) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=f"concord {purpose}".encode()).derive(ticket.encode())
