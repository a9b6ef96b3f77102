"""The page in a real browser: people log in, at the built-in issuer and at a foreign one, ask, and leave."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.access import HOST
from app.config import Settings
from app.services.identity.accounts import add_account
from app.store.database import Database
from app.store.versions import seal
from tests.browser import Browser, chromium
from tests.npm_provider import AUDIENCE, installed, npm_provider
from tests.outside import head_of, plant, release, result
from tests.serving import free_port, served

pytestmark = pytest.mark.slow

PASSWORD = "a long enough password"
ANNA = {"graph": "staff", "groups": ["sop-planning"], "organisation": "PLAN"}
WRITE = "document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror.setValue(%s)"
RUN = ".graphiql-execute-button"
SHOWN = "document.querySelector('.result-window')?.innerText.includes(%s)"
BAR = "document.querySelector('.concord-bar')?.innerText.includes(%s)"


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    async with chromium(tmp_path / "profile") as opened:
        yield opened


async def photograph(browser: Browser, name: str) -> None:
    """Keep a picture of the page where CONCORD_TEST_PICTURES names a directory."""
    place = os.environ.get("CONCORD_TEST_PICTURES")
    picture = await browser.photograph()
    assert picture.startswith(b"\x89PNG")
    if place:
        (Path(place) / f"{name}.png").write_bytes(picture)


async def run(browser: Browser, document: str) -> None:
    """Run a document in the editor."""
    await browser.value(WRITE % json.dumps(document))
    await asyncio.sleep(0.5)  # the editor reads what was typed when nobody types for a while
    await browser.click(RUN)


async def ask(browser: Browser, document: str, shown: str) -> None:
    """Run a document and wait until the answer shows something."""
    await run(browser, document)
    await browser.until(SHOWN % json.dumps(shown))


async def test_an_account_here(settings: Settings, database: Database, browser: Browser) -> None:
    await plant(database)
    await add_account(
        database, "anna", PASSWORD, audience="internal", role="planner", party="PLAN", by="test"
    )
    async with served(settings, "--no-plan-worker") as url:
        await browser.go(f"{url}/")
        await browser.until(BAR % '"Nobody is logged in."')
        await photograph(browser, "1-nobody")
        await browser.click("a.concord-login")
        await browser.type("#name", "anna")
        await browser.type("#password", PASSWORD)
        await photograph(browser, "2-password")
        await browser.click("button[type=submit]")
        await browser.until(BAR % '"user:anna"')
        assert await browser.value("location.pathname") == "/graphql"
        assert await browser.value("document.cookie") == "", "no script sees the cookies"
        await ask(browser, "{ viewer { subject role } }", '"user:anna"')
        await photograph(browser, "3-asked")

        await run(browser, "subscription { planPublished { version { name } } }")
        await browser.until(f"document.querySelector('{RUN}').getAttribute('aria-label').startsWith('Stop')")
        await asyncio.sleep(1)  # nothing yet tells that the stream has begun
        await _publish(database, "told in a browser")
        await browser.until(SHOWN % '"told in a browser"')
        await photograph(browser, "4-told")

        complaints, browser.complaints = browser.complaints, []
        assert complaints == [], "the content security policy holds and no script fails"
        await browser.click("#logout")
        await browser.until(BAR % '"Nobody is logged in."')
        assert await browser.value("location.pathname") == "/graphql"
        assert "concord" not in await browser.cookies(url)
        await browser.click("a.concord-login")
        await browser.until("document.querySelector('#password') !== null")


async def test_an_account_elsewhere(
    settings: Settings, database: Database, browser: Browser, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    await plant(database)
    cache = getattr(request.config, "cache", None)
    place = installed(Path(cache.mkdir("npm")) if cache else tmp_path)
    port = free_port()
    own = f"http://127.0.0.1:{port}"
    async with npm_provider(
        place, people={"anna": ANNA}, redirects=[f"{own}/login/callback/npm"], logout_redirects=[f"{own}/"]
    ) as provider:
        secret = tmp_path / "secret"
        secret.write_text(provider.secret)
        secret.chmod(0o600)
        login = (
            '[issuer.login]\ntitle = "Staff account"\nclient_id = "concord-web"\nsecret_file = "secret"\n'
            f'scopes = ["openid", "concord"]\nparameters = {{ resource = "{AUDIENCE}" }}\n'
        )
        issuers = tmp_path / "issuers.toml"
        issuers.write_text(provider.trusted() + login)
        environment = {"CONCORD_ISSUERS_FILE": str(issuers), "CONCORD_BUILTIN_ISSUER": "false"}
        async with served(settings, "--no-plan-worker", port=port, environment=environment) as url:
            await browser.go(f"{url}/graphql")
            await browser.click("a.concord-login")
            await browser.type("input[name=login]", "anna")
            await browser.type("input[name=password]", "any will do there")
            await browser.click("button.login-submit")
            await browser.click("input[name=prompt][value=consent] ~ button")
            await browser.until(BAR % '"npm:anna"')
            await browser.until(BAR % '"Staff account"')
            await ask(browser, "{ viewer { subject role } }", '"npm:anna"')
            await photograph(browser, "5-elsewhere")
            await browser.click("#logout")
            await browser.click("button[name=logout]")
            await browser.until(BAR % '"Nobody is logged in."')
            assert "concord" not in await browser.cookies(url)


async def _publish(database: Database, name: str) -> None:
    """Plan and publish, as another process does."""
    plan = await result(database, await head_of(database), name)
    async with database.write(HOST) as tx:
        await seal(tx, plan, name, "final", by="somebody")
    await release(database, plan)
