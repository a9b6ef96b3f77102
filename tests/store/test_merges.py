"""Merge, rebase and promote: what clashes is data, what is decided is one commit, and names stay readable."""

from __future__ import annotations

import asyncio

import pytest

from app.access import HOST
from app.errors import Conflict, InputError
from app.store import branches
from app.store.branches import Branch, Commit
from app.store.commits import write_commit
from app.store.database import Database, Transaction
from app.store.deltas import EntityChanges
from app.store.entities import read_rows
from app.store.identity import SeriesKey
from app.store.merges import merge, parent_of, promote, rebase
from app.store.resolving import CellClash, Clashes, Resolution, RowClash
from app.store.series import read_series
from tests.store.world import Cells, as_cells, changes, items, stock, weeks

A, B = stock("A"), stock("B")
UNIT = ("unit", "EA")


async def edit(tx: Transaction, branch: Branch, series: dict[str, Cells], unit: str | None = None) -> Commit:
    """Set series by item, and the name of the unit."""
    rows = {} if unit is None else {"unit": [{"unit": "EA", "name": unit}]}
    return await write_commit(
        tx,
        branch,
        author="test",
        reason="edit",
        series=changes({stock(item): cells for item, cells in series.items()}) if series else None,
        entities=EntityChanges(rows=rows),
    )


async def parted(tx: Transaction) -> tuple[Branch, Branch, Commit]:
    """Main and a scenario that changed the same cells 0 and 1 of A and the unit, and each something else."""
    main = await branches.create_plan(tx, author="test")
    first = await write_commit(
        tx,
        main,
        author="test",
        reason="import",
        calendar=weeks(3),
        entities=EntityChanges(rows=items("A", "B")),
        series=changes({A: (1.0, 1.0, 1.0)}),
    )
    scenario = await branches.fork(tx, first, "s", author="test")
    await edit(tx, main, {"A": (2.0, 2.0, 1.0)}, "of main")
    tried = await edit(tx, scenario, {"A": (3.0, None, 5.0), "B": (7.0, None, None)}, "of s")
    return main, scenario, tried


async def state(tx: Transaction, commit: Commit) -> tuple[dict[SeriesKey, Cells], str]:
    rows = await read_rows(tx, commit, ["unit"])
    return as_cells(await read_series(tx, commit)), rows[UNIT]["name"]


async def test_clashes_are_told_and_nothing_is_written(database: Database) -> None:
    async with database.write(HOST) as tx:
        main, _, tried = await parted(tx)
        before = await branches.head(tx)
        found = await merge(tx, main, tried, author="test", reason="merge")
        assert await branches.head(tx) == before
    assert isinstance(found, Clashes)
    (series,) = found.series
    assert (series.key, series.cells) == (A, (CellClash(0, 1.0, 2.0, 3.0), CellClash(1, 1.0, 2.0, None)))
    assert found.rows == (RowClash(UNIT, "name", "each", "of main", "of s"),)
    assert found.count == 3


@pytest.mark.parametrize(
    ("resolution", "cells", "unit"),
    [
        (Resolution("ours"), (2.0, 2.0, 5.0), "of main"),
        (Resolution("theirs"), (3.0, None, 5.0), "of s"),
        (Resolution("ours", {(A, 0): "theirs"}), (3.0, 2.0, 5.0), "of main"),
        (Resolution("theirs", {(A, 0): 2.5}, {(UNIT, "name"): "ours"}), (2.5, None, 5.0), "of main"),
        (
            Resolution(None, {(A, 0): None, (A, 1): -0.0}, {(UNIT, "name"): "theirs"}),
            (None, 0.0, 5.0),
            "of s",
        ),
    ],
)
async def test_a_resolution_decides_by_side_and_by_cell(
    database: Database, resolution: Resolution, cells: Cells, unit: str
) -> None:
    async with database.write(HOST) as tx:
        main, _, tried = await parted(tx)
        made = await merge(tx, main, tried, author="test", reason="merge", resolution=resolution)
        assert isinstance(made, Commit)
        assert made.merged_id == tried.id
        assert await state(tx, made) == ({A: cells, B: (7.0, None, None)}, unit)
        again = await merge(tx, main, tried, author="test", reason="merge")
        assert isinstance(again, Commit)
        assert again.id == made.id, "what was decided is not asked again"


async def test_keeping_ours_throughout_is_remembered_too(database: Database) -> None:
    async with database.write(HOST) as tx:
        main = await branches.create_plan(tx, author="test")
        await write_commit(
            tx,
            main,
            author="test",
            reason="import",
            calendar=weeks(1),
            entities=EntityChanges(rows=items("A")),
        )
        scenario = await branches.fork(tx, await branches.head(tx), "s", author="test")
        await edit(tx, main, {"A": (1.0,)})
        tried = await edit(tx, scenario, {"A": (2.0,)})
        made = await merge(tx, main, tried, author="x", reason="merge", resolution=Resolution("ours"))
        assert isinstance(made, Commit)
        assert made.merged_id == tried.id
        assert (await merge(tx, main, tried, author="x", reason="merge")) == made


