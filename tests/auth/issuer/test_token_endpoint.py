"""What the token endpoint refuses: wrong proofs, other grants, bodies that are no form, too many requests."""

from __future__ import annotations

import base64
from typing import Any

import httpx2 as httpx
import pytest

from app.auth.issuer.credentials import ASSERTION_TYPE
from app.config import Settings
from app.main import create_app
from app.services.identity.clients import revoke_client
from app.store.database import Database
from tests.auth.issuer.helpers import GRANT, age, register


async def test_a_wrong_secret_an_unknown_client_and_no_proof_are_one_answer(
    client: httpx.AsyncClient, database: Database
) -> None:
    made = await register(database)
    gone = await register(database, "gone")
    await revoke_client(database, "gone", by="test")
    basic = base64.b64encode(f"erp:{made.secret}".encode()).decode()
    attempts: list[dict[str, Any]] = [
        {"auth": ("erp", "wrong")},
        {"auth": ("nobody", "wrong")},
        {"auth": ("gone", gone.secret or "")},
        {"auth": ("erp", "")},
        {"auth": ("ERP", made.secret or "")},
        {"auth": ("", made.secret or "")},
        {"auth": ("erp", "x" * 5000)},
        {"headers": {"Authorization": f"Bearer {basic}"}},
        {"headers": {"Authorization": "Basic"}},
        {"headers": {"Authorization": "Basic %%%"}},
        {"headers": {"Authorization": "Basic /w=="}},
        {"headers": {"Authorization": "Basic " + base64.b64encode(b"erp").decode()}},
        {"headers": {"Authorization": "Basic " + base64.b64encode(b"%ff:%ff").decode()}},
        {"data": {**GRANT, "client_id": "erp"}},
        {"data": {**GRANT, "client_id": "erp", "client_secret": "wrong"}},
        {"data": {**GRANT, "client_id": "erp\x00", "client_secret": "wrong"}, "status": 400},
        {"data": {**GRANT, "client_assertion_type": ASSERTION_TYPE, "client_assertion": "x"}},
        {"data": {**GRANT, "client_assertion_type": "other", "client_assertion": "x"}},
    ]
    answers = set()
    for attempt in attempts:
        expected = attempt.pop("status", 401)
        response = await client.post("/oauth/token", **{"data": GRANT, **attempt})
        assert response.status_code == expected, attempt
        if expected == 401:
            answers.add((response.text, response.headers["www-authenticate"]))
    ((body, challenge),) = answers
    assert '"invalid_client"' in body
    assert challenge == 'Basic realm="concord", error="invalid_client"'


NOT_OFFERED: list[tuple[dict[str, str], str]] = [
    ({"grant_type": "password", "username": "a", "password": "b"}, "unsupported_grant_type"),
    ({"grant_type": "authorization_code", "code": "x"}, "unauthorized_client"),
    ({"grant_type": "refresh_token", "refresh_token": "x"}, "unauthorized_client"),
    ({"grant_type": "urn:é"}, "invalid_request"),
    ({"a": "b"}, "unsupported_grant_type"),
    ({**GRANT, "scope": "everything"}, "invalid_scope"),
    ({**GRANT, "client_id": "erp", "client_secret": "both"}, "invalid_request"),
]


async def test_what_is_not_offered_is_refused(client: httpx.AsyncClient, database: Database) -> None:
    made = await register(database)
    for form, error in NOT_OFFERED:
        response = await client.post("/oauth/token", data=form, auth=("erp", made.secret or ""))
        assert (response.status_code, response.json()["error"]) == (400, error), form


FORM = "application/x-www-form-urlencoded"


NO_FORMS = [
    (b'{"grant_type": "client_credentials"}', "application/json"),
    (b"grant_type=client_credentials", "text/plain"),
    (b"grant_type=client_credentials", "multipart/form-data; boundary=x"),
    (b"grant_type=client_credentials&grant_type=client_credentials", FORM),
    (b"grant_type=%ff%fe", FORM),
    (b"grant_type=\xff", FORM),
    (b"grant_type=a%00b", FORM),
    (b"&".join(b"a%d=1" % n for n in range(40)), FORM),
    (b"a=" + b"x" * 20_000, FORM),
]


async def test_bodies_that_are_no_form(client: httpx.AsyncClient) -> None:
    for body, media_type in NO_FORMS:
        response = await client.post("/oauth/token", content=body, headers={"Content-Type": media_type})
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request"), body[:40]


async def test_parameters_in_the_address_are_not_looked_at(
    client: httpx.AsyncClient, database: Database
) -> None:
    made = await register(database)
    address = f"/oauth/token?grant_type=client_credentials&client_id=erp&client_secret={made.secret}"
    assert (await client.post(address, data={"a": "b"})).status_code == 400
    assert (await client.get(address)).status_code == 405


async def test_guessing_locks_out_who_guesses(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await register(database)
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        guesser, rightful = (
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app, client=(address, 1)), base_url="http://concord.test"
            )
            for address in ("192.0.2.66", "192.0.2.1")
        )
        for number in range(10):
            response = await guesser.post("/oauth/token", data=GRANT, auth=("erp", f"guess {number}"))
            assert response.status_code == 401
        good = {"data": GRANT, "auth": ("erp", made.secret or "")}
        assert (await guesser.post("/oauth/token", **good)).status_code == 401, "even the right secret"
        assert (await rightful.post("/oauth/token", **good)).status_code == 200, "from elsewhere"
        age(settings, 16)
        assert (await guesser.post("/oauth/token", **good)).status_code == 200, "after the wait"
        assert (await guesser.post("/oauth/token", data=GRANT, auth=("erp", "x"))).status_code == 401
        assert (await guesser.post("/oauth/token", **good)).status_code == 200, "the count began anew"
        await guesser.aclose()
        await rightful.aclose()


async def test_one_address_may_ask_so_often(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"token_requests_per_minute": 5}))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://concord.test") as client:
            statuses = [(await client.post("/oauth/token", data={"a": "b"})).status_code for _ in range(7)]
            assert statuses == [400] * 5 + [429] * 2
            response = await client.post("/oauth/introspect", data={"a": "b"})
            assert (response.status_code, int(response.headers["retry-after"]) > 0) == (429, True)
