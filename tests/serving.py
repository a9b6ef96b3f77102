"""`python -m app serve` as a process of its own, on a free port of loopback."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx

from app.config import Settings

ROOT = Path(__file__).parents[1]
START_SECONDS = 60


def free_port() -> int:
    """Return a port that nothing listened on a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


@asynccontextmanager
async def served(
    settings: Settings, *arguments: str, port: int | None = None, environment: Mapping[str, str] | None = None
) -> AsyncIterator[str]:
    """Serve the home and database of `settings` for the length of the block; gives the server's address."""
    chosen = port or free_port()
    database = settings.database_url
    named = {"CONCORD_DATABASE_URL": database.get_secret_value()} if database is not None else {}
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "serve", "--port", str(chosen), *arguments),
        cwd=ROOT,
        env={
            **os.environ,
            "CONCORD_HOME": str(settings.home),
            "CONCORD_PORT": str(chosen),
            **named,
            **(environment or {}),
        },
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{chosen}"
    try:
        await _ready(url, server)
        yield url
    finally:
        with contextlib.suppress(ProcessLookupError):
            server.send_signal(signal.SIGINT)
        await asyncio.wait_for(server.wait(), 60)


async def _ready(url: str, server: asyncio.subprocess.Process) -> None:
    """Wait until the server and its database answer; fails when the server ends first."""
    async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(START_SECONDS):
        while True:
            assert server.returncode is None, "the server ended"
            with contextlib.suppress(httpx.TransportError):
                if (await http.get(f"{url}/readyz")).status_code == 200:
                    return
            await asyncio.sleep(0.1)


async def ask(url: str, token: str, query: str, **variables: object) -> dict[str, Any] | int:
    """Return `data` of an answer, or the status of a refusal."""
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        answer = await http.post(
            f"{url}/graphql",
            json={"query": query, "variables": variables},
            headers={"Authorization": f"Bearer {token}"},
        )
    if answer.status_code != 200:
        return answer.status_code
    body: dict[str, Any] = answer.json()
    assert "errors" not in body, body["errors"]
    data: dict[str, Any] = body["data"]
    return data
