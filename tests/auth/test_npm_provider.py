"""Concord beside an OpenID provider that nobody here wrote: `oidc-provider` from npm, over real sockets."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2 as httpx
import pytest

from app.auth.remote_keys import FLOOR_SECONDS
from app.config import Settings
from app.store.database import Database
from tests import demonstration
from tests.browser import Browser, chromium
from tests.npm_provider import AUDIENCE, NpmProvider, installed, npm_provider
from tests.outside import plant
from tests.serving import ask, free_port, served

MACHINES = {
    "robot": {"graph": "staff", "groups": ["sop-planning"], "organisation": "PLAN"},
    "erp": {"graph": "vendor", "groups": ["vendor-planning"], "organisation": "PV1"},
    "gate": {"graph": "staff", "groups": ["doors"]},
}
PARTNERS = {
    "valtec-erp": {"graph": "vendor", "groups": ["vendor-planning"], "organisation": "VALTEC"},
    "nordsport-edi": {"graph": "buyer", "groups": ["buyer-planning"], "organisation": "NORDSPORT"},
}
PEOPLE = {
    "anna": {"graph": "staff", "groups": ["sop-sales", "choir"], "organisation": "SALES-NORTH"},
    "petra": {"graph": "staff", "groups": ["sop-planning"], "organisation": "PLANNING"},
}
KEYS_FRESH_SECONDS = 30


@pytest.fixture(scope="session")
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the provider is installed: kept between runs where pytest keeps things."""
    cache = getattr(request.config, "cache", None)
    return installed(Path(cache.mkdir("npm")) if cache else tmp_path_factory.mktemp("npm"))


@pytest.fixture
async def provider(place: Path) -> AsyncIterator[NpmProvider]:
    async with npm_provider(place, machines=MACHINES) as running:
        yield running


def trusting(settings: Settings, provider: NpmProvider) -> dict[str, str]:
    """Write the issuers' file; return what a server's environment says of it."""
    path = settings.home.parent / "issuers.toml"
    path.write_text(provider.trusted(), encoding="utf-8")
    return {"CONCORD_ISSUERS_FILE": str(path)}


async def role_of(url: str, token: str) -> str | int:
    """Return the role that the graph sees, or the status of its refusal."""
    data = await ask(url, token, "{ viewer { role } }")
    return data if isinstance(data, int) else str(data["viewer"]["role"])


async def test_machines_of_a_real_provider_are_let_in_as_its_claims_say(
    settings: Settings, database: Database, provider: NpmProvider
) -> None:
    await plant(database)
    environment = trusting(settings, provider)
    async with served(settings, "--no-plan-worker", environment=environment) as url:
        robot, erp, gate = [await provider.machine_token(name) for name in ("robot", "erp", "gate")]
        viewer = await demonstration.told(url, robot, demonstration.VIEWER)
        assert viewer["viewer"] == {
            "subject": "npm:robot",
            "audience": "internal",
            "party": "PLAN",
            "role": "planner",
        }
        supplier = (await demonstration.told(url, erp, demonstration.OUTSIDE_VIEWER))["viewer"]
        assert (supplier["subject"], supplier["party"]) == ("npm:erp", "PV1")
        assert await role_of(url, gate) == 401, "a machine without a role of ours"
        other = await provider.machine_token("robot", resource="urn:another:api")
        assert await role_of(url, other) == 401, "a token for another API"
        opaque = await provider.machine_token("robot", resource=None)
        assert await role_of(url, opaque) == 401, "a token that only the provider can read"


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "EdDSA"])
async def test_each_way_of_signing(
    settings: Settings, database: Database, place: Path, algorithm: str
) -> None:
    await plant(database)
    async with npm_provider(place, machines=MACHINES, algorithm=algorithm) as provider:
        path = settings.home.parent / "issuers.toml"
        path.write_text(provider.trusted(algorithm=algorithm), encoding="utf-8")
        environment = {"CONCORD_ISSUERS_FILE": str(path)}
        async with served(settings, "--no-plan-worker", environment=environment) as url:
            token = await provider.machine_token("robot")
            assert await ask(url, token, "{ __typename }") == {"__typename": "Query"}


