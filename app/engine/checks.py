"""Checks before any solve: one `check_*` each, all findings reported, in the planner's words (rule 29).

An `error` stops the solve, a `warning` does not. Nothing here changes a problem.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from app.engine.lotting import set_up
from app.engine.problem import Activities, Demands, FloatArray, IntArray, Problem, Resources, Stocks
from app.engine.requirements import most_levels
from app.errors import ProblemInvalid

HUGE = 1e12  # quantities, costs and hours beyond this are a mistake of units
SPAN = 1e12  # greatest ratio between two coefficients of a problem
SHOWN = 20  # findings of one check that are listed one by one


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a problem: what, where (code, bucket) and in words."""

    severity: Literal["error", "warning"]
    check: str
    code: str
    bucket: int | None
    text: str


def check(problem: Problem) -> list[Finding]:
    """Run every check; shapes and indices first, since the others rely on them."""
    shapes = [*check_shapes(problem), *check_indices(problem)]
    if shapes:
        return shapes
    return [finding for one in CHECKS for finding in one(problem)]


def require_valid(problem: Problem) -> None:
    """Raise ProblemInvalid with every error found; its `findings` detail lists them all."""
    errors = [finding for finding in check(problem) if finding.severity == "error"]
    if errors:
        texts = [finding.text for finding in errors]
        raise ProblemInvalid(count=len(errors), first=texts[0], findings=texts)


def check_shapes(problem: Problem) -> Iterator[Finding]:
    """Find arrays whose shape does not fit the axes, and codes used twice."""
    periods = problem.periods
    if problem.days.shape != (periods,) or not 1 <= problem.published <= periods:
        yield _error("shapes", "buckets", "The calendar needs a length per bucket and 1 to T published ones.")
    for name, block in _blocks(problem):
        if len(set(block.codes)) != len(block.codes):
            yield _error("shapes", name, f"The {name} contain a code twice.")
        for item in fields(block):
            array = getattr(block, item.name)
            if item.name != "codes" and array.shape not in {(len(block.codes),), (len(block.codes), periods)}:
                yield _error("shapes", name, f"{name}.{item.name} has shape {array.shape}.")
    for name, pairs in (("inputs", problem.inputs.quantity), ("uses", problem.uses.hours)):
        rows = len(getattr(problem, name).activity)
        if rows and pairs.shape != (rows, periods):
            yield _error("shapes", name, f"{name} has {rows} rows and an array of shape {pairs.shape}.")


def check_indices(problem: Problem) -> Iterator[Finding]:
    """Find rows that name a stock, activity or resource that is not there."""
    n, a, r = (len(axis.codes) for axis in (problem.stocks, problem.activities, problem.resources))
    columns: list[tuple[str, IntArray, int]] = [
        ("activities.stock", problem.activities.stock, n),
        ("inputs.activity", problem.inputs.activity, a),
        ("inputs.stock", problem.inputs.stock, n),
        ("uses.activity", problem.uses.activity, a),
        ("uses.resource", problem.uses.resource, r),
        ("demands.stock", problem.demands.stock, n),
    ]
    columns += [
        ("lots.activity", problem.lots.activity, a),
        ("setup_inputs.activity", problem.setup_inputs.activity, a),
        ("setup_inputs.stock", problem.setup_inputs.stock, n),
        ("setup_uses.activity", problem.setup_uses.activity, a),
        ("setup_uses.resource", problem.setup_uses.resource, r),
        ("storages.storage", problem.storages.storage, len(problem.storages.codes)),
        ("storages.stock", problem.storages.stock, n),
    ]
    for name, index, count in columns:
        if ((index < 0) | (index >= count)).any():
            yield _error("indices", name, f"{name} points outside its axis of {count} rows.")


