"""The login pages as an attacker meets them: forged forms, planted cookies, guesses; and their headers."""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode

import httpx2 as httpx
import pytest

from app.access import IDENTITY
from app.auth.issuer.hashing import secret_matches
from app.config import Settings
from app.main import create_app
from app.services.identity.accounts import change_password, disable_account, enable_account
from app.store.database import Database
from tests.auth.issuer.helpers import age, as_superuser
from tests.auth.issuer.person import (
    PASSWORD,
    Asked,
    Person,
    add_application,
    add_person,
    answer_of,
    read_form,
)

COOKIE = "concord-login"


async def test_the_pages_keep_to_themselves(
    client: httpx.AsyncClient, database: Database, anna: Person
) -> None:
    await add_person(database)
    await add_application(database)
    login = await client.get(Asked("portal").address)
    consent = await anna.log_in(Asked("portal"))
    problem = await client.get("/oauth/authorize?client_id=nobody")
    for page in (login, consent, problem):
        policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["frame-ancestors"] == "'none'"
        assert policy["style-src"] == "'self'"
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "same-origin"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert "<script" not in page.text
        assert "style=" not in page.text.replace('rel="stylesheet"', "")
    assert policy["form-action"] == "'self'"
    for page in (login, consent):
        assert "form-action 'self' https://planning.example;" in page.headers["content-security-policy"]
    style = await client.get("/oauth/style.css")
    assert style.headers["content-type"].startswith("text/css")


async def test_the_cookie_is_for_this_server_alone(
    settings: Settings, client: httpx.AsyncClient, database: Database
) -> None:
    await add_application(database)
    cookie = (await client.get(Asked("portal").address)).headers["set-cookie"].lower()
    assert cookie.startswith(f"{COOKIE}=")
    assert all(part in cookie for part in ("httponly", "samesite=lax", "path=/"))
    assert "domain" not in cookie
    assert "secure" not in cookie, "the demonstration is http"
    app = create_app(settings.model_copy(update={"public_url": "https://plan.example"}))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="https://plan.example") as browser:
            secure = (await browser.get(Asked("portal").address)).headers["set-cookie"]
    assert secure.startswith(f"__Host-{COOKIE}=")
    assert "Secure" in secure


async def test_what_was_typed_is_shown_as_text(client: httpx.AsyncClient, database: Database) -> None:
    await add_application(database)
    page = await client.get(Asked("portal", state='"><script>alert(1)</script>').address)
    response = await client.post(
        "/oauth/login", data={**read_form(page).fields, "name": '"><script>x</script>', "password": "x"}
    )
    assert response.status_code == 403
    assert "<script" not in page.text + response.text


# --- forged forms ----------------------------------------------------------------------------------------


async def test_a_form_of_another_site_logs_nobody_in(
    client: httpx.AsyncClient, database: Database, anna: Person
) -> None:
    await add_person(database)
    await add_application(database)
    page = await client.get(Asked("portal").address)
    good = {**read_form(page).fields, "name": "anna", "password": PASSWORD}
    stranger = read_form(await _other_browser(client, Asked("portal").address)).fields["csrf"]
    for csrf in ("", "x", stranger, client.cookies[COOKIE], "é"):
        response = await client.post("/oauth/login", data={**good, "csrf": csrf})
        assert response.status_code == 403, csrf
        assert "set-cookie" not in response.headers
    for site in ("cross-site", "same-site"):
        response = await client.post("/oauth/login", data=good, headers={"Sec-Fetch-Site": site})
        assert response.status_code == 403, site
    response = await client.post("/oauth/login", data=good, headers={"Sec-Fetch-Site": "same-origin"})
    assert response.status_code == 303


async def _other_browser(client: httpx.AsyncClient, address: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=client._transport, base_url=client.base_url) as other:
        return await other.get(address)


