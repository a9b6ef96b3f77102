"""The strict check of an access token.

A token is refused unless everything about it is as the issuer writes it: deny by default, one error, no
detail for the caller (the reason is logged for the operator). The header is read before any cryptography,
with our own rules; the signature is left to joserfc, with exactly one key and one algorithm.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
import time
from collections.abc import Callable
from typing import Any, NoReturn

from joserfc import jwt
from joserfc.errors import JoseError

from app.auth.claims import AUDIENCE_CLAIM, MAX_TEXT, PARTY_CLAIM, ROLE_CLAIM, TOKEN_TYPE
from app.auth.keys import ALGORITHM, SigningKeys, load_signing_keys
from app.auth.principal import AUDIENCES, Audience, Principal
from app.config import Settings
from app.errors import Unauthenticated

_log = logging.getLogger(__name__)

_HEADER_NAMES = {"alg", "kid", "typ"}
_TYPES = {TOKEN_TYPE, f"application/{TOKEN_TYPE}"}
_COMPACT = re.compile(r"[A-Za-z0-9_-]{1,684}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{1,128}")
_LATEST_TIME = 253_402_300_799  # 9999-12-31T23:59:59Z: later times are mistakes or attacks


class _RefusedError(Exception):
    """Why a token is refused, for the log alone."""


class TokenValidator:
    """Turns tokens of the local issuer into principals."""

    def __init__(
        self, settings: Settings, keys: SigningKeys | None = None, *, now: Callable[[], float] = time.time
    ) -> None:
        """Take the key set in CONCORD_HOME unless one is given; `now` is in seconds since 1970-01-01 UTC."""
        self._settings = settings
        self._keys = keys if keys is not None else load_signing_keys(settings)
        self._now = now

    def validate(self, token: str) -> Principal:
        """Return the principal of a valid token.

        Raises Unauthenticated, always with the same message, for every other string.
        """
        try:
            return self._principal(self._claims(token))
        except _RefusedError as refusal:
            _log.info("token refused: %s", refusal)
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            _log.info("token refused: %s", type(error).__name__)
        raise Unauthenticated

    def _claims(self, token: str) -> dict[str, Any]:
        """Return the claims of a token whose header, key and signature are right."""
        if len(token) > self._settings.max_token_bytes or not _COMPACT.fullmatch(token):
            raise _RefusedError("not a compact JWS, or too long")
        header = _header(token)
        key = self._keys.public.get(header["kid"])
        if key is None:
            raise _RefusedError("unknown kid")
        return jwt.decode(token, key, algorithms=[ALGORITHM], decoder_cls=_StrictDecoder).claims

    def _principal(self, claims: dict[str, Any]) -> Principal:
        """Return the principal that the claims name."""
        if claims.get("iss") != self._settings.token_issuer:
            raise _RefusedError("another issuer")
        if self._settings.token_audience not in _audiences(claims.get("aud")):
            raise _RefusedError("not for this API")
        expires_at = self._check_times(claims)
        audience = _audience(claims)
        party = _text(claims, PARTY_CLAIM) if PARTY_CLAIM in claims else None
        if party is None and audience != "internal":
            raise _RefusedError("an outside audience without a party")
        return Principal(
            subject=_text(claims, "sub"),
            audience=audience,
            party=party,
            role=_text(claims, ROLE_CLAIM),
            expires_at=expires_at,
            issuer=self._settings.token_issuer,
            token_id=_text(claims, "jti"),
        )

    def _check_times(self, claims: dict[str, Any]) -> int:
        """Return the time of expiry, after checking it and the times of issue and of first use."""
        now, leeway = self._now(), self._settings.token_leeway_seconds
        expires_at, issued_at = _time(claims, "exp"), _time(claims, "iat")
        not_before = _time(claims, "nbf") if "nbf" in claims else issued_at
        if expires_at + leeway <= now:
            raise _RefusedError("expired")
        if max(issued_at, not_before) > now + leeway:
            raise _RefusedError("not yet valid")
        if issued_at >= expires_at:
            raise _RefusedError("expires before it was issued")
        return int(expires_at)


def _header(token: str) -> dict[str, str]:
    """Return the header: exactly `alg`, `kid` and `typ`, each as the issuer writes it.

    What else a header may carry (jwk, jku, x5u, x5c, crit, b64, zip …) asks the reader to trust the sender.
    """
    segment = token.split(".", 1)[0]
    try:
        decoded = base64.b64decode(segment + "=" * (-len(segment) % 4), b"-_", validate=True)
        header = json.loads(decoded, cls=_StrictDecoder)
    except (binascii.Error, UnicodeDecodeError, ValueError, RecursionError):
        raise _RefusedError("the header is not JSON") from None
    if not isinstance(header, dict) or set(header) != _HEADER_NAMES:
        raise _RefusedError("header parameters other than alg, kid, typ")
    if not all(isinstance(value, str) for value in header.values()):
        raise _RefusedError("a header parameter that is not text")
    if header["alg"] != ALGORITHM or header["typ"].lower() not in _TYPES:
        raise _RefusedError("another algorithm or type")
    return header


def _audiences(value: object) -> list[str]:
    """Return the audiences, which a token names as text or as a list of texts."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return value
    raise _RefusedError("aud is neither text nor a list of texts")


def _audience(claims: dict[str, Any]) -> Audience:
    """Return which graph the token opens."""
    for audience in AUDIENCES:
        if claims.get(AUDIENCE_CLAIM) == audience:
            return audience
    raise _RefusedError(f"{AUDIENCE_CLAIM} names no audience")


def _time(claims: dict[str, Any], name: str) -> float:
    """Return a time in seconds since 1970-01-01 UTC."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LATEST_TIME:
        raise _RefusedError(f"{name} is not a time")
    return value


def _text(claims: dict[str, Any], name: str) -> str:
    """Return a claim that is printable text of a reasonable length."""
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT or not value.isprintable():
        raise _RefusedError(f"{name} is not text")
    return value


class _StrictDecoder(json.JSONDecoder):
    """JSON without duplicate names, NaN and Infinity."""

    def __init__(self) -> None:
        super().__init__(object_pairs_hook=_unique, parse_constant=_no_constant)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object; of a name given twice, two readers could take different values."""
    names = dict(pairs)
    if len(names) != len(pairs):
        raise _RefusedError("a name given twice")
    return names


def _no_constant(name: str) -> NoReturn:
    """Refuse what is not JSON, although Python reads it."""
    raise _RefusedError(f"{name} in JSON")
