"""Concord with web login against providers that lie on request, and browsers that keep cookies."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2 as httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette

import app.main
from app.auth.login_client import LoginClient
from app.auth.mapping import ClaimRule, PrincipalRules
from app.auth.trust import Issuer
from app.auth.verifying import read_key_set
from app.auth.web import Provider
from app.config import Settings
from app.store.database import Database
from tests.auth.web.provider import API, CLIENT, LyingProvider, query
from tests.outside import plant

OWN = "https://concord.example.com"
PAGE = {"X-Concord-Page": "1", "Origin": OWN, "Sec-Fetch-Site": "same-origin"}
VIEWER = {"query": "{ viewer { subject role } }"}
RULES = PrincipalRules(ClaimRule(("graph",)), ClaimRule(("role",)), ClaimRule(("party",), optional=True))
PLANNER = {"graph": "internal", "role": "planner"}
SUPPLIER = {"graph": "supplier", "role": "supplier_planner"}


@dataclass
class Keys:
    """The keys of a provider at hand."""

    provider: LyingProvider

    def known(self, kid: str) -> Any:
        document = {"keys": [self.provider.key.as_dict(private=False)]}
        return read_key_set(document, frozenset({"ES256"})).get(kid)

    async def find(self, kid: str) -> Any:
        return self.known(kid)


@dataclass
class Tab:
    """A browser at Concord's pages."""

    http: httpx.AsyncClient
    providers: dict[str, LyingProvider]
    headers: dict[str, str] = field(default_factory=lambda: dict(PAGE))

    async def begin(self, name: str = "good", next_path: str = "/graphql") -> str:
        """Begin a login; return where the browser is sent."""
        answer = await self.http.get("/login", params={"with": name, "next": next_path})
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    async def log_in(self, person: str = "anna", name: str = "good", **claims: Any) -> httpx.Response:
        """Go the whole way; return the answer of the callback."""
        address = await self.begin(name)
        return await self.http.get(
            query(self.providers[name].log_in(address, person, **(claims or PLANNER)), name)
        )

    async def whoami(self, **headers: str | None) -> str | int:
        """Ask the graph who is calling; return the subject, or the status of a refusal."""
        sent = {name: value for name, value in {**self.headers, **headers}.items() if value is not None}
        answer = await self.http.post("/graphql", json=VIEWER, headers=sent)
        if answer.status_code != 200:
            return answer.status_code
        return str(answer.json()["data"]["viewer"]["subject"])

    @property
    def ticket(self) -> str | None:
        """What the session's cookie holds."""
        return self.http.cookies.get("__Host-concord")


@pytest.fixture(scope="module")
def lying() -> dict[str, LyingProvider]:
    return {name: LyingProvider(f"https://{name}.example") for name in ("good", "evil")}


@pytest.fixture
def providers(lying: dict[str, LyingProvider]) -> dict[str, LyingProvider]:
    """Both providers, honest until the test makes one lie."""
    for each in lying.values():
        each.reset()
    return lying


@pytest.fixture(scope="module")
def settings(module_settings: Settings) -> Settings:
    return module_settings.model_copy(
        update={"public_url": OWN, "builtin_issuer": False, "token_requests_per_minute": 10_000}
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def database(settings: Settings) -> AsyncIterator[Database]:
    opened = await Database.open(settings)
    try:
        await plant(opened)
        yield opened
    finally:
        await opened.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(
    settings: Settings, database: Database, lying: dict[str, LyingProvider]
) -> AsyncIterator[Starlette]:
    """The application, which trusts both providers; only one of them is honest."""

    def reachable(issuers: list[Issuer]) -> list[Provider]:
        return [_reached(each, lying[each.name]) for each in issuers]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app.main, "load_issuers", lambda _: [trusted(each) for each in lying.values()])
        patch.setattr(app.main, "login_providers", reachable)
        made = app.main.create_app(settings)
    async with made.router.lifespan_context(made):
        yield made


def trusted(provider: LyingProvider) -> Issuer:
    """Return a provider as the issuers' file would trust it."""
    name = provider.issuer.removeprefix("https://").removesuffix(".example")
    return Issuer(
        issuer=provider.issuer,
        keys=Keys(provider),
        algorithms=frozenset({"ES256"}),
        types=frozenset({"at+jwt"}),
        rules=RULES,
        prefix=f"{name}:",
        name=name,
        login=LoginClient(name.title(), CLIENT, "a secret", ("openid",), {"resource": API}),
    )


def _reached(issuer: Issuer, provider: LyingProvider) -> Provider:
    async def describe(_: str) -> dict[str, Any]:
        return provider.describe()

    assert issuer.login is not None
    return Provider(
        issuer.name,
        issuer.issuer,
        replace(issuer.login),
        issuer.prefix,
        issuer.algorithms,
        transport=provider.transport,
        describe=describe,
        clock=itertools.count(step=1000).__next__,  # what it says of itself is asked for each time
    )


@pytest_asyncio.fixture(loop_scope="module")
async def tab(served: Starlette, providers: dict[str, LyingProvider]) -> AsyncIterator[Callable[[], Tab]]:
    """A function that opens a browser with no cookies yet."""
    async with AsyncExitStack() as opened:

        def open_tab() -> Tab:
            http = httpx.AsyncClient(transport=httpx.ASGITransport(app=served), base_url=OWN)
            opened.push_async_callback(http.aclose)
            return Tab(http, providers)

        yield open_tab
