"""Where people can log in: the built-in issuer, and the configured ones that have a `login`."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
from authlib.integrations.starlette_client import StarletteIntegration, StarletteOAuth2App
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from app.auth.issuer import WEB_CALLBACK, WEB_CLIENT
from app.auth.issuer.metadata import metadata
from app.auth.issuer.server import OPENID, SCOPE
from app.auth.keys import ALGORITHM
from app.auth.login_client import LoginClient
from app.auth.remote_keys import TIMEOUT_SECONDS, ProviderError, fetch_json, is_loopback, is_secure
from app.auth.trust import Issuer
from app.config import Settings

BUILTIN: Final = "concord"
"""Name of the built-in issuer among the providers; in CONCORD_ISSUERS_FILE it is not to be had."""
FRESH_SECONDS: Final = 300.0
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_OPTIONAL_ENDPOINTS: Final = ("end_session_endpoint", "revocation_endpoint")

Metadata = Mapping[str, Any]
Transport = Callable[[str], httpx2.AsyncBaseTransport]
"""Makes the way to a provider for the browser at a network address."""


@dataclass(slots=True)
class Provider:
    """A provider where people can log in, and what it says about itself."""

    name: str
    issuer: str
    client: LoginClient
    prefix: str
    algorithms: frozenset[str]
    transport: Transport | None = field(default=None, repr=False)
    """None: over the network."""
    describe: Callable[[str], Awaitable[Metadata]] = field(default=fetch_json, repr=False)
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    _metadata: Metadata | None = field(default=None, init=False, repr=False)
    _read_at: float = field(default=float("-inf"), init=False, repr=False)

    @property
    def callback(self) -> str:
        """Where it sends browsers back to: a path for each provider, so that none can answer for another.

        A provider that leads a browser on to another one with our request (RFC 9700 §4.4) is told apart by
        that even where the other one does not send `iss`.
        """
        return WEB_CALLBACK if self.name == BUILTIN else f"{WEB_CALLBACK}/{self.name}"

    async def metadata(self) -> Metadata:
        """Return its discovery document, FRESH_SECONDS old at most; raises ProviderError for a bad one."""
        if self._metadata is None or self.clock() - self._read_at >= FRESH_SECONDS:
            address = self.issuer.rstrip("/") + "/.well-known/openid-configuration"
            self._metadata = _usable(await self.describe(address), self.issuer)
            self._read_at = self.clock()
        return self._metadata

    async def app(self, address: str) -> StarletteOAuth2App:
        """Return Authlib's client of this provider, for one use by the browser at a network address.

        Raises ProviderError.
        """
        metadata = await self.metadata()
        reach: dict[str, Any] = {"timeout": TIMEOUT_SECONDS, "trust_env": not self._is_local()}
        if self.transport is not None:
            reach["transport"] = self.transport(address)
        return StarletteOAuth2App(
            StarletteIntegration(self.name),
            name=self.name,
            client_id=self.client.client_id,
            client_secret=self.client.secret,
            client_kwargs={
                "scope": " ".join(self.client.scopes),
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": _method(self.client, metadata),
                "revocation_endpoint_auth_method": _method(self.client, metadata),
                **reach,
            },
            **metadata,
            id_token_signing_alg_values_supported=sorted(self.algorithms),
        )

    def _is_local(self) -> bool:
        return is_loopback(urlsplit(self.issuer).hostname or "")


def login_providers(issuers: Iterable[Issuer]) -> list[Provider]:
    """Return the configured issuers that people log in at, in the order of the file."""
    return [
        Provider(each.name, each.issuer, each.login, each.prefix, each.algorithms)
        for each in issuers
        if each.login is not None
    ]


def builtin_provider(settings: Settings, issuer: Sequence[BaseRoute]) -> Provider:
    """Return the built-in issuer as a provider; it is asked in this process, as if by the browser's address.

    Behind a proxy a server may not reach its own public address, and need not.
    """
    application = Starlette(routes=issuer)

    def transport(address: str) -> httpx2.AsyncBaseTransport:
        return httpx2.ASGITransport(app=application, client=(address, 0))

    async def describe(_: str) -> Metadata:
        return metadata(settings.issuer_url)

    client = LoginClient("Concord account", WEB_CLIENT, scopes=(OPENID, SCOPE))
    algorithms = frozenset({ALGORITHM})
    return Provider(BUILTIN, settings.issuer_url, client, "", algorithms, transport, describe)


def _usable(document: Metadata, issuer: str) -> Metadata:
    """Return what is needed of a discovery document; raises ProviderError where it is missing or unsafe."""
    if document.get("issuer") != issuer:
        raise ProviderError(f"the discovery document of {issuer} names another issuer")
    found = {"issuer": issuer}
    for name in (*_ENDPOINTS, *_OPTIONAL_ENDPOINTS):
        address = document.get(name)
        if isinstance(address, str) and is_secure(address):
            found[name] = address
        elif name in _ENDPOINTS:
            raise ProviderError(f"the discovery document of {issuer} has no usable {name}")
    for name in ("authorization_response_iss_parameter_supported", "token_endpoint_auth_methods_supported"):
        if name in document:
            found[name] = document[name]
    return found


def _method(client: LoginClient, metadata: Metadata) -> str:
    """Return how the client proves itself: not at all without a secret, else by what the provider takes."""
    if client.secret is None:
        return "none"
    offered = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return "client_secret_basic" if "client_secret_basic" in offered else "client_secret_post"
