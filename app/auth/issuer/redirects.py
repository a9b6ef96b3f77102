"""Where a browser may be sent back to: addresses compared letter by letter, and which may be registered.

The one exception is RFC 8252 §7.3: a native program listens on the loopback address at a port that it only
knows when it starts, so the port alone is not compared there.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from app.auth.issuer.registry import Application, Client
from app.config import Settings
from app.errors import InputError

RESERVED: Final = "concord"
"""What ids of Concord's own applications begin with; no other client is registered under such an id."""
WEB_CLIENT: Final = "concord-web"
"""The pages that this server serves itself."""
WEB_CALLBACK: Final = "/login/callback"

_LONGEST: Final = 500
_LOOPBACK: Final = ("127.0.0.1", "::1")
_VISIBLE: Final = re.compile(r"[!-~]+")
_PRIVATE_SCHEME: Final = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")


def builtin_clients(settings: Settings) -> dict[str, Client]:
    """Return the applications that need no registration, by id: they live on this server's own address."""
    own = settings.issuer_url
    pages = Application("Concord", (f"{own}{WEB_CALLBACK}",), (f"{own}/",), first_party=True)
    return {WEB_CLIENT: Client(WEB_CLIENT, "none", None, None, None, application=pages)}


def redirect_allowed(application: Application, address: str) -> bool:
    """Say whether an authorization response may be sent to an address."""
    if address in application.redirect_uris:
        return True
    if not application.native:
        return False
    asked = _portless(address)
    return asked is not None and asked in map(_portless, application.redirect_uris)


def origin_of(address: str) -> str:
    """Return the source expression of an address for a Content-Security-Policy: its origin, or its scheme."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"


def check_application(application: Application) -> None:
    """Raise InputError for what an application may not be registered with."""
    if not 0 < len(application.title) <= 100 or not application.title.isprintable():
        raise InputError(reason="an application has a title of 1 to 100 characters, shown to people")
    if not application.redirect_uris:
        raise InputError(reason="an application needs an address to send the browser back to")
    if application.native and application.first_party:
        raise InputError(reason="a native program can be imitated by any other, so people are always asked")
    for address in (*application.redirect_uris, *application.logout_uris):
        _check_address(address, native=application.native)


def _check_address(address: str, *, native: bool) -> None:
    """Raise InputError unless a browser may be sent to an address."""
    if len(address) > _LONGEST or not _VISIBLE.fullmatch(address) or "\\" in address or '"' in address:
        raise InputError(reason=f"{address!r} is no address of at most {_LONGEST} plain characters")
    parts = _parts(address)
    if parts is None or "#" in address or "@" in parts.netloc or "*" in parts.netloc:
        raise InputError(reason=f"{address!r} must be a full address without user, wildcard or fragment")
    secure = parts.scheme == "https" and bool(parts.hostname)
    local = parts.scheme == "http" and parts.hostname in (*_LOOPBACK, "localhost")
    own_scheme = native and not parts.netloc and _PRIVATE_SCHEME.fullmatch(parts.scheme)
    if not (secure or local or own_scheme):
        raise InputError(
            reason=f"{address!r} must be https, http on this machine alone, or for a native program a scheme "
            "that is a reversed domain name"
        )


def _parts(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        _ = parts.port  # an impossible one is found only when asked for
    except ValueError:
        return None
    return parts


def _portless(address: str) -> tuple[str, str, str] | None:
    """Return host, path and query of an address on the loopback interface; None for all others."""
    parts = _parts(address)
    if parts is None or parts.scheme != "http" or "@" in parts.netloc or "#" in address:
        return None
    host = parts.hostname
    return (host, parts.path, parts.query) if host in _LOOPBACK else None
