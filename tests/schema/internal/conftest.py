"""The demonstration company behind the real application: tokens, endpoint, policies and PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from pydantic import SecretStr

from app.auth import issue_token
from app.config import Settings
from app.main import create_app
from app.services.importing import import_directory
from app.store.database import Database

COMPANY = Path(str(files("app.demo") / "company"))

PARTIES = {
    "sales": "SALES-NORTH",
    "operations": "OPERATIONS",
    "procurement": "PROCUREMENT",
    "finance": "FINANCE",
    "executive": "EXECUTIVE",
    "planner": "PLANNING",
    "administrator": "ADMIN",
}


async def load_company(settings: Settings) -> None:
    """Import the demonstration company."""
    database = await Database.open(settings)
    try:
        imported = await import_directory(database, COMPANY, author="test")
        assert imported.commit is not None, imported.reading.findings
    finally:
        await database.close()


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
            role: str, query: str, variables: dict[str, Any] | None = None, *, party: str | None = None
        ) -> Answer:
            token = issue_token(settings, "internal", role, party or PARTIES[role])
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
