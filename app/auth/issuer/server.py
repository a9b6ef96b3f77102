"""Authlib's authorization server, for Starlette: requests in, responses out, grants in a worker thread."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from anyio import from_thread
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request, grants
from authlib.oauth2.rfc6749.errors import UnauthorizedClientError
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from starlette.responses import JSONResponse, RedirectResponse, Response

from app.auth.issuer.authenticating import ClientAuthenticator
from app.auth.issuer.endpoints import Introspection, Revocation
from app.auth.issuer.id_tokens import IdTokens
from app.auth.issuer.login_grants import CodeGrant, Entitled, RefreshGrant
from app.auth.issuer.proof_key import ProofKey
from app.auth.issuer.redirects import redirect_allowed
from app.auth.issuer.registry import CLIENT_SUBJECT, Client, Registry
from app.auth.issuing import issue_token
from app.auth.principal import Rights
from app.auth.validation import TokenValidator
from app.config import Settings

SCOPE: Final = "concord"
"""The one scope of access tokens: what a token opens is its role's, not a selection by the client."""
OPENID: Final = "openid"
"""Asks for an ID token as well."""
CLIENT_CREDENTIALS: Final = "client_credentials"
LOGIN_GRANTS: Final = ("authorization_code", "refresh_token")


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
        """Wrap a client of the registry."""
        self.registered = client

    def get_client_id(self) -> str:
        """Return its id."""
        return self.registered.client_id

    def get_allowed_scope(self, scope: str | None) -> str:
        """Return what is granted whatever is asked for: the one scope, and an ID token on request."""
        wanted = self.registered.application is not None and OPENID in (scope or "").split()
        return f"{OPENID} {SCOPE}" if wanted else SCOPE

    def get_default_redirect_uri(self) -> None:
        """Return nothing: the address is always said, and compared."""

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Say whether a browser may be sent to an address."""
        application = self.registered.application
        return application is not None and redirect_allowed(application, redirect_uri)

    def check_response_type(self, response_type: str) -> bool:
        """Say whether people may log in to it."""
        return self.registered.application is not None and response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """Say whether it may use a grant: machines get tokens for themselves, applications for people."""
        if self.registered.application is not None:
            return grant_type in LOGIN_GRANTS
        return grant_type == CLIENT_CREDENTIALS


class TokenServer(AuthorizationServer):
    """Issues access tokens to machines, and to applications for the people who log in to them."""

    def __init__(self, settings: Settings, registry: Registry, validator: TokenValidator) -> None:
        """Register the grants and endpoints that there are."""
        super().__init__(scopes_supported=[OPENID, SCOPE])
        self.registry = registry
        self.family_seconds = settings.refresh_ttl_seconds
        self._settings = settings
        self._authenticator = ClientAuthenticator(settings, registry)
        self.register_token_generator("default", self._token)
        self.register_grant(grants.ClientCredentialsGrant)
        self.register_grant(CodeGrant, [ProofKey(), IdTokens(settings)])
        self.register_grant(RefreshGrant)
        self.register_endpoint(Revocation(registry, validator, settings.issuer_url))
        self.register_endpoint(Introspection(registry, validator, settings.issuer_url))

    def query_client(self, client_id: str) -> RegisteredClient | None:
        """Return a client that has proved nothing yet."""
        client = from_thread.run(self.registry.find_client, client_id)
        return None if client is None else RegisteredClient(client)

    def authenticate_client(
        self, request: FormRequest, methods: Sequence[str], endpoint: str = "token"
    ) -> RegisteredClient:
        """Return the client that proved itself; Authlib's own way tells which ids exist."""
        client = self._authenticator.authenticate(
            request.headers, request.form, request.address, public="none" in methods
        )
        return RegisteredClient(client)

    def create_oauth2_request(self, request: FormRequest) -> FormRequest:
        """Return the request: the routes make it."""
        return request

    def handle_response(self, status: int, body: Any, headers: Sequence[tuple[str, str]]) -> Response:
        """Return Starlette's response; every way back to a client says who sends it (RFC 9207)."""
        listed = dict(headers)
        if "Location" in listed:
            address = add_params_to_uri(listed["Location"], [("iss", self._settings.issuer_url)])
            return RedirectResponse(address, 303)
        content = dict(body) if isinstance(body, list | dict) else {}
        return JSONResponse(content, status, headers=listed)

    def save_token(self, token: dict[str, Any], request: FormRequest) -> None:
        """Put on record that a machine was given a token; a person's family of tokens has been before.

        Nothing else is kept: access tokens are their own record.
        """
        if request.user is None:
            client_id = request.client.get_client_id()
            from_thread.run(self.registry.issue_to_client, client_id, request.address)

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Tell nobody."""

    def _token(
        self,
        *,
        client: RegisteredClient,
        user: Entitled | None = None,
        scope: str | None = None,
        **_: object,
    ) -> dict[str, Any]:
        """Return the answer to a granted request (RFC 6749 §5.1)."""
        registered, longest = client.registered, self._settings.client_token_ttl_seconds
        ttl = min(registered.ttl_seconds or longest, longest)
        answer: dict[str, Any] = {"token_type": "Bearer", "scope": scope or SCOPE}
        if user is not None:
            ttl = max(1, min(ttl, user.family.expires_at - int(time.time())))
            token = self._for_person(user, registered.client_id, ttl)
            if user.refresh_token is not None:
                answer["refresh_token"] = user.refresh_token
        else:
            token = self._for_machine(registered, ttl)
        return {**answer, "access_token": token, "expires_in": ttl}

    def _for_machine(self, client: Client, ttl: int) -> str:
        if client.rights is None:
            raise UnauthorizedClientError("An application gets tokens for people only.")
        return self._access_token(client.rights, f"{CLIENT_SUBJECT}{client.client_id}", client.client_id, ttl)

    def _for_person(self, user: Entitled, client_id: str, ttl: int) -> str:
        account, family = user.family.account, user.family.family
        return self._access_token(account.rights, account.subject, client_id, ttl, family)

    def _access_token(
        self, rights: Rights, subject: str, client_id: str, ttl: int, family: str | None = None
    ) -> str:
        return issue_token(
            self._settings,
            rights.audience,
            rights.role,
            rights.party,
            ttl,
            subject=subject,
            issuer=self._settings.issuer_url,
            client_id=client_id,
            family=family,
        )
