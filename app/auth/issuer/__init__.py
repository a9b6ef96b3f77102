"""The built-in issuer: an OAuth 2 token server for registered clients, on Authlib's grants.

- `registry`       clients, and what has to be kept about them (app.store keeps it)
- `hashing`        secrets as Argon2id hashes
- `credentials`    how a client proves itself: a secret, or a signed assertion
- `authenticating` whether the proof holds; lockout
- `server`         Authlib's authorization server, for Starlette
- `endpoints`      revocation and introspection
- `rates`          how often one address may ask
- `revocations`    tokens that end before their time
- `routes`         /oauth/token, /oauth/jwks … and the discovery documents
"""

from app.auth.issuer.authenticating import ASSERTION_ALGORITHMS
from app.auth.issuer.hashing import hash_secret
from app.auth.issuer.registry import CLIENT_SUBJECT, Client, Method, Registry, Revoked
from app.auth.issuer.revocations import LiveAuthenticator
from app.auth.issuer.routes import issuer_routes

__all__ = [
    "ASSERTION_ALGORITHMS",
    "CLIENT_SUBJECT",
    "Client",
    "LiveAuthenticator",
    "Method",
    "Registry",
    "Revoked",
    "hash_secret",
    "issuer_routes",
]
