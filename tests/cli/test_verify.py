"""`verify` as a user runs it: what it says, in text and JSON, and how it ends on a tampered copy."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import psycopg
import pytest
from typer.testing import CliRunner, Result

from app.access import HOST
from app.cli import application
from app.config import Settings
from app.store import branches, versions
from app.store.commits import write_commit
from app.store.database import Database
from app.store.deltas import EntityChanges
from tests.store.world import changes, items, stock, weeks

Run = Callable[..., Result]


async def _publish(settings: Settings) -> None:
    database = await Database.open(settings)
    async with database.write(HOST) as tx:
        main = await branches.create_plan(tx, author="test")
        state = await write_commit(
            tx,
            main,
            author="test",
            reason="import",
            calendar=weeks(4),
            entities=EntityChanges(rows=items("A")),
            series=changes({stock("A"): (1.0, 2.0, 3.0, 4.0)}),
        )
        await versions.seal(tx, state, "2026-01 final", "final", by="test")
    await database.close()


@pytest.fixture
def concord(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on a database of its own that has one published version."""
    assert settings.database_url is not None
    monkeypatch.setenv("CONCORD_HOME", str(settings.home))
    monkeypatch.setenv("CONCORD_DATABASE_URL", settings.database_url.get_secret_value())
    asyncio.run(_publish(settings))
    return lambda *arguments: CliRunner().invoke(application, list(arguments))


def test_it_says_what_it_checked(concord: Run) -> None:
    done = concord("verify")
    assert done.exit_code == 0, done.stderr
    assert "holds  version “2026-01 final”: intact, sealed as " in done.stdout
    assert "holds  commit-order: Commit ids and times rise" in done.stdout
    assert "2 rows of commit, 1 rows of version" in done.stdout
    assert "BROKEN" not in done.stdout


def test_a_tampered_copy_ends_with_a_stable_error(concord: Run, settings: Settings) -> None:
    assert settings.database_url is not None
    with psycopg.connect(settings.database_url.get_secret_value()) as administrator:
        administrator.execute("SET session_replication_role = replica")
        administrator.execute("UPDATE plan.series_version SET cells = set_byte(cells, 0, 1)")
    done = concord("verify", "--version", "2026-01 final", "--json")
    assert done.exit_code == 1
    told, end = json.JSONDecoder().raw_decode(done.stdout)
    assert (told["holds"], [v["state"] for v in told["versions"]]) == (False, ["changed"])
    assert json.loads(done.stdout[end:])["error"]["code"] == "STORE_CORRUPT"
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("concord: ")]
    assert line.endswith("1 finding(s), the first: version 2026-01 final: changed.")
    assert "BROKEN version “2026-01 final”: changed" in concord("verify").stdout


def test_a_version_that_is_not_there_is_an_error(concord: Run) -> None:
    done = concord("verify", "--version", "none")
    assert done.exit_code == 1
    assert "concord: NOT_FOUND: There is no version none here." in done.stderr
