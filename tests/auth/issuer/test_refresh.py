"""Refresh tokens: each good once, a copy ends them all, and none outlives what it came from."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2 as httpx
import pytest

from app.access import IDENTITY
from app.config import Settings
from app.services.identity.accounts import change_password, disable_account
from app.services.identity.clients import revoke_client
from app.store.database import Database
from tests.auth.issuer.helpers import as_superuser, ends, role_of
from tests.auth.issuer.person import Asked, Person, add_application, add_person

Tokens = dict[str, Any]


async def refresh(
    client: httpx.AsyncClient, token: str, client_id: str = "portal", **more: str
) -> httpx.Response:
    form = {"grant_type": "refresh_token", "client_id": client_id, "refresh_token": token, **more}
    return await client.post("/oauth/token", data=form)


@pytest.fixture
async def tokens(client: httpx.AsyncClient, database: Database, anna: Person) -> Tokens:
    """What a login gave the application."""
    await add_person(database)
    await add_application(database)
    await add_application(database, "other")
    asked = Asked("portal")
    response = await client.post("/oauth/token", data=asked.token_form(await anna.grant(asked)))
    return dict(response.json())


async def test_each_is_replaced_by_the_next(client: httpx.AsyncClient, tokens: Tokens) -> None:
    token, seen = tokens["refresh_token"], {tokens["refresh_token"]}
    for _ in range(3):
        response = await refresh(client, token)
        assert response.status_code == 200, response.text
        answer = response.json()
        assert answer["scope"] == "openid concord"
        assert await role_of(client, answer["access_token"]) == "planner"
        token = answer["refresh_token"]
        assert token not in seen
        seen.add(token)


async def test_one_used_twice_ends_them_all(client: httpx.AsyncClient, tokens: Tokens) -> None:
    second = (await refresh(client, tokens["refresh_token"])).json()
    third = (await refresh(client, second["refresh_token"])).json()
    assert await role_of(client, third["access_token"]) == "planner"
    stolen = await refresh(client, tokens["refresh_token"])
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    assert (await refresh(client, third["refresh_token"])).status_code == 400, "the rightful one as well"
    for each in (tokens, second, third):
        assert await ends(client, each["access_token"])


async def test_of_many_uses_at_once_none_outlives_the_others(
    client: httpx.AsyncClient, tokens: Tokens
) -> None:
    answers = await asyncio.gather(*(refresh(client, tokens["refresh_token"]) for _ in range(8)))
    good = [answer.json() for answer in answers if answer.status_code == 200]
    assert len(good) <= 1
    for each in good:
        assert (await refresh(client, each["refresh_token"])).status_code == 400


async def test_another_client_can_neither_use_nor_end_it(client: httpx.AsyncClient, tokens: Tokens) -> None:
    assert (await refresh(client, tokens["refresh_token"], "other")).status_code == 400
    revoked = await client.post(
        "/oauth/revoke", data={"token": tokens["refresh_token"], "client_id": "other"}
    )
    assert revoked.status_code == 200, "as for any text that is no token"
    assert (await refresh(client, tokens["refresh_token"])).status_code == 200


async def test_what_is_none(client: httpx.AsyncClient, tokens: Tokens) -> None:
    for text in ("x", "x" * 5000, tokens["access_token"], tokens["id_token"]):
        refused = await refresh(client, text)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    missing = await client.post("/oauth/token", data={"grant_type": "refresh_token", "client_id": "portal"})
    assert (missing.status_code, missing.json()["error"]) == (400, "invalid_request")
    wider = await refresh(client, tokens["refresh_token"], scope="openid concord admin")
    assert (wider.status_code, wider.json()["error"]) == (400, "invalid_scope")
    narrower = await refresh(client, tokens["refresh_token"], scope="concord")
    assert narrower.json()["scope"] == "concord", "a refused scope did not spend the token"


async def test_it_ends_so_long_after_the_login(
    client: httpx.AsyncClient, tokens: Tokens, settings: Settings
) -> None:
    as_superuser(settings, "UPDATE identity.token_family SET expires_at = now() + interval '40 seconds'")
    answer = (await refresh(client, tokens["refresh_token"])).json()
    assert answer["expires_in"] <= 40, "nor does an access token live on"
    as_superuser(settings, "UPDATE identity.token_family SET expires_at = now()")
    assert (await refresh(client, answer["refresh_token"])).status_code == 400


@pytest.mark.parametrize("ending", ["logout", "password", "disabled", "client", "revoked"])
async def test_it_ends_with(
    ending: str, client: httpx.AsyncClient, tokens: Tokens, database: Database
) -> None:
    if ending == "logout":
        gone = await client.get("/oauth/logout", params={"id_token_hint": tokens["id_token"]})
        assert "You are logged out" in gone.text
    elif ending == "password":
        await change_password(database, "anna", "another good password", by="test")
    elif ending == "disabled":
        await disable_account(database, "anna", by="test")
    elif ending == "client":
        await revoke_client(database, "portal", by="test")
    else:
        form = {"token": tokens["refresh_token"], "client_id": "portal", "token_type_hint": "refresh_token"}
        assert (await client.post("/oauth/revoke", data=form)).status_code == 200
    assert (await refresh(client, tokens["refresh_token"])).status_code in (400, 401)
    assert await ends(client, tokens["access_token"])


async def test_an_access_token_can_be_ended_alone(client: httpx.AsyncClient, tokens: Tokens) -> None:
    for client_id, status in (("other", 400), ("portal", 200)):
        form = {"token": tokens["access_token"], "client_id": client_id}
        assert (await client.post("/oauth/revoke", data=form)).status_code == status
    assert await ends(client, tokens["access_token"])
    renewed = (await refresh(client, tokens["refresh_token"])).json()
    assert await role_of(client, renewed["access_token"]) == "planner"


async def test_introspection_is_for_clients_that_prove_themselves(
    client: httpx.AsyncClient, database: Database, anna: Person
) -> None:
    await add_person(database)
    made = await add_application(database, public=False)
    await add_application(database, "open")
    asked = Asked("portal")
    form = asked.token_form(await anna.grant(asked), client_secret=made.secret or "")
    token = (await client.post("/oauth/token", data=form)).json()["access_token"]
    told = await client.post("/oauth/introspect", data={"token": token}, auth=("portal", made.secret or ""))
    assert {name: told.json()[name] for name in ("active", "sub", "client_id")} == {
        "active": True,
        "sub": "user:anna",
        "client_id": "portal",
    }
    assert (
        await client.post("/oauth/introspect", data={"token": token, "client_id": "open"})
    ).status_code == 401


async def test_what_was_done_is_on_record(
    client: httpx.AsyncClient, tokens: Tokens, database: Database, settings: Settings
) -> None:
    await refresh(client, tokens["refresh_token"])
    await refresh(client, tokens["refresh_token"])
    await client.get("/oauth/logout", params={"id_token_hint": tokens["id_token"]})
    async with database.read(IDENTITY) as tx:
        assert await tx.fetch_value("SELECT ended_by FROM identity.token_family") == "replay"
    recorded = as_superuser(settings, "SELECT kind || ' ' || act FROM audit.event ORDER BY id")
    assert [act for (act,) in recorded if act.partition(" ")[2].startswith(("log", "token"))] == [
        "login login",
        "grant login.grant",
        "grant token.issue",
        "grant token.refresh",
        "refusal token.replayed",
        "login logout",
    ]
