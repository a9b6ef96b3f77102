"""The laboratory of the tests of access: the policed tables without their constraints, for any rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.access.lab import Lab, open_lab


@pytest.fixture(scope="session")
def lab(new_database: Callable[[], str]) -> Iterator[Lab]:
    """A database that takes any rows: constraints and triggers dropped, policies as they are."""
    with psycopg.connect(new_database(), autocommit=True) as connection:
        yield open_lab(connection)
