"""Tokens that end before their time, and who hears what about them."""

from __future__ import annotations

from typing import Any

import httpx2 as httpx
import pytest

from app.errors import DatabaseUnreachable, NotFound
from app.services.identity.clients import revoke_client
from app.store.database import Database
from tests.auth.issuer.helpers import GRANT, ends, register, role_of, token_of


async def test_a_revoked_token_ends_and_others_go_on(client: httpx.AsyncClient, database: Database) -> None:
    made, other = await register(database), await register(database, "other")
    auth, others = ("erp", made.secret or ""), ("other", other.secret or "")
    first, second = await token_of(client, made), await token_of(client, made)

    async def active(token: str, who: tuple[str, str]) -> dict[str, Any]:
        return dict((await client.post("/oauth/introspect", data={"token": token}, auth=who)).json())

    told = await active(first, auth)
    assert (told["active"], told["client_id"], told["sub"]) == (True, "erp", "client:erp")
    assert await active(first, others) == {"active": False}, "of another's token nothing is told"
    refused = await client.post("/oauth/revoke", data={"token": first}, auth=others)
    assert refused.status_code == 400, "another's token is not for this client to end"
    assert await role_of(client, second) == "planner"
    assert (await client.post("/oauth/revoke", data={"token": first}, auth=auth)).status_code == 200
    assert (await client.post("/oauth/revoke", data={"token": "none"}, auth=auth)).status_code == 200
    assert await active(first, auth) == {"active": False}
    assert (await active(second, auth))["active"] is True
    assert await ends(client, first)
    assert await role_of(client, second) == "planner"


async def test_a_revoked_client_ends_with_all_its_tokens(
    client: httpx.AsyncClient, database: Database
) -> None:
    made = await register(database)
    token = await token_of(client, made)
    assert await role_of(client, token) == "planner"
    await revoke_client(database, "erp", by="test")
    with pytest.raises(NotFound):
        await revoke_client(database, "erp", by="test")
    assert (await client.post("/oauth/token", data=GRANT, auth=("erp", made.secret or ""))).status_code == 401
    assert await ends(client, token)


async def test_both_ask_who_is_asking(client: httpx.AsyncClient, database: Database) -> None:
    made = await register(database)
    for path in ("/oauth/revoke", "/oauth/introspect"):
        assert (await client.post(path, data={"token": "x"})).status_code == 401
        assert (await client.post(path, data={"token": "x"}, auth=("erp", "wrong"))).status_code == 401
        missing = await client.post(path, data={"other": "x"}, auth=("erp", made.secret or ""))
        assert (missing.status_code, missing.json()["error"]) == (400, "invalid_request")


async def test_without_a_database_nobody_is_let_in_and_nothing_is_told(
    client: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await register(database)
    token = await token_of(client, made)

    def fail(*_: object) -> None:
        raise DatabaseUnreachable(reason="secret-host refused")

    monkeypatch.setattr(Database, "read", fail)
    refused = await client.post("/oauth/token", data=GRANT, auth=("erp", made.secret or ""))
    assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
    asked = await client.post(
        "/graphql", json={"query": "{ viewer { role } }"}, headers={"Authorization": f"Bearer {token}"}
    )
    assert asked.json()["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert "secret-host" not in refused.text + asked.text