def check_numbers(problem: Problem) -> Iterator[Finding]:
    """Find values that are not numbers, negative where they may not be, or absurdly large."""
    free = {"rate_before", "previous", "quota_group", "fill_group", "rank"}
    for name, block in _blocks(problem):
        for item in fields(block):
            if item.name in {"codes", *free}:
                continue
            array = np.asarray(getattr(block, item.name), dtype=np.float64)
            yield from _cells("numbers", block.codes, np.isnan(array), f"{name}.{item.name} is not a number")
            yield from _cells("numbers", block.codes, array < 0, f"{name}.{item.name} is negative")
            absurd = np.isfinite(array) & (np.abs(array) > HUGE)
            yield from _cells("numbers", block.codes, absurd, f"{name}.{item.name} is beyond {HUGE:g}")
    codes = [problem.activities.codes[k] for k in problem.inputs.activity.tolist()]
    yield from _cells(
        "numbers", codes, ~np.isfinite(problem.inputs.quantity), "an input quantity is no number"
    )
    codes = [problem.activities.codes[k] for k in problem.uses.activity.tolist()]
    bad = ~np.isfinite(problem.uses.hours) | (problem.uses.hours < 0)
    yield from _cells("numbers", codes, bad, "hours per unit are negative or no number")
    if not (np.isfinite(problem.days) & (problem.days > 0)).all():
        yield _error("numbers", "buckets", "Every bucket needs a positive length in days.")


def check_finite(problem: Problem) -> Iterator[Finding]:
    """Find infinite quantities, costs and targets; only limits may be infinite."""
    infinite_ok = {
        "maximum",
        "upper",
        "regular",
        "overtime",
        "final_cost",
        "target_cost",
        "rate_before",
        "previous",
    }
    for name, block in _blocks(problem):
        for item in fields(block):
            if item.name in {"codes", *infinite_ok}:
                continue
            array = np.asarray(getattr(block, item.name), dtype=np.float64)
            yield from _cells("finite", block.codes, np.isinf(array), f"{name}.{item.name} is infinite")


def check_limits(problem: Problem) -> Iterator[Finding]:
    """Find limits that contradict one another."""
    acts, demands = problem.activities, problem.demands
    yield from _cells("limits", acts.codes, acts.lower > acts.upper, "the minimum is above the maximum")
    yield from _cells("limits", acts.codes, acts.output <= 0, "the yield must be above zero")
    too_much = demands.minimum > demands.quantity
    yield from _cells("limits", demands.codes, too_much, "more must be supplied than is asked for")
    yield from _cells("limits", demands.codes, demands.floor > 1, "the service floor is above 1")


def check_timing(problem: Problem) -> Iterator[Finding]:
    """Find landings before the start and last delivery buckets that lie before the request or fall."""
    steps, periods = np.arange(problem.periods), problem.periods
    arrival, latest = problem.activities.arrival, problem.demands.latest
    wrong = (arrival < steps) | (arrival > periods)
    yield from _cells("timing", problem.activities.codes, wrong, "the output lands before its start")
    wrong = (latest < steps) | (latest >= periods)
    wrong[:, 1:] |= latest[:, 1:] < latest[:, :-1]
    yield from _cells("timing", problem.demands.codes, wrong, "the last bucket of delivery is impossible")


def check_cycles(problem: Problem) -> Iterator[Finding]:
    """Find materials that need themselves within the same bucket (a cycle in the bill of materials)."""
    acts, inputs = problem.activities, problem.inputs
    at_once = (acts.arrival == np.arange(problem.periods)).any(axis=1)
    edge = at_once[inputs.activity] & (inputs.quantity > 0).any(axis=1)
    into, out_of = acts.stock[inputs.activity][edge], inputs.stock[edge]
    for stock in _on_cycle(len(problem.stocks.codes), out_of, into)[:SHOWN].tolist():
        yield _error(
            "cycles", problem.stocks.codes[stock], f"{problem.stocks.codes[stock]} is made of itself."
        )


def _on_cycle(count: int, source: IntArray, target: IntArray) -> IntArray:
    """Nodes left when those without predecessor are taken away again and again."""
    alive = np.ones(count, dtype=bool)
    while True:
        live = alive[source] & alive[target]
        entered = np.bincount(target[live], minlength=count) > 0
        keep = alive & entered
        if np.array_equal(keep, alive):
            return np.flatnonzero(alive)
        alive = keep


