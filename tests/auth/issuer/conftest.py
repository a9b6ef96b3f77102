"""The application within its lifespan, for the tests of the built-in issuer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2 as httpx
import pytest

from app.config import Settings
from app.main import create_app
from tests.auth.issuer.person import Person


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application within its lifespan."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://concord.test") as opened:
            yield opened


@pytest.fixture
def anna(client: httpx.AsyncClient) -> Person:
    """A person at a browser."""
    return Person(client)


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords and secrets with the least work: what is tested is not how long it takes."""
    monkeypatch.setattr("app.auth.issuer.hashing._ITERATIONS", 1)
    monkeypatch.setattr("app.auth.issuer.hashing._MEMORY_KIB", 8)
