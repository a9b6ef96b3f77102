"""What there is and where: the discovery document (RFC 8414, OpenID Connect Discovery 1.0)."""

from __future__ import annotations

from typing import Final

from app.auth.issuer.authenticating import ASSERTION_ALGORITHMS
from app.auth.issuer.server import CLIENT_CREDENTIALS, LOGIN_GRANTS, OPENID, SCOPE
from app.auth.keys import ALGORITHM

PROOFS: Final = ("client_secret_basic", "client_secret_post", "private_key_jwt")


def metadata(issuer: str) -> dict[str, object]:
    """Return the metadata of the authorization server."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "userinfo_endpoint": f"{issuer}/oauth/userinfo",
        "end_session_endpoint": f"{issuer}/oauth/logout",
        "jwks_uri": f"{issuer}/oauth/jwks",
        "grant_types_supported": [*LOGIN_GRANTS, CLIENT_CREDENTIALS],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "scopes_supported": [OPENID, SCOPE],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "claims_supported": [
            "iss",
            "sub",
            "aud",
            "iat",
            "exp",
            "auth_time",
            "nonce",
            "sid",
            "amr",
            "at_hash",
        ],
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        **_endpoint("token", issuer, public=True),
        **_endpoint("revocation", issuer, public=True, path="revoke"),
        **_endpoint("introspection", issuer, public=False, path="introspect"),
    }


def _endpoint(name: str, issuer: str, *, public: bool, path: str = "token") -> dict[str, object]:
    """Return where an endpoint is that clients prove themselves at, and how they do."""
    return {
        f"{name}_endpoint": f"{issuer}/oauth/{path}",
        f"{name}_endpoint_auth_methods_supported": [*PROOFS, *(["none"] if public else [])],
        f"{name}_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
    }