def check_lots(problem: Problem) -> Iterator[Finding]:
    """Find lots that contradict themselves, and set-ups of activities whose level nothing limits."""
    acts, lots = problem.activities, problem.lots
    codes = [acts.codes[row] for row in lots.activity.tolist()]
    if len(set(codes)) < len(codes):
        yield _error("lots", "lots", "An activity has its lot stated twice.")
    for name in ("setup_cost", "minimum", "maximum", "multiple"):
        values = getattr(lots, name)
        yield from _cells(
            "lots", codes, np.isnan(values) | (values < 0), f"lots.{name} is negative or missing"
        )
    most = np.minimum(lots.maximum, acts.upper[lots.activity])
    least = np.maximum(lots.minimum, acts.lower[lots.activity])
    yield from _cells(
        "lots", codes, (lots.minimum > lots.maximum), "the minimum lot is above the maximum lot"
    )
    yield from _cells("lots", codes, np.isinf(least), "the minimum lot is infinite")
    drawing = set(problem.setup_inputs.activity.tolist()) | set(problem.setup_uses.activity.tolist())
    if drawing - set(lots.activity.tolist()):
        yield _error("lots", "lots", "A set-up draws material or hours for an activity without a lot.")
    if len(lots):
        open_end = set_up(problem) & (most > 0) & np.isinf(most_levels(problem)[lots.activity])
        yield from _cells("lots", codes, open_end, "a set-up or minimum lot needs a maximum lot here")


def check_storages(problem: Problem) -> Iterator[Finding]:
    """Find shared storage whose room or space is negative or no number."""
    storages = problem.storages
    wrong = np.isnan(storages.capacity) | (storages.capacity < 0)
    yield from _cells("storages", storages.codes, wrong, "the shared room is negative or no number")
    names = [storages.codes[row] for row in storages.storage.tolist()]
    wrong = ~np.isfinite(storages.space) | (storages.space < 0)
    yield from _cells("storages", names, wrong, "the space per unit is negative or no number")


def check_scale(problem: Problem) -> Iterator[Finding]:
    """Find units per unit that span more than SPAN: no solver tells the small ones from nothing."""
    blocks = (problem.inputs.quantity, problem.uses.hours, problem.activities.output, problem.storages.space)
    sizes = np.concatenate([np.abs(block).ravel() for block in blocks])
    sizes = sizes[(sizes > 0) & np.isfinite(sizes)]
    if len(sizes) and sizes.max() > SPAN * sizes.min():
        text = (
            f"Quantities and hours per unit and yields run from {sizes.min():.3g} to {sizes.max():.3g}, "
            f"more than 12 orders of magnitude. Choose units that bring them closer together."
        )
        yield _error("scale", "units", text)


def check_supply(problem: Problem) -> Iterator[Finding]:
    """Warn of demand that nothing can ever supply: no stock, no receipt, no activity."""
    stocks, acts = problem.stocks, problem.activities
    source = (stocks.opening > 0) | (stocks.receipts > 0).any(axis=1)
    possible = (acts.upper > 0).any(axis=1)
    np.logical_or.at(source, acts.stock, possible)
    asked = (problem.demands.quantity > 0).any(axis=1)
    for row in np.flatnonzero(asked & ~source[problem.demands.stock])[:SHOWN].tolist():
        code = problem.demands.codes[row]
        text = f"{code}: there is demand, but neither stock nor any order, production or transfer for it."
        yield Finding("warning", "supply", code, None, text)


CHECKS: tuple[Callable[[Problem], Iterator[Finding]], ...] = (
    check_numbers,
    check_finite,
    check_limits,
    check_timing,
    check_cycles,
    check_lots,
    check_storages,
    check_scale,
    check_supply,
)


def _blocks(problem: Problem) -> list[tuple[str, Stocks | Activities | Resources | Demands]]:
    return [
        ("stocks", problem.stocks),
        ("activities", problem.activities),
        ("resources", problem.resources),
        ("demands", problem.demands),
    ]


def _error(name: str, code: str, text: str) -> Finding:
    return Finding("error", name, code, None, text)


def _cells(
    name: str, codes: Sequence[str], wrong: NDArray[np.bool_] | FloatArray, what: str
) -> Iterator[Finding]:
    """One finding per row with a wrong cell (the first bucket is named), at most SHOWN, then a count."""
    if not len(codes):
        return
    table = np.asarray(wrong, dtype=bool).reshape(len(codes), -1)
    rows = np.flatnonzero(table.any(axis=1))
    for row in rows[:SHOWN].tolist():
        bucket = int(table[row].argmax()) if table.shape[1] > 1 else None
        where = "" if bucket is None else f" (bucket {bucket})"
        yield Finding("error", name, codes[row], bucket, f"{codes[row]}{where}: {what}.")
    if len(rows) > SHOWN:
        yield _error(name, "", f"{len(rows) - SHOWN} more: {what}.")
