"""The store under a caller's scope: what a role may not see is not there, and it writes only its own."""

from __future__ import annotations

import pytest

from app.access import HOST, Scope
from app.errors import NotGranted
from app.store import branches
from app.store.branches import Branch
from app.store.commits import write_commit
from app.store.database import Database
from app.store.deltas import EntityChanges
from app.store.entities import read_entities
from app.store.identity import SeriesKey
from app.store.series import read_series
from tests.store.world import as_cells, changes, items, stock, weeks

COST = SeriesKey("unitCost", item="A", site="S1")
FINANCE = Scope("concord_internal", "concord_finance", {"concord.subject": "fin"})
PROCUREMENT = Scope("concord_internal", "concord_procurement", {"concord.subject": "buyer"})
ADMINISTRATOR = Scope("concord_internal", "concord_administrator")
SUPPLIER = Scope("concord_supplier", "concord_supplier_planner", {"concord.party_id": "1"})


async def begin(database: Database) -> Branch:
    """Return main with a stock series, a cost series, and a cost row."""
    rows = items("A") | {"item_cost": [{"item": "A", "standard_cost": 7.0, "currency": "EUR"}]}
    async with database.write(HOST) as tx:
        main = await branches.create_plan(tx, author="test")
        await write_commit(
            tx,
            main,
            author="test",
            reason="import",
            calendar=weeks(2),
            entities=EntityChanges(rows=rows),
            series=changes({stock("A"): (1.0, 2.0), COST: (7.0, 7.0)}),
        )
    return main


async def test_a_role_sees_its_measures_and_kinds_only(database: Database) -> None:
    await begin(database)
    for scope, series, costs in ((FINANCE, {stock("A"), COST}, 1), (PROCUREMENT, {stock("A")}, 0)):
        async with database.read(scope) as tx:
            state = await branches.resolve(tx)
            assert set(as_cells(await read_series(tx, state))) == series
            assert len(await read_series(tx, state, measures=["unitCost"])) == len(series) - 1
            assert len((await read_entities(tx, state, ["item_cost"]))["item_cost"]) == costs


async def test_an_administrator_sees_no_business_values(database: Database) -> None:
    await begin(database)
    with pytest.raises(NotGranted):
        async with database.read(ADMINISTRATOR) as tx:
            await tx.fetch("SELECT cells FROM plan.series_version")


@pytest.mark.parametrize(
    "table", ["plan.branch", "plan.series_version", "plan.version", "queue.procrastinate_jobs"]
)
async def test_a_party_has_no_grant_on_the_plan(database: Database, table: str) -> None:
    await begin(database)
    with pytest.raises(NotGranted):
        async with database.read(SUPPLIER) as tx:
            await tx.fetch(f"SELECT * FROM {table}")


async def test_a_department_cannot_write_what_it_does_not_own(database: Database) -> None:
    main = await begin(database)
    change = changes({stock("A"): (9.0, 9.0)})
    with pytest.raises(NotGranted):
        async with database.write(PROCUREMENT) as tx:
            await write_commit(tx, main, author="buyer", reason="edit", series=change)
    async with database.read(HOST) as tx:
        found = as_cells(await read_series(tx, await branches.head(tx)))
    assert found[stock("A")] == (1.0, 2.0)
