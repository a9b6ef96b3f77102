"""Logging in at our own pages: the way there and back, the session, its renewal and its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from app.access import IDENTITY, KEEPER
from app.config import Settings
from app.store.database import Database
from tests.auth.web.conftest import OWN, PAGE, SUPPLIER, Tab
from tests.auth.web.provider import LyingProvider

pytestmark = pytest.mark.asyncio(loop_scope="module")

Open = Callable[[], Tab]


async def test_a_person_logs_in_asks_and_logs_out(tab: Open, providers: dict[str, LyingProvider]) -> None:
    anna = tab()
    assert await anna.whoami() == 401
    entered = await anna.log_in()
    assert (entered.status_code, entered.headers["location"]) == (303, "/graphql")
    assert entered.headers["cache-control"] == "no-store"
    given = next(c for c in entered.headers.get_list("set-cookie") if c.startswith("__Host-concord="))
    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= set(given.split("; "))
    assert "Domain" not in given
    assert await anna.whoami() == "good:anna"
    session = (await anna.http.get("/login/session", headers=PAGE)).json()["session"]
    assert session == {
        "subject": "good:anna",
        "audience": "internal",
        "role": "planner",
        "party": None,
        "provider": "Good",
    }

    ended = await anna.http.post("/logout", headers=PAGE)
    there = urlsplit(ended.json()["next"])
    assert there.netloc == "good.example"
    assert parse_qs(there.query)["post_logout_redirect_uri"] == [f"{OWN}/"]
    assert "id_token_hint" in parse_qs(there.query)
    assert len(providers["good"].revoked) == 1
    assert await anna.whoami() == 401
    told = (await anna.http.get("/login/session", headers=PAGE)).json()
    assert told == {
        "session": None,
        "providers": [{"name": "good", "title": "Good"}, {"name": "evil", "title": "Evil"}],
    }


async def test_the_request_to_the_provider_gives_nothing_away(tab: Open) -> None:
    anna = tab()
    asked = {name: each[0] for name, each in parse_qs(urlsplit(await anna.begin()).query).items()}
    assert asked["redirect_uri"] == f"{OWN}/login/callback/good"
    assert asked["resource"] == "urn:concord:api"
    assert {"state", "nonce", "code_challenge"} <= asked.keys()
    assert "code_verifier" not in asked


async def test_where_to_log_in_is_asked_where_there_is_a_choice(tab: Open) -> None:
    page = await tab().http.get("/login", params={"next": "/graphql?a=1&b=2"})
    assert page.status_code == 200
    assert "script-src" not in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert 'href="/login?with=good&amp;next=%2Fgraphql%3Fa%3D1%26b%3D2"' in page.text


async def test_what_is_kept_opens_nothing(tab: Open, database: Database) -> None:
    anna = tab()
    await anna.begin()
    await anna.log_in()
    async with database.read(IDENTITY) as tx:
        rows = [
            *await tx.fetch("SELECT * FROM identity.web_login"),
            *await tx.fetch("SELECT * FROM identity.web_session"),
        ]
    kept = repr(rows)
    assert anna.ticket is not None
    assert len(rows) >= 2
    for secret in (anna.ticket, "eyJ", "code_verifier", "access_token"):
        assert secret not in kept


async def test_an_access_token_is_renewed_before_it_ends(
    tab: Open, providers: dict[str, LyingProvider]
) -> None:
    good = providers["good"]
    good.token_seconds = 10
    anna = tab()
    await anna.log_in()
    assert await anna.whoami() == "good:anna"
    assert [form["grant_type"] for form in good.asked] == ["authorization_code", "refresh_token"]
    good.token_seconds = 300
    assert await anna.whoami() == "good:anna"
    assert await anna.whoami() == "good:anna"
    assert len(good.asked) == 3, "a token that lasts is not renewed"


async def test_many_requests_at_once_renew_once(tab: Open, providers: dict[str, LyingProvider]) -> None:
    """A refresh token that is used twice would end the session at a provider that watches."""
    good = providers["good"]
    good.token_seconds = 10
    anna = tab()
    await anna.log_in()
    good.token_seconds = 300
    assert set(await asyncio.gather(*(anna.whoami() for _ in range(12)))) == {"good:anna"}
    assert [form["grant_type"] for form in good.asked].count("refresh_token") == 1


async def test_a_session_ends_where_the_provider_renews_it_no_longer(
    tab: Open, providers: dict[str, LyingProvider]
) -> None:
    good = providers["good"]
    good.token_seconds = 10
    anna = tab()
    await anna.log_in()
    good._refresh.clear()
    assert await anna.whoami() == 401
    good.token_seconds = 300
    assert await anna.whoami() == 401, "for good"


async def test_without_refresh_tokens_it_ends_with_the_access_token(
    tab: Open, providers: dict[str, LyingProvider], monkeypatch: pytest.MonkeyPatch
) -> None:
    good = providers["good"]
    good.refreshes, good.token_seconds = False, 10
    anna = tab()
    await anna.log_in()
    assert await anna.whoami() == "good:anna"
    good.key = type(good.key).generate_key("P-256", {"kid": "k2", "use": "sig"})
    assert await anna.whoami() == 401


async def test_a_session_ends_by_itself(tab: Open, settings: Settings) -> None:
    assert settings.database_url is not None
    for change in ("seen_at = seen_at - interval '2 hours'", "expires_at = clock_timestamp()"):
        anna = tab()
        await anna.log_in()
        assert await anna.whoami() == "good:anna"
        with psycopg.connect(settings.database_url.get_secret_value()) as administrator:
            administrator.execute(f"UPDATE identity.web_session SET {change}".encode())
        assert await anna.whoami() == 401, change


async def test_a_supplier_is_let_into_its_own_graph(tab: Open) -> None:
    erika = tab()
    await erika.log_in("erika", party="PV1", **SUPPLIER)
    assert await erika.whoami() == "good:erika"


async def test_who_has_no_access_gets_no_session(tab: Open) -> None:
    for claims in (
        {**SUPPLIER, "party": "NOBODY"},
        {**SUPPLIER, "party": "PC1"},
        {"graph": "internal", "role": "king"},
    ):
        refused = await tab().log_in("erika", **claims)
        assert refused.status_code == 403
        assert "you have no access here" in refused.text
        assert not [c for c in refused.headers.get_list("set-cookie") if c.startswith("__Host-concord=")]


async def test_every_act_is_on_record(tab: Open, database: Database) -> None:
    async with database.read(KEEPER) as tx:
        before = await tx.fetch_value("SELECT coalesce(max(id), 0) FROM audit.event")
    anna = tab()
    await anna.log_in()
    await anna.log_in("erika", "evil", party="NOBODY", **SUPPLIER)
    await anna.http.post("/logout", headers=PAGE)
    async with database.read(KEEPER) as tx:
        events = await tx.fetch(
            "SELECT e.kind, e.act, s.subject, e.role, e.target FROM audit.event e "
            "LEFT JOIN audit.subject s ON s.pseudonym = e.actor "
            "WHERE e.act LIKE 'web.%%' AND e.id > %s ORDER BY e.id",
            (before,),
        )
        unnamed = await tx.fetch_value(
            "SELECT count(*) FROM audit.event WHERE act = 'unnamed' AND role = 'identity'"
        )
    assert [tuple(event.values()) for event in events] == [
        ("login", "web.login", "good:anna", "planner", "good"),
        ("refusal", "web.refused", None, "recorder", "evil: you have no access here"),
        ("login", "web.logout", "good:anna", "planner", None),
    ]
    assert unnamed == 0
