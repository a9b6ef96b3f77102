"""A tab of headless Chromium for the tests, driven over its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
import websockets

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-port=0",
    "--window-size=1280,800",
)

TYPE = """((selector, text) => {
  const field = document.querySelector(selector);
  const setter = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
  setter.call(field, text);
  field.dispatchEvent(new Event('input', { bubbles: true }));
})(%s, %s)"""


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until what another process does has happened."""
    for _ in range(600):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError


class Browser:
    """One tab; `complaints` are what its console says of scripts and policies that fail."""

    def __init__(self, connection: websockets.ClientConnection) -> None:
        self._connection = connection
        self._number = 0
        self.complaints: list[str] = []

    async def command(self, method: str, **parameters: object) -> dict[str, Any]:
        """Send a command of the protocol and return its result."""
        self._number += 1
        await self._connection.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(await asyncio.wait_for(self._connection.recv(), 30))
            if message.get("id") == self._number:
                return message.get("result") or {}
            if message.get("method") in {"Log.entryAdded", "Runtime.exceptionThrown"}:
                self.complaints.append(json.dumps(message["params"]))

    async def go(self, url: str) -> None:
        """Open an address."""
        await self.command("Page.navigate", url=url)

    async def value(self, expression: str) -> Any:
        """Return what a script's expression is; None also while a page is being left for another."""
        answer = await self.command(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        return answer.get("result", {}).get("value")

    async def until(self, expression: str) -> None:
        """Wait until an expression is true."""
        for _ in range(100):
            if await self.value(expression):
                return
            await asyncio.sleep(0.1)
        here = await self.value("location.href + ' ' + document.body.innerText.slice(0, 400)")
        raise AssertionError(f"never true: {expression}; at {here}; {self.complaints}")

    async def type(self, selector: str, text: str) -> None:
        """Fill in a field."""
        await self.until(f"document.querySelector({json.dumps(selector)}) !== null")
        await self.value(TYPE % (json.dumps(selector), json.dumps(text)))

    async def click(self, selector: str) -> None:
        """Click on what a selector finds, once it is there."""
        await self.until(f"document.querySelector({json.dumps(selector)}) !== null")
        await self.value(f"document.querySelector({json.dumps(selector)}).click()")

    async def cookies(self, url: str) -> dict[str, dict[str, Any]]:
        """Return the cookies that would be sent to an address, by name."""
        found = await self.command("Network.getCookies", urls=[url])
        return {cookie["name"]: cookie for cookie in found["cookies"]}

    async def photograph(self) -> bytes:
        """Return what the tab shows, as PNG."""
        picture = await self.command("Page.captureScreenshot", format="png")
        return base64.b64decode(picture["data"])


@asynccontextmanager
async def chromium(profile: Path) -> AsyncIterator[Browser]:
    """Run Chromium with a profile of its own for the length of the block; skip where there is none."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        *FLAGS,
        f"--user-data-dir={profile}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        place = profile / "DevToolsActivePort"
        await eventually(lambda: place.exists() and bool(place.read_text()))
        base = f"http://127.0.0.1:{place.read_text().splitlines()[0]}"
        async with httpx.AsyncClient(trust_env=False) as http:
            pages = (await http.get(f"{base}/json/list")).json()
        address = next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")
        async with websockets.connect(address, max_size=None, proxy=None) as connection:
            browser = Browser(connection)
            for domain in ("Runtime", "Log", "Page", "Network"):
                await browser.command(f"{domain}.enable")
            yield browser
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
