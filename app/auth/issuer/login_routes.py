"""The pages of a login: who it is, whether an application may act, and the way out again."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import OAuth2Error
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from app.auth.issuer.authorizing import Authorizing, Outcome, Problem, Question, after_login
from app.auth.issuer.browser import CSRF_FIELD, BrowserCookie, form_token, is_own_form, new_word
from app.auth.issuer.forms import address_of, read_form, read_query
from app.auth.issuer.id_tokens import read_id_token_hint
from app.auth.issuer.limits import Limits
from app.auth.issuer.logins import ACCOUNT_SUBJECT, Session, digest
from app.auth.issuer.pages import STYLE_PATH, page, style
from app.auth.issuer.passwords import Passwords, Refused
from app.auth.issuer.redirects import origin_of
from app.auth.issuer.registry import Registry
from app.auth.issuer.server import TokenServer
from app.auth.local_keys import LocalKeys
from app.auth.validation import Authenticator
from app.config import Settings
from app.errors import StoreError, Unauthenticated

_log = logging.getLogger(__name__)

AUTHORIZE: Final = "/oauth/authorize"
LOGOUT: Final = "/oauth/logout"
_NO_WAY_BACK: Final = "This link does not come from an application that is registered here. Nothing was done."
_UNREADABLE: Final = "What the application sent cannot be read. Nothing was done."
_WRONG: Final = "The user name or the password is wrong."
_TOO_OFTEN: Final = "Too many attempts. Wait a while, then try again."
_STALE: Final = "This page was open for too long, or cookies are switched off. Try again."

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the login page says the second time, and the name that was given."""

    status: int
    text: str
    name: str = ""


def login_routes(
    settings: Settings, registry: Registry, server: TokenServer, limits: Limits, live: Authenticator
) -> list[BaseRoute]:
    """Return the routes of the pages; `live` tells whose access token is shown to userinfo."""
    pages = _Pages(settings, registry, server, limits, live)
    return [
        Route(AUTHORIZE, pages.guarded(pages.authorize), methods=["GET"]),
        Route("/oauth/login", pages.guarded(pages.log_in), methods=["POST"]),
        Route("/oauth/consent", pages.guarded(pages.consent), methods=["POST"]),
        Route(LOGOUT, pages.guarded(pages.log_out), methods=["GET", "POST"]),
        Route("/oauth/userinfo", pages.userinfo, methods=["GET", "POST"]),
        Route(STYLE_PATH, pages.style, methods=["GET"]),
    ]


