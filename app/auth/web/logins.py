"""A login from the first click to the session: to the provider with state, nonce and verifier, and back.

What comes back is believed as far as it can be checked: it answers a login begun in this browser, once; it
comes from the provider that was asked (RFC 9207); its ID token is for us and for this login; its access token
is one that the graphs take, of the same person.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2
from authlib.common.errors import AuthlibBaseError
from joserfc.errors import JoseError
from starlette.requests import Request
from starlette.responses import Response

from app.auth.principal import Principal
from app.auth.remote_keys import ProviderError
from app.auth.validation import Authenticator
from app.auth.web.cookies import Cookies
from app.auth.web.keeping import Lifetime, SessionKeeper, Started
from app.auth.web.providers import Metadata, Provider
from app.auth.web.tickets import digest, new_ticket, seal, unseal
from app.errors import LoginRefused, PartyRefused, Unauthenticated

_log = logging.getLogger(__name__)

LOGIN_SECONDS: Final = 600
"""How long a person may take at the provider's pages."""
PENDING, TOKENS = "login", "session"
"""What is sealed: a login that was begun, and a session's tokens."""
FAILURES: Final = (AuthlibBaseError, JoseError, ValueError, TypeError, KeyError)
"""What Authlib raises for an answer that cannot be used."""
UNREACHABLE: Final = (ProviderError, httpx2.HTTPError, httpx2.InvalidURL, OSError)
_KEPT: Final = ("access_token", "refresh_token", "id_token")
_AT_TOKEN_ENDPOINT: Final = ("resource", "audience")

NOT_BEGUN: Final = (
    "this browser has not begun a login, or more than ten minutes ago, or it was finished before"
)
ANOTHER_ISSUER: Final = "the answer is not from the provider that was asked"
NO_ACCESS: Final = "you have no access here"


@dataclass(frozen=True, slots=True)
class Entered:
    """A login that succeeded: the ticket of its session, and where the person wanted to go."""

    ticket: str = field(repr=False)
    next_path: str


