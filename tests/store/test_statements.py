"""However many series there are, a read takes the same few statements; snapshots change nothing of it."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access import HOST
from app.config import Settings
from app.services.snapshots import refresh_snapshots
from app.store import branches, snapshots
from app.store.branches import Branch, Commit
from app.store.commits import write_commit
from app.store.comparing import compare_series
from app.store.database import Database, Transaction
from app.store.deltas import EntityChanges
from app.store.series import read_series
from app.store.snapshots import due, take_snapshot
from tests.store.world import as_cells, changes, items, stock, weeks

MOST = 40
ITEMS = tuple(f"I{number:02}" for number in range(MOST))


async def fill(tx: Transaction, main: Branch, count: int, value: float) -> Commit:
    """Set so many series, and remove all others."""
    rows = {stock(item): (value, None, float(place)) for place, item in enumerate(ITEMS[:count])}
    removed = [stock(item) for item in ITEMS[count:]]
    change = changes(rows, removed=removed)
    return await write_commit(tx, main, author="x", reason="fill", series=change)


async def begin(database: Database) -> Branch:
    async with database.write(HOST) as tx:
        main = await branches.create_plan(tx, author="test")
        await write_commit(
            tx,
            main,
            author="x",
            reason="import",
            calendar=weeks(3),
            entities=EntityChanges(rows=items(*ITEMS)),
        )
    return main


async def counted(database: Database, count: int, value: float, *, snapshot: bool) -> list[int]:
    """Return the statements of a whole read, a page and a comparison on a plan of so many series."""
    async with database.write(HOST) as tx:
        main = await branches.create_plan(tx, author="test")
        base = await fill(tx, main, count, value)
        if snapshot:
            await take_snapshot(tx, base)
        target = await fill(tx, main, count, value + 1)
    async with database.read(HOST) as tx:
        base, target = [await branches.commit(tx, state.id) for state in (base, target)]
        found = [tx.statements]
        assert len(await read_series(tx, target)) == count
        found.append(tx.statements)
        assert len(await read_series(tx, target, sites=["S1"], first=MOST)) == count
        found.append(tx.statements)
        assert len((await compare_series(tx, base, target)).ids) == count
        found.append(tx.statements)
    return [after - before for before, after in pairwise(found)]


def test_statements_do_not_grow_with_series(module_settings: Settings) -> None:
    async def once(database: Database, count: int, number: int, snapshot: bool) -> list[int]:
        return await counted(database, count, float(number), snapshot=snapshot)

    with asyncio.Runner() as runner:
        database = runner.run(Database.open(module_settings))
        try:
            runner.run(begin(database))
            numbers = iter(range(10, 1_000_000, 10))
            few = runner.run(once(database, 1, next(numbers), False))

            @given(count=st.integers(1, MOST), snapshot=st.booleans())
            def same(count: int, snapshot: bool) -> None:
                assert runner.run(once(database, count, next(numbers), snapshot)) == few

            same()
        finally:
            runner.run(database.close())
    assert sum(few) <= 12


async def test_a_snapshot_is_taken_where_it_pays_and_says_the_same(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = await begin(database)
    async with database.write(HOST) as tx:
        first = await fill(tx, main, MOST, 1.0)
        assert await due(tx) == [], "too little was written"
    monkeypatch.setattr(snapshots, "LEAST", 30)
    assert await refresh_snapshots(database) == 1
    assert await refresh_snapshots(database) == 0
    async with database.write(HOST) as tx:
        taken = await branches.commit(tx, first.id)
        second = await fill(tx, main, MOST - 5, 2.0)
    assert taken.snapshot_id == first.id
    before = await cells(database, second)
    assert await refresh_snapshots(database) == 1
    async with database.read(HOST) as tx:
        newer, older = [await branches.commit(tx, state.id) for state in (second, first)]
        assert (newer.snapshot_id, older.snapshot_id) == (second.id, None), "a branch keeps its newest"
        assert as_cells(await read_series(tx, newer)) == before
        assert len(before) == MOST - 5
        assert as_cells(await read_series(tx, taken)) == as_cells(await read_series(tx, older)), (
            "a reader that found the snapshot before it was dropped reads the history"
        )


async def cells(database: Database, state: Commit) -> dict[object, object]:
    async with database.read(HOST) as tx:
        found = await branches.commit(tx, state.id)
        return dict(as_cells(await read_series(tx, found)))
