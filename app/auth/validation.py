"""The strict check of an access token.

A token is refused unless everything about it is as its issuer's configuration says: deny by default, one
error, no detail for the caller (the reason is logged for the operator). Header and issuer are read before any
cryptography, with our own rules; the signature is left to joserfc, with exactly one key and one algorithm;
what the claims say counts only afterwards.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from joserfc.errors import JoseError

from app.auth.keys import SigningKeys
from app.auth.local_keys import LocalKeys, fixed_keys
from app.auth.mapping import check_text
from app.auth.principal import Principal
from app.auth.strict import RefusedError, read_object, read_time, segments
from app.auth.trust import Issuer, load_issuers, local_issuers
from app.auth.verifying import VerificationKey
from app.config import Settings
from app.errors import ConfigurationError, Unauthenticated

_log = logging.getLogger(__name__)

_REFUSALS: Final = (RefusedError, JoseError, ValueError, TypeError, RecursionError)
_LOGOUT_CLAIM = "events"  # OpenID Connect Back-Channel Logout 1.0 §2.4


class Authenticator(Protocol):
    """Turns what a caller presents into a principal."""

    async def authenticate(self, token: str) -> Principal:
        """Return the principal of a valid token; raises Unauthenticated for every other string."""


@dataclass(frozen=True, slots=True)
class _Presented:
    """A token of a known issuer with an acceptable header; nothing in it is trusted yet."""

    token: str
    issuer: Issuer
    header: Mapping[str, str]
    claims: dict[str, Any]


class TokenValidator:
    """Turns tokens of the local issuer and of the configured ones into principals."""

    def __init__(
        self,
        settings: Settings,
        keys: SigningKeys | None = None,
        *,
        issuers: Iterable[Issuer] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Take the key set in CONCORD_HOME and the issuers of CONCORD_ISSUERS_FILE unless others are given.

        `now` is in seconds since 1970-01-01 UTC.
        """
        self._settings = settings
        self._now = now
        source = LocalKeys(settings, now=now) if keys is None else fixed_keys(keys)
        trusted = (
            *local_issuers(settings, source),
            *(load_issuers(settings) if issuers is None else issuers),
        )
        self._issuers = {each.issuer: each for each in trusted}
        if len(self._issuers) != len(trusted):
            raise ConfigurationError(reason="two issuers have one name")

    def validate(self, token: str) -> Principal:
        """Return the principal of a token that a key at hand verifies; never waits.

        Raises Unauthenticated, always with the same message, for every other string.
        """
        try:
            presented = self._present(token)
            key = presented.issuer.keys.known(presented.header["kid"])
            return self._principal(presented, key)
        except _REFUSALS as error:
            raise _refusal(error) from None

    async def authenticate(self, token: str) -> Principal:
        """Return the principal of a valid token, after asking its issuer for new keys where that is due.

        Raises Unauthenticated, always with the same message, for every other string.
        """
        try:
            presented = self._present(token)
            key = await presented.issuer.keys.find(presented.header["kid"])
            return self._principal(presented, key)
        except _REFUSALS as error:
            raise _refusal(error) from None

    def _present(self, token: str) -> _Presented:
        """Return the token taken apart, if its issuer is known and its header as that issuer writes it."""
        header_part, payload, _ = segments(token, self._settings.max_token_bytes)
        header = read_object(header_part, "header")
        claims = read_object(payload, "payload")
        named = claims.get("iss")
        issuer = self._issuers.get(named) if isinstance(named, str) else None
        if issuer is None:
            raise RefusedError("another issuer")
        return _Presented(token, issuer, _checked_header(header, issuer), claims)

    def _principal(self, presented: _Presented, key: VerificationKey | None) -> Principal:
        """Return the principal that a token names, if the key verifies it."""
        if key is None:
            raise RefusedError("unknown kid")
        key.verify(presented.token, presented.header["alg"])
        issuer, claims = presented.issuer, presented.claims
        if self._settings.token_audience not in _audiences(claims.get("aud")):
            raise RefusedError("not for this API")
        expires_at = self._check_times(claims)
        _check_kind(claims, issuer)
        audience, role, party = issuer.rules.read(claims)
        return Principal(
            subject=check_text(issuer.prefix + check_text(claims.get("sub"), "sub"), "sub"),
            audience=audience,
            party=party,
            role=role,
            expires_at=expires_at,
            issuer=issuer.issuer,
            token_id=_token_id(presented),
        )

    def _check_times(self, claims: dict[str, Any]) -> int:
        """Return the time of expiry, after checking it and the times of issue and of first use."""
        now, leeway = self._now(), self._settings.token_leeway_seconds
        expires_at, issued_at = read_time(claims, "exp"), read_time(claims, "iat")
        not_before = read_time(claims, "nbf") if "nbf" in claims else issued_at
        if expires_at + leeway <= now:
            raise RefusedError("expired")
        if max(issued_at, not_before) > now + leeway:
            raise RefusedError("not yet valid")
        if issued_at >= expires_at:
            raise RefusedError("expires before it was issued")
        return int(expires_at)


def _refusal(error: Exception) -> Unauthenticated:
    """Return the one error; why is for the log."""
    reason = str(error) if isinstance(error, RefusedError) else type(error).__name__
    _log.info("token refused: %s", reason)
    return Unauthenticated()


def _checked_header(header: dict[str, Any], issuer: Issuer) -> Mapping[str, str]:
    """Return a header with exactly `alg`, `kid`, `typ` and what the issuer is known to add.

    What else a header may carry (jwk, jku, x5u, x5c, crit, b64, zip …) asks the reader to trust the sender.
    """
    if not header.keys() <= {"alg", "kid", "typ"} | issuer.headers:
        raise RefusedError("header parameters other than expected")
    if not all(isinstance(value, str) for value in header.values()):
        raise RefusedError("a header parameter that is not text")
    if header.get("alg") not in issuer.algorithms or not header.get("kid"):
        raise RefusedError("another algorithm, or no kid")
    if header.get("typ", "").lower() not in issuer.types or header.get("typ") == "":
        raise RefusedError("another type")
    return header


def _check_kind(claims: dict[str, Any], issuer: Issuer) -> None:
    """Refuse ID tokens, logout tokens and client assertions that look like access tokens."""
    for name in (_LOGOUT_CLAIM, *issuer.id_token_claims):
        if name in claims:
            raise RefusedError(f"{name} is in no access token")
    if claims.get("sub") == issuer.issuer:
        raise RefusedError("a client assertion")
    for name, accepted in issuer.required.items():
        value = claims.get(name)
        if value is None or (accepted is not None and value not in accepted):
            raise RefusedError(f"{name} is not that of an access token")


def _token_id(presented: _Presented) -> str:
    """Return `jti`, or for an issuer that gives none a digest of what was signed."""
    if presented.issuer.needs_token_id or "jti" in presented.claims:
        return check_text(presented.claims.get("jti"), "jti")
    signed = presented.token.rpartition(".")[0]
    return hashlib.sha256(signed.encode()).hexdigest()[:32]


def _audiences(value: object) -> list[str]:
    """Return the audiences, which a token names as text or as a list of texts."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return value
    raise RefusedError("aud is neither text nor a list of texts")
