"""Proof Key for Code Exchange (RFC 7636), S256, for every client.

Authlib asks for it of public clients only, and only at the token endpoint. Here no authorization request
passes without a challenge, and no code is redeemed without its verifier.
"""

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc7636 import CodeChallenge


class ProofKey(CodeChallenge):
    """Authlib's extension of the code grant, made strict."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]

    def validate_code_challenge(self, grant: Any, redirect_uri: str | None) -> None:
        """Refuse an authorization request without an S256 challenge."""
        data = grant.request.payload.data
        if data.get("code_challenge_method") != "S256" or "code_challenge" not in data:
            raise InvalidRequestError("A code_challenge with the method S256 is required.")
        if len(data["code_challenge"]) != 43:
            raise InvalidRequestError("An S256 code_challenge has 43 characters.")
        super().validate_code_challenge(grant, redirect_uri)

    def validate_code_verifier(self, grant: Any, result: object) -> None:
        """Refuse to redeem a code without the verifier of its challenge."""
        if not grant.request.form.get("code_verifier"):
            raise InvalidGrantError("The code_verifier is missing.")
        super().validate_code_verifier(grant, result)

    def get_authorization_code_challenge_method(self, authorization_code: Any) -> str:
        """Return the one method there is."""
        return "S256"
