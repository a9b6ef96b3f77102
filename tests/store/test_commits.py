"""Commits: what they refuse, what they cost, and that nothing gets lost between writers."""

from __future__ import annotations

import asyncio
from datetime import date

import numpy as np
import psycopg
import pytest

from app.access import HOST
from app.errors import Conflict, HeadMoved, InputError, NotFound
from app.store import branches, versions
from app.store.branches import At, Branch, Commit
from app.store.calendars import load_calendar
from app.store.commits import write_commit
from app.store.comparing import cell_history, compare_entities, compare_series
from app.store.database import Database
from app.store.deltas import EntityChanges, SeriesChanges
from app.store.entities import read_entities
from app.store.identity import SeriesKey
from app.store.series import read_series
from tests.store.world import as_cells, changes, items, stock, weeks

WRITERS, EACH = 6, 8


async def begin(database: Database, *codes: str, buckets: int = 4) -> tuple[Branch, Commit]:
    """Return main with these items on a calendar of weeks."""
    async with database.write(HOST) as tx:
        main = await branches.create_plan(tx, author="test")
        first = await write_commit(
            tx,
            main,
            author="test",
            reason="import",
            calendar=weeks(buckets),
            entities=EntityChanges(rows=items(*codes)),
        )
    return main, first


async def test_writers_on_one_branch_lose_nothing(database: Database) -> None:
    codes = [f"I{n}" for n in range(WRITERS)]
    main, _ = await begin(database, *codes, buckets=EACH)

    async def write(code: str) -> None:
        for bucket in range(EACH):
            async with database.write(HOST) as tx:
                state = await branches.head(tx)
                before = as_cells(await read_series(tx, state, items=[code]))
                cells = list(before.get(stock(code), (None,) * EACH))
                cells[bucket] = float(bucket)
                change = changes({stock(code): tuple(cells)})
                await write_commit(
                    tx, main, author=code, reason="edit", series=change, expected_head=state.id
                )

    await asyncio.gather(*(write(code) for code in codes))
    async with database.read(HOST) as tx:
        found = as_cells(await read_series(tx, await branches.head(tx)))
        listed = await branches.commits(tx, first=1000)
    assert found == {stock(code): tuple(float(b) for b in range(EACH)) for code in codes}
    assert len(listed) == WRITERS * EACH + 2
    ids = [c.id for c in listed]
    assert ids == sorted(ids, reverse=True)
    assert [c.parent_id for c in listed] == [*ids[1:], None]
    assert [c.at for c in listed] == sorted((c.at for c in listed), reverse=True)


async def test_writers_of_the_same_new_series_do_not_lock_each_other_up(database: Database) -> None:
    codes = [f"I{n}" for n in range(20)]
    _, first = await begin(database, *codes)
    async with database.write(HOST) as tx:
        forks = [await branches.fork(tx, first, f"b{n}", author="test") for n in range(4)]

    async def write(branch: Branch, order: int) -> None:
        change = changes({stock(code): (1.0, 2.0, 3.0, 4.0) for code in codes[::order]})
        async with database.write(HOST) as tx:
            await write_commit(tx, branch, author="test", reason="edit", series=change)

    await asyncio.gather(*(write(branch, (-1) ** n) for n, branch in enumerate(forks)))
    async with database.read(HOST) as tx:
        for branch in forks:
            assert len(await read_series(tx, await branches.head(tx, branch.name))) == len(codes)


