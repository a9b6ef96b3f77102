"""Logging in at our own pages with an account of the built-in issuer, and out again."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from html import unescape

import httpx2 as httpx
import pytest

from app.access import IDENTITY
from app.auth.issuer.revocations import FRESH_SECONDS
from app.config import Settings
from app.main import create_app
from app.services.identity.accounts import add_account, disable_account
from app.store.database import Database
from tests.auth.web.conftest import VIEWER
from tests.outside import plant

OWN = "http://127.0.0.1:8000"
PAGE = {"X-Concord-Page": "1", "Origin": OWN, "Sec-Fetch-Site": "same-origin"}
PASSWORD = "a long enough password"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """As nobody has set anything: plain http on loopback, the built-in issuer alone."""
    return settings.model_copy(
        update={"public_url": None, "builtin_issuer": True, "client_token_ttl_seconds": 30}
    )


@pytest.fixture
async def http(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    await plant(database)
    made = create_app(settings)
    async with made.router.lifespan_context(made):
        transport = httpx.ASGITransport(app=made)
        async with httpx.AsyncClient(transport=transport, base_url=OWN, follow_redirects=True) as opened:
            yield opened


def form_of(page: httpx.Response) -> tuple[str, dict[str, str]]:
    """Return where a page's form leads, and its hidden fields."""
    action = re.search(r'<form[^>]*action="([^"]+)"', page.text)
    assert action, page.text
    fields = re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page.text)
    return unescape(action[1]), {name: unescape(value) for name, value in fields}


async def log_in(http: httpx.AsyncClient, password: str = PASSWORD) -> httpx.Response:
    """Go the way of a browser: to the page, and with the filled-in form back to where it leads."""
    page = await http.get("/login")
    assert page.url.path == "/oauth/authorize"
    action, fields = form_of(page)
    return await http.post(action, data={**fields, "name": "anna", "password": password})


async def test_a_person_with_an_account_here_logs_in_and_out(
    http: httpx.AsyncClient, database: Database
) -> None:
    await add_account(database, "anna", PASSWORD, audience="internal", role="planner", party=None, by="test")
    wrong = await log_in(http, "not the password")
    assert (wrong.status_code, wrong.url.path) == (403, "/oauth/login")

    page = await log_in(http)
    assert page.url.path == "/graphql"
    for _ in range(3):  # tokens of half a minute: each request renews them
        answer = await http.post("/graphql", json=VIEWER, headers=PAGE)
        assert answer.json() == {"data": {"viewer": {"subject": "user:anna", "role": "planner"}}}

    ended = await http.post("/logout", headers=PAGE)
    there = ended.json()["next"]
    assert there.startswith(f"{OWN}/oauth/logout?")
    assert (await http.post("/graphql", json=VIEWER, headers=PAGE)).status_code == 401
    home = await http.get(there)
    assert home.url.path == "/graphql", "the issuer logged out without a question and sent the browser back"
    assert "password" in (await http.get("/login")).text, "and asks for the password again"


async def test_somebody_who_is_disabled_is_out_within_seconds(
    http: httpx.AsyncClient, database: Database
) -> None:
    await add_account(database, "anna", PASSWORD, audience="internal", role="planner", party=None, by="test")
    await log_in(http)
    assert (await http.post("/graphql", json=VIEWER, headers=PAGE)).status_code == 200
    await disable_account(database, "anna", by="test")
    await asyncio.sleep(FRESH_SECONDS + 0.2)
    assert (await http.post("/graphql", json=VIEWER, headers=PAGE)).status_code == 401
    told = (await http.get("/login/session", headers=PAGE)).json()
    assert told["session"] is None
    async with database.read(IDENTITY) as tx:
        assert await tx.fetch_value("SELECT count(*) FROM identity.web_session") == 0, "and nothing is kept"


async def test_over_plain_http_the_cookie_does_not_pretend(
    http: httpx.AsyncClient, database: Database
) -> None:
    await add_account(database, "anna", PASSWORD, audience="internal", role="planner", party=None, by="test")
    await log_in(http)
    assert "concord" in http.cookies
    assert not [name for name in http.cookies if name.startswith("__")]
    for host in ("localhost:8000", "127.0.0.1:9000", "concord.example.com"):
        assert (await http.get("/login", headers={"Host": host})).status_code == 400
        answer = await http.post("/graphql", json=VIEWER, headers={**PAGE, "Host": host})
        assert answer.status_code == 401
