"""A login from the application's link to its tokens, and every way in which a code is worth nothing."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import Any

import httpx2 as httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from app.access import IDENTITY
from app.auth import TokenValidator
from app.config import Settings
from app.services.identity.clients import revoke_client
from app.store.database import Database
from tests.auth.issuer.helpers import as_superuser, ends, role_of
from tests.auth.issuer.person import CALLBACK, Asked, Person, add_application, add_person, answer_of


async def redeem(client: httpx.AsyncClient, form: dict[str, str], **options: Any) -> httpx.Response:
    return await client.post("/oauth/token", data=form, **options)


async def test_from_the_link_to_the_graph(
    client: httpx.AsyncClient, database: Database, settings: Settings, anna: Person
) -> None:
    await add_person(database)
    await add_application(database)
    asked = Asked("portal")
    answer = await anna.allow(await anna.log_in(asked))
    assert (answer["state"], answer["iss"]) == (asked.state, settings.issuer_url)
    response = await redeem(client, asked.token_form(answer["code"]))
    tokens = response.json()
    assert response.status_code == 200, tokens
    assert response.headers["cache-control"] == "no-store"
    assert (tokens["token_type"], tokens["scope"]) == ("Bearer", "openid concord")
    principal = TokenValidator(settings).validate(tokens["access_token"])
    assert (principal.subject, principal.role, principal.issuer) == (
        "user:anna",
        "planner",
        settings.issuer_url,
    )
    assert await role_of(client, tokens["access_token"]) == "planner"


async def test_the_id_token_says_who_to_the_application_alone(
    client: httpx.AsyncClient, database: Database, settings: Settings, anna: Person
) -> None:
    await add_person(database)
    await add_application(database)
    asked = Asked("portal")
    tokens = (await redeem(client, asked.token_form(await anna.grant(asked)))).json()
    keys = KeySet.import_key_set((await client.get("/oauth/jwks")).json())
    claims = jwt.decode(tokens["id_token"], keys, algorithms=["ES256"]).claims
    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert {name: claims[name] for name in ("iss", "sub", "aud", "nonce", "at_hash")} == {
        "iss": settings.issuer_url,
        "sub": "user:anna",
        "aud": "portal",
        "nonce": asked.nonce,
        "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
    }
    assert 0 <= claims["iat"] - claims["auth_time"] < 30
    assert await role_of(client, tokens["id_token"]) == 401, "an ID token opens nothing"
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    told = (await client.get("/oauth/userinfo", headers=bearer)).json()
    assert told == {"sub": "user:anna", "preferred_username": "anna"}
    for wrong in ({}, {"Authorization": f"Bearer {tokens['id_token']}"}, {"Authorization": "Basic x"}):
        assert (await client.get("/oauth/userinfo", headers=wrong)).status_code == 401


async def test_without_openid_there_is_no_id_token(
    client: httpx.AsyncClient, database: Database, anna: Person
) -> None:
    await add_person(database)
    await add_application(database)
    asked = Asked("portal", scope="concord")
    tokens = (await redeem(client, asked.token_form(await anna.grant(asked)))).json()
    assert "id_token" not in tokens
    assert tokens["scope"] == "concord"


async def test_a_first_party_application_is_not_asked_about(
    client: httpx.AsyncClient, database: Database, anna: Person
) -> None:
    await add_person(database)
    await add_application(database, first_party=True)
    asked = Asked("portal")
    code = answer_of(await anna.log_in(asked))["code"]
    assert (await redeem(client, asked.token_form(code))).status_code == 200
    again = Asked("portal")
    assert answer_of(await client.get(again.address))["state"] == again.state, "no second password"


async def test_who_denies_gives_nothing(client: httpx.AsyncClient, database: Database, anna: Person) -> None:
    await add_person(database)
    await add_application(database)
    asked = Asked("portal")
    for decision in ("deny", "", "Allow"):
        page = await anna.log_in(asked) if decision == "deny" else await client.get(asked.address)
        answer = await anna.allow(page, decision)
        assert (answer["error"], answer["state"]) == ("access_denied", asked.state)
        assert "code" not in answer


async def test_a_confidential_application_proves_itself_as_well(
    client: httpx.AsyncClient, database: Database, anna: Person
) -> None:
    await add_person(database)
    made = await add_application(database, public=False)
    secret = made.secret or ""
    asked = Asked("portal")
    form = asked.token_form(await anna.grant(asked))
    assert (await redeem(client, form)).status_code == 401, "its name alone is no proof"
    assert (await redeem(client, {**form, "client_secret": "wrong"})).status_code == 401
    assert (await redeem(client, {**form, "client_secret": secret})).status_code == 200
    without = asked.token_form(await _next_code(client, anna, asked), client_secret=secret)
    del without["code_verifier"]
    refused = await redeem(client, without)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant"), "PKCE all the same"


async def _next_code(client: httpx.AsyncClient, person: Person, asked: Asked) -> str:
    return (await person.allow(await client.get(asked.address)))["code"]


async def test_a_code_with_one_thing_wrong_is_worth_nothing(
    client: httpx.AsyncClient, database: Database, anna: Person
) -> None:
    await add_person(database)
    await add_application(database)
    await add_application(database, "other")
    asked = Asked("portal")
    await anna.log_in(asked)
    changes: dict[str, dict[str, str]] = {
        "another verifier": {"code_verifier": Asked("x").verifier},
        "the challenge as verifier": {"code_verifier": asked.parameters["code_challenge"]},
        "a short verifier": {"code_verifier": "x"},
        "an oversized verifier": {"code_verifier": "x" * 5000},
        "no verifier": {"code_verifier": ""},
        "another address": {"redirect_uri": f"{CALLBACK}2"},
        "no address": {"redirect_uri": ""},
        "another client": {"client_id": "other"},
        "another code": {"code": "x" * 48},
        "no code": {"code": ""},
    }
    for name, change in changes.items():
        code = await _next_code(client, anna, asked)
        refused = await redeem(client, {**asked.token_form(code), **change})
        assert refused.status_code == 400, name
        assert refused.json()["error"] in ("invalid_grant", "invalid_request"), name
        assert "token" not in refused.text, name
    code = await _next_code(client, anna, asked)
    assert (await redeem(client, asked.token_form(code))).status_code == 200


async def test_a_code_that_failed_once_is_spent(
    client: httpx.AsyncClient, database: Database, anna: Person
) -> None:
    await add_person(database)
    await add_application(database)
    asked = Asked("portal")
    form = asked.token_form(await anna.grant(asked))
    assert (await redeem(client, {**form, "code_verifier": "y" * 43})).status_code == 400
    assert (await redeem(client, form)).status_code == 400


async def test_a_code_used_twice_ends_what_it_gave(
    client: httpx.AsyncClient, database: Database, anna: Person
) -> None:
    await add_person(database)
    await add_application(database)
    asked = Asked("portal")
    form = asked.token_form(await anna.grant(asked))
    tokens = (await redeem(client, form)).json()
    assert await role_of(client, tokens["access_token"]) == "planner"
    replayed = await redeem(client, form)
    assert (replayed.status_code, replayed.json()["error"]) == (400, "invalid_grant")
    assert await ends(client, tokens["access_token"])
    refresh = {"grant_type": "refresh_token", "client_id": "portal", "refresh_token": tokens["refresh_token"]}
    assert (await redeem(client, refresh)).status_code == 400


async def test_of_many_redemptions_at_once_none_outlives_the_others(
    client: httpx.AsyncClient, database: Database, anna: Person
) -> None:
    await add_person(database)
    await add_application(database)
    asked = Asked("portal")
    form = asked.token_form(await anna.grant(asked))
    answers = await asyncio.gather(*(redeem(client, form) for _ in range(8)))
    good = [answer.json()["access_token"] for answer in answers if answer.status_code == 200]
    assert len(good) <= 1
    for token in good:
        assert await ends(client, token)


async def test_an_old_code_is_worth_nothing(
    client: httpx.AsyncClient, database: Database, settings: Settings, anna: Person
) -> None:
    await add_person(database)
    await add_application(database)
    asked = Asked("portal")
    form = asked.token_form(await anna.grant(asked))
    as_superuser(settings, "UPDATE identity.code SET expires_at = expires_at - interval '61 seconds'")
    assert (await redeem(client, form)).status_code == 400


@pytest.mark.parametrize("revoked", ["client", "account"])
async def test_a_code_ends_with_its_client_and_its_person(
    revoked: str, client: httpx.AsyncClient, database: Database, anna: Person
) -> None:
    await add_person(database)
    await add_application(database)
    asked = Asked("portal")
    form = asked.token_form(await anna.grant(asked))
    if revoked == "client":
        await revoke_client(database, "portal", by="test")
    else:
        async with database.write(IDENTITY) as tx:
            await tx.execute("UPDATE identity.account SET disabled_at = now()")
    assert (await redeem(client, form)).status_code in (400, 401)


async def test_nothing_on_record_can_be_used(
    client: httpx.AsyncClient, database: Database, anna: Person
) -> None:
    await add_person(database)
    await add_application(database)
    asked = Asked("portal")
    code = await anna.grant(asked)
    tokens = (await redeem(client, asked.token_form(code))).json()
    secrets = (code, tokens["refresh_token"], tokens["access_token"], anna.password, *client.cookies.values())
    async with database.read(IDENTITY) as tx:
        for table in ("account", "session", "token_family", "code", "refresh_token"):
            rows = await tx.fetch(f"SELECT * FROM identity.{table}")
            assert len(rows) == 1, table
            assert not any(secret in str(rows) for secret in secrets), table
