"""One random history played in the store and in the dictionary model, and the two compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import pytest

from app.errors import CommitRetired, Conflict, HeadMoved, InputError
from app.store import branches, versions
from app.store.branches import At, Branch, Commit
from app.store.commits import write_commit
from app.store.comparing import cell_history, compare_series
from app.store.database import Transaction
from app.store.deltas import EntityChanges
from app.store.entities import read_rows
from app.store.integrity import INVARIANTS, check_invariant
from app.store.merges import merge, parent_of, promote, rebase
from app.store.resolving import Clashes, Decision, Resolution, Side
from app.store.retention import retain
from app.store.series import read_series
from tests.store.model import Cells, Clash, Model, Place, State, decided
from tests.store.world import as_cells, changes, items, stock, weeks

WIDTH = 3
ITEMS = ("A", "B", "C")
KEYS = {item: stock(item) for item in ITEMS}


@dataclass
class History:
    """One random history: what the store made, and what the model makes of it."""

    tx: Transaction
    plan: str
    model: Model = field(default_factory=lambda: Model(WIDTH))
    branches: list[Branch] = field(default_factory=list)
    commits: dict[int, Commit] = field(default_factory=dict)
    published: list[tuple[int, str, versions.Version]] = field(default_factory=list)
    closed: set[str] = field(default_factory=set)
    origins: dict[str, int] = field(default_factory=dict)
    forked: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)
    retired: dict[str, int] = field(default_factory=dict)

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

    def open_at(self, pick: int) -> Branch:
        still = [branch for branch in self.branches if branch.name not in self.closed]
        return still[pick % len(still)]

    async def commit(
        self,
        pick: int,
        behind: int | None,
        edits: list[tuple[str, int, float | None]],
        renames: list[tuple[str, str | None]],
    ) -> None:
        branch = self.open_at(pick)
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
        self.model.heads[made.name] = self.origins[made.name] = source.id
        self.forked.add(source.id)

    async def merge(self, branch_pick: int, pick: int, choices: list[Decision]) -> None:
        branch = self.open_at(branch_pick)
        source = self.commit_at(pick)
        head = self.model.heads[branch.name]
        base = self.model.shared(head, source.id)
        wanted, resolution, clashes = self._decide(base, head, source.id, choices)
        if resolution is not None:
            refused = await merge(self.tx, branch, source, author="test", reason="merge")
            self._check_clashes(refused, clashes)
        made = await merge(
            self.tx,
            branch,
            source,
            author="test",
            reason="merge",
            resolution=resolution or Resolution(),
            expected_head=head,
        )
        assert isinstance(made, Commit)
        if base == source.id or (wanted == self.model.states[head] and not clashes):
            assert made.id == head, "what brings nothing writes nothing"
        else:
            self.model.add(branch.name, made.id, wanted, merged=source.id)
            self.commits[made.id] = made

    def _decide(
        self, base: int, ours: int, source: int, choices: list[Decision]
    ) -> tuple[State, Resolution | None, set[Place]]:
        """Return the state that the choices lead to, as a resolution too; None where nothing clashes.

        Choices go to the clashes in turn; those without one go by the side `theirs`.
        """
        clashes = self.model.clashes(base, ours, source)
        decisions: dict[Place, Decision] = dict.fromkeys(clashes, "theirs")
        decisions |= dict(zip(sorted(clashes), choices, strict=False))
        for name, part in clashes:
            if name not in KEYS and decisions[name, part] not in ("ours", "theirs"):
                decisions[name, part] = "ours"  # rows are decided by side alone
        wanted = self.model.brought(base, ours, source, decided(decisions))
        if not clashes:
            return wanted, None, clashes
        named = sorted(clashes)[: len(choices)]
        sides: dict[tuple[tuple[str, str], str], Side] = {
            (("unit", name), part): "ours" if decisions[name, part] == "ours" else "theirs"
            for name, part in named
            if name not in KEYS
        }
        cells = {(KEYS[name], int(part)): decisions[name, part] for name, part in named if name in KEYS}
        rest: Side | None = None if len(named) == len(clashes) else "theirs"
        # rows without a choice of their own were given to theirs, as the side is
        return wanted, Resolution(rest, cells, sides), clashes

    @staticmethod
    def _check_clashes(found: object, clashes: set[Place]) -> None:
        assert isinstance(found, Clashes)
        listed = {(str(s.key.item), str(cell.ordinal)) for s in found.series for cell in s.cells}
        assert listed | {(clash.row[1], clash.column) for clash in found.rows} == clashes
        assert found.count == len(clashes)

    async def rebase(self, branch_pick: int, pick: int, choices: list[Decision]) -> None:
        branch, onto = self.open_at(branch_pick), self.commit_at(pick)
        if branch.name == "main" or onto.branch_id == branch.id:
            with pytest.raises((Conflict, InputError)):
                await rebase(self.tx, branch, onto, author="test", reason="rebase")
            return
        source = self.model.heads[branch.name]
        base = max(self.origins[branch.name], self.model.shared(onto.id, source))
        wanted, resolution, clashes = self._decide(base, onto.id, source, choices)
        if resolution is not None:
            refused = await rebase(self.tx, branch, onto, author="test", reason="rebase")
            self._check_clashes(refused, clashes)
        made = await rebase(
            self.tx,
            branch,
            onto,
            author="test",
            reason="rebase",
            resolution=resolution or Resolution(),
        )
        assert isinstance(made, Branch)
        await self._retire(branch, source)
        self.branches.append(made)
        self.model.heads[made.name] = self.origins[made.name] = onto.id
        self.forked.add(onto.id)
        if made.head == onto.id:
            assert wanted == self.model.states[onto.id]
        else:
            self.model.add(made.name, made.head, wanted)
            self.commits[made.head] = await branches.commit(self.tx, made.head)

    async def _retire(self, branch: Branch, head: int) -> None:
        """Follow the rebased branch to the name that it stays readable under."""
        self.retired[branch.name] = self.retired.get(branch.name, 0) + 1
        name = f"{branch.name}@{self.retired[branch.name]}"
        kept = await branches.branch(self.tx, name, plan=self.plan)
        assert (kept.id, kept.state, kept.head) == (branch.id, "closed", head)
        self.branches[self.branches.index(branch)] = kept
        self.closed.add(name)
        self.model.heads[name] = head

    async def promote(self, pick: int) -> None:
        branch = self.open_at(pick)
        if branch.name == "main":
            with pytest.raises(Conflict):
                await parent_of(self.tx, branch)
            return
        into = next((b for b in self.branches if b.id == self._parent(branch)), self.branches[0])
        head, source = self.model.heads[into.name], self.model.heads[branch.name]
        if into.name in self.closed or self.model.shared(head, source) != head:
            with pytest.raises(Conflict):
                await promote(self.tx, branch, into, author="test", reason="promote")
            return
        made = await promote(self.tx, branch, into, author="test", reason="promote")
        assert (await branches.branch(self.tx, branch.name, plan=self.plan)).state == "closed"
        self.closed.add(branch.name)
        if made.id == head:
            assert self.model.states[head] == self.model.states[source]
        else:
            self.model.add(into.name, made.id, self.model.states[source], merged=source)
            self.commits[made.id] = made

    def _parent(self, branch: Branch) -> int:
        """Return the id of the branch on which the commit was made that this one was forked from."""
        return self.commits[self.origins[branch.name]].branch_id

    async def publish(self, pick: int, kind: versions.Kind) -> None:
        state = await branches.commit(self.tx, self.commit_at(pick).id)
        if any(commit == state.id and done == kind for commit, done, _ in self.published):
            return
        name = f"{self.plan}-{len(self.published)}"
        made = await versions.seal(self.tx, state, name, kind, by="test")
        self.published.append((state.id, kind, made))

    async def retain(self, pick: int) -> None:
        since = self.commit_at(pick).at
        expected = self._given_up(since)
        await self.tx.execute("SELECT set_config('role', 'concord_retention', true)")
        await retain(self.tx, since)
        await self.tx.execute("SELECT set_config('role', 'concord_host', true)")
        self.gone |= expected
        for number in expected:
            del self.commits[number]
            with pytest.raises(CommitRetired):
                await read_series(self.tx, await branches.commit(self.tx, number))
        self.commits = {number: await branches.commit(self.tx, number) for number in self.commits}

    def _given_up(self, since: datetime) -> set[int]:
        """Return the commits that nothing asks for any more: an own count, by what the model knows."""
        asked = {*self.model.heads.values(), *self.forked, *self.model.merged.values()}
        asked |= {number for number, _, _ in self.published}
        asked |= {number for number, commit in self.commits.items() if commit.at >= since}
        older: dict[int, int] = {}
        for number, commit in self.commits.items():
            if commit.at < since:
                older[commit.branch_id] = max(number, older.get(commit.branch_id, 0))
        return self.commits.keys() - asked - set(older.values())

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
        for invariant in INVARIANTS:
            outcome = await check_invariant(self.tx, invariant)
            assert not outcome.breaches, (invariant.name, outcome.places)

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
        found_cells = [(c.commit_id, c.value) for c in history]
        expected = self.model.cell_history(numbers[-1], "A", 1)
        if self.gone:  # what lay between kept states is no longer told; where it ended is
            assert [value for _, value in found_cells[-1:]] == [value for _, value in expected[-1:]]
        else:
            assert found_cells == expected
