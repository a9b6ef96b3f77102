"""One bucket over published plans: by date, across calendars, on branches of their own."""

from __future__ import annotations

from datetime import date, timedelta

from app.access import HOST
from app.store import branches, versions
from app.store.commits import write_commit
from app.store.database import Database
from app.store.deltas import EntityChanges
from app.store.waterfalls import published_values
from tests.store.world import changes, items, stock, weeks

MONDAY = date(2026, 1, 5)


async def test_each_plan_says_its_value_by_date(database: Database) -> None:
    async with database.write(HOST) as tx:
        main = await branches.create_plan(tx, author="test")
        state = await write_commit(
            tx,
            main,
            author="test",
            reason="import",
            calendar=weeks(4),
            entities=EntityChanges(rows=items("A", "B")),
            series=changes({stock("A"): (1.0, 2.0, 3.0, None)}),
        )
        await versions.seal(tx, state, "first", "final", by="x")
        await versions.seal(tx, state, "a round", "draft", by="x")
        plan = await branches.fork(tx, state, "plan/1", author="test")
        change = changes({stock("A"): (1.0, 2.0, 30.0, 40.0)})
        state = await write_commit(tx, plan, author="test", reason="plan", series=change)
        await versions.seal(tx, state, "second", "final", by="x")
        later = weeks(4, start=MONDAY + timedelta(weeks=2))
        state = await write_commit(tx, main, author="test", reason="roll", calendar=later)
        await versions.seal(tx, state, "third", "final", by="x")
        third_week, fifth_week = (MONDAY + timedelta(weeks=n) for n in (2, 4))
        found = await published_values(tx, main.plan_id, stock("A"), third_week)
        assert [(v.version, v.plan_date, v.value) for v in found] == [
            ("first", MONDAY, 3.0),
            ("second", MONDAY, 30.0),
            ("third", third_week, 3.0),
        ]
        assert {(v.start, v.end) for v in found} == {(third_week, third_week + timedelta(weeks=1))}
        found = await published_values(tx, main.plan_id, stock("A"), fifth_week)
        assert [(v.version, v.value) for v in found] == [("third", None)]
        before = tx.statements
        found = await published_values(tx, main.plan_id, stock("B"), MONDAY)
        assert [(v.version, v.value) for v in found] == [("first", None), ("second", None)]
        assert tx.statements - before <= 4
