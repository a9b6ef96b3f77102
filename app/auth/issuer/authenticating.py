"""Whether a client is who it says: secrets against their hash, assertions against its registered keys.

Every refusal is the same error, whether the client exists or not, and costs about the same work. Secrets are
protected against guessing by a lockout per client and network address, so that guesses from one place do not
lock the rightful client out elsewhere; an assertion cannot be guessed.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Final

from anyio import from_thread
from authlib.oauth2.rfc6749.errors import InvalidClientError
from joserfc.errors import JoseError

from app.auth.issuer.credentials import Assertion, Secret, read_credentials
from app.auth.issuer.hashing import secret_matches
from app.auth.issuer.registry import Client, Registry
from app.auth.mapping import check_text
from app.auth.strict import RefusedError, read_object, read_time, segments
from app.auth.verifying import read_key_set
from app.config import Settings

_log = logging.getLogger(__name__)

ASSERTION_ALGORITHMS: Final = ("ES256", "RS256", "PS256", "EdDSA", "Ed25519")
_TYPES: Final = frozenset({"", "jwt", "client-authentication+jwt"})
_LONGEST_ASSERTION: Final = 600
"""Seconds that an assertion may be valid: so long it has to be remembered."""
_REFUSALS: Final = (RefusedError, JoseError, ValueError, TypeError, RecursionError)


class ClientRefusedError(InvalidClientError):
    """The one refusal; names the scheme and the realm as RFC 7617 §2 asks."""

    def get_headers(self) -> list[tuple[str, str]]:
        """Return the headers of the answer."""
        others = [header for header in super().get_headers() if header[0] != "WWW-Authenticate"]
        return [*others, ("WWW-Authenticate", 'Basic realm="concord", error="invalid_client"')]


class ClientAuthenticator:
    """Authenticates the clients of a registry. Runs in a worker thread of the event loop."""

    def __init__(self, settings: Settings, registry: Registry) -> None:
        """Take the registry; assertions are meant for this issuer or its token endpoint."""
        self._settings = settings
        self._registry = registry
        self._audiences = {settings.issuer_url, f"{settings.issuer_url}/oauth/token"}

    def authenticate(
        self, headers: Any, form: dict[str, str], address: str, *, public: bool = False
    ) -> Client:
        """Return the client; raises Authlib's InvalidClientError, always the same.

        Where `public` ones are let in, one that is registered so has nothing to prove here.
        """
        presented = read_credentials(headers, form)
        try:
            if isinstance(presented, Secret):
                return self._by_secret(presented, address)
            if isinstance(presented, Assertion):
                return self._by_assertion(presented)
            if public and "client_id" in form:
                return self._by_name(form["client_id"])
            raise RefusedError("nothing presented")
        except _REFUSALS as error:
            reason = str(error) if isinstance(error, RefusedError) else type(error).__name__
            _log.info("client refused: %s", reason)
        raise ClientRefusedError(description="Client authentication failed.", status_code=401)

    def _by_name(self, client_id: str) -> Client:
        client = from_thread.run(self._registry.find_client, client_id)
        if client is None or client.method != "none":
            raise RefusedError("no such client without a proof")
        return client

    def _by_secret(self, presented: Secret, address: str) -> Client:
        client_id = presented.client_id
        client = from_thread.run(self._registry.find_client, client_id)
        if client is not None and from_thread.run(self._registry.locked, client_id, address):
            secret_matches(presented.secret, None)  # as much work as for any other refusal
            raise RefusedError(f"{client_id} from {address} is locked out")
        hashed = client.secret_hash if client is not None else None
        matches = secret_matches(presented.secret, hashed)
        if client is None or client.method != "client_secret":
            raise RefusedError("no such client with a secret")
        from_thread.run(self._note, client_id, address, matches)
        if not matches:
            raise RefusedError(f"{client_id} from {address}: a wrong secret")
        return client

    async def _note(self, client_id: str, address: str, succeeded: bool) -> None:
        await self._registry.note_attempt(client_id, address, succeeded=succeeded)

    def _by_assertion(self, presented: Assertion) -> Client:
        header_part, payload, _ = segments(presented.token, self._settings.max_token_bytes)
        header, claims = read_object(header_part, "header"), read_object(payload, "payload")
        client_id = check_text(claims.get("sub"), "sub")
        if claims.get("iss") != client_id or presented.client_id not in (None, client_id):
            raise RefusedError("sub, iss and client_id differ")
        client = from_thread.run(self._registry.find_client, client_id)
        if client is None or client.method != "private_key_jwt" or client.key_set is None:
            raise RefusedError("no such client with keys")
        self._check_signature(presented.token, header, client.key_set)
        expires_at = self._check_claims(claims)
        token_id = check_text(claims.get("jti"), "jti")
        if not from_thread.run(self._registry.use_assertion, client_id, token_id, expires_at):
            raise RefusedError("an assertion used before")
        return client

    def _check_signature(self, token: str, header: dict[str, Any], key_set: Any) -> None:
        """Raise unless one of the client's keys made the signature; the header may say nothing else."""
        if not header.keys() <= {"alg", "kid", "typ"}:
            raise RefusedError("header parameters other than alg, kid, typ")
        if not all(isinstance(value, str) for value in header.values()):
            raise RefusedError("a header parameter that is not text")
        if header.get("typ", "").lower() not in _TYPES:
            raise RefusedError("another type")
        key = read_key_set(key_set, ASSERTION_ALGORITHMS).get(header.get("kid", ""))
        if key is None:
            raise RefusedError("unknown kid")
        key.verify(token, header.get("alg", ""))

    def _check_claims(self, claims: dict[str, Any]) -> int:
        """Return when the assertion expires, after checking whom it is for and when."""
        audience, now = claims.get("aud"), time.time()
        if isinstance(audience, list) and len(audience) == 1:
            audience = audience[0]
        if audience not in self._audiences:
            raise RefusedError("not for this issuer alone")
        expires_at = read_time(claims, "exp")
        leeway = self._settings.token_leeway_seconds
        if any(read_time(claims, name) > now + leeway for name in ("iat", "nbf") if name in claims):
            raise RefusedError("not yet valid")
        if not now - leeway < expires_at <= now + _LONGEST_ASSERTION + leeway:
            raise RefusedError("expired, or valid for too long")
        return int(expires_at) + leeway
