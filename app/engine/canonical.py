"""Rule 30, one answer: among all optima the one that a planner would expect, whatever the path of the solver.

The objective stays fixed (the program is restricted to its optimal face) and in turn: fill rates within a
group are made equal (rule 14), tied sources follow their quota (rule 20), change against the last published
plan is least (rule 21), levels are even (rule 22), and a weight without pattern on the canonical order
settles what is left.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from app.engine.formulation import open_window
from app.engine.highs import Options, Outcome, minimise
from app.engine.layout import Layout
from app.engine.linear import ABSENT, Builder, Program, extended, on_face, only_point
from app.engine.network import resource_labels, stock_labels
from app.engine.order import colour, noise, tie_keys
from app.engine.problem import FloatArray, IntArray, Problem

SNAP = 1e-9  # quantities below this, relative to 1, are noise of the solver

Phase = Callable[[Builder, Problem, Layout, Program], None]


def canonical_point(
    program: Program, outcome: Outcome, problem: Problem, layout: Layout, options: Options
) -> FloatArray:
    """Run the phases on the optimal face of `program`; returns the point in the columns of `program`.

    A phase that the solver cannot finish (a limit) leaves the point where it was: still optimal, not
    canonical.
    """
    width, point = len(program.cost), outcome.point
    face = on_face(program, outcome.duals)
    if outcome.basis is not None and only_point(face, outcome.basis):
        return snapped(point, program)
    for phase in (equal_fill, source_by_quota, least_change, even_levels, settle):
        extra = Builder(("phase",), width=len(face.cost), height=len(face.row_lower))
        phase(extra, problem, layout, face)
        staged = extended(face, extra)
        if not staged.cost.any():
            continue
        result = minimise(staged, options, narrowed=True)
        if result.verdict == "limit":
            break
        if result.verdict != "optimal":
            continue  # noise of a thin face: the other criteria still count
        point = result.point[:width]
        face = on_face(staged, result.duals)
        if result.basis is not None and only_point(face, result.basis):
            break
    return snapped(point, program)


def snapped(point: FloatArray, program: Program) -> FloatArray:
    """Put what lies within noise of a bound on the bound."""
    for bound in (program.lower, program.upper):
        near = np.isfinite(bound) & (np.abs(point - bound) <= SNAP * (1.0 + np.abs(point)))
        point = np.where(near, bound, point)
    return point


def equal_fill(extra: Builder, problem: Problem, layout: Layout, face: Program) -> None:
    """Rule 14: shares lost, and shares open at the end of a bucket, are equal within a fill group.

    Minimises sum |lost - quantity x share| with one share per group and bucket; likewise for the backlog,
    against the quantity that may still be open.
    """
    demands = problem.demands
    if demands.fill_group.max(initial=-1) < 0:
        return
    _equal_shares(extra, demands.fill_group, layout.short, demands.quantity)
    _, servable = open_window(problem)
    _equal_shares(extra, demands.fill_group, layout.backlog, servable)


def _equal_shares(extra: Builder, group: IntArray, columns: IntArray, base: FloatArray) -> None:
    """Minimise the distance of columns [d, T] from `base` x a share common to the group and bucket."""
    members = np.bincount(group[group >= 0])
    chosen = np.flatnonzero((group >= 0) & (members[group] >= 2))
    if not len(chosen):
        return
    cells, wanted = columns[chosen], base[chosen]
    mask = (cells >= 0) & (wanted > 0)
    share = extra.columns(np.ones((len(members), cells.shape[1]), dtype=bool), 0.0, np.inf)
    _deviations(extra, mask, [(cells, 1.0), (share[group[chosen]], -wanted)], 0.0)


def _deviations(
    extra: Builder, mask: np.ndarray, terms: list[tuple[IntArray, object]], target: FloatArray | float
) -> None:
    """Add |sum of terms - target| to the objective for each cell of `mask`."""
    over, under = extra.columns(mask, 0.0, np.inf), extra.columns(mask, 0.0, np.inf)
    rows = extra.rows(mask, target, target)
    for columns, values in terms:
        extra.entries(rows, columns, np.asarray(values))
    extra.entries(rows, over, -1.0)
    extra.entries(rows, under, 1.0)
    extra.cost("phase", over, 1.0)
    extra.cost("phase", under, 1.0)


def source_by_quota(extra: Builder, problem: Problem, layout: Layout, face: Program) -> None:
    """Rule 20: within a quota group each source supplies its share of the group's total in the bucket."""
    acts = problem.activities
    group = acts.quota_group
    chosen = np.flatnonzero(group >= 0)
    if not len(chosen):
        return
    cells, count = layout.level[chosen], int(group.max()) + 1
    weight = np.where(cells >= 0, acts.quota[chosen, None], 0.0)
    total = np.zeros((count, problem.periods))
    np.add.at(total, group[chosen], weight)
    whole = total[group[chosen]]
    share = np.divide(weight, whole, out=np.zeros_like(weight), where=whole > 0)
    together = extra.columns(total > 0, 0.0, np.inf)
    rows = extra.rows(total > 0, 0.0, 0.0)
    extra.entries(rows, together, -1.0)
    extra.entries(rows[group[chosen]], cells, 1.0)
    mask = (cells >= 0) & (whole > 0)
    _deviations(extra, mask, [(cells, 1.0), (together[group[chosen]], -share)], 0.0)


def least_change(extra: Builder, problem: Problem, layout: Layout, face: Program) -> None:
    """Rule 21: sum |level - level in the last published plan| is least."""
    previous = problem.activities.previous
    mask = np.isfinite(previous) & _free(layout.level, face)
    _deviations(extra, mask, [(layout.level, 1.0)], np.nan_to_num(previous))


def even_levels(extra: Builder, problem: Problem, layout: Layout, face: Program) -> None:
    """Rule 22: the sum of changes in the daily rate between neighbouring buckets is least."""
    now, before = layout.level[:, 1:], layout.level[:, :-1]
    mask = (now >= 0) & (before >= 0) & (_free(now, face) | _free(before, face))
    rate = problem.days.mean() / problem.days
    _deviations(extra, mask, [(now, rate[None, 1:]), (before, -rate[None, :-1])], 0.0)


def settle(extra: Builder, problem: Problem, layout: Layout, face: Program) -> None:
    """Weigh every decision by 1 + a fixed pattern-free number: what is still tied has one least sum."""
    colours, label = colour(problem), stock_labels(problem)
    acts = tie_keys(colours.activities, label[problem.activities.stock])
    demands = tie_keys(colours.demands, label[problem.demands.stock])
    resources = tie_keys(colours.resources, resource_labels(problem, label[problem.activities.stock]))
    blocks = (
        (layout.level, acts),
        (layout.stock, tie_keys(colours.stocks, label)),
        (layout.deliver, demands),
        (layout.short, demands),
        (layout.backlog, demands),
        (layout.overtime, resources),
    )
    for number, (block, keys) in enumerate(blocks, start=1):
        extra.cost("phase", block, 1.0 + noise(keys, number, problem.periods))


def _free(columns: IntArray, face: Program) -> np.ndarray:
    """Say which cells have a column that is not fixed."""
    open_columns = np.append(face.lower < face.upper, False)
    return np.asarray(open_columns[np.where(columns >= 0, columns, ABSENT)])