async def test_a_stale_write_is_merged_and_a_clash_is_named(database: Database) -> None:
    main, first = await begin(database, "A", "B")
    async with database.write(HOST) as tx:
        one = changes({stock("A"): (1.0, None, None, None)})
        await write_commit(tx, main, author="x", reason="edit", series=one, expected_head=first.id)
        two = changes({stock("A"): (None, 2.0, None, None)})
        merged = await write_commit(tx, main, author="y", reason="edit", series=two, expected_head=first.id)
        assert as_cells(await read_series(tx, merged)) == {stock("A"): (1.0, 2.0, None, None)}
    three = changes({stock("A"): (9.0, None, None, None)})
    with pytest.raises(HeadMoved) as refused:
        async with database.write(HOST) as tx:
            await write_commit(tx, main, author="z", reason="edit", series=three, expected_head=first.id)
    assert refused.value.details["conflicts"] == ["projectedBalance A S1: [0]"]
    assert refused.value.details["expected"] == first.id


async def test_rows_of_reference_data_are_merged_column_by_column(database: Database) -> None:
    main, first = await begin(database, "A")
    row = items("A")["item"][0]

    async def write(**columns: object) -> Commit:
        async with database.write(HOST) as tx:
            change = EntityChanges(rows={"item": [{**row, **columns}]})
            return await write_commit(
                tx, main, author="x", reason="edit", entities=change, expected_head=first.id
            )

    await write(name="Bicycle")
    await write(phantom=True, valid_from=date(2026, 2, 1))
    with pytest.raises(HeadMoved):
        await write(name="Tricycle")
    async with database.read(HOST) as tx:
        head = await branches.head(tx)
        found = (await read_entities(tx, head, ["item"]))["item"]
        difference = await compare_entities(tx, first, head)
    assert [(r["name"], r["phantom"], r["valid_from"]) for r in found] == [
        ("Bicycle", True, date(2026, 2, 1))
    ]
    assert list(difference) == [("item", "A")]


async def test_exact_replaces_all_of_a_measure_and_a_kind(database: Database) -> None:
    main, _ = await begin(database, "A", "B")
    order = SeriesKey("safetyStock", item="A", site="S1")
    async with database.write(HOST) as tx:
        first = changes({stock("A"): (1.0,) * 4, stock("B"): (2.0,) * 4, order: (3.0,) * 4})
        await write_commit(tx, main, author="x", reason="import", series=first)
        again = changes({stock("B"): (2.0,) * 4}, exact=["projectedBalance"])
        rows = EntityChanges(rows={"item": items("B")["item"]}, exact=["item"])
        head = await write_commit(tx, main, author="x", reason="import", series=again, entities=rows)
        assert set(as_cells(await read_series(tx, head))) == {stock("B"), order}
        assert [r["item"] for r in (await read_entities(tx, head, ["item"]))["item"]] == ["B"]
        same = await write_commit(tx, main, author="x", reason="import", series=again, entities=rows)
        assert same.id == head.id


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (changes({stock("A"): (float("inf"), 1.0, 1.0, 1.0)}), InputError),
        (changes({stock("A"): (1.0, 1.0)}), InputError),
        (changes({stock("missing"): (1.0,) * 4}), NotFound),
        (changes({SeriesKey("noSuchMeasure", item="A"): (1.0,) * 4}), NotFound),
        (SeriesChanges([stock("A"), stock("A")], np.ones((2, 4))), InputError),
    ],
)
async def test_unusable_changes_are_refused_and_leave_nothing(
    database: Database, change: SeriesChanges, error: type[Exception]
) -> None:
    main, first = await begin(database, "A")
    with pytest.raises(error):
        async with database.write(HOST) as tx:
            await write_commit(tx, main, author="x", reason="edit", series=change)
    async with database.read(HOST) as tx:
        assert (await branches.head(tx)).id == first.id


async def test_a_closed_branch_and_a_foreign_commit_are_refused(database: Database) -> None:
    main, first = await begin(database, "A")
    change = changes({stock("A"): (1.0,) * 4})
    async with database.write(HOST) as tx:
        other = await branches.fork(tx, first, "other", author="x")
        apart = await write_commit(tx, other, author="x", reason="edit", series=change)
    with pytest.raises(InputError):
        async with database.write(HOST) as tx:
            await write_commit(tx, main, author="x", reason="edit", series=change, expected_head=apart.id)
    with psycopg.connect(database.address.admin_conninfo(), autocommit=True) as administrator:
        administrator.execute("UPDATE plan.branch SET state = 'closed' WHERE name = 'other'")
    with pytest.raises(Conflict):
        async with database.write(HOST) as tx:
            await write_commit(tx, other, author="x", reason="edit", series=change)


