"""What a client presents to prove itself (RFC 6749 §2.3, RFC 7523 §2.2): exactly one way of them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_plus

from authlib.oauth2.rfc6749.errors import InvalidRequestError

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MAX_SECRET: Final = 256


@dataclass(frozen=True, slots=True)
class Secret:
    """An id and a secret, by HTTP Basic or in the form."""

    client_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Assertion:
    """A signed JWT; `client_id` is what the form says beside it, if anything."""

    token: str = field(repr=False)
    client_id: str | None


def read_credentials(headers: Mapping[str, str], form: Mapping[str, str]) -> Secret | Assertion | None:
    """Return what the request presents, None where it is nothing usable.

    Raises Authlib's InvalidRequestError where it presents more than one thing.
    """
    in_form, by_assertion = "client_secret" in form, "client_assertion" in form
    basic = headers.get("authorization")
    if (basic is not None) + in_form + by_assertion > 1:
        raise InvalidRequestError("Only one way of client authentication may be used.")
    if basic is not None:
        return _basic(basic)
    if by_assertion and form.get("client_assertion_type") == ASSERTION_TYPE:
        return Assertion(form["client_assertion"], form.get("client_id"))
    if in_form and "client_id" in form:
        return _bounded(form["client_id"], form["client_secret"])
    return None


def _basic(value: str) -> Secret | None:
    """Return id and secret of an Authorization header; both were form-encoded first (RFC 6749 §2.3.1)."""
    scheme, _, encoded = value.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
        client_id, colon, secret = text.partition(":")
        pair = unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return _bounded(*pair) if colon else None


def _bounded(client_id: str, secret: str) -> Secret | None:
    """Return the pair unless it cannot be a client's (hashing megabytes is work for nothing)."""
    if not (0 < len(client_id) <= MAX_SECRET and 0 < len(secret) <= MAX_SECRET):
        return None
    return Secret(client_id, secret) if client_id.isprintable() else None
