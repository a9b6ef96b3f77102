"""An OpenID provider in the test's own process: it lets in whom a test names, and lies as it wants."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx2 as httpx
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

API = "urn:concord:api"
CLIENT = "concord-web"


@dataclass
class LyingProvider:
    """What it says; a test changes one thing and sees whether Concord believes it."""

    issuer: str
    token_seconds: int = 300
    refreshes: bool = True
    id_claims: dict[str, Any] = field(default_factory=dict)
    """Put over the true claims of ID tokens; None leaves one out."""
    access_claims: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    down: bool = False
    busy: bool = False
    asked: list[dict[str, str]] = field(default_factory=list)
    """Forms that reached the token endpoint."""
    revoked: list[str] = field(default_factory=list)
    _codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    _refresh: dict[str, dict[str, Any]] = field(default_factory=dict)
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "k1", "use": "sig"}))

    def reset(self) -> None:
        """Be honest again, and remember nothing."""
        fresh = LyingProvider(self.issuer)
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(fresh, name))

    def describe(self) -> dict[str, Any]:
        """Return its discovery document."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "revocation_endpoint": f"{self.issuer}/revoke",
            "end_session_endpoint": f"{self.issuer}/logout",
            "authorization_response_iss_parameter_supported": True,
            **self.metadata,
        }

    def log_in(self, address: str, person: str, **claims: Any) -> dict[str, str]:
        """Do as if a person had logged in at the address of an authorization request; return the answer."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["code_challenge_method"] == "S256"
        assert asked["response_type"] == "code"
        code = secrets.token_urlsafe(16)
        self._codes[code] = {"person": person, "claims": claims, "asked": asked}
        return {"code": code, "state": asked["state"], "iss": self.issuer}

    def transport(self, _: str = "") -> httpx.ASGITransport:
        """Return the way to it."""
        routes = [
            Route("/token", self._token, methods=["POST"]),
            Route("/jwks", self._jwks),
            Route("/revoke", self._revoke, methods=["POST"]),
        ]
        return httpx.ASGITransport(app=Starlette(routes=routes))

    async def _jwks(self, _: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def _revoke(self, request: Request) -> Response:
        self.revoked.append(dict(parse_qsl((await request.body()).decode()))["token"])
        return Response()

    async def _token(self, request: Request) -> Response:
        if self.busy:
            return JSONResponse({"error": "slow_down"}, 429)
        if self.down:
            return JSONResponse({"error": "temporarily_unavailable"}, 503)
        form = dict(parse_qsl((await request.body()).decode()))
        self.asked.append(form)
        if form["grant_type"] == "refresh_token":
            grant = self._refresh.pop(form["refresh_token"], None)
        else:
            grant = self._codes.pop(form["code"], None)
            if grant is not None and not _fits(form, grant["asked"]):
                grant = None
        if grant is None:
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse(self._tokens(grant))

    def _tokens(self, grant: dict[str, Any]) -> dict[str, Any]:
        person, nonce = grant["person"], grant["asked"].get("nonce")
        identity = {"aud": CLIENT, "sub": person, "nonce": nonce, **self.id_claims}
        access = {"aud": API, "sub": person, **grant["claims"], **self.access_claims}
        answer = {
            "token_type": "Bearer",
            "expires_in": self.token_seconds,
            "access_token": self._sign("at+jwt", access),
            "id_token": self._sign("JWT", identity),
        }
        if self.refreshes:
            answer["refresh_token"] = secrets.token_urlsafe(16)
            self._refresh[answer["refresh_token"]] = grant
        return answer

    def _sign(self, kind: str, claims: dict[str, Any]) -> str:
        now = int(time.time())
        whole = {
            "iss": self.issuer,
            "iat": now - 1,
            "exp": now + self.token_seconds,
            "jti": secrets.token_hex(4),
        }
        said = {name: value for name, value in {**whole, **claims}.items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": "k1", "typ": kind}, said, self.key)


def _fits(form: dict[str, str], asked: dict[str, str]) -> bool:
    """Say whether a code is redeemed by who began the login (RFC 7636 §4.6)."""
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return challenge == asked["code_challenge"] and form["redirect_uri"] == asked["redirect_uri"]


def query(answer: dict[str, str], name: str = "good") -> str:
    """Return the address of a provider's callback with an answer."""
    return f"/login/callback/{name}?{urlencode(answer)}"
