"""Paired measurements: both sides in turn, medians of times and of their ratios, the client's peak memory."""

from __future__ import annotations

import gc
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

STATUS = Path("/proc/self/status")
RESET = Path("/proc/self/clear_refs")

Action = Callable[[Any], Awaitable[object]]


async def _nothing() -> None:
    return None


@dataclass(frozen=True)
class Case:
    """One thing measured: by the store in one or more ways, and by the plain table.

    `prepare` runs before each round, unmeasured, and its result is handed to all sides. `at_most` is the
    ratio to reach, store over plain table.
    """

    name: str
    sides: dict[str, Action]
    plain: Action | None = None
    prepare: Callable[[], Awaitable[Any]] = _nothing
    at_most: float | None = None


@dataclass
class Outcome:
    """Seconds and peak mebibytes of every round, by side; the plain table is the side `plain`."""

    case: Case
    seconds: dict[str, list[float]] = field(default_factory=dict)
    peaks: dict[str, list[float]] = field(default_factory=dict)

    def time(self, side: str) -> float | None:
        """Return the median time of a side."""
        return median(self.seconds[side]) if self.seconds.get(side) else None

    def peak(self) -> float:
        """Return the highest growth of this process's memory while the store did it."""
        return max((max(peaks) for side, peaks in self.peaks.items() if side != "plain"), default=0.0)

    def ratio(self, side: str) -> float | None:
        """Return the median over the rounds of a side's time divided by the plain table's in that round."""
        if not self.seconds.get(side) or not self.seconds.get("plain"):
            return None
        pairs = zip(self.seconds[side], self.seconds["plain"], strict=True)
        return median(mine / plain for mine, plain in pairs)


async def measure(case: Case, rounds: int, *, warm: bool = True) -> Outcome:
    """Run a case's sides in turn, the order turned round every time; with `warm`, once before for nothing."""
    sides: dict[str, Action] = dict(case.sides)
    if case.plain is not None:
        sides["plain"] = case.plain
    outcome = Outcome(case, {name: [] for name in sides}, {name: [] for name in sides})
    if warm:
        given = await case.prepare()
        for action in sides.values():
            await action(given)
    for number in range(rounds):
        given = await case.prepare()
        for name in sorted(sides, reverse=number % 2 == 1):
            seconds, peak = await _timed(sides[name], given)
            outcome.seconds[name].append(seconds)
            outcome.peaks[name].append(peak)
    return outcome


async def _timed(action: Action, given: object) -> tuple[float, float]:
    """Return seconds and growth of the peak resident set in MiB of one run."""
    gc.collect()
    before = _reset_peak()
    start = time.perf_counter()
    result = await action(given)
    seconds = time.perf_counter() - start
    del result
    return seconds, _status("VmHWM") - before


def _reset_peak() -> float:
    if RESET.exists():
        RESET.write_text("5", encoding="ascii")
    return _status("VmRSS")


def _status(name: str) -> float:
    """Return a line of /proc/self/status in MiB; 0 where there is no such file."""
    if not STATUS.exists():
        return 0.0
    lines = STATUS.read_text(encoding="ascii").splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:")), 0.0)


def table(outcomes: Sequence[Outcome], sides: Sequence[str]) -> list[str]:
    """Return the lines of a markdown table: a row for each case."""
    heads = ["", *(f"{side}, ms" for side in sides), "full copy, ms"]
    heads += [f"{side} / full copy" for side in sides] + ["to reach", "peak, MiB"]
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for outcome in outcomes:
        cells = [outcome.case.name]
        cells += [_milliseconds(outcome.time(side)) for side in (*sides, "plain")]
        cells += [_ratio(outcome.ratio(side)) for side in sides]
        cells += ["" if outcome.case.at_most is None else f"≤ {outcome.case.at_most:g}"]
        lines.append(f"| {' | '.join(cells)} | {outcome.peak():.0f} |")
    return lines


def _milliseconds(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f"{seconds * 1000:,.0f}" if seconds >= 0.1 else f"{seconds * 1000:.1f}"


def _ratio(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.4f}"
