"""The built-in issuer over HTTP: clients, their proofs, tokens, revocation, and what it tells nobody."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx2 as httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from app.access import IDENTITY
from app.auth import TokenValidator, rotate_signing_keys
from app.auth.issuer.credentials import ASSERTION_TYPE
from app.config import Settings
from app.errors import Conflict, DatabaseUnreachable, InputError, NotFound
from app.main import create_app
from app.services.clients import Registered, read_public_keys, register_client
from app.store.clients import list_clients, revoke_client
from app.store.database import Database

GRANT = {"grant_type": "client_credentials"}


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application within its lifespan."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://concord.test") as opened:
            yield opened


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


# --- proofs that fail ------------------------------------------------------------------------------------


async def test_a_wrong_secret_an_unknown_client_and_no_proof_are_one_answer(
    client: httpx.AsyncClient, database: Database
) -> None:
    made = await register(database)
    gone = await register(database, "gone")
    async with database.write(IDENTITY) as tx:
        await revoke_client(tx, "gone")
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
    ({"grant_type": "authorization_code", "code": "x"}, "unsupported_grant_type"),
    ({"grant_type": "refresh_token", "refresh_token": "x"}, "unsupported_grant_type"),
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
        await age(settings, 16)
        assert (await guesser.post("/oauth/token", **good)).status_code == 200, "after the wait"
        assert (await guesser.post("/oauth/token", data=GRANT, auth=("erp", "x"))).status_code == 401
        assert (await guesser.post("/oauth/token", **good)).status_code == 200, "the count began anew"
        await guesser.aclose()
        await rightful.aclose()


async def age(settings: Settings, seconds: int) -> None:
    """Let time pass for the failures that are on record."""
    opened = await Database.open(settings)
    try:
        async with opened.write(IDENTITY) as tx:
            await tx.execute(
                "UPDATE identity.attempt SET last_at = last_at - make_interval(secs => %s)", (seconds,)
            )
    finally:
        await opened.close()


async def test_one_address_may_ask_so_often(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"token_requests_per_minute": 5}))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://concord.test") as client:
            statuses = [(await client.post("/oauth/token", data={"a": "b"})).status_code for _ in range(7)]
            assert statuses == [400] * 5 + [429] * 2
            response = await client.post("/oauth/introspect", data={"a": "b"})
            assert (response.status_code, int(response.headers["retry-after"]) > 0) == (429, True)


# --- assertions ------------------------------------------------------------------------------------------

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


# --- revocation and introspection ------------------------------------------------------------------------


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
    async with database.write(IDENTITY) as tx:
        await revoke_client(tx, "erp")
        with pytest.raises(NotFound):
            await revoke_client(tx, "erp")
    assert (await client.post("/oauth/token", data=GRANT, auth=("erp", made.secret or ""))).status_code == 401
    assert await ends(client, token)


async def ends(client: httpx.AsyncClient, token: str) -> bool:
    """Say whether the graph refuses a token within the time that is promised."""
    for _ in range(35):
        if await role_of(client, token) == 401:
            return True
        await asyncio.sleep(0.1)
    return False


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


# --- the registry ----------------------------------------------------------------------------------------


async def test_nothing_on_record_gives_a_secret_away(database: Database) -> None:
    made = await register(database)
    assert made.secret is not None
    assert made.secret not in repr(made)
    async with database.read(IDENTITY) as tx:
        row = await tx.fetch_one("SELECT secret_hash FROM identity.client")
        assert row is not None
        assert row["secret_hash"].startswith("$argon2id$")
        assert made.secret not in row["secret_hash"]
        assert not any("secret" in name for name in vars(type((await list_clients(tx))[0])))


UNREGISTRABLE: list[dict[str, Any]] = [
    {"name": "Erp"},
    {"name": "erp export"},
    {"name": ""},
    {"audience": "admin"},
    {"role": "nobody"},
    {"role": "supplier_planner"},
    {"role": "host"},
    {"audience": "supplier", "role": "supplier_planner"},
    {"audience": "supplier", "role": "supplier_planner", "party": "NOBODY"},
    {"ttl_seconds": 0},
    {"public_key": b"nothing"},
    {"public_key": KEY.as_pem(private=True)},
    {"public_key": b'{"kty": "oct", "k": "AAAA"}'},
    {"public_key": b'{"keys": []}'},
    {"public_key": b"{"},
]


async def test_what_cannot_be_registered(database: Database) -> None:
    for options in UNREGISTRABLE:
        with pytest.raises(InputError):
            await register(database, **options)
    async with database.read(IDENTITY) as tx:
        assert await list_clients(tx) == []


async def test_an_id_is_never_given_again(database: Database) -> None:
    await register(database)
    async with database.write(IDENTITY) as tx:
        await revoke_client(tx, "erp")
    with pytest.raises(Conflict):
        await register(database)


@pytest.mark.parametrize("key", [KEY, RSAKey.generate_key(2048), OKPKey.generate_key("Ed25519")])
def test_a_public_key_is_read_from_pem_and_jwk(key: Any) -> None:
    kid = key.thumbprint()
    for contents in (key.as_pem(private=False), json.dumps(key.as_dict(private=False)).encode()):
        (read,) = read_public_keys(contents)["keys"]  # type: ignore[misc]  # a list of JWKs
        assert read["kid"] in (kid, "k1")


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