class _Pages:
    """The pages over one token server."""

    def __init__(
        self, settings: Settings, registry: Registry, server: TokenServer, limits: Limits, live: Authenticator
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._authorizing = Authorizing(server)
        self._passwords = Passwords(registry, settings.session_seconds)
        self._limits = limits
        self._live = live
        self._cookie = BrowserCookie(settings)
        self._keys = LocalKeys(settings)

    def guarded(self, handler: Handler) -> Handler:
        """Return a handler that answers floods, broken requests and an absent database with a page."""

        async def guard(request: Request) -> Response:
            try:
                wait = await self._limits.wait(address_of(request))
                if wait:
                    return _problem(429, "Please wait", _TOO_OFTEN, headers={"Retry-After": str(wait)})
                return await handler(request)
            except OAuth2Error as error:
                return _problem(400, "That did not work", _UNREADABLE, str(error.error))
            except StoreError as error:
                _log.error("the login pages cannot reach the registry: %s", error.code)
                return _problem(
                    503, "Try again later", "Concord cannot be reached.", headers={"Retry-After": "5"}
                )

        return guard

    # --- into it ---------------------------------------------------------------------------------------

    async def authorize(self, request: Request) -> Response:
        """Answer an authorization request (RFC 6749 §3.1), or ask what must be asked first."""
        query = request.url.query
        session = await self._session(request)
        outcome = await self._limits.work(self._authorizing.consider, read_query(query.encode()), session)
        return self._shown(request, outcome, query, session)

    async def log_in(self, request: Request) -> Response:
        """Take a name and a password, and go on with the request that asked for them."""
        form = await read_form(request)
        query = form.get("request", "")
        parameters = read_query(query.encode())
        if not is_own_form(request, self._cookie.read(request), form):
            return await self._ask_again(request, query, Refusal(403, _STALE))
        name = form.get("name", "")
        before = await self._session(request)
        result = await self._limits.work(
            self._passwords.log_in, name, form.get("password", ""), address_of(request), before
        )
        if isinstance(result, Refused):
            status, text = (429, _TOO_OFTEN) if result.wait else (403, _WRONG)
            return await self._ask_again(request, query, Refusal(status, text, name))
        response = RedirectResponse(f"{AUTHORIZE}?{after_login(parameters)}", 303)
        self._cookie.write(response, result)
        return response

    async def consent(self, request: Request) -> Response:
        """Take a decision, and answer the application."""
        form = await read_form(request)
        query = form.get("request", "")
        parameters = read_query(query.encode())
        session = await self._session(request)
        if session is None or not is_own_form(request, self._cookie.read(request), form):
            return RedirectResponse(f"{AUTHORIZE}?{urlencode(parameters)}", 303)  # where it is asked again
        allowed = form.get("decision") == "allow"
        outcome = await self._limits.work(self._decide, parameters, session, allowed)
        return self._shown(request, outcome, query, session)

    def _decide(self, parameters: dict[str, str], session: Session, allowed: bool) -> Outcome:
        return self._authorizing.decide(parameters, session, allowed=allowed)

    async def _session(self, request: Request) -> Session | None:
        word = self._cookie.read(request)
        return None if word is None else await self._registry.find_session(digest(word))

    async def _ask_again(self, request: Request, query: str, refusal: Refusal) -> Response:
        """Return the login page with what went wrong, if the request that led to it is still a right one."""
        outcome = await self._limits.work(self._authorizing.consider, read_query(query.encode()), None)
        if not isinstance(outcome, Question):
            return self._shown(request, outcome, query, None)
        return self._login_page(request, outcome, query, refusal)

    def _shown(self, request: Request, outcome: Outcome, query: str, session: Session | None) -> Response:
        """Return an outcome as the browser gets it."""
        if isinstance(outcome, Response):
            return outcome
        if isinstance(outcome, Problem):
            return _problem(400, "That link does not work", _NO_WAY_BACK, outcome.code)
        word = self._cookie.read(request)
        if outcome.kind == "login" or session is None or word is None:
            return self._login_page(request, outcome, query)
        rights = session.account.rights
        return page(
            "consent",
            back_to=outcome.back_to,
            title=outcome.application.title,
            name=session.account.name,
            role=rights.role.replace("_", " "),
            party=rights.party,
            host=outcome.host,
            csrf=form_token(word),
            request=query,
        )

    def _login_page(
        self, request: Request, asked: Question, query: str, refusal: Refusal | None = None
    ) -> Response:
        known = self._cookie.read(request)
        word = known or new_word()
        response = page(
            "login",
            status=refusal.status if refusal else 200,
            back_to=asked.back_to,
            title=asked.application.title,
            name=refusal.name if refusal else "",
            problem=refusal.text if refusal else "",
            csrf=form_token(word),
            request=query,
        )
        if known is None:
            self._cookie.write(response, word)
        return response

    # --- and out of it ---------------------------------------------------------------------------------

    async def log_out(self, request: Request) -> Response:
        """End the session (RP-Initiated Logout 1.0): at once for its own ID token, else after a question.

        An application may post here from its own page, which brings no cookie; the browser then comes again.
        """
        form = await read_form(request) if request.method == "POST" else {}
        own = is_own_form(request, self._cookie.read(request), form)
        if form and not own:
            kept = {name: value for name, value in form.items() if name != CSRF_FIELD}
            return RedirectResponse(f"{LOGOUT}?{urlencode(kept)}", 303)
        query = form.get("request", "") if own else request.url.query
        parameters = read_query(query.encode())
        hint = read_id_token_hint(
            parameters.get("id_token_hint", ""), self._keys.current, self._settings.issuer_url
        )
        back = await self._way_back(parameters, hint)
        session = await self._session(request)
        if session is not None:
            if not own and (hint is None or hint["sid"] != session.session_id):
                return self._confirmation(request, session, query, back)
            await self._registry.log_out(session.session_id, by=session.account.subject)
        response = page("logged_out") if back is None else RedirectResponse(back, 303)
        self._cookie.forget(response)
        return response

    def _confirmation(self, request: Request, session: Session, query: str, back: str | None) -> Response:
        return page(
            "logout",
            back_to=None if back is None else origin_of(back),
            name=session.account.name,
            csrf=form_token(self._cookie.read(request) or ""),
            request=query,
        )

    async def _way_back(self, parameters: dict[str, str], hint: dict[str, Any] | None) -> str | None:
        """Return where to go after a logout, if the application that asks for it registered the address."""
        address = parameters.get("post_logout_redirect_uri")
        client_id = parameters.get("client_id") or (hint["aud"] if hint is not None else None)
        if address is None or client_id is None or (hint is not None and hint["aud"] != client_id):
            return None
        client = await self._registry.find_client(client_id)
        application = None if client is None else client.application
        if application is None or address not in application.logout_uris:
            return None
        state = [("state", parameters["state"])] if "state" in parameters else []
        return str(add_params_to_uri(address, state))

    # --- beside it -------------------------------------------------------------------------------------

    async def userinfo(self, request: Request) -> Response:
        """Say who an access token's person is (OpenID Connect Core 1.0 §5.3)."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            if scheme.lower() != "bearer":
                raise Unauthenticated
            principal = await self._live.authenticate(token)
            if principal.issuer != self._settings.issuer_url:
                raise Unauthenticated
            if not principal.subject.startswith(ACCOUNT_SUBJECT):
                raise Unauthenticated
        except Unauthenticated:
            refusal = {"WWW-Authenticate": 'Bearer realm="concord", error="invalid_token"'}
            return JSONResponse({"error": "invalid_token"}, 401, headers=refusal)
        except StoreError as error:
            _log.error("userinfo cannot reach the registry: %s", error.code)
            return JSONResponse({"error": "temporarily_unavailable"}, 503, headers={"Retry-After": "5"})
        name = principal.subject.removeprefix(ACCOUNT_SUBJECT)
        return JSONResponse({"sub": principal.subject, "preferred_username": name})

    async def style(self, _: Request) -> Response:
        """Return the style sheet of the pages."""
        return style()


def _problem(
    status: int, heading: str, text: str, code: str | None = None, headers: dict[str, str] | None = None
) -> Response:
    return page("problem", status=status, headers=headers, heading=heading, text=text, code=code)
