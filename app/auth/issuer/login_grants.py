"""The grants behind a login, on Authlib's: a code that is good for once, and refresh tokens that rotate.

Authlib asks for a code or token first and marks it as used after it has answered; two requests at once would
both be served. Here each is taken by the store before anything is issued, and whoever comes second ends all.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any, Final

from anyio import from_thread
from authlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant

from app.auth.issuer.logins import Family, Grant, Session, digest

CODE_SECONDS: Final = 60
_METHODS: Final = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]


@dataclass(frozen=True, slots=True)
class Entitled:
    """Whom tokens are issued to: a living family, and the refresh token that comes with the access token."""

    family: Family
    refresh_token: str | None = field(repr=False)


class TakenCode:
    """A code that was taken, as Authlib asks about it."""

    def __init__(self, grant: Grant) -> None:
        """Take what was granted by it."""
        self.grant = grant
        self.code_challenge = grant.challenge

    def get_redirect_uri(self) -> str:
        """Return where the code was sent."""
        return self.grant.redirect_uri

    def get_scope(self) -> str:
        """Return what was granted."""
        return self.grant.scope


class HeldToken:
    """A refresh token of a living family, as Authlib asks about it."""

    def __init__(self, text: str, family: Family) -> None:
        """Take the token and its family."""
        self.text = text
        self.family = family

    def check_client(self, client: Any) -> bool:
        """Say whether it was issued to this client."""
        return bool(self.family.client_id == client.get_client_id())

    def get_scope(self) -> str:
        """Return what was granted."""
        return self.family.scope


class CodeGrant(AuthorizationCodeGrant):
    """RFC 6749 §4.1: the code is bound to client, address and challenge."""

    TOKEN_ENDPOINT_AUTH_METHODS = _METHODS

    @staticmethod
    def validate_authorization_redirect_uri(request: Any, client: Any) -> str:
        """Return the address to answer to; without one that is registered nobody is sent anywhere."""
        address = request.payload.redirect_uri
        if not address or not client.check_redirect_uri(address):
            raise InvalidRequestError("The redirect_uri is not one of this client.")
        return str(address)

    def save_authorization_code(self, code: str, request: Any) -> None:
        """Keep what the person granted."""
        session: Session = request.user
        grant = Grant(
            family=secrets.token_urlsafe(16),
            client_id=request.client.get_client_id(),
            account=session.account.name,
            session_id=session.session_id,
            scope=request.scope,
            auth_time=session.auth_time,
            redirect_uri=request.payload.redirect_uri,
            challenge=request.payload.data["code_challenge"],
            nonce=request.payload.data.get("nonce"),
        )
        server = self.server
        from_thread.run(server.registry.grant, grant, digest(code), CODE_SECONDS, server.family_seconds)

    def query_authorization_code(self, code: str, client: Any) -> TakenCode | None:
        """Take the code: whatever else is wrong with the request, it is good for no other."""
        grant = from_thread.run(self.server.registry.redeem, digest(code), client.get_client_id())
        return None if grant is None else TakenCode(grant)

    def authenticate_user(self, authorization_code: TakenCode) -> Entitled:
        """Return whom to issue to, if nothing has ended in between."""
        text = secrets.token_urlsafe(32) if self.request.client.check_grant_type("refresh_token") else None
        hashed = None if text is None else digest(text)
        family = from_thread.run(self.server.registry.start_family, authorization_code.grant.family, hashed)
        if family is None:
            raise InvalidGrantError("What the code granted has ended.")
        return Entitled(family, text)

    def delete_authorization_code(self, authorization_code: TakenCode) -> None:
        """Do nothing more: it was taken before anything was issued."""


class RefreshGrant(RefreshTokenGrant):
    """RFC 6749 §6 with rotation (RFC 9700 §4.14.2)."""

    TOKEN_ENDPOINT_AUTH_METHODS = _METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> HeldToken | None:
        """Return the token, if its family lives and it was never used."""
        client_id = self.request.client.get_client_id()
        family = from_thread.run(self.server.registry.find_refresh_token, digest(refresh_token), client_id)
        return None if family is None else HeldToken(refresh_token, family)

    def authenticate_user(self, refresh_token: HeldToken) -> Entitled:
        """Put a new token in its place, and return whom to issue to."""
        text = secrets.token_urlsafe(32)
        family = from_thread.run(self.server.registry.rotate, digest(refresh_token.text), digest(text))
        if family is None:
            raise InvalidGrantError("The refresh token has ended.")
        return Entitled(family, text)

    def revoke_old_credential(self, refresh_token: HeldToken) -> None:
        """Do nothing more: it was replaced before anything was issued."""
