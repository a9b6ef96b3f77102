"""ID tokens (OpenID Connect Core 1.0 §2): who logged in, said to the application and to nobody else.

They are no access tokens: their type and their audience are others, and the validator refuses them.
"""

from __future__ import annotations

import time
from typing import Any, Final

from authlib.oidc.core.grants import OpenIDCode
from authlib.oidc.core.util import create_half_hash
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app.auth.issuer.logins import ACCOUNT_SUBJECT, Grant
from app.auth.keys import ALGORITHM, SigningKeys, load_signing_keys
from app.config import Settings

ID_TOKEN_SECONDS: Final = 300
"""An application looks at it once, when it is handed over."""


class IdTokens(OpenIDCode):
    """Authlib's extension of the code grant: adds an ID token where the scope `openid` was asked for."""

    def __init__(self, settings: Settings) -> None:
        """Take the settings: issuer and signing keys."""
        super().__init__()
        self._settings = settings

    def exists_nonce(self, nonce: str, request: Any) -> bool:
        """Say no: a nonce is for the application to compare, and a code is good for once anyway."""
        return False

    def encode_id_token(self, token: dict[str, Any], request: Any) -> str:
        """Return the ID token that goes with an access token."""
        grant: Grant = request.authorization_code.grant
        now = int(time.time())
        claims: dict[str, object] = {
            "iss": self._settings.issuer_url,
            "sub": f"{ACCOUNT_SUBJECT}{grant.account}",
            "aud": grant.client_id,
            "iat": now,
            "exp": now + ID_TOKEN_SECONDS,
            "auth_time": grant.auth_time,
            "sid": grant.session_id,
            "amr": ["pwd"],
            "at_hash": create_half_hash(token["access_token"], ALGORITHM).decode(),
        }
        if grant.nonce is not None:
            claims["nonce"] = grant.nonce
        keys = load_signing_keys(self._settings)
        header = {"alg": ALGORITHM, "kid": keys.kid, "typ": "JWT"}
        return jwt.encode(header, claims, keys.private, algorithms=[ALGORITHM])


def read_id_token_hint(text: str, keys: SigningKeys, issuer: str) -> dict[str, Any] | None:
    """Return the claims of an ID token of this issuer, expired or not; None for everything else.

    A hint says which session is meant; it opens nothing (RP-Initiated Logout 1.0 §2).
    """
    try:
        token = jwt.decode(text, KeySet(list(keys.public.values())), algorithms=[ALGORITHM])
    except (JoseError, ValueError, TypeError, RecursionError):
        return None
    claims = token.claims
    is_id_token = claims.get("iss") == issuer and isinstance(claims.get("aud"), str) and "sid" in claims
    return dict(claims) if is_id_token else None