@pytest.mark.parametrize(
    "resolution",
    [
        Resolution("ours", {(A, 2): 1.0}),
        Resolution("ours", {(A, 9): 1.0}),
        Resolution("ours", {(B, 0): "ours"}),
        Resolution("ours", {}, {(UNIT, "unit"): "ours"}),
        Resolution("ours", {(A, 0): float("inf")}),
    ],
)
async def test_a_decision_about_what_does_not_clash_is_refused(
    database: Database, resolution: Resolution
) -> None:
    async with database.write(HOST) as tx:
        main, _, tried = await parted(tx)
        with pytest.raises(InputError):
            await merge(tx, main, tried, author="test", reason="merge", resolution=resolution)


async def test_a_merge_seen_on_another_head_is_refused(database: Database) -> None:
    async with database.write(HOST) as tx:
        main, _, tried = await parted(tx)
        with pytest.raises(Conflict):
            await merge(
                tx,
                main,
                tried,
                author="test",
                reason="merge",
                resolution=Resolution("ours"),
                expected_head=tried.parent_id,
            )


async def test_a_rebased_branch_starts_anew_and_the_old_one_stays_readable(database: Database) -> None:
    async with database.write(HOST) as tx:
        _, scenario, tried = await parted(tx)
        head = await branches.head(tx)
        assert isinstance(await rebase(tx, scenario, head, author="test", reason="rebase"), Clashes)
        resolution = Resolution("theirs", {(A, 1): 9.0})
        made = await rebase(tx, scenario, head, author="test", reason="rebase", resolution=resolution)
        assert isinstance(made, Branch)
        now = await branches.head(tx, "s")
        assert (made.name, made.head, now.parent_id, made.state) == ("s", now.id, head.id, "open")
        assert await state(tx, now) == ({A: (3.0, 9.0, 5.0), B: (7.0, None, None)}, "of s")
        old = await branches.branch(tx, "s@1")
        assert (old.id, old.head, old.state) == (scenario.id, tried.id, "closed")
        assert await state(tx, await branches.head(tx, "s@1")) == (
            {A: (3.0, None, 5.0), B: (7.0, None, None)},
            "of s",
        )
        again = await rebase(tx, made, head, author="test", reason="rebase")
        assert isinstance(again, Branch)
        assert (await branches.branch(tx, "s@2")).id == made.id
        merged = await merge(tx, await branches.branch(tx, "main"), now, author="t", reason="merge")
        assert isinstance(merged, Commit), "what was decided while rebasing does not clash again"
    with pytest.raises(Conflict):
        async with database.write(HOST) as tx:
            await edit(tx, scenario, {"A": (0.0, 0.0, 0.0)})


async def test_only_a_branch_that_has_all_of_its_parent_is_promoted(database: Database) -> None:
    async with database.write(HOST) as tx:
        main, scenario, _ = await parted(tx)
        assert (await parent_of(tx, scenario)).id == main.id
        with pytest.raises(Conflict):
            await promote(tx, scenario, main, author="test", reason="promote")
        onto = await branches.head(tx)
        made = await rebase(
            tx, scenario, onto, author="test", reason="rebase", resolution=Resolution("theirs")
        )
        assert isinstance(made, Branch)
        wanted = await state(tx, await branches.head(tx, "s"))
        promoted = await promote(tx, made, main, author="test", reason="promote")
        assert promoted.branch == "main"
        assert await state(tx, promoted) == wanted
        assert (await branches.branch(tx, "s")).state == "closed"
        with pytest.raises(Conflict):
            await promote(tx, made, main, author="test", reason="promote")


async def test_main_and_a_branch_onto_itself_are_not_rebased(database: Database) -> None:
    async with database.write(HOST) as tx:
        main, scenario, tried = await parted(tx)
        with pytest.raises(Conflict):
            await rebase(tx, main, tried, author="test", reason="rebase")
        with pytest.raises(InputError):
            await rebase(tx, scenario, tried, author="test", reason="rebase")


async def test_a_writer_and_a_rebase_at_once_lose_nothing(database: Database) -> None:
    """Whoever comes second sees what the first one did: the value is in the new branch or was refused."""
    async with database.write(HOST) as tx:
        _, scenario, _ = await parted(tx)
        onto = await branches.head(tx)

    async def write() -> bool:
        try:
            async with database.write(HOST) as tx:
                await edit(tx, scenario, {"B": (8.0, 8.0, 8.0)})
        except Conflict:
            return False
        return True

    async def move() -> None:
        async with database.write(HOST) as tx:
            await rebase(tx, scenario, onto, author="x", reason="rebase", resolution=Resolution("ours"))

    written, _ = await asyncio.gather(write(), move())
    async with database.read(HOST) as tx:
        found = as_cells(await read_series(tx, await branches.head(tx, "s")))
    assert (found[B] == (8.0, 8.0, 8.0)) is written
