"""Opaque ids and cursors, keyed per party.

An id is the kind and the key of an object, sealed with AES-SIV (RFC 5297) under a key that is derived for
its reader from a secret in CONCORD_HOME. It is deterministic (one object, one id, for as long as the secret
lives), says nothing to whoever lacks the key, and cannot be made, changed or used by another party. The plain
text is padded, so that the length of an id does not tell how long a number in it is.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.auth import Principal, private_file
from app.config import Settings
from app.errors import BadId, ConfigurationError

_SECRET_BYTES = 32
_KEY_BYTES = 64  # AES-256 in SIV mode takes two keys
_BLOCK = 16
_LONGEST_ID = 4096
_SEPARATOR = "\x1f"


class IdCodec:
    """Makes and reads the ids of one reader."""

    def __init__(self, key: bytes) -> None:
        """Take the reader's own key of 64 bytes."""
        self._cipher = AESSIV(key)

    def encode(self, kind: str, key: str) -> str:
        """Return the opaque text for `key` of `kind` (a GraphQL type, or what a cursor is bound to)."""
        if not kind or _SEPARATOR in kind:
            raise ValueError(f"{kind!r} is no kind")
        plain = f"{kind}{_SEPARATOR}{key}".encode()
        return base64.urlsafe_b64encode(self._cipher.encrypt(_pad(plain), None)).rstrip(b"=").decode()

    def decode(self, kind: str, text: str) -> str:
        """Return the key; raises BadId for a text that was not made for this reader and this kind."""
        found, key = self.decode_any(text)
        if found != kind:
            raise BadId
        return key

    def decode_any(self, text: str) -> tuple[str, str]:
        """Return kind and key; raises BadId for a text that was not made for this reader."""
        try:
            plain = _unpad(self._cipher.decrypt(_sealed(text), None))
        except (InvalidTag, binascii.Error, ValueError):
            raise BadId from None
        kind, _, key = plain.decode().partition(_SEPARATOR)
        return kind, key


class IdCodecs:
    """The codec of each reader, derived from one secret."""

    def __init__(self, secret: bytes) -> None:
        """Take the secret; one reader's key tells nothing about it or about another's."""
        self._of_reader = lru_cache(maxsize=1024)(lambda reader: IdCodec(_derive(secret, reader)))

    @classmethod
    def load(cls, settings: Settings) -> IdCodecs:
        """Read the secret in CONCORD_HOME/keys/ids.secret, creating it on first use."""
        path = settings.keys_directory / "ids.secret"
        secret = private_file(path, lambda: secrets.token_bytes(_SECRET_BYTES))
        if len(secret) != _SECRET_BYTES:
            raise ConfigurationError(reason=f"{path} must hold {_SECRET_BYTES} bytes")
        return cls(secret)

    def of(self, principal: Principal) -> IdCodec:
        """Return the codec of the principal's party.

        The host's departments share one, so that one may hand a link to another: what its reader may see
        there is decided by row-level security, not by the id. A party that is both supplier and customer
        has one for each graph.
        """
        party = "" if principal.audience == "internal" else principal.party
        return self._of_reader(f"{principal.audience}{_SEPARATOR}{party}")


def _derive(secret: bytes, reader: str) -> bytes:
    """Return the key of a reader (HKDF, RFC 5869)."""
    return HKDF(SHA256(), length=_KEY_BYTES, salt=None, info=b"concord ids" + reader.encode()).derive(secret)


def _pad(plain: bytes) -> bytes:
    """Fill up to a whole number of blocks by at least one byte (ISO/IEC 7816-4)."""
    padded = plain + b"\x80"
    return padded + bytes(-len(padded) % _BLOCK)


def _unpad(padded: bytes) -> bytes:
    """Take off what `_pad` added."""
    return padded.rstrip(b"\x00")[:-1]


def _sealed(text: str) -> bytes:
    """Return the bytes of an id; a second spelling of the same bytes is refused."""
    if len(text) > _LONGEST_ID:
        raise ValueError("too long")
    sealed = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
    if base64.urlsafe_b64encode(sealed).rstrip(b"=").decode() != text:
        raise ValueError("not the canonical spelling")
    return sealed
