"""Authlib's authorization server, for Starlette: requests in, responses out, grants in a worker thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request, grants
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from starlette.responses import JSONResponse, Response

from app.auth.issuer.authenticating import ClientAuthenticator
from app.auth.issuer.endpoints import Introspection, Revocation
from app.auth.issuer.registry import CLIENT_SUBJECT, Client, Registry
from app.auth.issuing import issue_token
from app.auth.validation import TokenValidator
from app.config import Settings

SCOPE: Final = "concord"
"""The one scope: what a token opens is its role's, not a selection by the client."""
CLIENT_CREDENTIALS: Final = "client_credentials"


class FormRequest(OAuth2Request):
    """A request to one of the endpoints, as far as Authlib looks at it."""

    def __init__(self, headers: Mapping[str, str], form: dict[str, str], address: str) -> None:
        """Take a form that was read; `address` is the caller's network address."""
        # Authlib refuses http by itself; where http is allowed was decided for CONCORD_PUBLIC_URL.
        super().__init__("POST", "https://issuer.invalid/", headers=headers)
        self.payload = BasicOAuth2Payload(form)
        self.address = address
        self._form = form

    @property
    def args(self) -> dict[str, str]:
        """Nothing: parameters in an address end up in logs and are not looked at."""
        return {}

    @property
    def form(self) -> dict[str, str]:
        """The form's fields, each given once."""
        return self._form


class RegisteredClient(ClientMixin):
    """A client of the registry as Authlib asks about it."""

    def __init__(self, client: Client) -> None:
        """Wrap a client that has proved itself."""
        self.registered = client

    def get_client_id(self) -> str:
        """Return its id."""
        return self.registered.client_id

    def get_allowed_scope(self, scope: str) -> str:
        """Return the one scope there is."""
        return SCOPE

    def check_grant_type(self, grant_type: str) -> bool:
        """Say whether it may use a grant: machines get tokens for themselves only."""
        return grant_type == CLIENT_CREDENTIALS


class TokenServer(AuthorizationServer):
    """Issues access tokens to registered clients."""

    def __init__(self, settings: Settings, registry: Registry, validator: TokenValidator) -> None:
        """Register the grants and endpoints that there are."""
        super().__init__(scopes_supported=[SCOPE])
        self._settings = settings
        self._authenticator = ClientAuthenticator(settings, registry)
        self.register_token_generator("default", self._token)
        self.register_grant(grants.ClientCredentialsGrant)
        self.register_endpoint(Revocation(registry, validator, settings.issuer_url))
        self.register_endpoint(Introspection(registry, validator, settings.issuer_url))

    def authenticate_client(
        self, request: FormRequest, methods: Sequence[str], endpoint: str = "token"
    ) -> RegisteredClient:
        """Return the client that proved itself; Authlib's own way tells which ids exist."""
        client = self._authenticator.authenticate(request.headers, request.form, request.address)
        return RegisteredClient(client)

    def create_oauth2_request(self, request: FormRequest) -> FormRequest:
        """Return the request: the routes make it."""
        return request

    def handle_response(self, status: int, body: Any, headers: Sequence[tuple[str, str]]) -> Response:
        """Return Starlette's response."""
        content = dict(body) if isinstance(body, list | dict) else {}
        return JSONResponse(content, status, headers=dict(headers))

    def save_token(self, token: dict[str, Any], request: FormRequest) -> None:
        """Keep nothing: an access token is its own record, and there are no refresh tokens."""

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Tell nobody."""

    def _token(self, *, client: RegisteredClient, scope: str | None = None, **_: object) -> dict[str, Any]:
        """Return the answer to a granted request (RFC 6749 §5.1)."""
        registered, longest = client.registered, self._settings.client_token_ttl_seconds
        ttl = min(registered.ttl_seconds or longest, longest)
        token = issue_token(
            self._settings,
            registered.audience,
            registered.role,
            registered.party,
            ttl,
            subject=f"{CLIENT_SUBJECT}{registered.client_id}",
            issuer=self._settings.issuer_url,
            client_id=registered.client_id,
        )
        return {"token_type": "Bearer", "access_token": token, "expires_in": ttl, "scope": scope or SCOPE}
