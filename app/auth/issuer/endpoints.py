"""Revocation (RFC 7009) and introspection (RFC 7662): a client asks about its own access tokens."""

from __future__ import annotations

import time
from typing import Any

from anyio import from_thread
from authlib.oauth2.rfc6749 import TokenMixin
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from app.auth.issuer.registry import CLIENT_SUBJECT, Registry
from app.auth.principal import Principal
from app.auth.validation import TokenValidator
from app.errors import Unauthenticated


class IssuedToken(TokenMixin):
    """A valid access token of the built-in issuer, as Authlib asks about it."""

    def __init__(self, principal: Principal, *, revoked: bool) -> None:
        """Take what the token says."""
        self.principal = principal
        self._revoked = revoked

    def check_client(self, client: Any) -> bool:
        """Say whether it was issued to this client."""
        return self.principal.subject == f"{CLIENT_SUBJECT}{client.get_client_id()}"

    def is_expired(self) -> bool:
        """Say whether its time is over."""
        return self.principal.expires_at <= time.time()

    def is_revoked(self) -> bool:
        """Say whether it was ended before its time."""
        return self._revoked


class _Tokens:
    """How both endpoints find a token."""

    def __init__(self, registry: Registry, validator: TokenValidator, issuer: str) -> None:
        self._registry = registry
        self._validator = validator
        self._issuer = issuer

    def find(self, text: str) -> IssuedToken | None:
        """Return a valid token that this issuer issued; there are no others to ask about."""
        try:
            principal = self._validator.validate(text)
        except Unauthenticated:
            return None
        if principal.issuer != self._issuer:
            return None
        revoked = from_thread.run(self._registry.revoked)
        return IssuedToken(principal, revoked=principal.token_id in revoked.token_ids)


class Revocation(RevocationEndpoint):
    """Ends an access token before its time."""

    SUPPORTED_TOKEN_TYPES = ("access_token", "refresh_token")

    def __init__(self, registry: Registry, validator: TokenValidator, issuer: str) -> None:
        """Take what finds and keeps tokens."""
        super().__init__()
        self._registry = registry
        self._tokens = _Tokens(registry, validator, issuer)

    def query_token(self, token_string: str, token_type_hint: str | None) -> IssuedToken | None:
        """Return the token, None for what is none (RFC 7009 §2.2: that is no error)."""
        return self._tokens.find(token_string)

    def revoke_token(self, token: IssuedToken, request: Any) -> None:
        """End it."""
        from_thread.run(self._revoke, token.principal)

    async def _revoke(self, principal: Principal) -> None:
        await self._registry.revoke_token(principal.token_id, principal.expires_at, by=principal.subject)


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
            "client_id": principal.subject.removeprefix(CLIENT_SUBJECT),
            "exp": principal.expires_at,
            "jti": principal.token_id,
        }
