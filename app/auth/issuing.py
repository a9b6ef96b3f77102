"""Access tokens signed by the local key set."""

from __future__ import annotations

import secrets
import time

from joserfc import jwt

from app.auth.claims import AUDIENCE_CLAIM, FAMILY_MARK, MAX_TEXT, PARTY_CLAIM, ROLE_CLAIM, TOKEN_TYPE
from app.auth.keys import ALGORITHM, load_signing_keys
from app.auth.principal import AUDIENCES
from app.config import Settings
from app.errors import InputError


def issue_token(
    settings: Settings,
    audience: str,
    role: str,
    party: str | None = None,
    ttl: int | None = None,
    *,
    subject: str | None = None,
    issuer: str | None = None,
    client_id: str | None = None,
    family: str | None = None,
) -> str:
    """Return an access token for `role` of `party` in the graph of `audience`.

    `ttl` is in seconds (CONCORD_TOKEN_TTL_SECONDS when not given); `subject` names the person or machine and
    is "role@party" when not given. `issuer` is CONCORD_TOKEN_ISSUER unless given, `client_id` the client
    that asked for the token (RFC 9068 §2.2); the id of a token of a `family` begins with it, so that all of
    them can be ended. Whether the role and the party exist is decided when the token is used.
    """
    _check(audience, role, party, ttl)
    issued_at = int(time.time())
    claims: dict[str, object] = {
        "iss": issuer or settings.token_issuer,
        "aud": settings.token_audience,
        "sub": subject or f"{role}@{party or 'host'}",
        "iat": issued_at,
        "exp": issued_at + (settings.token_ttl_seconds if ttl is None else ttl),
        "jti": ("" if family is None else f"{family}{FAMILY_MARK}") + secrets.token_urlsafe(12),
        AUDIENCE_CLAIM: audience,
        ROLE_CLAIM: role,
    }
    if party is not None:
        claims[PARTY_CLAIM] = party
    if client_id is not None:
        claims["client_id"] = client_id
    keys = load_signing_keys(settings)
    header = {"alg": ALGORITHM, "kid": keys.kid, "typ": TOKEN_TYPE}
    return jwt.encode(header, claims, keys.private, algorithms=[ALGORITHM])


def _check(audience: str, role: str, party: str | None, ttl: int | None) -> None:
    """Refuse what the validator would refuse later."""
    if audience not in AUDIENCES:
        raise InputError(reason=f"audience is {audience!r}, expected one of {', '.join(AUDIENCES)}")
    if not role or len(role) > MAX_TEXT:
        raise InputError(reason=f"a role has 1 to {MAX_TEXT} characters")
    if party is None and audience != "internal":
        raise InputError(reason=f"a token for a {audience} needs a party")
    if party is not None and not 0 < len(party) <= MAX_TEXT:
        raise InputError(reason=f"a party has 1 to {MAX_TEXT} characters")
    if ttl is not None and ttl < 1:
        raise InputError(reason="the time to live must be at least one second")
