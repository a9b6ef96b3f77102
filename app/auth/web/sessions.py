"""Who a cookie stands for, from request to request, until the session ends."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakValueDictionary

from authlib.common.errors import AuthlibBaseError
from starlette.requests import HTTPConnection

from app.auth.principal import Principal
from app.auth.validation import Authenticator
from app.auth.web.cookies import Cookies
from app.auth.web.keeping import SessionKeeper
from app.auth.web.logins import FAILURES, TOKENS, UNREACHABLE, address_of, kept_tokens, token_parameters
from app.auth.web.providers import Provider
from app.auth.web.same_origin import check_own_page, check_own_socket
from app.auth.web.tickets import digest, seal, unseal
from app.errors import Unauthenticated

_log = logging.getLogger(__name__)

EARLY_SECONDS: Final = 30
"""So long before it expires an access token is renewed."""
RENEWALS_AT_ONCE: Final = 5
"""Each holds a connection to the database while the provider answers."""
_FOR_NOW: Final = ("slow_down", "temporarily_unavailable", "server_error")
"""Refusals of a provider that say nothing about the session."""
LOGGED_OUT: Final = "logged out"
NOT_RENEWED: Final = "the provider renews it no longer"


@dataclass(frozen=True, slots=True)
class Identified:
    """Who is calling, by which session: `key` is its ticket's digest, which `announce_ended` names too."""

    principal: Principal
    key: str
    provider: Provider
    ticket: str = field(repr=False)
    tokens: Mapping[str, str] = field(repr=False)


