"""The page for browsers: from our own files, under a strict policy, and working in a real browser."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from schema.asgi import graphiql
from schema.asgi.graphiql import CONTENT_SECURITY_POLICY, STATIC
from tests.browser import Browser, chromium, eventually

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
EXAMPLES = "# Who is calling\nquery Viewer {\n  viewer\n}\n"


@pytest.fixture
def examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The small graphs' own examples."""
    path = tmp_path / "examples.graphql"
    path.write_text(EXAMPLES)
    monkeypatch.setattr(graphiql, "examples_path", lambda audience: path)


async def test_a_browser_gets_the_page_without_a_token(client: httpx.AsyncClient) -> None:
    response = await client.get("/graphql", headers=HTML)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    for reference in re.findall(r'(?:src|href)="([^"]+)"', response.text):
        assert reference == "data:," or (await client.get(reference)).status_code == 200


async def test_a_page_that_is_known_is_not_sent_again(client: httpx.AsyncClient) -> None:
    first = await client.get("/graphql/static/graphiql.js")
    assert first.headers["cache-control"] == "no-cache"
    again = await client.get("/graphql/static/graphiql.js", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


async def test_static_files_are_the_only_files(client: httpx.AsyncClient) -> None:
    for path in ("..%2fgraphiql.py", "%2e%2e/graphiql.py", "../../ids.py", "nothing.js"):
        assert (await client.get(f"/graphql/static/{path}")).status_code == 404


def test_nothing_is_loaded_from_elsewhere() -> None:
    assert "'unsafe" not in CONTENT_SECURITY_POLICY
    assert "http" not in CONTENT_SECURITY_POLICY
    page = (STATIC / "graphiql.html").read_text()
    assert "://" not in page
    assert not re.search(r"<script[^>]*>[^<]", page), "no inline scripts"
    assert not re.search(r"@import|url\((?!\"?data:|#)", (STATIC / "graphiql.css").read_text())
    assert "graphiql" in (STATIC / "LICENSES.txt").read_text()


@pytest.mark.usefixtures("examples")
async def test_examples_are_for_holders_of_a_token(client: httpx.AsyncClient, token_for: Any) -> None:
    assert (await client.get("/graphql/examples")).status_code == 401
    response = await client.get("/graphql/examples", headers={"Authorization": f"Bearer {token_for()}"})
    assert (response.status_code, response.text) == (200, EXAMPLES)


@pytest.fixture
async def address(app: Starlette) -> AsyncIterator[str]:
    """The address of a server on a free port, ended with the test."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    await eventually(lambda: server.started)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    await serving
    listening.close()


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    async with chromium(tmp_path / "profile") as opened:
        yield opened


PASTE = """(() => {
  const field = document.querySelector('#token');
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(field, %s);
  field.form.requestSubmit();
})()"""


@pytest.mark.slow
@pytest.mark.usefixtures("examples")
async def test_a_person_pastes_a_token_and_runs_an_example(
    address: str, browser: Browser, token_for: Any
) -> None:
    await browser.go(f"{address}/graphql")
    await browser.until("document.querySelector('.CodeMirror')?.innerText.includes('paste an access token')")
    assert await browser.value("document.querySelector('output').innerText") == "Nobody is logged in."

    await browser.value(PASTE % json.dumps("x.y.z"))
    await browser.until("document.querySelector('output').innerText === 'This token was refused.'")
    refused, browser.complaints = browser.complaints, []
    assert all("401" in complaint or "/login/session" in complaint for complaint in refused)

    await browser.value(PASTE % json.dumps(token_for("supplier", "supplier_planner", "V07")))
    await browser.until("document.querySelector('output').innerText.includes('supplier audience')")
    await browser.until("document.querySelector('.CodeMirror')?.innerText.includes('query Viewer')")
    await browser.value("document.querySelector('.graphiql-execute-button').click()")
    await browser.until("document.querySelector('.result-window')?.innerText.includes('supplier/V07')")
    assert browser.complaints == [], "the content security policy holds and no script fails"
