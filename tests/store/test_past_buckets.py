"""What lies before the plan date is read-only in the store itself, for everybody but the host."""

from __future__ import annotations

import pytest

from app.access import HOST, Scope
from app.errors import Conflict
from app.store import branches
from app.store.branches import Branch, fork
from app.store.commits import write_commit
from app.store.database import Database
from app.store.deltas import EntityChanges
from app.store.identity import SeriesKey
from app.store.series import read_series
from tests.store.world import Cells, as_cells, changes, items, weeks

PLANNER = Scope("concord_internal", "concord_planner", {"concord.subject": "ann"})
DEMAND = SeriesKey("consensusDemand", item="A", site="S1", customer="C")
OTHER = SeriesKey("consensusDemand", item="B", site="S1", customer="C")
FIRST: Cells = (1.0, None, 3.0, 4.0, 5.0)
"""Two past buckets, then three open ones."""


@pytest.fixture
async def main(database: Database) -> Branch:
    rows = items("A", "B") | {
        "party": [{"party": "P", "name": "P", "kind": "external"}],
        "customer": [{"customer": "C", "name": "C", "party": "P"}],
    }
    async with database.write(HOST) as tx:
        found = await branches.create_plan(tx, author="test")
        await write_commit(
            tx,
            found,
            author="test",
            reason="import",
            calendar=weeks(5, past=2),
            entities=EntityChanges(rows=rows),
            series=changes({DEMAND: FIRST, OTHER: FIRST}),
        )
    return found


async def put(database: Database, scope: Scope, branch: Branch, cells: dict[SeriesKey, Cells]) -> None:
    async with database.write(scope) as tx:
        on = await branches.branch(tx, branch.name)
        await write_commit(tx, on, author="ann", reason="edit", series=changes(cells))


async def shown(database: Database, branch: Branch) -> dict[SeriesKey, Cells]:
    async with database.read(PLANNER) as tx:
        return as_cells(await read_series(tx, await branches.head(tx, branch.name)))


async def test_open_buckets_are_written(database: Database, main: Branch) -> None:
    await put(database, PLANNER, main, {DEMAND: (1.0, None, 30.0, None, 50.0)})
    assert (await shown(database, main))[DEMAND] == (1.0, None, 30.0, None, 50.0)


@pytest.mark.parametrize(
    "cells",
    [
        (2.0, None, 3.0, 4.0, 5.0),
        (1.0, 2.0, 3.0, 4.0, 5.0),
        (None, None, 3.0, 4.0, 6.0),
        (None, None, None, None, None),
    ],
    ids=["changed", "added", "taken away", "removed"],
)
async def test_no_past_bucket_is_written(database: Database, main: Branch, cells: Cells) -> None:
    """One of two series is enough, and nothing of the commit stays."""
    with pytest.raises(Conflict, match="before the plan date"):
        await put(database, PLANNER, main, {OTHER: (1.0, None, 9.0, 9.0, 9.0), DEMAND: cells})
    assert await shown(database, main) == {DEMAND: FIRST, OTHER: FIRST}


async def test_a_new_series_has_no_past(database: Database, main: Branch) -> None:
    third = DEMAND._replace(site=None)
    with pytest.raises(Conflict):
        await put(database, PLANNER, main, {third: (1.0, None, None, None, None)})
    await put(database, PLANNER, main, {third: (None, None, None, 7.0, None)})
    assert (await shown(database, main))[third] == (None, None, None, 7.0, None)


async def test_a_scenario_keeps_the_past_of_where_it_was_forked(database: Database, main: Branch) -> None:
    async with database.write(PLANNER) as tx:
        scenario = await fork(tx, await branches.head(tx), "scenario", author="ann")
    with pytest.raises(Conflict):
        await put(database, PLANNER, scenario, {DEMAND: (9.0, None, 3.0, 4.0, 5.0)})
    await put(database, PLANNER, scenario, {DEMAND: (1.0, None, 9.0, 4.0, 5.0)})
    assert (await shown(database, scenario))[DEMAND] == (1.0, None, 9.0, 4.0, 5.0)


async def test_the_past_is_found_by_date_when_the_calendar_moves_on(database: Database, main: Branch) -> None:
    """A bucket later, three are past; the third came from the calendar before."""
    later = weeks(5, start=weeks(5).buckets[1].start, past=2)
    async with database.write(HOST) as tx:
        await write_commit(tx, main, author="test", reason="roll on", calendar=later)
    now: Cells = (None, 3.0, 4.0, 5.0, None)
    assert (await shown(database, main))[DEMAND] == now
    with pytest.raises(Conflict):
        await put(database, PLANNER, main, {DEMAND: (None, 8.0, 4.0, 5.0, None)})
    await put(database, PLANNER, main, {DEMAND: (None, 3.0, 4.0, 5.0, 6.0)})
    assert (await shown(database, main))[DEMAND] == (None, 3.0, 4.0, 5.0, 6.0)


async def test_the_host_corrects_what_has_happened(database: Database, main: Branch) -> None:
    await put(database, HOST, main, {DEMAND: (2.0, 2.0, 3.0, 4.0, 5.0)})
    assert (await shown(database, main))[DEMAND] == (2.0, 2.0, 3.0, 4.0, 5.0)
