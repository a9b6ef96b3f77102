"""The bearer token of a request (RFC 6750 §2.1: the Authorization header only)."""

from __future__ import annotations

from starlette.datastructures import Headers

from app.errors import Unauthenticated

CHALLENGE = 'Bearer realm="concord"'
INVALID_TOKEN_CHALLENGE = f'{CHALLENGE}, error="invalid_token"'


def bearer_token(headers: Headers) -> str:
    """Return the token; raises Unauthenticated without exactly one Authorization header of this scheme.

    Tokens in the query string or in cookies are not looked at: the first end up in logs, the second are sent
    by browsers on behalf of other sites.
    """
    values = headers.getlist("authorization")
    if len(values) != 1:
        raise Unauthenticated
    return token_of(values[0])


def token_of(value: str) -> str:
    """Return the token in the value of an Authorization header; raises Unauthenticated for another scheme."""
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated
    return token.strip(" ")


def challenge(headers: Headers) -> str:
    """Return the WWW-Authenticate header of a 401: without credentials it names the scheme alone (§3.1)."""
    return INVALID_TOKEN_CHALLENGE if "authorization" in headers else CHALLENGE
