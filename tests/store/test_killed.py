"""Server and PostgreSQL killed at random points during mixed writes: what was acknowledged is there, once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from app.access import HOST
from app.auth import issue_token
from app.config import Settings
from app.services.intake import take_in
from app.services.verify import verify_store
from app.store.database import Database
from app.store.migrate import migrate
from app.store.placement import place
from tests.outside import plant, release
from tests.serving import ROOT, free_port

WRITES = 1000
WRITERS = 6
KILLS = 24
PATIENCE_SECONDS = 120

SUBMIT = """mutation ($input: SeriesSubmitInput!) {
  seriesSubmit(input: $input) { commit { id } changedSeries userErrors { code message } } }"""
FORK = """mutation ($input: ScenarioCreateInput!) {
  scenarioCreate(input: $input) { branch { name } userErrors { code message } } }"""
CAPACITY = """mutation ($input: CapacitySubmitInput!) {
  capacitySubmit(input: $input) { capacity { number } userErrors { code message } } }"""
SIGNAL = """mutation ($input: DemandSignalSubmitInput!) {
  demandSignalSubmit(input: $input) { demandSignal { number } userErrors { code message } } }"""
KINDS = ("submit", "submit", "submit", "fork", "capacity", "signal")


@dataclass
class Service:
    """`serve` on a home of its own, to be killed and started again on the same port."""

    settings: Settings
    port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None
    kills: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("server", "database", "backend"), 0))

    @property
    def url(self) -> str:
        """Where the graphs are."""
        return f"http://127.0.0.1:{self.port}/graphql"

    async def start(self) -> None:
        """Start it and wait until it answers."""
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app", "serve", "--no-plan-worker", "--port", str(self.port)),
            cwd=ROOT,
            env={**os.environ, "CONCORD_HOME": str(self.settings.home), "CONCORD_LOG_LEVEL": "error"},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(PATIENCE_SECONDS):
            while True:
                assert self.process.returncode is None, "the server ended by itself"
                with contextlib.suppress(httpx.TransportError):
                    if (await http.get(self.url.replace("graphql", "readyz"))).status_code == 200:
                        return
                await asyncio.sleep(0.1)

    async def kill(self, what: str) -> None:
        """Kill without warning: the server and start it again, PostgreSQL, or one of its processes."""
        self.kills[what] += 1
        if what == "server":
            assert self.process is not None
            self.process.kill()
            await self.process.wait()
            await self.start()
            return
        postmaster = int((place(self.settings.home).data / "postmaster.pid").read_text().splitlines()[0])
        victims = [postmaster] if what == "database" else children(postmaster)
        with contextlib.suppress(ProcessLookupError):
            os.kill(random.choice(victims), signal.SIGKILL)

    async def stop(self) -> None:
        """End it as an operator would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        await asyncio.wait_for(self.process.wait(), PATIENCE_SECONDS)