async def test_a_form_of_another_site_allows_nothing(
    client: httpx.AsyncClient, database: Database, anna: Person
) -> None:
    await add_person(database)
    await add_application(database)
    form = read_form(await anna.log_in(Asked("portal")))
    for csrf in ("", "x"):
        response = await anna.send(form, csrf=csrf, decision="allow")
        assert response.headers["location"].startswith("/oauth/authorize?"), "asked again"
    async with database.read(IDENTITY) as tx:
        assert await tx.fetch_value("SELECT count(*) FROM identity.code") == 0
    assert "code" in answer_of(await anna.send(form, decision="allow"))


async def test_consent_is_for_the_request_that_was_shown_or_asked_again(
    client: httpx.AsyncClient, database: Database, anna: Person
) -> None:
    await add_person(database)
    await add_application(database)
    form = read_form(await anna.log_in(Asked("portal")))
    evil = Asked("portal", redirect_uri="https://evil.example/")
    refused = await anna.send(form, request=urlencode(evil.parameters), decision="allow")
    assert refused.status_code == 400
    assert "location" not in refused.headers


async def test_a_cookie_planted_before_the_login_is_worth_nothing_after(
    client: httpx.AsyncClient, database: Database, anna: Person
) -> None:
    await add_person(database)
    await add_application(database, first_party=True)
    await client.get(Asked("portal").address)
    planted = client.cookies[COOKIE]
    assert "code" in answer_of(await anna.log_in(Asked("portal")))
    assert client.cookies[COOKIE] != planted
    transport = client._transport
    async with httpx.AsyncClient(
        transport=transport, base_url=client.base_url, cookies={COOKIE: planted}
    ) as thief:
        page = await thief.get(Asked("portal").address)
    assert 'name="password"' in page.text


async def test_a_login_leads_nowhere_but_to_the_request(
    client: httpx.AsyncClient, database: Database, anna: Person
) -> None:
    await add_person(database)
    await add_application(database)
    page = await client.get(Asked("portal").address)
    for request in ("https://evil.example", "//evil.example", "/\\evil.example", "next=https://evil.example"):
        response = await anna.send(read_form(page), request=request, name="anna", password=PASSWORD)
        location = response.headers.get("location", "/oauth/authorize?")
        assert location.startswith("/oauth/authorize?"), request


# --- guesses ---------------------------------------------------------------------------------------------


async def test_a_wrong_password_and_an_unknown_name_are_one_answer(
    client: httpx.AsyncClient, database: Database, anna: Person
) -> None:
    await add_person(database)
    await add_person(database, "gone")
    await disable_account(database, "gone", by="test")
    await add_application(database)
    form = read_form(await client.get(Asked("portal").address))
    answers = set()
    for name, password in (
        ("anna", "wrong"),
        ("nobody", PASSWORD),
        ("gone", PASSWORD),
        ("anna", ""),
        ("", PASSWORD),
        ("anna", PASSWORD + " "),
        ("anna", PASSWORD[:-1]),
        ("anna", "x" * 5000),
        ("x" * 5000, PASSWORD),
        ("anna' OR 1=1 --", PASSWORD),
    ):
        response = await anna.send(form, name=name, password=password)
        assert response.status_code == 403, (name, password)
        if name.isalpha() and len(name) < 64:
            answers.add(response.text.replace(f'value="{name}"', ""))
    assert len(answers) == 1


