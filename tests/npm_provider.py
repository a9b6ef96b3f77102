"""`oidc-provider` from npm for the tests: installed once, and run as a process beside Concord's."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

SOURCE = Path(__file__).parent / "auth" / "provider_npm"
FILES = ("package.json", "package-lock.json", "provider.mjs")
AUDIENCE = "urn:concord:api"

Claims = Mapping[str, object]


def installed(cache: Path) -> Path:
    """Return a directory with the provider and its packages, installed there by `npm ci` unless it was.

    Skips where Node.js is missing or its packages cannot be had.
    """
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("no Node.js with npm on this machine")
    digest = hashlib.sha256(b"".join((SOURCE / name).read_bytes() for name in FILES)).hexdigest()[:16]
    place = cache / f"oidc-provider-{digest}"
    if not place.is_dir():
        making = Path(tempfile.mkdtemp(dir=cache))
        for name in FILES:
            shutil.copy(SOURCE / name, making)
        done = subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=making,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode != 0:
            shutil.rmtree(making)
            pytest.skip(f"npm cannot install oidc-provider here: {done.stderr.strip()[-200:]}")
        try:
            making.rename(place)
        except OSError:  # another run of the tests was faster
            shutil.rmtree(making)
    return place


@dataclass
class NpmProvider:
    """A provider that runs."""

    issuer: str
    secret: str
    process: asyncio.subprocess.Process

    async def rotate(self, step: str) -> list[str]:
        """Take one step of a rotation of its keys (see provider.mjs); return the ids it publishes then."""
        published: list[str] = (await _told(self.process, step))["published"]
        return published

    async def machine_token(self, machine: str, *, resource: str | None = AUDIENCE) -> str:
        """Return an access token that a machine gets for itself."""
        form = {"grant_type": "client_credentials", "scope": "concord"}
        if resource is not None:
            form["resource"] = resource
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.post(f"{self.issuer}/token", data=form, auth=(machine, self.secret))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def trusted(self, *, name: str = "npm", algorithm: str = "RS256", extra: str = "") -> str:
        """Return the part of CONCORD_ISSUERS_FILE that trusts it as the tests' people and machines need."""
        return f"""
[[issuer]]
name = "{name}"
issuer = "{self.issuer}"
algorithms = ["{algorithm}"]
keys_fresh_seconds = 30
audience = {{ claim = "graph", values = {{ staff = "internal", vendor = "supplier", buyer = "customer" }} }}
party = {{ claim = "organisation", optional = true }}
{extra}
[issuer.role]
claim = "groups"
[issuer.role.values]
sop-sales = "sales"
sop-planning = "planner"
sop-finance = "finance"
sop-board = "executive"
vendor-planning = "supplier_planner"
buyer-planning = "customer_planner"
"""


@asynccontextmanager
async def npm_provider(
    place: Path,
    *,
    people: Mapping[str, Claims] | None = None,
    machines: Mapping[str, Claims] | None = None,
    redirects: Iterable[str] = ("http://127.0.0.1:9/unused",),
    logout_redirects: Iterable[str] = (),
    algorithm: str = "RS256",
) -> AsyncIterator[NpmProvider]:
    """Run the provider of `installed` for the length of the block."""
    configuration = {
        "algorithm": algorithm,
        "people": people or {},
        "machines": machines or {},
        "redirects": list(redirects),
        "logoutRedirects": list(logout_redirects),
    }
    process = await asyncio.create_subprocess_exec(
        "node",
        "provider.mjs",
        cwd=place,
        env={**os.environ, "NODE_ENV": "test"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        told = await _told(process, json.dumps(configuration))
        yield NpmProvider(told["issuer"], told["secret"], process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        if await _ended(process) is None:
            process.kill()
            await process.wait()


async def _told(process: asyncio.subprocess.Process, line: str) -> dict[str, Any]:
    """Send a line and return the answer to it."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{line}\n".encode())
    await process.stdin.drain()
    answer = await asyncio.wait_for(process.stdout.readline(), 30)
    assert answer, "the provider ended"
    found: dict[str, Any] = json.loads(answer)
    return found


async def _ended(process: asyncio.subprocess.Process) -> int | None:
    try:
        return await asyncio.wait_for(process.wait(), 10)
    except TimeoutError:
        return None
