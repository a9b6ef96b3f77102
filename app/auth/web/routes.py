"""The web login over HTTP: /login, /login/callback, /login/session and /logout."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from app.auth.issuer import WEB_CALLBACK
from app.auth.issuer.rates import RateLimit
from app.auth.validation import Authenticator
from app.auth.web import pages
from app.auth.web.cookies import Cookies
from app.auth.web.keeping import Lifetime, SessionKeeper
from app.auth.web.logins import UNREACHABLE, Logins, address_of
from app.auth.web.providers import Provider
from app.auth.web.same_origin import check_own_page
from app.auth.web.sessions import Sessions
from app.config import Settings
from app.errors import AccessError, CrossSiteRequest, LoginRefused, StoreError, Unauthenticated

_log = logging.getLogger(__name__)

HOME: Final = "/graphql"
"""Where people go who did not say where to."""
_OTHER_SITES: Final = ("cross-site", "same-site")
_LONGEST_PATH: Final = 500


class WebLogin:
    """The routes, over one set of providers."""

    def __init__(
        self,
        settings: Settings,
        providers: Sequence[Provider],
        keeper: SessionKeeper,
        authenticator: Authenticator,
    ) -> None:
        """Take the providers, what keeps logins and sessions, and what checks access tokens."""
        self._cookies = Cookies(settings.issuer_url)
        self._providers = list(providers)
        self._lifetime = Lifetime(settings.session_idle_seconds, settings.session_seconds)
        self._rate = RateLimit(settings.token_requests_per_minute)
        self._logins = Logins(
            self._providers,
            keeper,
            authenticator,
            self._cookies,
            lifetime=self._lifetime,
            leeway=settings.token_leeway_seconds,
        )
        self.sessions = Sessions(self._providers, keeper, authenticator, self._cookies)

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        return [
            Route("/", self._home, methods=["GET"]),
            Route("/login", self._login, methods=["GET"]),
            Route(WEB_CALLBACK, self._callback, methods=["GET"]),
            Route(f"{WEB_CALLBACK}/{{provider}}", self._callback, methods=["GET"]),
            Route("/login/session", self._session, methods=["GET"]),
            Route("/logout", self._logout, methods=["POST"]),
        ]

    async def _home(self, _: Request) -> Response:
        """Lead to the page; also where a provider sends people back to who have logged out there."""
        return RedirectResponse(HOME, 303)

    async def _login(self, request: Request) -> Response:
        """Lead to the provider's pages, or ask which provider it shall be.

        Another site cannot begin a login behind a person's back (and have it end in an account of its own):
        it gets as far as the question.
        """

        async def work() -> Response:
            next_path = safe_path(request.query_params.get("next"))
            named = request.query_params.get("with")
            chosen = self._providers if named is None else [p for p in self._providers if p.name == named]
            if len(chosen) != 1 or request.headers.get("sec-fetch-site") in _OTHER_SITES:
                return pages.choice(chosen or self._providers, next_path)
            return await self._logins.begin(request, chosen[0], next_path)

        return await self._as_page(request, work)

    async def _callback(self, request: Request) -> Response:
        """Let in who comes back from a provider."""

        async def work() -> Response:
            entered = await self._logins.finish(request)
            response = RedirectResponse(entered.next_path, 303)
            self._cookies.give(response, self._cookies.session, entered.ticket, self._lifetime.absolute)
            return response

        response = await self._as_page(request, work)
        self._cookies.take(response, self._cookies.login)
        return response

    async def _session(self, request: Request) -> Response:
        """Tell a page who is logged in; without a session, where one can log in."""
        try:
            check_own_page(request, self._cookies.origin)
            found = await self.sessions.of_page(request)
        except Unauthenticated:
            listed = [{"name": each.name, "title": each.client.title} for each in self._providers]
            return JSONResponse({"session": None, "providers": listed})
        except (AccessError, StoreError) as error:
            return _refused(error)
        who = found.principal
        return JSONResponse(
            {
                "session": {
                    "subject": who.subject,
                    "audience": who.audience,
                    "role": who.role,
                    "party": who.party,
                    "provider": found.provider.client.title,
                }
            }
        )

    async def _logout(self, request: Request) -> Response:
        """End the session; `next` is where the page goes then, to log out at the provider too."""
        try:
            there = await self.sessions.log_out(request)
        except (AccessError, StoreError) as error:
            return _refused(error)
        response = JSONResponse({"next": there or HOME})
        self._cookies.take(response, self._cookies.session)
        return response

    async def _as_page(self, request: Request, work: Callable[[], Awaitable[Response]]) -> Response:
        """Return what `work` returns, or the page of the error that it raises."""
        if not self._cookies.is_here(request):
            text = f"People log in at {self._cookies.origin} and at no other address of this server."
            return pages.refusal(text, "BAD_REQUEST", 400, again=f"{self._cookies.origin}/login")
        wait = self._rate.wait(address_of(request))
        if wait:
            return pages.refusal("Too many requests; try again later.", "SLOW_DOWN", 429, wait=wait)
        try:
            return await work()
        except LoginRefused as error:
            return pages.refusal(error.message, error.code, 403)
        except UNREACHABLE as error:
            _log.warning("a provider cannot be reached: %s", error)
            refused = LoginRefused(reason="the provider does not answer")
            return pages.refusal(refused.message, refused.code, 502)
        except StoreError as error:
            _log.error("the web login cannot reach its sessions: %s", error.code)
            return pages.refusal("Try again later.", error.code, 503, wait=5)


def safe_path(wanted: str | None) -> str:
    r"""Return a path of this server to go to after the login; anything that could lead elsewhere is HOME.

    Browsers read `//host` and `/\host` as other hosts, and skip tabs and line ends while they read.
    """
    if wanted is None or not 0 < len(wanted) <= _LONGEST_PATH:
        return HOME
    plain = wanted.isascii() and wanted.isprintable() and "\\" not in wanted and " " not in wanted
    return wanted if plain and wanted.startswith("/") and not wanted.startswith("//") else HOME


def _refused(error: AccessError | StoreError) -> Response:
    status = 403 if isinstance(error, CrossSiteRequest) else 401 if isinstance(error, AccessError) else 503
    return JSONResponse({"error": {"code": error.code, "message": error.message}}, status)
