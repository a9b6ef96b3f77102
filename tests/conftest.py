"""What all tests share: one private PostgreSQL per run, a fresh migrated database on request, Hypothesis."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pydantic import SecretStr

from app.config import Settings
from app.store.address import Address
from app.store.database import Database
from app.store.embedded import EmbeddedServer
from app.store.migrate import migrate

SLOW = os.environ.get("SLOW", "") not in ("", "0")
TEMPLATE = "concord_template"
UNSAFE_BUT_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

hypothesis_settings.register_profile(
    "plain", max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.register_profile(
    "slow", max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("slow" if SLOW else "plain")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out long tests unless SLOW=1."""
    if SLOW:
        return
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="long: runs with SLOW=1"))


@pytest.fixture(scope="session")
def shared_directory() -> Path:
    """The shared reference data beside the repository; tests that need it are skipped where it is missing."""
    named = os.environ.get("CONCORD_SHARED")
    found = Path(named) if named else Path(__file__).resolve().parents[2] / "shared"
    if not found.is_dir():
        pytest.skip("the shared reference data is not there (CONCORD_SHARED)")
    return found


@pytest.fixture(scope="session")
def postgres() -> Iterator[Address]:
    """One server for the whole run, with a migrated database to copy from."""
    home = Path(tempfile.mkdtemp(prefix="concord-test-"))
    home.chmod(0o711)  # as root the server runs as another user, which has to pass
    server = EmbeddedServer(home, UNSAFE_BUT_FAST)
    try:
        address = server.acquire()
        with _administrator(address) as connection:
            connection.execute(f"CREATE DATABASE {TEMPLATE}")
        asyncio.run(migrate(Database(address.of_database(TEMPLATE))))
        yield address
    finally:
        server.release()
        shutil.rmtree(home)


@contextmanager
def _administrator(address: Address) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(address.admin_conninfo(), autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def new_database(postgres: Address) -> Callable[[], str]:
    """A function that makes a fresh migrated database and returns its address for CONCORD_DATABASE_URL."""
    numbers = itertools.count(1)

    def make() -> str:
        name = f"test_{next(numbers)}"
        with _administrator(postgres) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
        return postgres.of_database(name).admin_conninfo()

    return make


@pytest.fixture
def settings(tmp_path: Path, new_database: Callable[[], str]) -> Settings:
    """Settings with a home and a database of their own, for one test."""
    return Settings(home=tmp_path / "home", database_url=SecretStr(new_database()))


@pytest.fixture(scope="module")
def module_settings(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]) -> Settings:
    """Settings with a home and a database of their own, for the tests of one module."""
    return Settings(home=tmp_path_factory.mktemp("home"), database_url=SecretStr(new_database()))


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """A fresh migrated database, for one test."""
    opened = await Database.open(settings)
    try:
        yield opened
    finally:
        await opened.close()
