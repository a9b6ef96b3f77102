"""What is measured: a plan in the store, its counterparts in the plain table, and each use of both."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import company
import numpy as np
import numpy.typing as npt
from full_copy import FullCopy
from measuring import Action, Case

from app.access import HOST, Scope
from app.access.scope import int_array
from app.store import branches, versions
from app.store.branches import At, Branch, Commit
from app.store.commits import write_commit
from app.store.comparing import cell_history, compare_series
from app.store.database import Database, Transaction
from app.store.deltas import EntityChanges, SeriesChanges
from app.store.identity import SeriesKey, entity_ids
from app.store.merges import merge
from app.store.resolving import Resolution
from app.store.series import SeriesFrame, read_series

PLANNER = Scope("concord_internal", "concord_planner", {"concord.subject": "planner"})
CHANGED = 1_000
LATER = 10
"""Series that each of the many later commits changes."""
LOADED_AT_ONCE = 100_000

Read = Callable[[Transaction], Awaitable[object]]


@dataclass
class States:
    """States of the plan in the store, and the full copies of them."""

    old: Commit
    head: Commit
    deep: Commit
    old_copy: int = 0
    head_copy: int = 0
    deep_copy: int = 0


class Bench:
    """A plan of a given size in both forms."""

    def __init__(self, database: Database, full_copy: FullCopy, series: int) -> None:
        self.database = database
        self.full_copy = full_copy
        self.keys = company.keys(series)
        self.notes: list[str] = []
        self.seed = 10
        self.main: Branch
        self.scratch: Branch
        self.states: States
        self.ids: npt.NDArray[np.int64]
        self.vendor = 0
        self.customers: list[int] = []

    @classmethod
    async def create(cls, database: Database, series: int) -> Bench:
        """Load a plan, publish it, and fork a third-level branch."""
        full_copy = await FullCopy.create(database.address.admin_conninfo())
        bench = cls(database, full_copy, series)
        async with database.write(HOST) as tx:
            bench.main = await branches.create_plan(tx, author="benchmark")
        old = await bench._load()
        head = await bench.change(bench.main, CHANGED)
        async with database.write(HOST) as tx:
            await versions.seal(tx, head, "base", "final", by="benchmark")
        async with database.read(HOST) as tx:
            head = await branches.commit(tx, head.id)
            known = await entity_ids(tx, head.plan_id, [("supplier", "V1"), *_customers()])
            bench.ids = (await read_series(tx, head)).ids
        bench.vendor = known.pop(("supplier", "V1"))
        bench.customers = list(known.values())
        await bench._stand_at(old, head)
        return bench

    async def _load(self) -> Commit:
        """Write reference data, then series in commits of 100,000; notes how long the first one took."""
        async with self.database.write(HOST) as tx:
            rows = EntityChanges(rows=company.rows(len(self.keys)))
            state = await write_commit(
                tx, self.main, author="x", reason="import", entities=rows, calendar=company.calendar()
            )
        for start in range(0, len(self.keys), LOADED_AT_ONCE):
            part = self.keys[start : start + LOADED_AT_ONCE]
            began = time.perf_counter()
            state = await self._write(self.main, part, company.values(len(part), start))
            if start == 0:
                spent = time.perf_counter() - began
                self.notes.append(f"First commit of {len(part):,} series that are new: {spent:.1f} s.")
        return state

    async def _write(self, branch: Branch, keys: list[SeriesKey], values: npt.NDArray[np.float64]) -> Commit:
        async with self.database.write(HOST) as tx:
            change = SeriesChanges(keys, values)
            return await write_commit(tx, branch, author="x", reason="edit", series=change)

    async def change(self, branch: Branch, count: int) -> Commit:
        """Alter so many series of a branch."""
        self.seed += 1
        places = np.random.default_rng(self.seed).choice(len(self.keys), count, replace=False)
        keys = [self.keys[place] for place in places.tolist()]
        return await self._write(branch, keys, company.values(count, self.seed))

    async def branch_off(self, source: Commit, count: int) -> tuple[Branch, Commit]:
        """Fork a branch and alter so many series on it."""
        self.seed += 1
        async with self.database.write(HOST) as tx:
            made = await branches.fork(tx, source, f"scenario {self.seed}", author="x")
        return made, await self.change(made, count)

    async def _stand_at(self, old: Commit, head: Commit) -> None:
        """Fork three levels from the head, a change on each, and copy the states to the plain table.

        What is written for measuring goes to a branch of its own: main keeps its distance from the snapshot.
        """
        deep = head
        for _ in range(3):
            _, deep = await self.branch_off(deep, CHANGED)
        self.scratch, _ = await self.branch_off(head, 1)
        self.states = States(old, head, deep)
        self.states.old_copy = await self.full_copy.fill(old)
        self.states.head_copy = await self.full_copy.fill(head)
        self.states.deep_copy = await self.full_copy.fill(deep)
        await self.full_copy.settle()

    async def move_on(self, commits: int) -> float:
        """Write many small commits on main and stand at its new head; returns seconds for the commits."""
        began = time.perf_counter()
        head = self.states.head
        for _ in range(commits):
            head = await self.change(self.main, LATER)
        spent = time.perf_counter() - began
        await self._stand_at(self.states.old, head)
        return spent

    def cases(self) -> list[Case]:
        """Return everything to be measured now."""
        return [*self._reads(), *self._writes()]

    def _sides(self, read: Read) -> dict[str, Action]:
        """Return the same read as a planner and as the host, each in a transaction of its own."""

        def under(scope: Scope) -> Action:
            async def run(_: object) -> object:
                async with self.database.read(scope) as tx:
                    return await read(tx)

            return run

        return {"planner": under(PLANNER), "host": under(HOST)}

    def _reads(self) -> list[Case]:
        at, plain = self.states, self.full_copy
        sales = replace(
            PLANNER,
            role="concord_sales",
            settings={
                "concord.customer_ids": int_array(self.customers),
                "concord.party_ids": "{}",
                "concord.market_site_ids": "{}",
            },
        )

        async def whole_as_sales(_: object) -> SeriesFrame:
            async with self.database.read(sales) as tx:
                return await read_series(tx, at.head)

        def vendor(state: Commit) -> dict[str, Action]:
            return self._sides(lambda tx: read_series(tx, state, suppliers=["V1"]))

        def whole(state: Commit) -> dict[str, Action]:
            return self._sides(lambda tx: read_series(tx, state))

        return [
            Case("whole plan, head", whole(at.head), lambda _: plain.read(at.head_copy), at_most=1.2),
            Case("whole plan, third level", whole(at.deep), lambda _: plain.read(at.deep_copy), at_most=1.2),
            Case(
                "a supplier's 2,000, head",
                vendor(at.head),
                lambda _: plain.supplier(at.head_copy, self.vendor),
                at_most=2.0,
            ),
            Case(
                "a supplier's 2,000, third level",
                vendor(at.deep),
                lambda _: plain.supplier(at.deep_copy, self.vendor),
                at_most=2.0,
            ),
            Case(
                "a supplier's 2,000, old commit",
                vendor(at.old),
                lambda _: plain.supplier(at.old_copy, self.vendor),
                at_most=2.0,
            ),
            Case(
                "what sales sees with 322 customers",
                {"planner": whole_as_sales},
                lambda _: plain.narrowed(at.head_copy, self.customers),
            ),
            Case(
                "differences to the third level",
                self._sides(lambda tx: compare_series(tx, at.head, at.deep)),
                lambda _: plain.diff(at.head_copy, at.deep_copy),
            ),
            self._history(),
        ]

    def _history(self) -> Case:
        at, plain, start = self.states, self.full_copy, company.calendar().buckets[20].start
        copies = [at.old_copy, at.head_copy, at.deep_copy]
        key, number = self.keys[0], int(self.ids[0])
        return Case(
            "history of a cell (full copy: 3 versions)",
            self._sides(lambda tx: cell_history(tx, at.deep, key, start)),
            lambda _: plain.history(copies, number, 20),
        )

    def _writes(self) -> list[Case]:
        at, plain = self.states, self.full_copy

        def commit(count: int, at_most: float | None) -> Case:
            async def write(seed: int) -> Commit:
                self.seed = seed
                return await self.change(self.scratch, count)

            async def copy(seed: int) -> int:
                places = np.random.default_rng(seed).choice(len(self.ids), count, replace=False)
                return await plain.commit(at.head_copy, self.ids[places], company.values(count, seed))

            name = f"commit of {count:,} series"
            return Case(name, {"host": write}, copy, prepare=self._next_seed, at_most=at_most)

        async def fork(seed: int) -> Branch:
            async with self.database.write(HOST) as tx:
                return await branches.fork(tx, at.head, f"fork {seed}", author="x")

        async def parted() -> tuple[Branch, Commit, int, int]:
            into, target = await self.branch_off(at.head, CHANGED)
            _, source = await self.branch_off(at.head, CHANGED)
            return into, source, await plain.fill(target), await plain.fill(source)

        async def merged(given: tuple[Branch, Commit, int, int]) -> object:
            into, source, _, _ = given
            async with self.database.write(HOST) as tx:
                made = await merge(tx, into, source, author="x", reason="m", resolution=Resolution("theirs"))
            assert isinstance(made, Commit)
            return made

        return [
            commit(CHANGED, 1 / 20),
            commit(min(100_000, len(self.keys)), None),
            Case(
                "fork",
                {"host": fork},
                lambda _: plain.fork(at.head_copy),
                prepare=self._next_seed,
                at_most=0.01,
            ),
            Case(
                "merge of 1,000 series",
                {"host": merged},
                lambda given: plain.merge(at.head_copy, given[2], given[3]),
                prepare=parted,
            ),
        ]

    async def _next_seed(self) -> int:
        self.seed += 1
        return self.seed

    async def sizes(self) -> list[str]:
        """Return lines on the bytes that a series, a commit and a full copy take, indexes included."""
        async with self.database.read(HOST) as tx:
            head = await branches.resolve(tx, At(branch="main"))
        await self.full_copy.fill(head)
        found = await self.full_copy.rows(
            """SELECT pg_total_relation_size('full_copy.series'), (SELECT count(*) FROM full_copy.series),
            sum(pg_total_relation_size(t.relid)) FILTER (WHERE root = 'plan.series_version'::regclass),
            (SELECT count(*) FROM plan.series_version),
            sum(pg_total_relation_size(t.relid)) FILTER (WHERE root = 'plan.snapshot_series'::regclass),
            (SELECT count(*) FROM plan.snapshot_series), pg_total_relation_size('plan.series')
            FROM (VALUES ('plan.series_version'::regclass), ('plan.snapshot_series'::regclass)) roots(root),
                LATERAL (SELECT root AS relid UNION SELECT relid FROM pg_partition_tree(root)) t""",
            {},
        )
        copy, copied, history, written, kept, snapshots, identity = (int(part) for part in found[0])
        each = history / written
        return [
            f"Bytes per series of 480 bytes of values, indexes included: {each:.0f} in the history, "
            f"{kept / max(snapshots, 1):.0f} in a snapshot, {copy / copied:.0f} in a full copy; "
            f"{identity / len(self.keys):.0f} once for its identity.",
            f"A commit of 1,000 series adds {each * 1000 / 1024:,.0f} KiB, "
            f"a full copy {copy / 1024:,.0f} KiB.",
        ]


def _customers() -> list[tuple[str, str]]:
    return [("customer", f"C{number}") for number in range(company.NARROWED)]