async def test_a_new_plan_date_moves_figures_by_date(database: Database) -> None:
    main, _ = await begin(database, "A", "B")
    later = weeks(4, start=weeks(4).buckets[2].start)
    async with database.write(HOST) as tx:
        figures = changes({stock("A"): (1.0, 2.0, 3.0, 4.0), stock("B"): (5.0, 6.0, 7.0, 8.0)})
        before = await write_commit(tx, main, author="x", reason="import", series=figures)
        after = await write_commit(
            tx,
            main,
            author="x",
            reason="import",
            calendar=later,
            series=changes({stock("A"): (3.0, 40.0, 50.0, 60.0)}),
        )
        assert as_cells(await read_series(tx, after)) == {
            stock("A"): (3.0, 40.0, 50.0, 60.0),
            stock("B"): (7.0, 8.0, None, None),
        }
        assert as_cells(await read_series(tx, before))[stock("B")] == (5.0, 6.0, 7.0, 8.0)
        assert await load_calendar(tx, after) == later
        found = await compare_series(tx, before, after)
        assert found.keys == [stock("A")]
        assert found.comparable.tolist() == [True, True, False, False]
        assert found.changed.tolist() == [[False, True, False, False]]
        history = await cell_history(tx, after, stock("A"), later.buckets[1].start)
        assert [change.value for change in history] == [4.0, 40.0]


async def test_statements_do_not_grow_with_the_number_of_series(database: Database) -> None:
    main, _ = await begin(database, *(f"I{n}" for n in range(50)))
    counts = []
    for many in (1, 50):
        figures = {stock(f"I{n}"): (1.0, 2.0, 3.0, float(many)) for n in range(many)}
        async with database.write(HOST) as tx:
            await write_commit(tx, main, author="x", reason="edit", series=changes(figures))
            counts.append(tx.statements)
    assert max(counts) <= 14
    async with database.read(HOST) as tx:
        await read_series(tx, await branches.resolve(tx))
        assert tx.statements == 4, "scope, state, series, names"


async def test_a_filter_in_any_dimension_reads_only_that(database: Database) -> None:
    main, _ = await begin(database, "A", "B")
    figures = {
        stock("A"): (1.0,) * 4,
        stock("B"): (2.0,) * 4,
        SeriesKey("safetyStock", item="A", site="S1"): (3.0,) * 4,
    }
    async with database.write(HOST) as tx:
        state = await write_commit(tx, main, author="x", reason="edit", series=changes(figures))
        assert set(as_cells(await read_series(tx, state, items=["A"]))) == set(figures) - {stock("B")}
        assert set(as_cells(await read_series(tx, state, measures=["safetyStock"], items=["B"]))) == set()
        assert len(await read_series(tx, state, sites=["S1"], measures=["projectedBalance"])) == 2
        assert len(await read_series(tx, state, customers=["none"])) == 0
        page = await read_series(tx, state, first=2)
        rest = await read_series(tx, state, first=2, after=int(page.ids[-1]))
        assert (len(page), len(rest)) == (2, 1)
        assert as_cells(page) | as_cells(rest) == figures
        with pytest.raises(NotFound):
            await read_series(tx, state, measures=["noSuchMeasure"])


IMMUTABLE = (
    "plan",
    "entity",
    "series",
    "calendar",
    "bucket",
    "commit",
    "series_version",
    "entity_version",
    "version",
)


