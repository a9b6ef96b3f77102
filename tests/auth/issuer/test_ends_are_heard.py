"""What ends a login is announced, so that its streams end: a logout, a revocation, a copy, a command."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx2 as httpx
import pytest

from app.auth import TokenValidator
from app.config import Settings
from app.services.identity.accounts import change_password, disable_account
from app.services.identity.clients import revoke_client
from app.store.announcements import Announcements
from app.store.database import Database
from schema.asgi.streams.admission import ends_of
from tests.auth.issuer.person import Asked, Person, add_application, add_person

Tokens = dict[str, str]
Ending = Callable[[httpx.AsyncClient, Database, Tokens], Awaitable[object]]


async def log_out(client: httpx.AsyncClient, _: Database, tokens: Tokens) -> None:
    await client.get("/oauth/logout", params={"id_token_hint": tokens["id_token"]})


async def revoke_access(client: httpx.AsyncClient, _: Database, tokens: Tokens) -> None:
    await client.post("/oauth/revoke", data={"token": tokens["access_token"], "client_id": "portal"})


async def revoke_refresh(client: httpx.AsyncClient, _: Database, tokens: Tokens) -> None:
    await client.post("/oauth/revoke", data={"token": tokens["refresh_token"], "client_id": "portal"})


async def use_twice(client: httpx.AsyncClient, _: Database, tokens: Tokens) -> None:
    form = {"grant_type": "refresh_token", "client_id": "portal", "refresh_token": tokens["refresh_token"]}
    assert (await client.post("/oauth/token", data=form)).status_code == 200
    assert (await client.post("/oauth/token", data=form)).status_code == 400


async def another_password(_: httpx.AsyncClient, database: Database, tokens: Tokens) -> None:
    await change_password(database, "anna", "another good password", by="test")


async def disable(_: httpx.AsyncClient, database: Database, tokens: Tokens) -> None:
    await disable_account(database, "anna", by="test")


async def end_client(_: httpx.AsyncClient, database: Database, tokens: Tokens) -> None:
    await revoke_client(database, "portal", by="test")


ENDINGS: list[Ending] = [
    log_out,
    revoke_access,
    revoke_refresh,
    use_twice,
    another_password,
    disable,
    end_client,
]


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.__name__)
async def test_whoever_streams_by_the_login_hears_of_its_end(
    ending: Ending, client: httpx.AsyncClient, database: Database, settings: Settings, anna: Person
) -> None:
    await add_person(database)
    await add_application(database)
    asked = Asked("portal")
    tokens = (await client.post("/oauth/token", data=asked.token_form(await anna.grant(asked)))).json()
    topics = ends_of(TokenValidator(settings).validate(tokens["access_token"]))
    announcements = Announcements(database)
    announcements.start()
    try:
        with announcements.watch(*topics) as watch:
            while not (await asyncio.wait_for(watch.heard(), 20)).missed:
                pass  # it listens once it says that it may have missed something
            await ending(client, database, tokens)
            heard = await asyncio.wait_for(watch.heard(), 20)
    finally:
        await announcements.close()
    assert heard.topics <= set(topics)
    assert heard.topics
