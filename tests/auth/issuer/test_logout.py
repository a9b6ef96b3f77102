"""Logging out: only of one's own will, and then on to nowhere but where the application registered."""

from __future__ import annotations

from typing import Any

import httpx2 as httpx
import pytest

from app.auth import rotate_signing_keys
from app.config import Settings
from app.store.database import Database
from tests.auth.issuer.person import Asked, Person, add_application, add_person, read_form

BACK = "https://planning.example/bye"


@pytest.fixture
async def id_token(client: httpx.AsyncClient, database: Database, anna: Person) -> str:
    """Somebody logged in."""
    await add_person(database)
    await add_application(database, logout_uris=(BACK,), first_party=True)
    await add_application(database, "other", logout_uris=("https://other.example/bye",))
    asked = Asked("portal")
    response = await anna.log_in(asked)
    code = response.headers["location"].split("code=")[1].split("&")[0]
    tokens = (await client.post("/oauth/token", data=asked.token_form(code))).json()
    return str(tokens["id_token"])


async def logged_in(client: httpx.AsyncClient) -> bool:
    return (await client.get(Asked("portal").address)).status_code == 303


async def ask(client: httpx.AsyncClient, **parameters: Any) -> httpx.Response:
    return await client.get("/oauth/logout", params=parameters)


async def test_the_own_id_token_logs_out_at_once_and_leads_back(
    client: httpx.AsyncClient, id_token: str
) -> None:
    response = await ask(client, id_token_hint=id_token, post_logout_redirect_uri=BACK, state="s")
    assert (response.status_code, response.headers["location"]) == (303, f"{BACK}?state=s")
    assert not await logged_in(client)


async def test_without_it_a_person_is_asked(client: httpx.AsyncClient, id_token: str, anna: Person) -> None:
    page = await ask(client, client_id="portal", post_logout_redirect_uri=BACK, state="s")
    assert page.status_code == 200
    assert "form-action 'self' https://planning.example;" in page.headers["content-security-policy"]
    assert await logged_in(client)
    form = read_form(page)
    forged = await anna.send(form, csrf="x")
    assert forged.headers["location"].startswith("/oauth/logout?"), "asked again"
    assert await logged_in(client)
    response = await anna.send(form)
    assert response.headers["location"] == f"{BACK}?state=s"
    assert not await logged_in(client)


async def test_a_form_of_another_site_logs_nobody_out(client: httpx.AsyncClient, id_token: str) -> None:
    response = await client.post("/oauth/logout", data={"client_id": "portal"})
    assert (response.status_code, response.headers["location"]) == (303, "/oauth/logout?client_id=portal")
    page = await client.get(response.headers["location"])
    assert "Log out?" in page.text
    assert await logged_in(client)


ELSEWHERE = [
    {"post_logout_redirect_uri": "https://evil.example"},
    {"post_logout_redirect_uri": f"{BACK}/"},
    {"post_logout_redirect_uri": "https://other.example/bye"},
    {"post_logout_redirect_uri": "https://other.example/bye", "client_id": "other"},
    {"post_logout_redirect_uri": BACK, "client_id": "other"},
    {"post_logout_redirect_uri": BACK, "client_id": "nobody"},
    {"post_logout_redirect_uri": "javascript:alert(1)"},
]


async def test_nobody_is_sent_elsewhere(client: httpx.AsyncClient, id_token: str, anna: Person) -> None:
    for parameters in ELSEWHERE:
        response = await ask(client, id_token_hint=id_token, **parameters)
        assert response.status_code == 200, parameters
        assert "You are logged out" in response.text
    await anna.log_in(Asked("portal"))
    response = await ask(client, id_token_hint=id_token, post_logout_redirect_uri=BACK)
    assert "Log out?" in response.text, "the hint of a session that is over"


async def test_a_hint_that_is_none_is_worth_a_question(
    client: httpx.AsyncClient, id_token: str, settings: Settings
) -> None:
    changed = f"{id_token[:-2]}{'AA' if id_token[-2:] != 'AA' else 'BB'}"
    for hint in ("x", changed, "a.b.c", id_token.rpartition(".")[0] + "."):
        assert "Log out?" in (await ask(client, id_token_hint=hint)).text
    rotate_signing_keys(settings, 0)
    assert "Log out?" in (await ask(client, id_token_hint=id_token)).text, "its key is gone"
    assert await logged_in(client)


async def test_who_is_not_logged_in_is_told_the_same(client: httpx.AsyncClient) -> None:
    response = await ask(client)
    assert "You are logged out" in response.text
