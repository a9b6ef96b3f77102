"""Whatever is sent to the built-in issuer, the answer is one of its own: no traceback, no token, no 5xx."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import httpx2 as httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette

from app.auth import Rights, TokenValidator
from app.auth.issuer import Client, hash_secret, issuer_routes
from app.auth.issuer.credentials import ASSERTION_TYPE
from app.config import Settings
from tests.auth.issuer.nobody import Nobody

PATHS = ("/oauth/token", "/oauth/revoke", "/oauth/introspect")
NAMES = [
    "grant_type",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "scope",
    "token",
    "token_type_hint",
    "x",
]
SYNTAX = ['"', "\\", "a b", "é", "\n", "\x7f", "'--", "..", ""]
WORDS = ["client_credentials", "erp", "concord", ASSERTION_TYPE, *SYNTAX]
texts = st.one_of(st.sampled_from(WORDS), st.text(max_size=30))
forms = st.dictionaries(st.sampled_from(NAMES), texts, max_size=6)
headers = st.dictionaries(
    st.just("Authorization"),
    st.one_of(
        st.sampled_from(["Basic", "Basic ", "Basic ZXJwOng=", "basic  ZXJwOng=", "Bearer x", "Basic %", "x"]),
        st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30),
    ),
    max_size=1,
)


class OneClient(Nobody):
    """A registry of one client, whose secret nobody knows."""

    def __init__(self) -> None:
        hashed = hash_secret("only this test's")
        self.client = Client("erp", "client_secret", hashed, None, None, Rights("internal", "planner", None))

    async def find_client(self, client_id: str) -> Client | None:
        return self.client if client_id == "erp" else None


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Starlette:
    home: Path = tmp_path_factory.mktemp("home")
    settings = Settings(home=home, token_requests_per_minute=10**6)
    return Starlette(routes=issuer_routes(settings, OneClient(), TokenValidator(settings)))


@given(path=st.sampled_from(PATHS), form=forms, sent=headers)
def test_no_answer_but_the_issuers_own(
    path: str, form: Mapping[str, str], sent: Mapping[str, str], app: Starlette
) -> None:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://concord.test") as client:
            return await client.post(path, data=dict(form), headers=dict(sent))

    response = asyncio.run(ask())
    assert response.status_code in (400, 401)
    assert set(response.json()) <= {"error", "error_description"}
    assert response.headers["cache-control"] == "no-store"
