"""The company that worlds are copied from."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from app.config import Settings
from app.store.address import Address
from tests.conftest import TEMPLATE
from tests.isolation.worlds import Places, make_places


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory, postgres: Address) -> Places:
    """Where pairs of databases are made."""
    settings = Settings(
        home=tmp_path_factory.mktemp("isolation"), database_url=SecretStr(postgres.admin_conninfo())
    )
    return make_places(postgres, settings, TEMPLATE)
