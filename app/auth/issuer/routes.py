"""The built-in issuer over HTTP: bounded forms in, JSON out, and never a traceback."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from authlib.oauth2 import OAuth2Error
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from app.auth.issuer.forms import address_of, read_form
from app.auth.issuer.limits import Limits
from app.auth.issuer.login_routes import login_routes
from app.auth.issuer.metadata import metadata
from app.auth.issuer.registry import Registry
from app.auth.issuer.revocations import LiveAuthenticator
from app.auth.issuer.server import FormRequest, TokenServer
from app.auth.local_keys import LocalKeys
from app.auth.validation import TokenValidator
from app.config import Settings
from app.errors import StoreError

_log = logging.getLogger(__name__)


def issuer_routes(settings: Settings, registry: Registry, validator: TokenValidator) -> list[BaseRoute]:
    """Return the routes of the built-in issuer."""
    server = TokenServer(settings, registry, validator)
    limits = Limits(registry, settings.token_requests_per_minute)
    live = LiveAuthenticator(validator, registry, settings.issuer_url)
    endpoints = _Endpoints(settings, server, limits)
    return [
        Route("/oauth/token", endpoints.token, methods=["POST"]),
        Route("/oauth/revoke", endpoints.revoke, methods=["POST"]),
        Route("/oauth/introspect", endpoints.introspect, methods=["POST"]),
        Route("/oauth/jwks", endpoints.jwks, methods=["GET"]),
        Route("/.well-known/openid-configuration", endpoints.metadata, methods=["GET"]),
        Route("/.well-known/oauth-authorization-server", endpoints.metadata, methods=["GET"]),
        *login_routes(settings, registry, server, limits, live),
    ]


class _Endpoints:
    """The endpoints that programs use, over one token server."""

    def __init__(self, settings: Settings, server: TokenServer, limits: Limits) -> None:
        self._settings = settings
        self._server = server
        self._limits = limits
        self._keys = LocalKeys(settings)

    async def token(self, request: Request) -> Response:
        """Issue tokens (RFC 6749 §3.2)."""
        return await self._answer(request, self._server.create_token_response)

    async def revoke(self, request: Request) -> Response:
        """Revoke a token (RFC 7009)."""
        return await self._answer(
            request, lambda form: self._server.create_endpoint_response("revocation", form)
        )

    async def introspect(self, request: Request) -> Response:
        """Say what an access token is (RFC 7662)."""
        return await self._answer(
            request, lambda form: self._server.create_endpoint_response("introspection", form)
        )

    async def jwks(self, _: Request) -> Response:
        """Publish the keys that verify (RFC 7517); replaced ones as long as they do."""
        keys = self._keys.current
        listed = [keys.public[kid].as_dict(private=False) for kid in keys.public if self._keys.known(kid)]
        return JSONResponse({"keys": listed}, headers={"Cache-Control": "public, max-age=60"})

    async def metadata(self, _: Request) -> Response:
        """Say what there is and where (RFC 8414, OpenID Connect Discovery 1.0)."""
        return JSONResponse(metadata(self._settings.issuer_url))

    async def _answer(self, request: Request, work: Callable[[FormRequest], Any]) -> Response:
        """Return what `work` makes of the form, in a worker thread; errors as RFC 6749 §5.2 has them."""
        address = address_of(request)
        try:
            wait = await self._limits.wait(address)
            if wait:
                return _error(429, "slow_down", "Too many requests.", {"Retry-After": str(wait)})
            form = FormRequest(request.headers, await read_form(request), address)
            response: Response = await self._limits.work(work, form)
        except OAuth2Error as error:
            response = self._server.handle_error_response(None, error)
        except StoreError as error:
            _log.error("the built-in issuer cannot reach its registry: %s", error.code)
            return _error(503, "temporarily_unavailable", "Try again later.", {"Retry-After": "5"})
        return response


def _error(status: int, code: str, description: str, headers: dict[str, str]) -> Response:
    return JSONResponse({"error": code, "error_description": description}, status, headers=headers)