class Desk:
    """An application on a desk (RFC 8252): it opens a browser and waits on loopback for the code."""

    def __init__(self, port: int) -> None:
        self.redirect = f"http://127.0.0.1:{port}/came-back"
        self._port = port
        self._arrived: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = (await reader.readline()).split()[1].decode()
        if target.startswith("/came-back") and not self._arrived.done():
            self._arrived.set_result(target)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async def log_in(self, provider: NpmProvider, browser: Browser, person: str) -> tuple[str, str]:
        """Return the access token and the ID token of a person who logs in at the provider's pages."""
        verifier, state = secrets.token_urlsafe(32), secrets.token_urlsafe(16)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
        asked = {
            "client_id": "desk",
            "redirect_uri": self.redirect,
            "response_type": "code",
            "scope": "openid concord",
            "resource": AUDIENCE,
            "state": state,
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
            "prompt": "login",
        }
        listening = await asyncio.start_server(self._answer, "127.0.0.1", self._port)
        async with listening:
            await browser.go(f"{provider.issuer}/auth?{urlencode(asked)}")
            await log_in_at_npm(browser, person)
            answer = parse_qs(urlsplit(await asyncio.wait_for(self._arrived, 30)).query)
        assert answer["state"] == [state]
        assert answer["iss"] == [provider.issuer], "RFC 9207"
        form = {
            "grant_type": "authorization_code",
            "client_id": "desk",
            "code": answer["code"][0],
            "redirect_uri": self.redirect,
            "code_verifier": verifier,
            "resource": AUDIENCE,
        }
        async with httpx.AsyncClient(trust_env=False) as http:
            token = (await http.post(f"{provider.issuer}/token", data=form)).json()
        return str(token["access_token"]), str(token["id_token"])


async def log_in_at_npm(browser: Browser, person: str) -> None:
    """Fill in the provider's own pages: who, and that the client may."""
    await browser.type("input[name=login]", person)
    await browser.type("input[name=password]", "any will do there")
    await browser.click("button.login-submit")
    await browser.click("button[autofocus], input[name=prompt][value=consent] ~ button")


@asynccontextmanager
async def people_at_desks(place: Path) -> AsyncIterator[tuple[NpmProvider, list[Desk]]]:
    """Run a provider that knows people, and make a desk for each of them."""
    desks = [Desk(free_port()) for _ in PEOPLE]
    redirects = [desk.redirect for desk in desks]
    async with npm_provider(place, people=PEOPLE, machines=PARTNERS, redirects=redirects) as provider:
        yield provider, desks


@pytest.mark.slow
async def test_a_round_from_login_in_a_browser_to_publication(
    settings: Settings, place: Path, tmp_path: Path
) -> None:
    await demonstration.load(settings)
    async with (
        people_at_desks(place) as (provider, desks),
        chromium(tmp_path / "profile") as browser,
        served(settings, environment=trusting(settings, provider)) as url,
    ):
        anna, _ = await desks[0].log_in(provider, browser, "anna")
        petra, identity = await desks[1].log_in(provider, browser, "petra")
        assert await role_of(url, anna) == "sales"
        assert await role_of(url, identity) == 401, "an ID token says who somebody is, and opens nothing"
        tokens = {
            demonstration.SALES: anna,
            demonstration.PLANNER: petra,
            demonstration.SUPPLIER: await provider.machine_token("valtec-erp"),
            demonstration.CUSTOMER: await provider.machine_token("nordsport-edi"),
        }
        on_record = await demonstration.play(url, tokens)
    assert on_record == {"forecast": "npm:anna", "published": "npm:petra"}


class Traffic:
    """Requests that never pause, each with a token issued just before; counts what is answered, and when."""

    def __init__(self, url: str, provider: NpmProvider) -> None:
        self._url = url
        self._provider = provider
        self.answers: Counter[str | int] = Counter()
        self.last_refusal = float("-inf")

    async def flow(self) -> None:
        """Go on until cancelled."""
        while True:
            token = await self._provider.machine_token("robot")
            answer = await role_of(self._url, token)
            self.answers[answer] += 1
            if answer == 401:
                self.last_refusal = time.monotonic()
            await asyncio.sleep(0.05)

    async def for_seconds(self, seconds: float) -> Counter[str | int]:
        """Let it flow on, and return the answers of that time."""
        before = self.answers.copy()
        await asyncio.sleep(seconds)
        return self.answers - before


@pytest.mark.slow
async def test_keys_rotate_while_requests_run(
    settings: Settings, database: Database, provider: NpmProvider
) -> None:
    await plant(database)
    environment = trusting(settings, provider)
    async with served(settings, "--no-plan-worker", environment=environment) as url:
        traffic = Traffic(url, provider)
        flows = [asyncio.create_task(traffic.flow()) for _ in range(3)]
        try:
            await traffic.for_seconds(2)
            old = await provider.rotate("announce")
            await traffic.for_seconds(KEYS_FRESH_SECONDS + 2)
            assert (await provider.rotate("sign"))[0] == old[1]
            await traffic.for_seconds(3)
            await provider.rotate("retire")
            planned = await traffic.for_seconds(3)
            assert planned["planner"] > 10
            assert set(traffic.answers) == {"planner"}, "announced long enough before: nobody notices"

            replaced_at = time.monotonic()
            await provider.rotate("replace")
            await traffic.for_seconds(FLOOR_SECONDS + 2)
            assert traffic.last_refusal - replaced_at <= FLOOR_SECONDS + 1, "found when the floor allows"
            assert set(await traffic.for_seconds(2)) == {"planner"}
        finally:
            for flow in flows:
                flow.cancel()
            ended = await asyncio.gather(*flows, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in ended), ended