def kept_tokens(token: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return what is kept of a token response; what a renewal does not give anew stays."""
    merged = {**(before or {}), **{name: token[name] for name in _KEPT if token.get(name)}}
    return {name: str(value) for name, value in merged.items()}


def token_parameters(provider: Provider) -> dict[str, str]:
    """Return the provider's own parameters as far as they go with requests for tokens (RFC 8707 §2.2)."""
    given = provider.client.parameters
    return {name: given[name] for name in _AT_TOKEN_ENDPOINT if name in given}


def address_of(request: Any) -> str:
    """Return the network address of the caller."""
    return request.client.host if request.client else ""


class Logins:
    """Takes people to the providers and lets them in when they come back."""

    def __init__(
        self,
        providers: Sequence[Provider],
        keeper: SessionKeeper,
        authenticator: Authenticator,
        cookies: Cookies,
        *,
        lifetime: Lifetime,
        leeway: int,
    ) -> None:
        """Take the providers, what keeps logins, and what checks access tokens; `leeway` is in seconds."""
        self._providers = {each.name: each for each in providers}
        self._keeper = keeper
        self._authenticator = authenticator
        self._cookies = cookies
        self._lifetime = lifetime
        self._leeway = leeway

    async def begin(self, request: Request, provider: Provider, next_path: str) -> Response:
        """Return the way to the provider's pages; raises ProviderError where they cannot be found."""
        ticket, session = new_ticket(), dict[str, Any]()
        request.scope["session"] = session
        app = await provider.app(address_of(request))
        response: Response = await app.authorize_redirect(
            request, f"{self._cookies.origin}{provider.callback}", **provider.client.parameters
        )
        pending = {"provider": provider.name, "next": next_path, "session": session}
        await self._keeper.begin_login(digest(ticket), seal(ticket, PENDING, pending), LOGIN_SECONDS)
        self._cookies.give(response, self._cookies.login, ticket, LOGIN_SECONDS)
        return response

    async def finish(self, request: Request) -> Entered:
        """Return the session that a provider's answer leads to; the one before in this browser ends.

        Raises LoginRefused, and ProviderError or an error of HTTP where the provider does not answer.
        """
        name = "-"
        try:
            pending = await self._pending(request)
            provider = self._providers[name := str(pending["provider"])]
            tokens, principal = await self._redeemed(request, provider, pending["session"])
            ticket = await self._enter(request, provider, tokens, principal)
        except LoginRefused as error:
            await self._keeper.refuse_login(name, str(error.details["reason"]), address_of(request))
            raise
        return Entered(ticket, str(pending["next"]))

    async def _pending(self, request: Request) -> dict[str, Any]:
        """Return the login that this browser began, which nobody can finish again."""
        ticket = self._cookies.read(request, self._cookies.login)
        sealed = None if ticket is None else await self._keeper.take_login(digest(ticket))
        pending = None if ticket is None or sealed is None else unseal(ticket, PENDING, sealed)
        if pending is None or pending["provider"] not in self._providers:
            raise LoginRefused(reason=NOT_BEGUN)
        return pending

    async def _redeemed(
        self, request: Request, provider: Provider, session: dict[str, Any]
    ) -> tuple[dict[str, str], Principal]:
        """Return the tokens that the answer's code is good for, and whom they name."""
        _check_answer(request, await provider.metadata(), provider)
        request.scope["session"] = session
        try:
            app = await provider.app(address_of(request))
            token = await app.authorize_access_token(
                request,
                claims_options={
                    "iss": {"essential": True, "value": provider.issuer},
                    "aud": {"essential": True, "value": provider.client.client_id},
                },
                leeway=self._leeway,
                **token_parameters(provider),
            )
            person = token["userinfo"]["sub"]
            principal = await self._authenticator.authenticate(token["access_token"])
        except AuthlibBaseError as error:
            _log.info("login at %s refused: %s", provider.name, error.error)
            raise LoginRefused(reason=f"{provider.client.title} says {_word(error.error)}") from None
        except Unauthenticated:
            raise LoginRefused(reason=NO_ACCESS) from None
        except FAILURES as error:
            _log.info("login at %s refused: %s", provider.name, type(error).__name__)
            raise LoginRefused(reason=f"the answer of {provider.client.title} is not valid") from None
        if (principal.issuer, principal.subject) != (provider.issuer, f"{provider.prefix}{person}"):
            raise LoginRefused(reason="the tokens are of two people")
        return kept_tokens(token), principal

    async def _enter(
        self, request: Request, provider: Provider, tokens: dict[str, str], principal: Principal
    ) -> str:
        """Begin a session under a new ticket, whatever the browser held before."""
        ticket = new_ticket()
        before = self._cookies.read(request, self._cookies.session)
        started = Started(
            key=digest(ticket),
            provider=provider.name,
            principal=principal,
            sealed=seal(ticket, TOKENS, tokens),
            lifetime=self._lifetime,
            replaces=None if before is None else digest(before),
            origin=address_of(request),
        )
        try:
            await self._keeper.log_in(started)
        except PartyRefused:
            raise LoginRefused(reason=NO_ACCESS) from None
        return ticket


def _check_answer(request: Request, metadata: Metadata, provider: Provider) -> None:
    """Refuse an answer of another provider than was asked (RFC 9207 §2.4), or that says anything twice."""
    given = request.query_params.multi_items()
    if len(given) != len({name for name, _ in given}):
        raise LoginRefused(reason="the answer says something twice")
    named = request.query_params.get("iss")
    needed = metadata.get("authorization_response_iss_parameter_supported") is True
    elsewhere = request.url.path != provider.callback
    if elsewhere or (named != provider.issuer and (named is not None or needed)):
        raise LoginRefused(reason=ANOTHER_ISSUER)


def _word(error: object) -> str:
    """Return an error code of the protocol; what is none is not repeated."""
    text = str(error)
    return text if text.isascii() and text.replace("_", "").isalpha() and len(text) < 60 else "no"
