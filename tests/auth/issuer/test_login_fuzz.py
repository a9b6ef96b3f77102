"""Whatever is sent to the login pages, they answer by themselves: nobody let in, no traceback, no 5xx."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import httpx2 as httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette

from app.auth import TokenValidator
from app.auth.issuer import Application, Client, issuer_routes
from app.config import Settings
from tests.auth.issuer.nobody import Nobody
from tests.auth.issuer.person import CALLBACK, Asked

GOOD = Asked("portal", verifier="v" * 43, state="s", nonce="n").parameters
NAMES = [*GOOD, "prompt", "max_age", "request", "request_uri", "response_mode", "id_token_hint"]
LOGOUT_NAMES = ["post_logout_redirect_uri", "client_id", "id_token_hint", "state", "logout_hint"]
SYNTAX = ['"', "\\", "a b", "é", "\n", "\x7f", "'--", "..", "", "javascript:x", "//evil.example", "none"]
texts = st.one_of(st.sampled_from([*GOOD.values(), *SYNTAX]), st.text(max_size=30))
changes = st.dictionaries(st.sampled_from(NAMES), st.one_of(st.none(), texts), max_size=4)
forms = st.dictionaries(
    st.sampled_from(["csrf", "request", "name", "password", "decision", *LOGOUT_NAMES]),
    st.one_of(texts, st.just(urlencode(GOOD))),
    max_size=5,
)


class OneApplication(Nobody):
    """A registry of one application, and of nobody who could log in to it."""

    async def find_client(self, client_id: str) -> Client | None:
        application = Application("Portal", (CALLBACK,), (CALLBACK,))
        known = Client("portal", "none", None, None, None, application=application)
        return known if client_id == "portal" else None


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Starlette:
    home: Path = tmp_path_factory.mktemp("home")
    settings = Settings(home=home, token_requests_per_minute=10**6)
    return Starlette(routes=issuer_routes(settings, OneApplication(), TokenValidator(settings)))


def ask(app: Starlette, method: str, path: str, form: Mapping[str, str] | None = None) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://concord.test") as client:
            return await client.request(method, path, data=None if form is None else dict(form))

    return asyncio.run(send())


def check(response: httpx.Response) -> None:
    """Hold the answer to be a page, or a way to this server or to the one registered address."""
    assert response.status_code in (200, 303, 400, 403), response.text
    if response.status_code == 303:
        parts = urlsplit(response.headers["location"])
        where = f"{parts.scheme}://{parts.netloc}{parts.path}" if parts.netloc else parts.path
        assert where in (CALLBACK, "/oauth/authorize", "/oauth/logout")
        assert "code=" not in parts.query.replace("response_code=", "")
    else:
        assert response.headers["content-type"].startswith("text/html")
        assert "default-src 'none'" in response.headers["content-security-policy"]


@given(changes=changes)
def test_any_authorization_request(changes: Mapping[str, str | None], app: Starlette) -> None:
    parameters = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    check(ask(app, "GET", f"/oauth/authorize?{urlencode(parameters)}"))


@given(path=st.sampled_from(["/oauth/login", "/oauth/consent", "/oauth/logout"]), form=forms)
def test_any_form(path: str, form: Mapping[str, str], app: Starlette) -> None:
    check(ask(app, "POST", path, form))


@given(form=forms)
def test_any_logout(form: Mapping[str, str], app: Starlette) -> None:
    check(ask(app, "GET", f"/oauth/logout?{urlencode(form)}"))
