"""What the tests of the built-in issuer share: clients, tokens, and what the graph says to them."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2 as httpx
import psycopg

from app.config import Settings
from app.services.identity.clients import Registered, register_client
from app.store.database import Database

GRANT = {"grant_type": "client_credentials"}


async def register(database: Database, name: str = "erp", **options: Any) -> Registered:
    return await register_client(
        database, name, **{"audience": "internal", "role": "planner", "by": "test", **options}
    )


async def token_of(client: httpx.AsyncClient, made: Registered) -> str:
    response = await client.post("/oauth/token", data=GRANT, auth=("erp", made.secret or ""))
    assert response.status_code == 200, response.text
    return str(response.json()["access_token"])


async def role_of(client: httpx.AsyncClient, token: str) -> str | int:
    """Return the role that the graph sees, or the status of its refusal."""
    headers = {"Authorization": f"Bearer {token}"}
    answer = await client.post("/graphql", json={"query": "{ viewer { role } }"}, headers=headers)
    return str(answer.json()["data"]["viewer"]["role"]) if answer.status_code == 200 else answer.status_code


async def ends(client: httpx.AsyncClient, token: str) -> bool:
    """Say whether the graph refuses a token within the time that is promised."""
    for _ in range(35):
        if await role_of(client, token) == 401:
            return True
        await asyncio.sleep(0.1)
    return False


def as_superuser(settings: Settings, statement: str) -> list[tuple[Any, ...]]:
    """Change or read what nobody may, such as when something happened; return the rows, if any."""
    assert settings.database_url is not None
    with psycopg.connect(settings.database_url.get_secret_value()) as connection:
        done = connection.execute(statement.encode())
        return done.fetchall() if done.description else []


def age(settings: Settings, seconds: int) -> None:
    """Let time pass for the failures that are on record."""
    as_superuser(
        settings, f"UPDATE identity.attempt SET last_at = last_at - make_interval(secs => {seconds:d})"
    )
