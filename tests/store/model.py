"""The plan store as dictionaries: every state a full copy, written without a look at the store's SQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

Cells = tuple[float | None, ...]
Row = dict[str, Any]
Rows = dict[str, Row]


class Clash(Exception):  # noqa: N818  what the model calls a refused merge
    """Both sides changed the same."""


@dataclass(frozen=True)
class State:
    """Series by name and rows by key."""

    series: dict[str, Cells] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)


def merge_maps(base: Rows, ours: Rows, theirs: Rows, names: set[str]) -> Rows:
    """Return `ours` with what `theirs` changed of `names` since `base`; values are dictionaries or None."""
    merged = dict(ours)
    for name in names:
        result = _merge_one(base.get(name), ours.get(name), theirs.get(name))
        merged.pop(name, None)
        if result is not None:
            merged[name] = result
    return merged


def _merge_one(base: Row | None, ours: Row | None, theirs: Row | None) -> Row | None:
    if theirs == base:
        return ours
    if ours in (base, theirs):
        return theirs
    if base is None or ours is None or theirs is None:
        raise Clash
    result = {}
    for part in base.keys() | ours.keys() | theirs.keys():
        b, o, t = base.get(part), ours.get(part), theirs.get(part)
        if t != b and o not in (b, t):
            raise Clash
        value = t if t != b else o
        if value is not None:
            result[part] = value
    return result


def _as_rows(series: dict[str, Cells], width: int) -> dict[str, Row]:
    """Return series as rows; one that is not there is a row without values."""
    return {name: {str(i): v for i, v in enumerate(cells) if v is not None} for name, cells in series.items()}


@dataclass
class Model:
    """Commits by number with their states, parents and merges; branches by name with their heads."""

    width: int
    states: dict[int, State] = field(default_factory=dict)
    parents: dict[int, int | None] = field(default_factory=dict)
    merged: dict[int, int] = field(default_factory=dict)
    heads: dict[str, int] = field(default_factory=dict)

    def chain(self, commit: int | None) -> Iterator[int]:
        """Yield a commit and what came before it, newest first."""
        while commit is not None:
            yield commit
            commit = self.parents[commit]

    def contained(self, commit: int) -> set[int]:
        """Return all commits that a state contains, merges included."""
        seen: set[int] = set()
        todo = [commit]
        while todo:
            at = todo.pop()
            if at not in seen:
                seen.add(at)
                todo += [c for c in (self.parents[at], self.merged.get(at)) if c is not None]
        return seen

    def combined(self, base: int, ours: int, theirs: State, series: set[str], rows: set[str]) -> State:
        """Return the state after bringing in what `theirs` changed of these series and rows since `base`."""
        before, now = self.states[base], self.states[ours]
        parts = [_as_rows(state.series, self.width) for state in (before, now, theirs)]
        for part in parts:  # a series that is not there is one without values: never a clash by itself
            for name in series:
                part.setdefault(name, {})
        cells = merge_maps(parts[0], parts[1], parts[2], series)
        return State(
            {name: tuple(row.get(str(i)) for i in range(self.width)) for name, row in cells.items() if row},
            merge_maps(before.rows, now.rows, theirs.rows, rows),
        )

    def branch_merge(self, branch: str, source: int) -> State | None:
        """Return the state after merging a commit into a branch, None if it brings nothing."""
        head = self.heads[branch]
        base = max(self.contained(head) & self.contained(source))
        before, theirs = self.states[base], self.states[source]
        series = set(before.series.keys() | theirs.series.keys())
        rows = set(before.rows.keys() | theirs.rows.keys())
        merged = self.combined(base, head, theirs, series, rows)
        return None if merged == self.states[head] else merged

    def add(self, branch: str, commit: int, state: State, merged: int | None = None) -> None:
        """Note a commit that the store made on a branch."""
        self.parents[commit] = self.heads.get(branch)
        self.states[commit] = replace(state)
        self.heads[branch] = commit
        if merged is not None:
            self.merged[commit] = merged

    def differences(self, a: int, b: int) -> set[tuple[str, int]]:
        """Return series and ordinals whose values differ between two states."""
        x, y = self.states[a].series, self.states[b].series
        none: Cells = (None,) * self.width
        return {
            (name, i)
            for name in x.keys() | y.keys()
            for i in range(self.width)
            if x.get(name, none)[i] != y.get(name, none)[i]
        }

    def cell_history(self, commit: int, name: str, ordinal: int) -> list[tuple[int, float | None]]:
        """Return the commits that changed a cell, with the value they gave it, oldest first."""
        found: list[tuple[int, float | None]] = []
        last: float | None = None
        for at in reversed(list(self.chain(commit))):
            cells = self.states[at].series.get(name)
            value = cells[ordinal] if cells else None
            if value != last:
                found.append((at, value))
                last = value
        return found