async def test_history_is_immutable_by_privilege_and_by_trigger(database: Database) -> None:
    main, _ = await begin(database, "A")
    async with database.write(HOST) as tx:
        head = await write_commit(
            tx, main, author="x", reason="edit", series=changes({stock("A"): (1.0,) * 4})
        )
        await versions.seal(tx, head, "v1", "final", by="x")
        owners = await tx.fetch_value(
            "SELECT count(*) FROM information_schema.table_privileges WHERE table_schema = 'plan' AND "
            "table_name = ANY(%s) AND privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE') "
            "AND grantee <> 'concord_owner'",
            (list(IMMUTABLE),),
        )
        assert owners == 0
    with psycopg.connect(database.address.admin_conninfo(), autocommit=True) as administrator:
        for table in IMMUTABLE:
            for statement in (f"DELETE FROM plan.{table}", f"TRUNCATE plan.{table} CASCADE"):
                with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                    administrator.execute(statement)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            administrator.execute("UPDATE plan.series_version SET cells = NULL")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            administrator.execute("UPDATE plan.branch SET head_id = 1 WHERE name = 'main'")


async def test_a_seal_depends_on_content_alone_and_shows_tampering(database: Database) -> None:
    hashes = []
    for plan in ("one", "two"):
        async with database.write(HOST) as tx:
            main = await branches.create_plan(tx, author="test", name=plan)
            rows = EntityChanges(rows=items("A", "B"))
            figures = [(stock("A"), (1.0, -0.0, None, 4.0)), (stock("B"), (None, None, 5.5, None))]
            if plan == "two":  # another order, another number of commits
                rows = EntityChanges(rows=dict(reversed(items("B", "A").items())))
                figures.reverse()
                await write_commit(
                    tx,
                    main,
                    author="y",
                    reason="z",
                    calendar=weeks(4),
                    entities=EntityChanges(rows=items("B")),
                )
            head = await write_commit(
                tx,
                main,
                author="x",
                reason="import",
                calendar=weeks(4),
                entities=rows,
                series=changes(dict(figures)),
            )
            made = await versions.seal(tx, head, "v1", "final", by="x")
            hashes.append(await versions.sealed_hash(tx, made))
            assert await versions.verify(tx, made)
    assert hashes[0] == hashes[1]
    with psycopg.connect(database.address.admin_conninfo()) as administrator:
        administrator.execute("SET session_replication_role = replica")  # what only a superuser can do
        administrator.execute(
            "UPDATE plan.series_version SET cells = set_byte(cells, 0, 1) WHERE commit_id = %s "
            "AND series_id = (SELECT max(series_id) FROM plan.series_version WHERE commit_id = %s)",
            (head.id, head.id),
        )
    async with database.read(HOST) as tx:
        assert not await versions.verify(tx, made)


async def test_a_state_is_published_once_per_kind_and_name(database: Database) -> None:
    _, first = await begin(database, "A")
    async with database.write(HOST) as tx:
        await versions.seal(tx, first, "round 1", "draft", by="x")
        await versions.seal(tx, first, "2026-01", "final", by="x")
    for name, kind in (("round 1", "final"), ("other", "draft")):
        with pytest.raises(Conflict):
            async with database.write(HOST) as tx:
                await versions.seal(tx, first, name, kind, by="x")  # type: ignore[arg-type]  # draft or final
    async with database.read(HOST) as tx:
        final = await versions.latest_final(tx)
        assert final is not None
        assert (final.name, final.kind, final.commit_id) == ("2026-01", "final", first.id)


@pytest.mark.parametrize(
    ("at", "error"),
    [
        (At(branch="none"), NotFound),
        (At(version="none"), NotFound),
        (At(commit=10**9), NotFound),
        (At(branch="main", commit=1), InputError),
    ],
)
async def test_an_address_that_means_nothing_is_refused(
    database: Database, at: At, error: type[Exception]
) -> None:
    await begin(database, "A")
    async with database.read(HOST) as tx:
        with pytest.raises(error):
            await branches.resolve(tx, at)
