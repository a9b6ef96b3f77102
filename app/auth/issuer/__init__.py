"""The built-in issuer: an OAuth 2 and OpenID Connect server for registered clients, on Authlib's grants.

What is kept
- `registry`       clients, and what has to be kept about them (app.services.identity keeps it)
- `logins`         accounts, sessions, grants and families of tokens
- `hashing`        secrets and passwords as Argon2id hashes
- `revocations`    tokens that end before their time

Machines and applications
- `credentials`    how a client proves itself: a secret, or a signed assertion
- `authenticating` whether the proof holds; lockout
- `redirects`      where a browser may be sent back to

The protocol
- `server`         Authlib's authorization server, for Starlette
- `login_grants`   authorization code and refresh token, each good for once
- `proof_key`      PKCE with S256, for every client
- `id_tokens`      who logged in, for the application
- `authorizing`    authorization requests: their answer, or what must be asked first
- `endpoints`      revocation and introspection
- `metadata`       the discovery document

Over HTTP
- `forms`, `limits`, `rates`   what a request brings, bounded; how often one address may ask
- `browser`        the cookie, and forms that come from our own pages
- `passwords`      whether a name and a password are somebody's
- `pages`          the templates and their headers
- `routes`, `login_routes`     the endpoints for programs, the pages for people
"""

from app.auth.issuer.authenticating import ASSERTION_ALGORITHMS
from app.auth.issuer.hashing import hash_secret
from app.auth.issuer.logins import ACCOUNT_SUBJECT, Account, Family, Grant, Session
from app.auth.issuer.passwords import LONGEST_PASSWORD, normal_password
from app.auth.issuer.redirects import RESERVED, WEB_CALLBACK, WEB_CLIENT, builtin_clients, check_application
from app.auth.issuer.registry import CLIENT_SUBJECT, Application, Client, Method, Registry, Revoked
from app.auth.issuer.revocations import LiveAuthenticator
from app.auth.issuer.routes import issuer_routes

__all__ = [
    "ACCOUNT_SUBJECT",
    "ASSERTION_ALGORITHMS",
    "CLIENT_SUBJECT",
    "LONGEST_PASSWORD",
    "RESERVED",
    "WEB_CALLBACK",
    "WEB_CLIENT",
    "Account",
    "Application",
    "Client",
    "Family",
    "Grant",
    "LiveAuthenticator",
    "Method",
    "Registry",
    "Revoked",
    "Session",
    "builtin_clients",
    "check_application",
    "hash_secret",
    "issuer_routes",
    "normal_password",
]
