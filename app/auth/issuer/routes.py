"""The built-in issuer over HTTP: bounded forms in, JSON out, and never a traceback."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qsl

import anyio
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from app.auth.issuer.authenticating import ASSERTION_ALGORITHMS
from app.auth.issuer.rates import RateLimit
from app.auth.issuer.registry import Registry
from app.auth.issuer.server import CLIENT_CREDENTIALS, SCOPE, FormRequest, TokenServer
from app.auth.local_keys import LocalKeys
from app.auth.validation import TokenValidator
from app.config import Settings
from app.errors import StoreError

_log = logging.getLogger(__name__)

MAX_FORM_BYTES: Final = 16 * 1024
MAX_FIELDS: Final = 20
WORKERS: Final = 4
"""Requests worked on at once in a process: each may take 19 MiB to hash a secret."""
_METHODS: Final = ["client_secret_basic", "client_secret_post", "private_key_jwt"]


def issuer_routes(settings: Settings, registry: Registry, validator: TokenValidator) -> list[BaseRoute]:
    """Return the routes of the built-in issuer."""
    endpoints = _Endpoints(settings, registry, validator)
    return [
        Route("/oauth/token", endpoints.token, methods=["POST"]),
        Route("/oauth/revoke", endpoints.revoke, methods=["POST"]),
        Route("/oauth/introspect", endpoints.introspect, methods=["POST"]),
        Route("/oauth/jwks", endpoints.jwks, methods=["GET"]),
        Route("/.well-known/openid-configuration", endpoints.metadata, methods=["GET"]),
        Route("/.well-known/oauth-authorization-server", endpoints.metadata, methods=["GET"]),
    ]


class _Endpoints:
    """The endpoints over one token server."""

    def __init__(self, settings: Settings, registry: Registry, validator: TokenValidator) -> None:
        self._settings = settings
        self._server = TokenServer(settings, registry, validator)
        self._keys = LocalKeys(settings)
        self._rate = RateLimit(settings.token_requests_per_minute)
        self._workers = anyio.CapacityLimiter(WORKERS)

    async def token(self, request: Request) -> Response:
        """Issue an access token (RFC 6749 §3.2)."""
        return await self._answer(request, self._server.create_token_response)

    async def revoke(self, request: Request) -> Response:
        """Revoke an access token (RFC 7009)."""
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
        return JSONResponse(_metadata(self._settings.issuer_url))

    async def _answer(self, request: Request, work: Callable[[FormRequest], Any]) -> Response:
        """Return what `work` makes of the form, in a worker thread; errors as RFC 6749 §5.2 has them."""
        address = request.client.host if request.client else ""
        wait = self._rate.wait(address)
        if wait:
            return _error(429, "slow_down", "Too many requests.", {"Retry-After": str(wait)})
        try:
            form = FormRequest(request.headers, await _read_form(request), address)
            response: Response = await anyio.to_thread.run_sync(work, form, limiter=self._workers)
        except OAuth2Error as error:
            response = self._server.handle_error_response(None, error)
        except StoreError as error:
            _log.error("the built-in issuer cannot reach its registry: %s", error.code)
            return _error(503, "temporarily_unavailable", "Try again later.", {"Retry-After": "5"})
        return response


async def _read_form(request: Request) -> dict[str, str]:
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
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict"
        )
    except (ClientDisconnect, ValueError):
        raise InvalidRequestError("The form cannot be read.") from None
    form = {name: value for name, value in pairs if value}  # RFC 6749 §3.1: an empty one counts as left out
    if len(pairs) != len({name for name, _ in pairs}) or not all(
        value.isprintable() for value in form.values()
    ):
        raise InvalidRequestError("A field is given twice or holds what is not text.")
    if not form.get("grant_type", "x").isascii():
        raise InvalidRequestError("The grant type is not known.")
    return form


def _error(status: int, code: str, description: str, headers: dict[str, str]) -> Response:
    return JSONResponse({"error": code, "error_description": description}, status, headers=headers)


def _metadata(issuer: str) -> dict[str, object]:
    """Return the metadata of the authorization server."""
    return {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/oauth/token",
        "jwks_uri": f"{issuer}/oauth/jwks",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "grant_types_supported": [CLIENT_CREDENTIALS],
        "response_types_supported": [],
        "scopes_supported": [SCOPE],
        "token_endpoint_auth_methods_supported": _METHODS,
        "token_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": _METHODS,
        "revocation_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "introspection_endpoint_auth_methods_supported": _METHODS,
        "introspection_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
    }
