"""The plan store as dictionaries: every state a full copy, written without a look at the store's SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Cells = tuple[float | None, ...]
Row = dict[str, Any]
Rows = dict[str, Row]
Place = tuple[str, str]
"""A part of a series or row that both sides changed: its name and the part (`*` = a row as a whole)."""
Decide = Callable[[Place, Any, Any], Any]
"""What to show where both sides changed: from the place, ours and theirs."""


class Clash(Exception):  # noqa: N818  what the model calls a refused merge
    """Both sides changed the same."""


def refuse(_: Place, __: Any, ___: Any) -> Any:
    """Decide nothing."""
    raise Clash


def decided(decisions: Mapping[Place, Any]) -> Decide:
    """Return what decides by side, or by a value."""

    def decide(place: Place, ours: Any, theirs: Any) -> Any:
        chosen = decisions[place]
        return ours if chosen == "ours" else theirs if chosen == "theirs" else chosen

    return decide


@dataclass(frozen=True)
class State:
    """Series by name and rows by key."""

    series: dict[str, Cells] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)


def merge_maps(base: Rows, ours: Rows, theirs: Rows, names: set[str], decide: Decide) -> Rows:
    """Return `ours` with what `theirs` changed of `names` since `base`; values are dictionaries or None."""
    merged = dict(ours)
    for name in names:
        result = _merge_one(name, base.get(name), ours.get(name), theirs.get(name), decide)
        merged.pop(name, None)
        if result is not None:
            merged[name] = result
    return merged


def _merge_one(
    name: str, base: Row | None, ours: Row | None, theirs: Row | None, decide: Decide
) -> Row | None:
    if theirs == base:
        return ours
    if ours in (base, theirs):
        return theirs
    if base is None or ours is None or theirs is None:
        whole: Row | None = decide((name, "*"), ours, theirs)
        return whole
    result = {}
    for part in base.keys() | ours.keys() | theirs.keys():
        b, o, t = base.get(part), ours.get(part), theirs.get(part)
        value = decide((name, part), o, t) if t != b and o not in (b, t) else t if t != b else o
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

    def combined(
        self,
        base: int,
        ours: int,
        theirs: State,
        series: set[str],
        rows: set[str],
        *,
        decide: Decide = refuse,
    ) -> State:
        """Return the state after bringing in what `theirs` changed of these series and rows since `base`."""
        before, now = self.states[base], self.states[ours]
        parts = [_as_rows(state.series, self.width) for state in (before, now, theirs)]
        for part in parts:  # a series that is not there is one without values: never a clash by itself
            for name in series:
                part.setdefault(name, {})
        cells = merge_maps(parts[0], parts[1], parts[2], series, decide)
        return State(
            {name: tuple(row.get(str(i)) for i in range(self.width)) for name, row in cells.items() if row},
            merge_maps(before.rows, now.rows, theirs.rows, rows, decide),
        )

    def shared(self, a: int, b: int) -> int:
        """Return the newest commit that two states contain."""
        return max(self.contained(a) & self.contained(b))

    def brought(self, base: int, ours: int, source: int, decide: Decide = refuse) -> State:
        """Return the state `ours` with all that `source` changed since `base`."""
        before, theirs = self.states[base], self.states[source]
        series = set(before.series.keys() | theirs.series.keys())
        rows = set(before.rows.keys() | theirs.rows.keys())
        return self.combined(base, ours, theirs, series, rows, decide=decide)

    def clashes(self, base: int, ours: int, source: int) -> set[Place]:
        """Return where both sides changed the same."""
        found: set[Place] = set()

        def note(place: Place, ours: Any, _: Any) -> Any:
            found.add(place)
            return ours

        self.brought(base, ours, source, note)
        return found

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
