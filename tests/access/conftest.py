"""The laboratory of the tests of access: the policed tables without their constraints, for any rows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import psycopg
import pytest
from pydantic import SecretStr

from app.config import Settings
from tests.access.company import Company, found
from tests.access.lab import Lab, open_lab


@pytest.fixture(scope="session")
def lab(new_database: Callable[[], str]) -> Iterator[Lab]:
    """A database that takes any rows: constraints and triggers dropped, policies as they are."""
    with psycopg.connect(new_database(), autocommit=True) as connection:
        yield open_lab(connection)


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]) -> Company:
    """The small company of `tests.access.company`, founded once; tests undo what they do to it."""
    home = tmp_path_factory.mktemp("company")
    return asyncio.run(found(Settings(home=home, database_url=SecretStr(new_database()))))
