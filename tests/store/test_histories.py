"""Random histories against a dictionary model: commits, forks, merges, publication, states by time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access import HOST
from app.config import Settings
from app.errors import Conflict, HeadMoved
from app.store import branches, versions
from app.store.branches import At, Branch, Commit
from app.store.commits import merge, write_commit
from app.store.comparing import cell_history, compare_series
from app.store.database import Database, Transaction
from app.store.deltas import EntityChanges
from app.store.entities import read_rows
from app.store.series import read_series
from tests.store.model import Cells, Clash, Model, State
from tests.store.world import as_cells, changes, items, stock, weeks

WIDTH = 3
ITEMS = ("A", "B", "C")
KEYS = {item: stock(item) for item in ITEMS}
NAMES = ("first", "second", None)
Result = TypeVar("Result")

values = st.sampled_from([None, 0.0, 1.0, 2.5, -3.0])
edits = st.lists(st.tuples(st.sampled_from(ITEMS), st.integers(0, WIDTH - 1), values), max_size=4)
renames = st.lists(st.tuples(st.sampled_from(["X", "Y"]), st.sampled_from(NAMES)), max_size=2)
picks = st.integers(0, 1000)
steps = st.one_of(
    st.tuples(st.just("commit"), picks, st.one_of(st.none(), st.integers(0, 3)), edits, renames),
    st.tuples(st.just("fork"), picks),
    st.tuples(st.just("merge"), picks, picks),
    st.tuples(st.just("publish"), picks, st.sampled_from(["draft", "final"])),
)


@dataclass
class World:
    """A database and an event loop of its own."""

    runner: asyncio.Runner
    database: Database
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def run(self, work: Awaitable[Result]) -> Result:
        async def wait() -> Result:
            return await work

        return self.runner.run(wait())


@pytest.fixture(scope="module")
def world(module_settings: Settings) -> Iterator[World]:
    with asyncio.Runner() as runner:
        database = runner.run(Database.open(module_settings))
        yield World(runner, database)
        runner.run(database.close())


@dataclass
class History:
    """One random history: what the store made, and what the model makes of it."""

    tx: Transaction
    plan: str
    model: Model = field(default_factory=lambda: Model(WIDTH))
    branches: list[Branch] = field(default_factory=list)
    commits: dict[int, Commit] = field(default_factory=dict)
    published: list[tuple[int, str, versions.Version]] = field(default_factory=list)

    async def begin(self) -> None:
        main = await branches.create_plan(self.tx, author="test", name=self.plan)
        root = await branches.commit(self.tx, main.head)
        self.model.add("main", root.id, State())
        first = await write_commit(
            self.tx,
            main,
            author="test",
            reason="import",
            calendar=weeks(WIDTH),
            entities=EntityChanges(rows=items(*ITEMS)),
        )
        self.branches.append(main)
        self.model.add("main", first.id, State())
        self.commits[first.id] = first

    def commit_at(self, pick: int) -> Commit:
        return list(self.commits.values())[pick % len(self.commits)]

    async def commit(
        self,
        pick: int,
        behind: int | None,
        edits: list[tuple[str, int, float | None]],
        renames: list[tuple[str, str | None]],
    ) -> None:
        branch = self.branches[pick % len(self.branches)]
        head = self.model.heads[branch.name]
        known = [c for c in self.model.chain(head) if c in self.commits]
        base = head if behind is None else known[min(behind, len(known) - 1)]
        before = self.model.states[base]
        series = {item: before.series.get(item, (None,) * WIDTH) for item, _, _ in edits}
        for item, ordinal, value in edits:
            series[item] = (*series[item][:ordinal], value, *series[item][ordinal + 1 :])
        rows = dict(renames)
        wanted = State(
            {**before.series, **series},
            {name: row for name, row in before.rows.items() if name not in rows}
            | {name: {"unit": name, "name": text} for name, text in rows.items() if text},
        )
        try:
            expected = self.model.combined(base, head, wanted, set(series), set(rows))
        except Clash:
            with pytest.raises(HeadMoved):
                await self._write(branch, None if behind is None else base, series, rows)
            return
        made = await self._write(branch, None if behind is None else base, series, rows)
        if expected == self.model.states[head]:
            assert made.id == head, "what changes nothing writes nothing"
        else:
            assert made.id > max(self.model.states), "ids rise"
            self.model.add(branch.name, made.id, expected)
            self.commits[made.id] = made

    async def _write(
        self, branch: Branch, base: int | None, series: dict[str, Cells], rows: dict[str, str | None]
    ) -> Commit:
        kept = {KEYS[name]: cells for name, cells in series.items() if any(v is not None for v in cells)}
        return await write_commit(
            self.tx,
            branch,
            author="test",
            reason="edit",
            expected_head=base,
            series=changes(kept, removed=[KEYS[name] for name in series if KEYS[name] not in kept]),
            entities=EntityChanges(
                rows={"unit": [{"unit": name, "name": text} for name, text in rows.items() if text]},
                removed={"unit": [name for name, text in rows.items() if text is None]},
            ),
        )

    async def fork(self, pick: int) -> None:
        source = self.commit_at(pick)
        made = await branches.fork(self.tx, source, f"b{len(self.branches)}", author="test")
        self.branches.append(made)
        self.model.heads[made.name] = source.id

    async def merge(self, branch_pick: int, pick: int) -> None:
        branch = self.branches[branch_pick % len(self.branches)]
        source = self.commit_at(pick)
        try:
            expected = self.model.branch_merge(branch.name, source.id)
        except Clash:
            with pytest.raises(HeadMoved):
                await merge(self.tx, branch, source, author="test", reason="merge")
            return
        made = await merge(self.tx, branch, source, author="test", reason="merge")
        if expected is None:
            assert made.id == self.model.heads[branch.name], "what brings nothing writes nothing"
        else:
            self.model.add(branch.name, made.id, expected, merged=source.id)
            self.commits[made.id] = made

    async def publish(self, pick: int, kind: versions.Kind) -> None:
        state = await branches.commit(self.tx, self.commit_at(pick).id)
        if any(commit == state.id and done == kind for commit, done, _ in self.published):
            return
        name = f"{self.plan}-{len(self.published)}"
        made = await versions.seal(self.tx, state, name, kind, by="test")
        self.published.append((state.id, kind, made))

    async def check(self) -> None:
        for number in self.commits:
            await self._check_state(number)
        for branch in self.branches:
            await self._check_times(branch)
        for number, _, version in self.published:
            found = await branches.resolve(self.tx, At(version=version.name), plan=self.plan)
            assert found.id == number
            assert await versions.verify(self.tx, version)
        finals = [number for number, kind, _ in self.published if kind == "final"]
        default = await branches.resolve(self.tx, plan=self.plan)
        assert default.id == (finals[-1] if finals else self.model.heads["main"])
        await self._check_comparisons()

    async def _check_state(self, number: int) -> None:
        state = await branches.resolve(self.tx, At(commit=number), plan=self.plan)
        frame = await read_series(self.tx, state)
        assert as_cells(frame) == {KEYS[n]: c for n, c in self.model.states[number].series.items()}
        rows = await read_rows(self.tx, state, ["unit"])
        found = {code: row for (_, code), row in rows.items() if code != "EA"}
        assert found == self.model.states[number].rows

    async def _check_times(self, branch: Branch) -> None:
        chain = [n for n in self.model.chain(self.model.heads[branch.name]) if n in self.commits]
        listed = await branches.commits(self.tx, branch.name, plan=self.plan)
        assert [c.id for c in listed if c.id in self.commits] == chain
        for number in chain[:3]:
            at = At(branch=branch.name, time=self.commits[number].at)
            assert (await branches.resolve(self.tx, at, plan=self.plan)).id == number

    async def _check_comparisons(self) -> None:
        numbers = list(self.commits)
        for a, b in zip(numbers, reversed(numbers), strict=True):
            found = await compare_series(self.tx, self.commits[a], self.commits[b])
            cells = {
                (str(key.item), int(ordinal))
                for key, row in zip(found.keys, found.changed, strict=True)
                for ordinal in row.nonzero()[0]
            }
            assert cells == self.model.differences(a, b)
        start = weeks(WIDTH).buckets[1].start
        history = await cell_history(self.tx, self.commits[numbers[-1]], KEYS["A"], start)
        assert [(c.commit_id, c.value) for c in history] == self.model.cell_history(numbers[-1], "A", 1)


async def play(world: World, program: list[tuple[object, ...]]) -> None:
    async with world.database.write(HOST) as tx:
        history = History(tx, f"plan-{next(world.numbers)}")
        await history.begin()
        for name, *arguments in program:
            await getattr(history, str(name))(*arguments)
        await history.check()


@given(st.lists(steps, min_size=3, max_size=12))
def test_random_histories_match_the_model(world: World, program: list[tuple[object, ...]]) -> None:
    world.run(play(world, program))


async def test_two_forks_of_one_name_are_refused(database: Database) -> None:
    async with database.write(HOST) as tx:
        main = await branches.create_plan(tx, author="test")
        root = await branches.commit(tx, main.head)
        await branches.fork(tx, root, "s", author="test")
    with pytest.raises(Conflict):
        async with database.write(HOST) as tx:
            await branches.fork(tx, root, "s", author="test")
