"""The built-in issuer with real browsers and a real server: pages without a script, and a planning round."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2 as httpx
import pytest

from app.cli.demo import Seat, new_password, seats
from app.config import Settings
from app.services.identity.accounts import lend_account
from app.store.database import Database
from tests import demonstration
from tests.auth.issuer.person import PASSWORD, Asked, Person, add_application, add_person, answer_of
from tests.browser import Browser, chromium
from tests.serving import ask, free_port, served

ROUND = {
    demonstration.SALES: "sales-north",
    demonstration.PLANNER: "planner",
    demonstration.SUPPLIER: "valtec",
    demonstration.CUSTOMER: "nordsport",
}


class Program:
    """A program on a desk: waits on a loopback port of its choice for the browser to come back."""

    def __init__(self) -> None:
        self.port = free_port()
        self.redirect_uri = f"http://127.0.0.1:{self.port}/done"
        self.arrived: asyncio.Queue[str] = asyncio.Queue()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = (await reader.readline()).split()[1].decode()
        if target.startswith("/done"):
            self.arrived.put_nowait(target)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async def came_back(self) -> dict[str, str]:
        target = await asyncio.wait_for(self.arrived.get(), 30)
        return {name: value for name, (value,) in parse_qs(urlsplit(target).query).items()}


async def log_in(browser: Browser, url: str, asked: Asked, password: str = PASSWORD) -> None:
    await browser.go(url + asked.address)
    await browser.type("input[name=name]", "anna")
    await browser.type("input[name=password]", password)
    await browser.click("button[type=submit]")


@pytest.mark.slow
async def test_the_pages_work_in_a_browser_without_scripts(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    await add_person(database)
    await add_application(database, redirect_uris=("http://127.0.0.1/done",), native=True)
    program = Program()
    asked = Asked("portal", redirect_uri=program.redirect_uri)
    listening = await asyncio.start_server(program.answer, "127.0.0.1", program.port)
    async with (
        listening,
        chromium(tmp_path / "profile") as browser,
        served(settings, "--no-plan-worker") as url,
    ):
        await browser.command("Emulation.setScriptExecutionDisabled", value=True)
        await log_in(browser, url, asked, "wrong")
        await browser.until("document.body.innerText.includes('is wrong')")
        await log_in(browser, url, asked)
        await browser.click("button[value=allow]")
        answer = await program.came_back()
        assert (answer["state"], answer["iss"]) == (asked.state, url)
        cookie = (await browser.cookies(url))["concord-login"]
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
        async with httpx.AsyncClient(trust_env=False) as http:
            tokens = (await http.post(f"{url}/oauth/token", data=asked.token_form(answer["code"]))).json()
        assert await ask(url, tokens["access_token"], "{ viewer { role } }") == {
            "viewer": {"role": "planner"}
        }
        await browser.go(f"{url}/oauth/logout")
        await browser.click("button[type=submit]")
        await browser.until("document.body.innerText.includes('You are logged out')")
        policy = [each for each in browser.complaints if "Content Security Policy" in each]
        assert policy == []


async def tokens_of(url: str, seat: Seat, password: str) -> str:
    """Return the access token of somebody who logs in by the pages."""
    asked = Asked("portal")
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as browser:
        person = Person(browser, seat.user, password)
        code = answer_of(await person.log_in(asked))["code"]
        answer = await browser.post("/oauth/token", data=asked.token_form(code))
    return str(answer.json()["access_token"])


@pytest.mark.slow
async def test_a_round_from_the_login_pages_to_publication(settings: Settings) -> None:
    await demonstration.load(settings)
    password = new_password()
    database = await Database.open(settings)
    await add_application(database, first_party=True)
    for seat in seats():
        assert await lend_account(
            database,
            seat.user,
            password,
            audience=seat.audience,
            role=seat.role,
            party=seat.party,
            by="demo",
        )
    await database.close()
    by_name = {seat.user: seat for seat in seats()}
    async with served(settings) as url:
        tokens = {who: await tokens_of(url, by_name[name], password) for who, name in ROUND.items()}
        on_record = await demonstration.play(url, tokens)
    assert on_record == {"forecast": "user:sales-north", "published": "user:planner"}


async def test_a_lent_account_is_lent_again_and_another_is_left_alone(database: Database) -> None:
    rights = {"audience": "internal", "role": "planner"}
    assert await lend_account(database, "planner", new_password(), **rights, by="demo")
    assert await lend_account(database, "planner", new_password(), **rights, by="demo")
    assert not await lend_account(database, "planner", secrets.token_urlsafe(), **rights, by="other")
