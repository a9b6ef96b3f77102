"""The store's invariants: they hold of what Concord writes, and each finds its own kind of tampering."""

from __future__ import annotations

import psycopg
import pytest

from app.access import HOST
from app.errors import NotFound
from app.services.verify import CHANGED, INTACT, SNAPSHOT_DIFFERS, UNREADABLE, verify_store
from app.store import branches, versions
from app.store.branches import Commit
from app.store.commits import write_commit
from app.store.database import Database
from app.store.deltas import EntityChanges
from app.store.integrity import INVARIANTS
from app.store.merges import merge
from tests.store.world import changes, items, stock, weeks


@pytest.fixture
async def history(database: Database) -> Database:
    """Two branches of a fork, one merged back, one version of each kind."""
    async with database.write(HOST) as tx:
        main = await branches.create_plan(tx, author="test")
        first = await write_commit(
            tx,
            main,
            author="test",
            reason="import",
            calendar=weeks(4),
            entities=EntityChanges(rows=items("A", "B")),
            series=changes({stock("A"): (1.0, 2.0, 3.0, 4.0)}),
        )
        scenario = await branches.fork(tx, first, "scenario", author="test")
        change = changes({stock("B"): (5.0, None, None, 8.0)})
        tried = await write_commit(tx, scenario, author="test", reason="try", series=change)
        merged = await merge(tx, main, tried, author="test", reason="take over")
        assert isinstance(merged, Commit)
        await branches.fork(tx, tried, "deeper", author="test")
        await versions.seal(tx, tried, "round", "draft", by="test")
        await versions.seal(tx, merged, "final", "final", by="test")
    return database


def tamper(database: Database, statement: str) -> None:
    """Do what only a superuser can: go past triggers, keys and checks."""
    with psycopg.connect(database.address.admin_conninfo()) as administrator:
        administrator.execute("SET session_replication_role = replica")
        administrator.execute(statement)


async def broken(database: Database) -> dict[str, tuple[str, ...]]:
    """Return the invariants that do not hold, with places."""
    found = await verify_store(database)
    return {o.invariant.name: o.places for o in found.invariants if o.breaches}


async def test_what_was_written_as_usual_holds(history: Database) -> None:
    found = await verify_store(history)
    assert found.findings == []
    assert [(v.version.name, v.state) for v in found.versions] == [("round", INTACT), ("final", INTACT)]
    counted = {name: found.rows[name] for name in ("branch", "commit", "version", "series")}
    assert counted == {"branch": 3, "commit": 4, "version": 2, "series": 2}


async def test_an_empty_database_holds(database: Database) -> None:
    found = await verify_store(database)
    assert found.findings == []
    assert found.versions == ()


TAMPERINGS = {
    "commit-order": "UPDATE plan.commit SET at = 'epoch' WHERE reason = 'take over'",
    "commit-chain": "INSERT INTO plan.commit SELECT 3000 + id, branch_id, parent_id, merged_id, author, at, "
    "reason, message, plan_date, calendar_id FROM plan.commit WHERE reason = 'try'",
    "branch-head": "UPDATE plan.branch SET head_id = forked_from_id WHERE name = 'scenario'",
    "branch-path": "DELETE FROM plan.branch_path WHERE branch_id = "
    "(SELECT id FROM plan.branch WHERE name = 'deeper') AND ancestor_id = 1",
    "series-on-path": "UPDATE plan.series_version SET branch_id = "
    "(SELECT id FROM plan.branch WHERE name = 'deeper') WHERE first_ordinal = 0 AND branch_id > 1",
    "series-identity": "UPDATE plan.series_version SET item_id = item_id + 1",
    "series-cells": "UPDATE plan.series_version SET first_ordinal = 1",
    "snapshots": "INSERT INTO plan.snapshot SELECT id FROM plan.commit WHERE reason = 'import'",
    "reference-on-path": "UPDATE plan.entity_version SET kind = 'item' WHERE kind = 'site'",
    "calendars": "UPDATE plan.bucket SET end_date = end_date + 1 WHERE ordinal = 3",
    "versions": "UPDATE plan.version SET commit_id = 999 WHERE name = 'round'",
    "results": "UPDATE plan.commit SET rule = 'leximin' WHERE reason = 'try'",
    "commit-numbers": "SELECT setval('plan.commit_id', 1)",
    "guards": "ALTER TABLE plan.commit DISABLE TRIGGER immutable",
}


def test_every_invariant_is_broken_once() -> None:
    assert list(TAMPERINGS) == [invariant.name for invariant in INVARIANTS]


@pytest.mark.parametrize("name", [name for name in TAMPERINGS if name != "versions"])
async def test_each_invariant_finds_its_tampering(history: Database, name: str) -> None:
    tamper(history, TAMPERINGS[name])
    found = await broken(history)
    assert found[name], "and says where"
    assert set(found) <= {name, "branch-head", "commit-numbers", "series-on-path"}, "and hardly anything else"


async def test_a_version_without_its_commit_is_found(history: Database) -> None:
    tamper(history, TAMPERINGS["versions"])
    found = await verify_store(history)
    assert found.findings[0] == "versions: version round"
    assert [(v.version.name, v.state) for v in found.versions] == [("round", UNREADABLE), ("final", INTACT)]


@pytest.mark.parametrize(
    ("statement", "states"),
    [
        (
            "UPDATE plan.series_version SET cells = set_byte(cells, 0, 1) WHERE branch_id = 1",
            [CHANGED, CHANGED],
        ),
        (
            "UPDATE plan.entity_version SET row = row || '{\"name\": \"X\"}' WHERE kind = 'site'",
            [CHANGED, CHANGED],
        ),
        (
            "UPDATE plan.snapshot_series SET cells = set_byte(cells, 0, 1) WHERE snapshot_commit_id = "
            "(SELECT commit_id FROM plan.version WHERE name = 'final')",
            [INTACT, SNAPSHOT_DIFFERS],
        ),
        (
            "UPDATE plan.version SET sealed_hash = sha256('x') WHERE name = 'round'",
            [CHANGED, INTACT],
        ),
    ],
)
async def test_a_changed_version_is_told_from_a_changed_snapshot(
    history: Database, statement: str, states: list[str]
) -> None:
    tamper(history, statement)
    found = await verify_store(history)
    assert [outcome.state for outcome in found.versions] == states
    assert found.breaches == len(found.findings) == sum(state != INTACT for state in states)
    assert not await broken(history), "the rows themselves are in order"


async def test_cells_that_were_cut_off_are_found(history: Database) -> None:
    with psycopg.connect(history.address.admin_conninfo()) as administrator:
        administrator.execute("SET session_replication_role = replica")
        administrator.execute("ALTER TABLE plan.series_version DROP CONSTRAINT series_version_cells_check")
        administrator.execute("UPDATE plan.series_version SET cells = substring(cells FROM 1 FOR 5)")
    found = await verify_store(history)
    assert [v.state for v in found.versions] == [UNREADABLE, UNREADABLE]
    assert [o.invariant.name for o in found.invariants if o.breaches] == ["series-cells"]


async def test_one_version_alone_can_be_asked_for(history: Database) -> None:
    tamper(history, "UPDATE plan.version SET sealed_hash = sha256('x') WHERE name = 'round'")
    assert (await verify_store(history, name="final")).findings == []
    with pytest.raises(NotFound):
        await verify_store(history, name="none")
