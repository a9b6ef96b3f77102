"""Web login: people log in at a provider's pages, and a cookie stands for them on Concord's own pages.

The browser holds nothing but a random ticket. What the ticket stands for (state and verifier of a login that
was begun, then the provider's tokens) stays on the server, sealed under a key that only the ticket gives.

- `cookies`      the two cookies, and the one address that they are for
- `tickets`      random tickets, their digests, and what is sealed under them
- `same_origin`  whether a request comes from Concord's own pages
- `providers`    where people can log in; Authlib's Starlette client for each
- `keeping`      what has to be kept (app.services keeps it, and puts it on record)
- `logins`       from the first click to a session
- `sessions`     who a cookie stands for; renewal and the end of a session
- `pages`        the few pages that there are, without a script
- `routes`       /login, /login/callback, /login/session, /logout
"""

from app.auth.web.keeping import LiveSession, Renewal, SessionKeeper, Started
from app.auth.web.providers import Provider, builtin_provider, login_providers
from app.auth.web.routes import WebLogin
from app.auth.web.sessions import Sessions

__all__ = [
    "LiveSession",
    "Provider",
    "Renewal",
    "SessionKeeper",
    "Sessions",
    "Started",
    "WebLogin",
    "builtin_provider",
    "login_providers",
]