def children(pid: int) -> list[int]:
    """Return the processes that a process has started; itself if there are none."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found] or [pid]


def request(number: int) -> tuple[str, str, dict[str, Any]]:
    """Return who asks, the document and its input; every number asks for something of its own."""
    kind, key = KINDS[number % len(KINDS)], f"key-{number}"
    value = number + 0.5
    if kind == "fork":
        return "planner", FORK, {"name": f"branch-{number}", "idempotencyKey": key}
    if kind == "submit":
        customer = number % 3 + 1
        at = {"item": "BIKE", "site": f"S{customer}", "customer": f"C{customer}", "start": "2026-01-12"}
        series: list[dict[str, Any]] = [{"consensusDemand": {**at, "values": [value]}}]
        return "planner", SUBMIT, {"series": series, "reason": key, "idempotencyKey": key}
    entries = [{"date": "2026-01-12", "quantity": value}]
    if kind == "capacity":
        series = [{"item": "RIM", "supplier": "V1", "entries": entries}]
        return "supplier", CAPACITY, {"series": series, "idempotencyKey": key}
    series = [{"item": "BIKE", "customer": "C1", "entries": entries}]
    return "customer", SIGNAL, {"kind": "FORECAST", "series": series, "idempotencyKey": key}


@dataclass
class Load:
    """Clients that ask again under the same key until they are told."""

    service: Service
    tokens: dict[str, str]
    numbers: Iterator[int]
    told: dict[int, dict[str, Any]] = field(default_factory=dict)
    retries: int = 0
    progress: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def client(self) -> None:
        """Hand in one after the other."""
        async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS) as http:
            for number in self.numbers:
                self.told[number] = await self._insist(http, *request(number))
                async with self.progress:
                    self.progress.notify_all()

    async def reached(self, count: float) -> None:
        """Wait until this many have been told."""
        async with self.progress:
            await self.progress.wait_for(lambda: len(self.told) >= count)

    async def _insist(
        self, http: httpx.AsyncClient, seat: str, document: str, given: dict[str, Any]
    ) -> dict[str, Any]:
        body = {"query": document, "variables": {"input": given}}
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    headers = {"Authorization": f"Bearer {self.tokens[seat]}"}
                    answer = await http.post(self.service.url, json=body, headers=headers)
                    content = answer.json()
                    if answer.status_code == 200 and "errors" not in content:
                        (payload,) = content["data"].values()
                        assert payload["userErrors"] == [], payload
                        return dict(payload)
                self.retries += 1
                await asyncio.sleep(0.05)


@pytest.fixture
def home() -> Iterator[Path]:
    """A home that PostgreSQL's own user can pass through."""
    root = Path(tempfile.mkdtemp(prefix="concord-killed-"))
    root.chmod(0o711)
    yield root / "home"
    data = place(root / "home").root
    shutil.rmtree(data, ignore_errors=True)
    shutil.rmtree(root)


async def prepared(settings: Settings) -> None:
    """A company with one release to every party, in the embedded database of this home."""
    database = await Database.open(settings)
    try:
        await migrate(database)
        await release(database, await plant(database))
    finally:
        await database.close()


def tokens(settings: Settings) -> dict[str, str]:
    """A planner, a supplier and a customer."""
    return {
        "planner": issue_token(settings, "internal", "planner", "PLAN"),
        "supplier": issue_token(settings, "supplier", "supplier_planner", "PV1"),
        "customer": issue_token(settings, "customer", "customer_planner", "PC1"),
    }


@pytest.mark.slow
async def test_nothing_acknowledged_is_lost_and_nothing_is_half_written(home: Path) -> None:
    settings = Settings(home=home, database_url=None)
    await prepared(settings)
    service = Service(settings)
    await service.start()
    load = Load(service, tokens(settings), iter(range(WRITES)))
    clients = [asyncio.create_task(load.client()) for _ in range(WRITERS)]
    for kill in range(KILLS):
        due = (kill + random.random()) * WRITES / KILLS
        await load.reached(due)
        await service.kill(("server", "database", "backend")[kill % 3])
    await asyncio.gather(*clients)
    await service.stop()
    print(f"{service.kills} kills, {load.retries} retries")

    assert len(load.told) == WRITES
    database = await Database.open(settings)
    try:
        await look(database)
    finally:
        await database.close()


async def look(database: Database) -> None:
    """Every write is there exactly once, and whole."""
    async with database.read(HOST) as tx:
        commits = await tx.fetch_rows(
            "SELECT c.reason, count(*), min(n.series) FROM plan.commit c CROSS JOIN LATERAL ("
            "SELECT count(*) AS series FROM plan.series_version v WHERE v.commit_id = c.id) n "
            "WHERE c.reason LIKE 'key-%%' GROUP BY c.reason"
        )
        branches = {row[0] for row in await tx.fetch_rows("SELECT name FROM plan.branch")}
        inbox = await tx.fetch_rows(
            "SELECT idempotency_key, count(*) FROM outside.inbox GROUP BY idempotency_key"
        )
    of_kind = {kind: {n for n in range(WRITES) if KINDS[n % len(KINDS)] == kind} for kind in KINDS}
    assert sorted(commits) == sorted((f"key-{n}", 1, 1) for n in of_kind["submit"])
    assert {f"branch-{n}" for n in of_kind["fork"]} <= branches
    assert len([name for name in branches if name.startswith("branch-")]) == len(of_kind["fork"])
    assert sorted(inbox) == sorted((f"key-{n}", 1) for n in of_kind["capacity"] | of_kind["signal"])
    taken = await take_in(database)
    assert len(taken) == len(inbox)
    assert {outcome.state for outcome in taken} == {"included"}
    assert (await verify_store(database)).findings == []