class Sessions:
    """Turns cookies into principals; renews their tokens at the provider, and ends them."""

    def __init__(
        self,
        providers: Sequence[Provider],
        keeper: SessionKeeper,
        authenticator: Authenticator,
        cookies: Cookies,
    ) -> None:
        """Take the providers, what keeps sessions, and what checks access tokens."""
        self._providers = {each.name: each for each in providers}
        self._keeper = keeper
        self._authenticator = authenticator
        self._cookies = cookies
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._renewals = asyncio.Semaphore(RENEWALS_AT_ONCE)

    def presented(self, connection: HTTPConnection) -> bool:
        """Say whether a request brings a session's cookie."""
        return self._cookies.read(connection, self._cookies.session) is not None

    async def of_page(self, request: HTTPConnection) -> Identified:
        """Return who is calling by a script of our own pages.

        Raises CrossSiteRequest for requests that others made, Unauthenticated without a session that lives.
        """
        check_own_page(request, self._cookies.origin)
        return await self._identify(request)

    async def of_socket(self, handshake: HTTPConnection) -> Identified:
        """Return who opens a WebSocket from our own pages; raises as `of_page` does."""
        check_own_socket(handshake, self._cookies.origin)
        return await self._identify(handshake)

    async def again(self, before: Identified, connection: HTTPConnection) -> Principal:
        """Return the principal of a session as it is now; raises Unauthenticated once it has ended."""
        return (await self._live(before.ticket, address_of(connection))).principal

    async def log_out(self, request: HTTPConnection) -> str | None:
        """End the session of a request; return where its provider lets people log out as well, if anywhere.

        A session that has ended already, or whose tokens have, is as good as logged out.
        """
        check_own_page(request, self._cookies.origin)
        ticket, address = self._cookies.read(request, self._cookies.session), address_of(request)
        if ticket is None:
            return None
        try:
            found = await self._live(ticket, address)
        except Unauthenticated:
            await self._keeper.log_out(digest(ticket), None, LOGGED_OUT, address)
            return None
        await self._keeper.log_out(found.key, found.principal, LOGGED_OUT, address)
        return await self._logged_out_there(found, address)

    async def _identify(self, connection: HTTPConnection) -> Identified:
        ticket = self._cookies.read(connection, self._cookies.session)
        if ticket is None:
            raise Unauthenticated
        return await self._live(ticket, address_of(connection))

    async def _live(self, ticket: str, address: str) -> Identified:
        key = digest(ticket)
        session = await self._keeper.find(key)
        provider = self._providers.get(session.provider) if session else None
        tokens = unseal(ticket, TOKENS, session.sealed) if session else None
        if session is None or provider is None or tokens is None:
            raise Unauthenticated
        principal = await self._valid(tokens)
        if principal is None or principal.expires_at - time.time() < EARLY_SECONDS:
            found = Identified(principal, key, provider, ticket, tokens) if principal else None
            found = await self._renewed(ticket, provider, tokens, address) or found
        else:
            found = Identified(principal, key, provider, ticket, tokens)
        if found is None or found.principal.subject != session.subject:
            raise Unauthenticated
        return found

    async def _valid(self, tokens: Mapping[str, Any]) -> Principal | None:
        try:
            return await self._authenticator.authenticate(tokens["access_token"])
        except Unauthenticated:
            return None

    async def _renewed(
        self, ticket: str, provider: Provider, before: Mapping[str, Any], address: str
    ) -> Identified | None:
        """Return the session with tokens that somebody renewed, this call if nobody else did meanwhile.

        A refresh token is good for one use, so of all processes one renews at a time. None where nothing new
        is to be had; a session that its provider renews no longer ends.
        """
        key = digest(ticket)
        turn = self._turns.setdefault(key, asyncio.Lock())
        try:
            async with turn, self._renewals, self._keeper.renewing(key) as renewal:
                now = None if renewal is None else unseal(ticket, TOKENS, renewal.sealed)
                if renewal is None or now is None:
                    return None
                if now == before:
                    now = await self._refreshed(provider, now, address)
                    if now is None:
                        return None
                    await renewal.keep(seal(ticket, TOKENS, now))
        except FAILURES as error:
            reason = error.error if isinstance(error, AuthlibBaseError) else type(error).__name__
            _log.info("a session of %s is not renewed: %s", provider.name, reason)
            await self._keeper.log_out(key, None, NOT_RENEWED, address)
            raise Unauthenticated from None
        principal = await self._valid(now)
        return None if principal is None else Identified(principal, key, provider, ticket, now)

    async def _refreshed(
        self, provider: Provider, tokens: Mapping[str, Any], address: str
    ) -> dict[str, str] | None:
        """Return new tokens, None where there is nothing to ask with or nobody answers."""
        if "refresh_token" not in tokens:
            return None
        try:
            app = await provider.app(address)
            fresh = await app.fetch_access_token(
                grant_type="refresh_token",
                refresh_token=tokens["refresh_token"],
                **token_parameters(provider),
            )
        except UNREACHABLE as error:
            _log.warning("%s does not answer, so sessions are not renewed: %s", provider.name, error)
            return None
        except AuthlibBaseError as error:
            if error.error not in _FOR_NOW:
                raise
            _log.warning("%s does not renew sessions for now: %s", provider.name, error.error)
            return None
        return kept_tokens(fresh, tokens)

    async def _logged_out_there(self, found: Identified, address: str) -> str | None:
        """Have the provider end the tokens (RFC 7009); return the page where people log out there, if any.

        The session here has ended whatever the provider does.
        """
        try:
            metadata = await found.provider.metadata()
            app = await found.provider.app(address)
            if "revocation_endpoint" in metadata and "refresh_token" in found.tokens:
                async with app._get_oauth_client(**metadata) as client:
                    await client.revoke_token(
                        metadata["revocation_endpoint"],
                        token=found.tokens["refresh_token"],
                        token_type_hint="refresh_token",  # noqa: S106  a kind of token
                    )
            if "end_session_endpoint" not in metadata:
                return None
            page = await app.create_logout_url(
                post_logout_redirect_uri=f"{self._cookies.origin}/",
                id_token_hint=found.tokens.get("id_token"),
                client_id=found.provider.client.client_id,
            )
            return str(page["url"])
        except (*UNREACHABLE, *FAILURES) as error:
            _log.warning("not logged out at %s: %s", found.provider.name, type(error).__name__)
            return None
