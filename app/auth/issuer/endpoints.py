"""Revocation (RFC 7009) and introspection (RFC 7662): a client asks about tokens that it was given."""

from __future__ import annotations

import time
from typing import Any

from anyio import from_thread
from authlib.oauth2.rfc6749 import TokenMixin
from authlib.oauth2.rfc6749.errors import InvalidGrantError
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from app.auth.claims import family_of
from app.auth.issuer.logins import Family, digest
from app.auth.issuer.registry import CLIENT_SUBJECT, Registry
from app.auth.principal import Principal
from app.auth.validation import TokenValidator
from app.errors import Unauthenticated


class IssuedToken(TokenMixin):
    """A valid access token of the built-in issuer, as Authlib asks about it."""

    def __init__(self, principal: Principal, client_id: str | None, *, revoked: bool) -> None:
        """Take what the token says, and whom it was issued to (None where that has ended)."""
        self.principal = principal
        self.client_id = client_id
        self._revoked = revoked

    def check_client(self, client: Any) -> bool:
        """Say whether it was issued to this client."""
        return bool(self.client_id == client.get_client_id())

    def is_expired(self) -> bool:
        """Say whether its time is over."""
        return self.principal.expires_at <= time.time()

    def is_revoked(self) -> bool:
        """Say whether it was ended before its time."""
        return self._revoked


class _Tokens:
    """How both endpoints find a token."""

    def __init__(self, registry: Registry, validator: TokenValidator, issuer: str) -> None:
        self.registry = registry
        self._validator = validator
        self._issuer = issuer

    def find(self, text: str) -> IssuedToken | None:
        """Return a valid access token that this issuer issued; there are no others to ask about."""
        try:
            principal = self._validator.validate(text)
        except Unauthenticated:
            return None
        if principal.issuer != self._issuer:
            return None
        revoked = from_thread.run(self.registry.revoked)
        return IssuedToken(principal, self._client_of(principal), revoked=revoked.covers(principal))

    def _client_of(self, principal: Principal) -> str | None:
        """Return the client that a token was issued to."""
        name = family_of(principal.token_id)
        if name is None:
            return principal.subject.removeprefix(CLIENT_SUBJECT)
        family = from_thread.run(self.registry.find_family, name)
        return None if family is None else family.client_id


class Revocation(RevocationEndpoint):
    """Ends an access token before its time; with a refresh token, all that one login gave the client."""

    CLIENT_AUTH_METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt", "none")
    SUPPORTED_TOKEN_TYPES = ("access_token", "refresh_token")

    def __init__(self, registry: Registry, validator: TokenValidator, issuer: str) -> None:
        """Take what finds and keeps tokens."""
        super().__init__()
        self._registry = registry
        self._tokens = _Tokens(registry, validator, issuer)

    def authenticate_token(self, request: Any, client: Any) -> IssuedToken | Family | None:
        """Return what the client may end, None for what is none (RFC 7009 §2.2: that is no error)."""
        self.check_params(request, client)
        text = request.form["token"]
        token = self._tokens.find(text)
        if token is None:
            return from_thread.run(self._registry.find_refresh_token, digest(text), client.get_client_id())
        if not token.check_client(client):
            raise InvalidGrantError
        return token

    def revoke_token(self, token: IssuedToken | Family, request: Any) -> None:
        """End it."""
        from_thread.run(self._revoke, token, f"{CLIENT_SUBJECT}{request.client.get_client_id()}")

    async def _revoke(self, token: IssuedToken | Family, by: str) -> None:
        if isinstance(token, Family):
            await self._registry.end_family(token.family, by=by)
        else:
            principal = token.principal
            await self._registry.revoke_token(principal.token_id, principal.expires_at, by=by)


class Introspection(IntrospectionEndpoint):
    """Says what an access token is, to the client that it was issued to."""

    SUPPORTED_TOKEN_TYPES = ("access_token", "refresh_token")

    def __init__(self, registry: Registry, validator: TokenValidator, issuer: str) -> None:
        """Take what finds tokens."""
        super().__init__()
        self._tokens = _Tokens(registry, validator, issuer)

    def query_token(self, token_string: str, token_type_hint: str | None) -> IssuedToken | None:
        """Return the token, None for what is none."""
        return self._tokens.find(token_string)

    def check_permission(self, token: IssuedToken, client: Any, request: Any) -> bool:
        """Say whether the client may know: of another's token it hears that it is not active."""
        return token.check_client(client)

    def introspect_token(self, token: IssuedToken) -> dict[str, object]:
        """Return what RFC 7662 §2.2 lists, as far as there is something to say."""
        principal = token.principal
        return {
            "active": True,
            "token_type": "Bearer",
            "iss": principal.issuer,
            "sub": principal.subject,
            "client_id": token.client_id,
            "exp": principal.expires_at,
            "jti": principal.token_id,
        }
