"""The authorization endpoint: what it refuses, to whom it says so, and where it never sends anybody."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx2 as httpx
import pytest

from app.auth.issuer import Application, check_application
from app.config import Settings
from app.errors import InputError
from app.store.database import Database
from tests.auth.issuer.helpers import register
from tests.auth.issuer.person import CALLBACK, Asked, Person, add_application, add_person, answer_of

BAD_ADDRESSES = [
    "https://evil.example/callback",
    f"{CALLBACK}/",
    f"{CALLBACK}?next=x",
    f"{CALLBACK}#x",
    CALLBACK.upper(),
    CALLBACK.replace("https", "http"),
    CALLBACK.replace("example", "example:443"),
    CALLBACK.replace("//", "//user@"),
    "https://planning.example@evil.example/callback",
    "https://planning.example.evil.example/callback",
    "https://planning.example/../callback",
    "https://planning.example/%63allback",
    "//planning.example/callback",
    "javascript:alert(1)",
    "data:text/html,x",
    "/callback",
    'https://planning.example/callback"x',
    "",
]


async def test_an_address_that_is_not_registered_is_never_gone_to(
    client: httpx.AsyncClient, database: Database
) -> None:
    await add_application(database)
    for address in BAD_ADDRESSES:
        response = await client.get(Asked("portal", redirect_uri=address).address)
        assert response.status_code == 400, address
        assert "location" not in response.headers
        assert "evil" not in response.text, "nor repeated"
    missing = await client.get(Asked("portal", more={"redirect_uri": None}).address)
    assert missing.status_code == 400


async def test_an_unknown_client_is_told_to_the_person_alone(
    client: httpx.AsyncClient, database: Database
) -> None:
    await add_application(database)
    await register(database, "machine")
    for client_id in ("nobody", "machine", "PORTAL", "portal ", "concord-nothing"):
        response = await client.get(Asked(client_id).address)
        assert response.status_code == 400, client_id
        assert "location" not in response.headers


REFUSED: dict[str, tuple[dict[str, str | None], str]] = {
    "no challenge": ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    "no method": ({"code_challenge_method": None}, "invalid_request"),
    "plain": ({"code_challenge_method": "plain"}, "invalid_request"),
    "a method in small letters": ({"code_challenge_method": "s256"}, "invalid_request"),
    "a short challenge": ({"code_challenge": "x" * 42}, "invalid_request"),
    "a long challenge": ({"code_challenge": "x" * 128}, "invalid_request"),
    "a challenge of other characters": ({"code_challenge": "!" * 43}, "invalid_request"),
    "an implicit answer": ({"response_type": "token"}, "unsupported_response_type"),
    "a hybrid answer": ({"response_type": "code id_token"}, "unsupported_response_type"),
    "no response type": ({"response_type": None}, "unsupported_response_type"),
    "another scope": ({"scope": "openid admin"}, "invalid_scope"),
    "a fragment as answer": ({"response_mode": "fragment"}, "invalid_request"),
    "a form as answer": ({"response_mode": "form_post"}, "invalid_request"),
    "a request object": ({"request": "x.y.z"}, "request_not_supported"),
    "a request by address": ({"request_uri": "https://evil.example"}, "request_uri_not_supported"),
    "nobody to ask": ({"prompt": "none"}, "login_required"),
    "an unknown prompt": ({"prompt": "sing"}, "invalid_request"),
    "two prompts of which one is none": ({"prompt": "none login"}, "invalid_request"),
}


async def test_other_mistakes_go_back_to_the_application(
    client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    await add_application(database)
    for name, (change, error) in REFUSED.items():
        asked = Asked("portal", more=change)
        answer = answer_of(await client.get(asked.address))
        assert (answer["error"], answer["state"]) == (error, asked.state), name
        assert answer["iss"] == settings.issuer_url, name
        assert "code" not in answer, name


UNREADABLE = [
    "client_id=portal&client_id=portal",
    "client_id=%ff",
    "client_id=portal&response_type=%22code",
    "client_id=portal&state=%00",
    "client_id=portal&state=%0d%0aSet-Cookie:x=y",
    "client_id=portal&state=é",
    f"client_id=portal&state={'x' * 7000}",
    "&".join(f"a{n}=1" for n in range(30)),
    "",
]


async def test_what_cannot_be_read_is_answered_by_a_page(
    client: httpx.AsyncClient, database: Database
) -> None:
    await add_application(database)
    for query in UNREADABLE:
        response = await client.get(f"/oauth/authorize?{query}")
        assert response.status_code == 400, query
        assert response.headers["content-type"].startswith("text/html")


async def test_a_native_program_chooses_its_port(
    client: httpx.AsyncClient, database: Database, anna: Person
) -> None:
    await add_person(database)
    registered = ("http://127.0.0.1/done", "http://[::1]:1/done", "com.example.plan:/done")
    await add_application(database, redirect_uris=registered, native=True)
    for address in ("http://127.0.0.1:49152/done", "http://[::1]:50000/done", "com.example.plan:/done"):
        response = await client.get(Asked("portal", redirect_uri=address).address)
        assert response.status_code == 200, address
    for address in (
        "http://127.0.0.1:49152/other",
        "http://127.0.0.1:49152/done?x=1",
        "http://127.0.0.1:49152@evil.example/done",
        "http://127.0.0.2:49152/done",
        "http://localhost:49152/done",
        "https://127.0.0.1:49152/done",
        "http://127.0.0.1:99999/done",
        "com.example.plan2:/done",
    ):
        response = await client.get(Asked("portal", redirect_uri=address).address)
        assert response.status_code == 400, address
    asked = Asked("portal", redirect_uri="http://127.0.0.1:49152/done")
    response = await anna.log_in(asked)
    code = answer_of(await anna.send_decision(response, "allow"), "http://127.0.0.1:49152/done")["code"]
    other = {**asked.token_form(code), "redirect_uri": "http://127.0.0.1:49153/done"}
    assert (await client.post("/oauth/token", data=other)).status_code == 400, "the port of the request"


async def test_a_browser_application_has_no_port_to_choose(
    client: httpx.AsyncClient, database: Database
) -> None:
    await add_application(database, redirect_uris=("http://127.0.0.1:3000/done",))
    for port, status in ((3000, 200), (3001, 400)):
        address = Asked("portal", redirect_uri=f"http://127.0.0.1:{port}/done").address
        assert (await client.get(address)).status_code == status


UNREGISTRABLE = [
    "http://planning.example/callback",
    "https://planning.example/callback#x",
    "https://*.example/callback",
    "https://user@planning.example/callback",
    "https://planning.example:x/callback",
    "https:///callback",
    "javascript:alert(1)",
    "data:text/html,x",
    "plan:/done",
    "com.example.plan:/done",
    "//planning.example/callback",
    "https://planning.example/a b",
    "https://planning.example/\\evil",
    'https://planning.example/"',
    f"https://planning.example/{'x' * 500}",
    "",
]


@pytest.mark.parametrize("address", UNREGISTRABLE)
def test_an_address_that_cannot_be_registered(address: str) -> None:
    with pytest.raises(InputError):
        check_application(Application("Portal", (address,)))
    with pytest.raises(InputError):
        check_application(Application("Portal", (CALLBACK,), (address,)))


def test_an_application_that_cannot_be_registered() -> None:
    for wrong in (
        Application("", (CALLBACK,)),
        Application("x" * 101, (CALLBACK,)),
        Application("two\nlines", (CALLBACK,)),
        Application("Portal", ()),
        Application("Portal", (CALLBACK,), native=True, first_party=True),
    ):
        with pytest.raises(InputError):
            check_application(wrong)


async def test_a_password_is_asked_for_again_where_the_application_wants_it(
    client: httpx.AsyncClient, database: Database, anna: Person
) -> None:
    await add_person(database)
    await add_application(database, first_party=True)
    await anna.log_in(Asked("portal"))
    for more in ({"prompt": "login"}, {"prompt": "select_account"}, {"max_age": "0"}):
        asked = Asked("portal", more=more)
        page = await client.get(asked.address)
        assert page.status_code == 200, more
        assert 'name="password"' in page.text
    assert answer_of(await anna.log_in(Asked("portal", more={"prompt": "login"})))["code"]
    assert (await client.get(Asked("portal", more={"max_age": "600"}).address)).status_code == 303
    silent = answer_of(await client.get(Asked("portal", more={"prompt": "none"}).address))
    assert "code" in silent
    shown = await client.get(Asked("portal", more={"prompt": "consent"}).address)
    assert 'name="decision"' in shown.text
    wrong = answer_of(await client.get(Asked("portal", more={"max_age": "-1"}).address))
    assert wrong["error"] == "invalid_request"


async def test_consent_is_not_given_in_silence(
    client: httpx.AsyncClient, database: Database, anna: Person
) -> None:
    await add_person(database)
    await add_application(database)
    await anna.log_in(Asked("portal"))
    answer = answer_of(await client.get(Asked("portal", more={"prompt": "none"}).address))
    assert answer["error"] == "consent_required"


async def test_the_address_comes_back_with_its_own_query(
    client: httpx.AsyncClient, database: Database, anna: Person
) -> None:
    await add_person(database)
    address = "https://planning.example/callback?tenant=7"
    await add_application(database, redirect_uris=(address,), first_party=True)
    response = await anna.log_in(Asked("portal", redirect_uri=address))
    assert urlsplit(response.headers["location"]).query.startswith("tenant=7&code=")
