"""Reading a compact JWS before anything in it is trusted: bounded segments, and JSON with one meaning."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

_COMPACT = re.compile(r"[A-Za-z0-9_-]{1,684}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{1,1100}")
"""Header up to 512 bytes, signature up to that of an 8192-bit RSA key with room to spare."""
_LATEST_TIME = 253_402_300_799  # 9999-12-31T23:59:59Z: later times are mistakes or attacks


class RefusedError(Exception):
    """Why a token is refused, for the log alone."""


def segments(token: str, limit: int) -> tuple[str, str, str]:
    """Return header, payload and signature as sent; raises RefusedError for what is no compact JWS."""
    if len(token) > limit or not _COMPACT.fullmatch(token):
        raise RefusedError("not a compact JWS, or too long")
    header, payload, signature = token.split(".")
    return header, payload, signature


def read_object(segment: str, what: str) -> dict[str, Any]:
    """Return the JSON object in a base64url segment.

    Raises RefusedError for anything else, a name given twice, NaN and Infinity included.
    """
    try:
        decoded = base64.b64decode(segment + "=" * (-len(segment) % 4), b"-_", validate=True)
        value = json.loads(decoded, cls=StrictDecoder)
    except (binascii.Error, ValueError, RecursionError):
        raise RefusedError(f"the {what} is not JSON") from None
    if not isinstance(value, dict):
        raise RefusedError(f"the {what} is not a JSON object")
    return value


def read_time(claims: Mapping[str, Any], name: str) -> float:
    """Return a time in seconds since 1970-01-01 UTC; raises RefusedError for what is none."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LATEST_TIME:
        raise RefusedError(f"{name} is not a time")
    return value


class StrictDecoder(json.JSONDecoder):
    """JSON without duplicate names, NaN and Infinity."""

    def __init__(self) -> None:
        super().__init__(object_pairs_hook=_unique, parse_constant=_no_constant)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object; of a name given twice, two readers could take different values."""
    names = dict(pairs)
    if len(names) != len(pairs):
        raise RefusedError("a name given twice")
    return names


def _no_constant(name: str) -> NoReturn:
    """Refuse what is not JSON, although Python reads it."""
    raise RefusedError(f"{name} in JSON")
