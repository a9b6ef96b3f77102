"""Concord with web login against providers that lie on request, and browsers that keep cookies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2 as httpx
import pytest
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
        return await self.http.get(query(self.providers[name].log_in(address, person, **(claims or PLANNER))))

    async def whoami(self, **headers: str | None) -> str | int:
        """Ask the graph who is calling; return the subject, or the status of a refusal."""
        sent = {name: value for name, value in {**self.headers, **headers}.items() if value is not None}
        answer = await self.http.post("/graphql", json=VIEWER, headers=sent)
        return str(answer.json()["data"]["viewer"]["subject"]) if answer.status_code == 200 else answer.status_code

    @property
    def ticket(self) -> str | None:
        """What the session's cookie holds."""
        return self.http.cookies.get("__Host-concord")


@pytest.fixture
def providers() -> dict[str, LyingProvider]:
    return {name: LyingProvider(f"https://{name}.example") for name in ("good", "evil")}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"public_url": OWN, "builtin_issuer": False})


@pytest.fixture
async def served(
    settings: Settings,
    database: Database,
    providers: dict[str, LyingProvider],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Starlette]:
    """The application, which trusts both providers; only one of them is honest."""
    await plant(database)
    monkeypatch.setattr(app.main, "load_issuers", lambda _: [trusted(each) for each in providers.values()])

    def reachable(issuers: list[Issuer]) -> list[Provider]:
        return [_reached(each, providers[each.name]) for each in issuers]

    monkeypatch.setattr(app.main, "login_providers", reachable)
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
        clock=lambda: float("inf") if provider.metadata else 0.0,
    )


@pytest.fixture
async def tab(served: Starlette, providers: dict[str, LyingProvider]) -> AsyncIterator[Callable[[], Tab]]:
    """A function that opens a browser with no cookies yet."""
    async with AsyncExitStack() as opened:
        def open_tab() -> Tab:
            http = httpx.AsyncClient(transport=httpx.ASGITransport(app=served), base_url=OWN)
            opened.push_async_callback(http.aclose)
            return Tab(http, providers)

        yield open_tab