async def test_whoever_it_is_one_password_is_hashed(
    client: httpx.AsyncClient, database: Database, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[bool] = []

    def counted(secret: str, known: str | None) -> bool:
        hashed.append(known is not None)
        return secret_matches(secret, known)

    monkeypatch.setattr("app.auth.issuer.passwords.secret_matches", counted)
    await add_person(database)
    await add_person(database, "gone")
    await disable_account(database, "gone", by="test")
    await add_application(database)
    form = read_form(await client.get(Asked("portal").address))
    for name in ("nobody", "gone", "anna"):
        await anna.send(form, name=name, password="wrong")
    assert hashed == [False, False, True]


async def test_an_oversized_form_is_not_read(client: httpx.AsyncClient, database: Database) -> None:
    await add_application(database)
    form = read_form(await client.get(Asked("portal").address))
    for change in ({"password": "x" * 20_000}, {"request": f"{form.fields['request']}&x={'x' * 7000}"}):
        response = await client.post("/oauth/login", data={**form.fields, **change})
        assert response.status_code == 400
        assert "cannot be read" in response.text


async def test_guessing_waits_and_the_right_password_elsewhere_does_not(
    settings: Settings, database: Database
) -> None:
    await add_person(database)
    await add_application(database, first_party=True)
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        guesser, rightful = (
            Person(
                httpx.AsyncClient(
                    transport=httpx.ASGITransport(app=app, client=(address, 1)),
                    base_url="http://concord.test",
                )
            )
            for address in ("192.0.2.66", "192.0.2.1")
        )
        form = read_form(await guesser.browser.get(Asked("portal").address))
        for number in range(5):
            assert (await guesser.send(form, name="anna", password=f"guess {number}")).status_code == 403
        locked = await guesser.send(form, name="anna", password=PASSWORD)
        assert (locked.status_code, "Too many attempts" in locked.text) == (429, True)
        assert "code" in answer_of(await rightful.log_in(Asked("portal")))
        age(settings, 16)
        assert (await guesser.send(form, name="anna", password=PASSWORD)).status_code == 303
        for person in (guesser, rightful):
            await person.browser.aclose()


async def test_guesses_made_at_once_are_counted_as_well(
    client: httpx.AsyncClient, database: Database, anna: Person
) -> None:
    await add_person(database)
    await add_application(database)
    form = read_form(await client.get(Asked("portal").address))
    answers = await asyncio.gather(*(anna.send(form, name="anna", password=f"{n}") for n in range(12)))
    tried = sum(answer.status_code == 403 for answer in answers)
    assert tried <= 8, "five, and at most those that came in the same moment"


async def test_an_account_and_an_address_are_locked_by_themselves_too(
    client: httpx.AsyncClient, database: Database, settings: Settings, anna: Person
) -> None:
    await add_person(database)
    await add_application(database)
    form = read_form(await client.get(Asked("portal").address))
    for kind, name, address in (("account", "anna", ""), ("address", "", "127.0.0.1")):
        as_superuser(
            settings,
            "INSERT INTO identity.attempt (kind, name, address, failures, last_at) "
            f"VALUES ('{kind}', '{name}', '{address}', 50, clock_timestamp())",
        )
        assert (await anna.send(form, name="anna", password=PASSWORD)).status_code == 429, kind
        if kind == "account":
            assert (await anna.send(form, name="other", password=PASSWORD)).status_code == 403
        as_superuser(settings, "DELETE FROM identity.attempt")
    assert (await anna.send(form, name="anna", password=PASSWORD)).status_code == 303


async def test_processes_count_together(settings: Settings) -> None:
    limited = settings.model_copy(update={"token_requests_per_minute": 6})
    statuses = []
    for _ in range(2):
        app = create_app(limited)
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://concord.test") as client:
                statuses += [(await client.get("/oauth/authorize")).status_code for _ in range(4)]
    assert statuses == [400] * 6 + [429] * 2


# --- sessions that end -----------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["password", "disabled", "time"])
async def test_a_session_ends(
    ending: str, client: httpx.AsyncClient, database: Database, settings: Settings, anna: Person
) -> None:
    await add_person(database)
    await add_application(database, first_party=True)
    await anna.log_in(Asked("portal"))
    assert (await client.get(Asked("portal").address)).status_code == 303
    if ending == "password":
        await change_password(database, "anna", "another good password", by="test")
    elif ending == "disabled":
        await disable_account(database, "anna", by="test")
    else:
        as_superuser(settings, "UPDATE identity.session SET expires_at = now()")
    assert (await client.get(Asked("portal").address)).status_code == 200, "asked for the password"
    if ending == "disabled":
        await enable_account(database, "anna", by="test")
        assert (await client.get(Asked("portal").address)).status_code == 200, "and so it stays"
