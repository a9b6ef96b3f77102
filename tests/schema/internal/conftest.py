"""The demonstration company behind the real application: tokens, endpoint, policies and PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from pydantic import SecretStr

from app.access import HOST
from app.auth import issue_token
from app.config import Settings
from app.exchange import Dataset, SeriesBlock, read_dataset
from app.main import create_app
from app.services.importing import import_dataset, import_directory
from app.services.publish import publish
from app.services.reconcile import request
from app.store.branches import At
from app.store.database import Database
from app.store.runs import run
from app.worker import work_off

COMPANY = Path(str(files("app.demo") / "company"))

PARTIES = {
    "sales": "SALES-NORTH",
    "operations": "OPERATIONS",
    "procurement": "PROCUREMENT",
    "finance": "FINANCE",
    "executive": "EXECUTIVE",
    "planner": "PLANNING",
    "administrator": "ADMIN",
    "auditor": "ADMIN",
}


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """Open the database of these settings for a while."""
    database = await Database.open(settings)
    try:
        yield database
    finally:
        await database.close()


async def load_company(settings: Settings) -> None:
    """Import the demonstration company."""
    async with opened(settings) as database:
        imported = await import_directory(database, COMPANY, author="test")
        assert imported.commit is not None, imported.reading.findings


def cut_short(dataset: Dataset, months: str) -> Dataset:
    """Return the dataset with fewer months at the end of its calendar: quicker to plan."""
    rows = [row for row in dataset.entities["planning_parameter"] if row["parameter"] != "months"]
    rows.append({"parameter": "months", "value": months, "unit": None})
    short = Dataset({**dataset.entities, "planning_parameter": rows}, [])
    kept = len(short.calendar)
    blocks = [SeriesBlock(block.measure, block.keys, block.values[:, :kept]) for block in dataset.series]
    return Dataset(short.entities, blocks)


async def plan_company(settings: Settings) -> None:
    """Reconcile the company over a short horizon and publish the result as the final version `first`."""
    dataset = read_dataset(COMPANY).dataset
    assert dataset is not None
    async with opened(settings) as database:
        await import_dataset(database, cut_short(dataset, months="0"), author="test")
        asked = await request(database, HOST, rule="weighted")
        await work_off(database)
        async with database.read(HOST) as tx:
            done = await run(tx, asked.id)
        assert done.state == "done", done
        await publish(database, HOST, At(commit=done.result_commit_id), kind="final", name="first")


def company_settings(home: Path, url: str) -> Settings:
    """Settings of a server whose database holds the demonstration company."""
    settings = Settings(home=home, database_url=SecretStr(url))
    asyncio.run(load_company(settings))
    return settings


@pytest.fixture(scope="session")
def shared_company(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]) -> Settings:
    """The demonstration company for tests that only read."""
    return company_settings(tmp_path_factory.mktemp("home"), new_database())


@pytest.fixture(scope="module")
def planned_company(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]) -> Settings:
    """The demonstration company with one plan, reconciled and published as the final version `first`."""
    settings = Settings(home=tmp_path_factory.mktemp("home"), database_url=SecretStr(new_database()))
    asyncio.run(plan_company(settings))
    return settings


@pytest.fixture(scope="module")
def own_company(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]) -> Settings:
    """The demonstration company for the tests of one module that write."""
    return company_settings(tmp_path_factory.mktemp("home"), new_database())


@dataclass
class Answer:
    """An answer of the endpoint: the data, and for each error its code and path."""

    status: int
    body: dict[str, Any]

    @property
    def data(self) -> Any:
        """The data; the answer must have come without errors."""
        assert self.status == 200, self.body
        assert "errors" not in self.body, self.body["errors"]
        return self.body["data"]

    @property
    def codes(self) -> list[str]:
        """The codes of all errors."""
        return [error["extensions"]["code"] for error in self.body.get("errors", [])]


Ask = Callable[..., Awaitable[Answer]]


async def asking(settings: Settings) -> AsyncIterator[Ask]:
    """Yield a function that sends a query as a role and returns the answer."""
    app = create_app(settings)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://concord") as client,
    ):

        async def ask(
            role: str,
            query: str,
            variables: dict[str, Any] | None = None,
            *,
            party: str | None = None,
            audience: str = "internal",
        ) -> Answer:
            token = issue_token(settings, audience, role, party or PARTIES[role])
            answer = await client.post(
                "/graphql",
                json={"query": query, "variables": variables or {}},
                headers={"Authorization": f"Bearer {token}"},
            )
            return Answer(answer.status_code, answer.json())

        yield ask


@pytest.fixture
async def ask(shared_company: Settings) -> AsyncIterator[Ask]:
    """Ask the server whose data no test changes."""
    async for function in asking(shared_company):
        yield function


@pytest.fixture
async def ask_own(own_company: Settings) -> AsyncIterator[Ask]:
    """Ask a server whose data the tests of the module may change."""
    async for function in asking(own_company):
        yield function


@pytest.fixture
async def ask_planned(planned_company: Settings) -> AsyncIterator[Ask]:
    """Ask the server whose company has a published plan."""
    async for function in asking(planned_company):
        yield function
