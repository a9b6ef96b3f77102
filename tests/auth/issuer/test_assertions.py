"""Clients that prove themselves by assertions: each good once, and nothing in it wrong."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

import httpx2 as httpx
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from app.auth.issuer.credentials import ASSERTION_TYPE
from app.config import Settings
from app.store.database import Database
from tests.auth.issuer.helpers import GRANT, register, role_of

KEY = ECKey.generate_key("P-256", {"kid": "k1"})


def assertion(
    settings: Settings, key: Any = KEY, header: Mapping[str, Any] | None = None, **claims: Any
) -> str:
    now = int(time.time())
    good = {
        "iss": "erp",
        "sub": "erp",
        "aud": f"{settings.issuer_url}/oauth/token",
        "exp": now + 60,
        "iat": now,
        "jti": secrets.token_urlsafe(8),
    }
    kept = {name: value for name, value in {**good, **claims}.items() if value is not None}
    return jwt.encode({"alg": "ES256", "kid": "k1", **(header or {})}, kept, key, algorithms=["ES256"])


def form_of(text: str, **more: str) -> dict[str, str]:
    return {**GRANT, "client_assertion_type": ASSERTION_TYPE, "client_assertion": text, **more}


async def test_an_assertion_gives_a_token_once(
    client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    await register(database, public_key=KEY.as_pem(private=False))
    thumbprint = KEY.thumbprint()
    for audience in (settings.issuer_url, [f"{settings.issuer_url}/oauth/token"]):
        text = assertion(settings, header={"kid": thumbprint}, aud=audience)
        first = await client.post("/oauth/token", data=form_of(text, client_id="erp"))
        assert first.status_code == 200, first.text
        assert await role_of(client, first.json()["access_token"]) == "planner"
        assert (await client.post("/oauth/token", data=form_of(text))).status_code == 401, "replayed"
        assert await role_of(client, text) == 401, "an assertion is no access token"


WRONG: dict[str, dict[str, Any]] = {
    "another's audience": {"aud": "https://other.example"},
    "two audiences": {"aud": ["http://127.0.0.1:8000", "https://other.example"]},
    "no audience": {"aud": None},
    "another issuer": {"iss": "other"},
    "another subject": {"sub": "other"},
    "no subject": {"sub": None},
    "subject a list": {"sub": ["erp"]},
    "expired": {"exp": int(time.time()) - 60},
    "valid for years": {"exp": int(time.time()) + 10_000_000},
    "no expiry": {"exp": None},
    "expiry as text": {"exp": "soon"},
    "not yet valid": {"nbf": int(time.time()) + 86_400},
    "issued in the future": {"iat": int(time.time()) + 86_400},
    "no id": {"jti": None},
    "id a number": {"jti": 7},
    "another key": {"key": ECKey.generate_key("P-256")},
    "another kid": {"header": {"kid": "k2"}},
    "an access token's type": {"header": {"typ": "at+jwt"}},
    "an embedded key": {"header": {"jwk": KEY.as_dict(private=False)}},
    "keys by address": {"header": {"jku": "https://evil.example"}},
}


async def test_an_assertion_with_one_thing_wrong(
    client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    await register(database, public_key=json.dumps(KeySet([KEY]).as_dict(private=False)).encode())
    refused = []
    for name, changes in WRONG.items():
        response = await client.post("/oauth/token", data=form_of(assertion(settings, **changes)))
        if (response.status_code, response.json().get("error")) == (401, "invalid_client"):
            refused.append(name)
        good = await client.post("/oauth/token", data=form_of(assertion(settings)))
        assert good.status_code == 200, name
    assert refused == list(WRONG)


async def test_of_many_uses_of_an_assertion_at_once_one_is_the_first(
    client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    await register(database, public_key=json.dumps(KeySet([KEY]).as_dict(private=False)).encode())
    form = form_of(assertion(settings))
    answers = await asyncio.gather(*(client.post("/oauth/token", data=form) for _ in range(12)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 11


async def test_a_client_with_a_key_has_no_secret(client: httpx.AsyncClient, database: Database) -> None:
    await register(database, public_key=KEY.as_pem(private=False))
    assert (await client.post("/oauth/token", data=GRANT, auth=("erp", "x"))).status_code == 401
