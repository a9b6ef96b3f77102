"""The keys of an OpenID provider: found by discovery, kept, and fetched again when they rotate.

Whoever calls can send any key id, so what callers send must not decide how often the provider is asked: an
unknown id, a flood of them and an old key set all lead to one request at a time, one in `floor` seconds
at most. While the provider does not answer, the keys that are known go on.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import httpx2
import orjson

from app.auth.verifying import VerificationKey, read_key_set

_log = logging.getLogger(__name__)

FLOOR_SECONDS: Final = 30.0
FRESH_SECONDS: Final = 300.0
TIMEOUT_SECONDS: Final = 5.0
MAX_DOCUMENT_BYTES: Final = 512 * 1024

_HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "identity"}
"""No compression: the bound on a document counts what is kept in memory."""

Fetch = Callable[[str], Awaitable[Mapping[str, object]]]
"""Returns the JSON object at an address; raises ProviderError."""


class ProviderError(Exception):
    """The provider did not give what was asked for."""


def is_secure(address: str) -> bool:
    """Say whether what comes from an address can be trusted: https, or http on this machine alone."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    if not host or parts.username is not None or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))


def is_loopback(host: str) -> bool:
    """Say whether a host name is this machine's own."""
    return host in ("127.0.0.1", "::1", "localhost")


async def fetch_json(address: str) -> Mapping[str, object]:
    """Return the JSON object at an https (or loopback) address.

    Redirects are not followed. Raises ProviderError for everything else than such an answer within
    TIMEOUT_SECONDS and MAX_DOCUMENT_BYTES.
    """
    if not is_secure(address):
        raise ProviderError(f"{address} is neither https nor on this machine")
    proxies = not is_loopback(urlsplit(address).hostname or "")
    try:
        async with (
            asyncio.timeout(TIMEOUT_SECONDS),
            httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=proxies) as client,
            client.stream("GET", address, headers=_HEADERS) as response,
        ):
            if response.status_code != 200:
                raise ProviderError(f"{address} answered {response.status_code}")
            value = orjson.loads(await _body(response))
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        raise ProviderError(f"{address}: {type(error).__name__}") from error
    if not isinstance(value, dict):
        raise ProviderError(f"{address} holds no JSON object")
    return value


async def _body(response: httpx2.Response) -> bytes:
    """Return the body; stops as soon as it is too long."""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_DOCUMENT_BYTES:
            raise ProviderError(f"the document is longer than {MAX_DOCUMENT_BYTES} bytes")
    return bytes(body)


@dataclass(frozen=True, slots=True)
class Timing:
    """How often a provider is asked, in seconds: at most once in `floor`, and again after `fresh`."""

    floor: float = FLOOR_SECONDS
    fresh: float = FRESH_SECONDS


class RemoteKeys:
    """The verification keys of one provider."""

    def __init__(
        self,
        issuer: str,
        algorithms: Collection[str],
        jwks_uri: str | None = None,
        *,
        timing: Timing | None = None,
        fetch: Fetch = fetch_json,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take an issuer; without `jwks_uri` its discovery document says where the keys are."""
        self._issuer = issuer
        self._algorithms = algorithms
        self._jwks_uri = jwks_uri
        self._timing = timing or Timing()
        self._fetch = fetch
        self._clock = clock
        self._keys: Mapping[str, VerificationKey] = {}
        self._fetched_at = float("-inf")
        self._asked_at = float("-inf")
        self._failing = False
        self._refreshing: asyncio.Task[None] | None = None

    def known(self, kid: str) -> VerificationKey | None:
        """Return a key that is at hand."""
        return self._keys.get(kid)

    async def find(self, kid: str) -> VerificationKey | None:
        """Return a key, after asking the provider where the id is unknown or the keys are old.

        Waits for one answer at most, and for a known key not at all while the provider fails.
        """
        key, now = self._keys.get(kid), self._clock()
        if key is not None and now - self._fetched_at < self._timing.fresh:
            return key
        if self._refreshing is None and now - self._asked_at >= self._timing.floor:
            self._asked_at = now
            self._refreshing = asyncio.create_task(self._refresh())
        if self._refreshing is not None and (key is None or not self._failing):
            await asyncio.shield(self._refreshing)
        return self._keys.get(kid)

    async def _refresh(self) -> None:
        """Replace the keys by what the provider publishes now; leave them if it does not answer."""
        try:
            document = await self._fetch(self._jwks_uri or await self._discovered())
            keys = read_key_set(document, self._algorithms)
            if not keys:
                raise ProviderError("no usable key is published")
        except (ProviderError, ValueError) as error:
            self._failing = True
            _log.warning("keys of %s not fetched: %s", self._issuer, error)
        except Exception:
            self._failing = True
            _log.exception("keys of %s not fetched", self._issuer)
        else:
            self._keys, self._fetched_at, self._failing = keys, self._clock(), False
        finally:
            self._refreshing = None

    async def _discovered(self) -> str:
        """Return the address of the keys by OpenID Connect Discovery 1.0 §4.

        It is read anew each time: a provider may move its keys. Raises ProviderError.
        """
        address = self._issuer.rstrip("/") + "/.well-known/openid-configuration"
        document = await self._fetch(address)
        jwks_uri = document.get("jwks_uri")
        if document.get("issuer") != self._issuer:  # §4.3: else it could speak for another
            raise ProviderError(f"{address} names another issuer")
        if not isinstance(jwks_uri, str) or not is_secure(jwks_uri):
            raise ProviderError(f"{address} names no secure jwks_uri")
        return jwks_uri
