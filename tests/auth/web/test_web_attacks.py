"""The web login under attack: other sites, other people's answers, other providers, cookies of the past."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx2 as httpx
import psycopg
import pytest

import app.main
from app.auth.web.tickets import new_ticket
from app.config import Settings
from tests.auth.web.conftest import OWN, PAGE, PLANNER, SUPPLIER, Tab
from tests.auth.web.provider import LyingProvider, query

pytestmark = pytest.mark.asyncio(loop_scope="module")

Open = Callable[[], Tab]

FOREIGN: dict[str, dict[str, str | None]] = {
    "no header of ours": {"X-Concord-Page": None},
    "another value in it": {"X-Concord-Page": "true"},
    "another origin": {"Origin": "https://evil.example"},
    "a subdomain": {"Origin": "https://x.concord.example.com"},
    "the same host over http": {"Origin": "http://concord.example.com"},
    "another port": {"Origin": f"{OWN}:8443"},
    "an origin that hides": {"Origin": "null"},
    "a page of another site": {"Sec-Fetch-Site": "cross-site"},
    "a page of the same site": {"Sec-Fetch-Site": "same-site"},
    "typed in by hand": {"Sec-Fetch-Site": "none"},
    "a browser that says nothing": {"Origin": None, "Sec-Fetch-Site": None},
}


async def test_a_cookie_does_not_speak_for_other_pages(tab: Open) -> None:
    anna = tab()
    await anna.log_in()
    for attack, change in FOREIGN.items():
        assert await anna.whoami(**change) == 403, attack
        headers = {name: value for name, value in {**PAGE, **change}.items() if value is not None}
        for method, path in (("POST", "/logout"), ("GET", "/login/session"), ("GET", "/graphql/examples")):
            refused = await anna.http.request(method, path, headers=headers)
            assert refused.status_code == 403, (attack, path)
    assert await anna.whoami() == "good:anna", "and nothing has happened"


async def test_one_word_of_the_browser_is_enough(tab: Open) -> None:
    anna = tab()
    await anna.log_in()
    for hidden in ("Origin", "Sec-Fetch-Site"):
        assert await anna.whoami(**{hidden: None}) == "good:anna"


async def test_a_form_of_another_site_does_nothing(tab: Open) -> None:
    anna = tab()
    await anna.log_in()
    kinds = ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x")
    for kind in kinds:
        headers = {"Content-Type": kind, "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        answer = await anna.http.post("/graphql", content=b'{"query": "{ __typename }"}', headers=headers)
        assert answer.status_code == 403


async def test_another_site_cannot_begin_a_login_behind_somebodys_back(tab: Open) -> None:
    for site in ("cross-site", "same-site"):
        anna = tab()
        page = await anna.http.get("/login", params={"with": "evil"}, headers={"Sec-Fetch-Site": site})
        assert page.status_code == 200
        assert page.text.count("<a ") == 1, "it is asked first, and nothing was begun"
        assert not anna.http.cookies


async def test_a_cookie_never_runs_anything_by_get(tab: Open) -> None:
    anna = tab()
    await anna.log_in()
    for document in ("mutation { planReconcile(input: {}) { run { id } } }", "{ viewer { role } }"):
        answer = await anna.http.get("/graphql", params={"query": document}, headers=PAGE)
        assert answer.status_code == 405


async def test_other_sites_are_never_invited(tab: Open) -> None:
    anna = tab()
    await anna.log_in()
    asked = {
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-concord-page,content-type",
    }
    for path in ("/graphql", "/login/session", "/logout"):
        answer = await anna.http.options(path, headers=asked)
        assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_a_token_beside_a_cookie_is_judged_alone(tab: Open) -> None:
    anna = tab()
    await anna.log_in()
    assert await anna.whoami(Authorization="Bearer x.y.z") == 401
    assert await anna.whoami(Authorization="Basic YTpi") == 401


async def test_a_ticket_that_was_planted_is_worth_nothing(tab: Open) -> None:
    planted = new_ticket()
    victim, attacker = tab(), tab()
    victim.http.cookies.set("__Host-concord", planted, domain="concord.example.com")
    entered = await victim.log_in()
    assert "__Host-concord=" in entered.headers["set-cookie"]
    assert planted not in entered.headers["set-cookie"]
    attacker.http.cookies.set("__Host-concord", planted, domain="concord.example.com")
    assert await attacker.whoami() == 401


async def test_a_login_ends_the_session_before(tab: Open) -> None:
    anna = tab()
    await anna.log_in()
    first = anna.ticket
    await anna.log_in("petra")
    assert await anna.whoami() == "good:petra"
    assert anna.ticket != first
    thief = tab()
    thief.http.cookies.set("__Host-concord", first or "", domain="concord.example.com")
    assert await thief.whoami() == 401


async def test_a_cookie_of_a_session_that_was_logged_out_is_worth_nothing(tab: Open) -> None:
    anna, thief = tab(), tab()
    await anna.log_in()
    thief.http.cookies.set("__Host-concord", anna.ticket or "", domain="concord.example.com")
    assert await thief.whoami() == "good:anna", "a stolen cookie works, which is why it is HttpOnly"
    await anna.http.post("/logout", headers=PAGE)
    assert await thief.whoami() == 401


async def test_an_answer_counts_once(tab: Open, providers: dict[str, LyingProvider]) -> None:
    anna = tab()
    answer = providers["good"].log_in(await anna.begin(), "anna", **PLANNER)
    pending = anna.http.cookies.get("__Host-concord-begun") or ""
    assert (await anna.http.get(query(answer))).status_code == 303
    for put_back in (False, True):
        if put_back:
            anna.http.cookies.set("__Host-concord-begun", pending, domain="concord.example.com")
        again = await anna.http.get(query(answer))
        assert again.status_code == 403
    assert len(providers["good"].asked) == 1, "the code did not go out a second time"


async def test_an_answer_counts_in_the_browser_that_asked(
    tab: Open, providers: dict[str, LyingProvider]
) -> None:
    attacker, victim = tab(), tab()
    answer = providers["good"].log_in(await attacker.begin(), "mallory", **PLANNER)
    assert (await victim.http.get(query(answer))).status_code == 403, "no login was begun here"
    await victim.begin()
    assert (await victim.http.get(query(answer))).status_code == 403, "another one was"
    assert victim.ticket is None
    assert providers["good"].asked == []


async def test_an_answer_counts_for_ten_minutes(
    tab: Open, settings: Settings, providers: dict[str, LyingProvider]
) -> None:
    anna = tab()
    answer = providers["good"].log_in(await anna.begin(), "anna", **PLANNER)
    assert settings.database_url is not None
    with psycopg.connect(settings.database_url.get_secret_value()) as administrator:
        administrator.execute("UPDATE identity.web_login SET expires_at = clock_timestamp()")
    assert (await anna.http.get(query(answer))).status_code == 403


MIXED_UP: dict[str, Callable[[dict[str, str], LyingProvider], dict[str, str]]] = {
    "it names another issuer": lambda answer, evil: {**answer, "iss": evil.issuer},
    "it names none": lambda answer, evil: {name: value for name, value in answer.items() if name != "iss"},
    "it names one almost like it": lambda answer, evil: {**answer, "iss": f"{answer['iss']}/"},
    "it has no state": lambda answer, evil: {name: v for name, v in answer.items() if name != "state"},
    "it has another state": lambda answer, evil: {**answer, "state": "x" * 30},
    "it has no code": lambda answer, evil: {name: value for name, value in answer.items() if name != "code"},
    "it has another code": lambda answer, evil: {**answer, "code": "x"},
    "it is an error": lambda answer, evil: {**answer, "error": "access_denied", "error_description": "<b>"},
}


async def test_an_answer_that_is_not_as_it_should_be(tab: Open, providers: dict[str, LyingProvider]) -> None:
    for attack, change in MIXED_UP.items():
        anna = tab()
        answer = providers["good"].log_in(await anna.begin(), "anna", **PLANNER)
        refused = await anna.http.get(query(change(answer, providers["evil"])))
        assert refused.status_code == 403, attack
        assert "LOGIN_REFUSED" in refused.text
        assert "<b>" not in refused.text
        assert await anna.whoami() == 401, attack


async def test_an_answer_with_two_codes(tab: Open, providers: dict[str, LyingProvider]) -> None:
    anna = tab()
    answer = providers["good"].log_in(await anna.begin(), "anna", **PLANNER)
    assert (await anna.http.get(f"{query(answer)}&code=other")).status_code == 403


async def test_one_provider_cannot_answer_for_another(tab: Open, providers: dict[str, LyingProvider]) -> None:
    """The mix-up attack: a login begun at the evil provider comes back with a code of the good one."""
    good, evil = providers["good"], providers["evil"]
    good.metadata = {"authorization_response_iss_parameter_supported": None}
    evil.metadata = {"authorization_response_iss_parameter_supported": None}
    for callback in ("good", "evil"):
        for named in (True, False):
            victim = tab()
            stolen = good.log_in(await tab().begin("good"), "anna", **PLANNER)
            state = evil.log_in(await victim.begin("evil"), "anna")["state"]
            answer = {**stolen, "state": state}
            if not named:
                del answer["iss"]
            if (callback, named) == ("evil", False):
                continue  # the good provider sends nobody there: that address is not registered with it
            refused = await victim.http.get(query(answer, callback))
            assert refused.status_code == 403
            assert victim.ticket is None
    assert evil.asked == [], "no code was handed to the evil provider"


LIES: dict[str, dict[str, Any]] = {
    "an ID token for another client": {"id_claims": {"aud": "another-client"}},
    "an ID token for two clients": {"id_claims": {"aud": ["concord-web", "other"], "azp": "other"}},
    "an ID token of another issuer": {"id_claims": {"iss": "https://evil.example"}},
    "an ID token of another login": {"id_claims": {"nonce": "another"}},
    "an ID token without a nonce": {"id_claims": {"nonce": None}},
    "an ID token of the past": {"id_claims": {"exp": int(time.time()) - 600}},
    "an ID token without an end": {"id_claims": {"exp": None}},
    "an ID token without a person": {"id_claims": {"sub": None}},
    "an access token of somebody else": {"access_claims": {"sub": "petra"}},
    "an access token for another API": {"access_claims": {"aud": "urn:another"}},
    "an access token of the past": {"access_claims": {"exp": int(time.time()) - 600}},
    "an access token of another issuer": {"access_claims": {"iss": "https://evil.example"}},
}


async def test_tokens_that_do_not_fit(tab: Open, providers: dict[str, LyingProvider]) -> None:
    for lie, changes in LIES.items():
        good = providers["good"]
        good.id_claims, good.access_claims = changes.get("id_claims", {}), changes.get("access_claims", {})
        anna = tab()
        assert (await anna.log_in()).status_code == 403, lie
        assert await anna.whoami() == 401, lie


async def test_a_renewal_cannot_make_somebody_else_of_a_person(
    tab: Open, providers: dict[str, LyingProvider]
) -> None:
    good = providers["good"]
    good.token_seconds = 10
    anna = tab()
    await anna.log_in()
    good.access_claims, good.token_seconds = {"sub": "petra"}, 300
    assert await anna.whoami() == 401


async def test_a_provider_that_is_down_lets_nobody_in_and_throws_nobody_out(
    tab: Open, providers: dict[str, LyingProvider]
) -> None:
    good = providers["good"]
    good.token_seconds = 20
    anna = tab()
    await anna.log_in()
    good.down = True
    assert await anna.whoami() == "good:anna", "as long as the token at hand is valid"
    assert (await tab().log_in("petra")).status_code == 502
    good.down, good.busy = False, True
    assert await anna.whoami() == "good:anna", "as well if it is only busy"
    good.busy = False
    assert await anna.whoami() == "good:anna"


async def test_a_discovery_document_that_lies(tab: Open, providers: dict[str, LyingProvider]) -> None:
    for lie in (
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://good.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
    ):
        providers["good"].metadata = lie
        assert (await tab().http.get("/login", params={"with": "good"})).status_code == 502


async def test_two_people_do_not_cross(tab: Open) -> None:
    erika, emil = tab(), tab()
    await erika.log_in("erika", party="PV1", **SUPPLIER)
    await emil.log_in("emil", party="PV2", **SUPPLIER)
    document = {"query": "{ viewer { party subject } }"}
    for _ in range(5):
        for person, party in ((erika, "PV1"), (emil, "PV2")):
            answer = await person.http.post("/graphql", json=document, headers=PAGE)
            assert answer.json()["data"]["viewer"]["party"] == party
            assert answer.headers["cache-control"] == "no-store"


async def test_nothing_of_a_session_is_kept_on_the_way(tab: Open) -> None:
    anna = tab()
    for answer in (
        await anna.http.get("/login"),
        await anna.http.get("/login", params={"with": "good"}),
        await anna.http.get("/login/callback"),
        await anna.log_in(),
        await anna.http.get("/login/session", headers=PAGE),
        await anna.http.post("/logout", headers=PAGE),
    ):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"


async def test_another_name_of_the_server_has_no_login(tab: Open) -> None:
    anna = tab()
    await anna.log_in()
    elsewhere = {"Host": "10.0.0.5:8000"}
    page = await anna.http.get("/login", headers=elsewhere)
    assert page.status_code == 400
    assert f'href="{OWN}/login"' in page.text
    assert (await anna.http.get("/login/callback?code=a&state=b", headers=elsewhere)).status_code == 400
    assert await anna.whoami(Host="10.0.0.5:8000") == 401


async def test_cookies_of_any_form(tab: Open) -> None:
    for cookie in ("", "x", "a" * 43, "a" * 5000, "\x7f" * 43, "../" * 14 + "a"):
        raw = {**PAGE, "Cookie": f"__Host-concord={cookie}"}
        answer = await tab().http.post("/graphql", json={"query": "{ __typename }"}, headers=raw)
        assert answer.status_code == 401


async def test_a_cookie_that_comes_twice_is_none(tab: Open) -> None:
    anna = tab()
    await anna.log_in()
    raw = {**PAGE, "Cookie": f"__Host-concord={anna.ticket}; __Host-concord={new_ticket()}"}
    plain = httpx.AsyncClient(transport=anna.http._transport, base_url=OWN)
    answer = await plain.post("/graphql", json={"query": "{ __typename }"}, headers=raw)
    assert answer.status_code == 401


async def test_a_flood_of_logins_is_held_back(
    settings: Settings, providers: dict[str, LyingProvider]
) -> None:
    made = app.main.create_app(settings.model_copy(update={"token_requests_per_minute": 5}))
    async with (
        made.router.lifespan_context(made),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=made), base_url=OWN) as http,
    ):
        answers = [await http.get("/login") for _ in range(7)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) > 0
