"""The application with one final release to every party, for the tests of the outside graphs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app.config import Settings
from app.store.database import Database
from tests.outside import Served, plant, release, result, serving


@pytest.fixture
async def served(settings: Settings, database: Database) -> AsyncIterator[Served]:
    """The application, serving a company whose plan was released once."""
    await release(database, await result(database, await plant(database), "1"))
    async with serving(settings) as application:
        yield application
