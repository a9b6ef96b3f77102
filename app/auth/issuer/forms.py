"""What a request to the issuer brings, bounded and each field once, and where it comes from."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749.errors import InvalidRequestError
from starlette.requests import ClientDisconnect, Request

MAX_FORM_BYTES: Final = 16 * 1024
MAX_QUERY_BYTES: Final = 6 * 1024
"""An authorization request travels in addresses, which servers and browsers bound."""
MAX_FIELDS: Final = 20
_WORDS: Final = re.compile(r"[A-Za-z0-9_ ]*")
"""What a response type consists of (RFC 6749 §8.4); Authlib repeats it in its message."""


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form; raises InvalidRequestError for other bodies and fields given twice."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise InvalidRequestError("The body must be a form.")
    if len(request.headers.getlist("authorization")) > 1:
        raise InvalidRequestError("More than one Authorization header.")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_FORM_BYTES:
                raise InvalidRequestError("The form is too long.")
    except ClientDisconnect:
        raise InvalidRequestError("The form cannot be read.") from None
    form = _fields(bytes(body))
    if not form.get("grant_type", "x").isascii():
        raise InvalidRequestError("The grant type is not known.")
    return form


def read_query(query: bytes) -> dict[str, str]:
    """Return the parameters of an authorization request; raises InvalidRequestError as for forms.

    They come back in addresses and in Authlib's messages, so they are plain ASCII (RFC 6749, appendix A).
    """
    if len(query) > MAX_QUERY_BYTES:
        raise InvalidRequestError("The request is too long.")
    fields = _fields(query)
    if not all(value.isascii() for value in fields.values()):
        raise InvalidRequestError("A parameter holds what is not ASCII.")
    if not _WORDS.fullmatch(fields.get("response_type", "")):
        raise InvalidRequestError("The response type is not known.")
    return fields


def _fields(encoded: bytes) -> dict[str, str]:
    """Return form-encoded fields, each once; an empty one counts as left out (RFC 6749 §3.1)."""
    try:
        pairs = parse_qsl(
            encoded.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict"
        )
    except ValueError:
        raise InvalidRequestError("The form cannot be read.") from None
    fields = {name: value for name, value in pairs if value}
    if len(pairs) != len({name for name, _ in pairs}):
        raise InvalidRequestError("A field is given twice.")
    if not all(value.isprintable() for value in fields.values()):
        raise InvalidRequestError("A field holds what is not text.")
    return fields


def address_of(request: Request) -> str:
    """Return where a request comes from, as it is counted: of IPv6 the network that one customer is given."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((int(address), 64), strict=False))
    return host
