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
from app.errors import Conflict
from app.store import branches
from app.store.database import Database
from app.store.resolving import Decision
from tests.store.history import ITEMS, WIDTH, History

NAMES = ("first", "second", None)
Result = TypeVar("Result")

values = st.sampled_from([None, 0.0, 1.0, 2.5, -3.0])
edits = st.lists(st.tuples(st.sampled_from(ITEMS), st.integers(0, WIDTH - 1), values), max_size=4)
renames = st.lists(st.tuples(st.sampled_from(["X", "Y"]), st.sampled_from(NAMES)), max_size=2)
picks = st.integers(0, 1000)
choices: st.SearchStrategy[list[Decision]] = st.lists(
    st.sampled_from(["ours", "theirs", None, 7.0, -1.5]), max_size=4
)
commits = st.tuples(st.just("commit"), picks, st.one_of(st.none(), st.integers(0, 3)), edits, renames)
forks = st.tuples(st.just("fork"), picks)
together = st.one_of(
    st.tuples(st.just("merge"), picks, picks, choices),
    st.tuples(st.just("rebase"), picks, picks, choices),
    st.tuples(st.just("promote"), picks),
)
steps = st.one_of(
    commits,
    forks,
    together,
    st.tuples(st.just("publish"), picks, st.sampled_from(["draft", "final"])),
    st.tuples(st.just("retain"), picks),
)
all_cells = [(item, ordinal) for item in ITEMS[:2] for ordinal in range(WIDTH)]
full_edits = st.tuples(*(values for _ in all_cells)).map(
    lambda row: [(*cell, value) for cell, value in zip(all_cells, row, strict=True)]
)
parting = st.tuples(
    st.just(("fork", 0)),
    st.tuples(st.just("commit"), st.just(0), st.none(), full_edits, renames),
    st.tuples(st.just("commit"), st.just(1), st.none(), full_edits, renames),
    st.one_of(
        st.tuples(st.just("merge"), st.just(0), st.just(2), choices),
        st.tuples(st.just("rebase"), st.just(1), st.just(1), choices),
    ),
    st.one_of(st.just(("promote", 1)), forks),
)
"""Main and a fork of it change the same cells, and come together."""


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


@given(st.lists(steps, min_size=6, max_size=14), picks, st.lists(steps, max_size=5))
def test_what_retention_keeps_reads_as_before(
    world: World, first: list[tuple[object, ...]], pick: int, then: list[tuple[object, ...]]
) -> None:
    world.run(play(world, [*first, ("retain", pick), *then]))


@given(parting, st.lists(st.one_of(together, commits, forks), max_size=6))
def test_branches_that_changed_the_same_come_together_as_decided(
    world: World, first: tuple[tuple[object, ...], ...], program: list[tuple[object, ...]]
) -> None:
    world.run(play(world, [*first, *program]))


async def test_two_forks_of_one_name_are_refused(database: Database) -> None:
    async with database.write(HOST) as tx:
        main = await branches.create_plan(tx, author="test")
        root = await branches.commit(tx, main.head)
        await branches.fork(tx, root, "s", author="test")
    with pytest.raises(Conflict):
        async with database.write(HOST) as tx:
            await branches.fork(tx, root, "s", author="test")
