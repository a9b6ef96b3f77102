"""Machines get tokens from the built-in issuer, and the graph takes them."""

from __future__ import annotations

import httpx2 as httpx
from joserfc import jwt
from joserfc.jwk import KeySet

from app.access import KEEPER
from app.auth import TokenValidator, rotate_signing_keys
from app.config import Settings
from app.main import create_app
from app.store.audit import Filter, events
from app.store.database import Database
from tests.auth.issuer.helpers import GRANT, register, role_of, token_of


async def test_a_secret_gives_a_token_that_the_graph_takes(
    client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    made = await register(database)
    response = await client.post("/oauth/token", data=GRANT, auth=("erp", made.secret or ""))
    answer = response.json()
    assert response.headers["cache-control"] == "no-store"
    assert {name: answer[name] for name in ("token_type", "expires_in", "scope")} == {
        "token_type": "Bearer",
        "expires_in": 600,
        "scope": "concord",
    }
    assert "refresh_token" not in answer
    principal = TokenValidator(settings).validate(answer["access_token"])
    assert (principal.subject, principal.role, principal.issuer) == (
        "client:erp",
        "planner",
        "http://127.0.0.1:8000",
    )
    assert await role_of(client, answer["access_token"]) == "planner"


async def test_the_secret_in_the_form_and_a_shorter_life(
    client: httpx.AsyncClient, database: Database
) -> None:
    made = await register(database, ttl_seconds=45)
    form = {**GRANT, "client_id": "erp", "client_secret": made.secret or "", "scope": "concord"}
    assert (await client.post("/oauth/token", data=form)).json()["expires_in"] == 45


async def test_discovery_and_keys_verify_a_token_by_themselves(
    client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    token = await token_of(client, await register(database))
    for name in ("openid-configuration", "oauth-authorization-server"):
        document = (await client.get(f"/.well-known/{name}")).json()
        assert document["issuer"] == settings.issuer_url
        assert document["token_endpoint"] == f"{settings.issuer_url}/oauth/token"
    path = document["jwks_uri"].removeprefix(settings.issuer_url)
    keys = (await client.get(path)).json()
    assert all("d" not in key for key in keys["keys"])
    claims = jwt.decode(token, KeySet.import_key_set(keys), algorithms=["ES256"]).claims
    assert (claims["iss"], claims["client_id"]) == (document["issuer"], "erp")


async def test_keys_rotate_while_tokens_are_issued(
    client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    made = await register(database)
    before = await token_of(client, made)
    new = rotate_signing_keys(settings, 60).kid
    after = await token_of(client, made)
    published = [key["kid"] for key in (await client.get("/oauth/jwks")).json()["keys"]]
    assert published[0] == new
    assert len(published) == 2
    assert [await role_of(client, token) for token in (before, after)] == ["planner", "planner"]


async def test_the_issuer_can_be_switched_off(settings: Settings, database: Database) -> None:
    made = await register(database)
    app = create_app(settings)
    off = create_app(settings.model_copy(update={"builtin_issuer": False}))
    async with app.router.lifespan_context(app), off.router.lifespan_context(off):
        one, other = (
            httpx.AsyncClient(transport=httpx.ASGITransport(app=each), base_url="http://concord.test")
            for each in (app, off)
        )
        token = await token_of(one, made)
        assert await role_of(one, token) == "planner"
        assert await role_of(other, token) == 401
        assert (await other.post("/oauth/token", data=GRANT)).status_code == 404
        await one.aclose()
        await other.aclose()


async def test_a_token_given_and_one_refused_are_on_record(
    client: httpx.AsyncClient, database: Database
) -> None:
    await token_of(client, await register(database))
    await client.post("/oauth/token", data=GRANT, auth=("erp", "wrong"))
    async with database.read(KEEPER) as tx:
        refused, given, *_ = await events(tx, Filter(), first=10)
    assert (given.kind, given.act, given.subject) == ("login", "token.issue", "client:erp")
    assert (refused.kind, refused.act, refused.target) == ("refusal", "client.refused", "erp")
    assert {given.origin, refused.origin} == {"127.0.0.0/24"}
