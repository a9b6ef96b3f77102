"""The web application: routes, middleware in one list, and a lifespan that opens and closes the database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Connection

import schema
from app.access import DIRECTORY, Scope
from app.auth import Audience, Authenticator, Principal, TokenValidator
from app.auth.issuer import LiveAuthenticator, builtin_clients, issuer_routes
from app.auth.trust import load_issuers
from app.auth.web import WebLogin, builtin_provider, login_providers
from app.config import Settings, load_settings
from app.errors import ConcordError, ConfigurationError, StoreError
from app.services.identity import StoredRegistry
from app.services.keeping import kept_log
from app.services.web_sessions import StoredSessions
from app.store.announcements import Announcements
from app.store.database import Database
from app.store.directory import bind
from app.store.migrate import check_current
from app.store.refusals import Refusals
from schema.asgi.callers import BearerCallers, Callers, PageCallers
from schema.asgi.guarded import GuardedSchema
from schema.asgi.routes import graphql_routes
from schema.auditing import Caller, origin_of
from schema.context import Context
from schema.customer.graph import SCHEMA as CUSTOMER
from schema.ids import IdCodecs
from schema.internal.graph import SCHEMA as INTERNAL
from schema.supplier.graph import SCHEMA as SUPPLIER

SCHEMAS: Mapping[Audience, GuardedSchema] = {
    "internal": INTERNAL,
    "supplier": SUPPLIER,
    "customer": CUSTOMER,
}

PACKAGE_ROOT = Path(__file__).parents[1]
SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Server:
    """What the requests of one process share: the settings, the codecs of ids, and the open database."""

    def __init__(self, settings: Settings) -> None:
        """Read the secret behind ids; the database is opened by the lifespan."""
        self.settings = settings
        self._codecs = IdCodecs.load(settings)
        self._database: Database | None = None
        self.refusals = Refusals(lambda: self.database)
        self._announcements: Announcements | None = None

    @property
    def database(self) -> Database:
        """The open database; raises StoreError before the start and after the end of the lifespan."""
        if self._database is None:
            raise StoreError(reason="the server is not running")
        return self._database

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Open a database of this program's schema, listen, serve, and close it however serving ends."""
        self._database = await Database.open(self.settings)
        try:
            await check_current(self._database)
            self._announcements = Announcements(self._database)
            self._announcements.start()
            async with kept_log(self._database, self.refusals):
                yield
        finally:
            await self._close()

    async def _close(self) -> None:
        """Stop listening, and close the database."""
        if self._announcements is not None:
            listening, self._announcements = self._announcements, None
            await listening.close()
        opened, self._database = self.database, None
        await opened.close()

    def make_context(self, principal: Principal, connection: HTTPConnection) -> Context:
        """Return the context of one request."""
        codec = self._codecs.of(principal)
        caller = Caller(principal, origin_of(connection), self.refusals)
        return Context(
            principal, self.settings, self.database, codec, self._bind, caller, self._announcements
        )

    async def _bind(self, principal: Principal) -> Scope:
        return await bind(self.database, principal)

    async def live(self, _: Request) -> Response:
        """Say that the process answers."""
        return JSONResponse({"status": "ok"})

    async def ready(self, _: Request) -> Response:
        """Say whether the database answers too; why it does not is for the log, not for the caller."""
        try:
            async with self.database.read(DIRECTORY):
                return JSONResponse({"status": "ok"})
        except ConcordError as error:
            return JSONResponse({"status": "unavailable", "code": error.code}, status_code=503)


class SecurityHeaders:
    """Adds the headers of SECURITY_HEADERS to answers that do not set them themselves."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self._app = app

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Pass the request on, and add to the start of its answer."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def identity(settings: Settings, server: Server) -> tuple[Callers, list[BaseRoute]]:
    """Return what tells who is calling, and the routes of the built-in issuer and of the web login."""
    issuers = load_issuers(settings)
    validator = TokenValidator(settings, issuers=issuers)
    authenticator: Authenticator = validator
    routes: list[BaseRoute] = []
    providers = login_providers(issuers)
    if settings.builtin_issuer:
        registry = StoredRegistry(lambda: server.database, server.refusals, builtin_clients(settings))
        authenticator = LiveAuthenticator(validator, registry, settings.issuer_url)
        routes += issuer_routes(settings, registry, validator)
        providers.append(builtin_provider(settings, routes))
    callers = BearerCallers(authenticator)
    keeper = StoredSessions(lambda: server.database, server.refusals)
    login = WebLogin(settings, providers, keeper, authenticator)
    return PageCallers(callers, login.sessions), [*routes, *login.routes()]


def create_app(settings: Settings, schemas: Mapping[Audience, GuardedSchema] = SCHEMAS) -> Starlette:
    """Return the application; requests pass the middleware from the first of the list to the last."""
    server = Server(settings)
    callers, identity_routes = identity(settings, server)
    return Starlette(
        routes=[
            *graphql_routes(settings, schemas, server.make_context, callers, server.refusals),
            *identity_routes,
            Route("/healthz", server.live, methods=["GET"]),
            Route("/readyz", server.ready, methods=["GET"]),
        ],
        middleware=[
            Middleware(SecurityHeaders),
        ],
        lifespan=server.lifespan,
    )


def refuse_foreign_schema() -> None:
    """Stop before serving when `schema` is not Concord's own: PyPI has a package of that name.

    Raises ConfigurationError naming both places.
    """
    found = Path(schema.__file__ or "").resolve()
    if found.parents[1] != PACKAGE_ROOT.resolve():
        raise ConfigurationError(
            reason=f"the package `schema` was found at {found}, not beside {PACKAGE_ROOT / 'app'}"
        )


def create_app_from_environment() -> Starlette:
    """Return the application for a server process that is told nothing but the environment."""
    return create_app(load_settings())
