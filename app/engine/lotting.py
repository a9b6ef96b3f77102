"""Whole-number decisions in the program: set-ups, lots, multiples (rules 16 to 18), made strong (rule 38)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.engine.arrays import IntArray
from app.engine.layout import KIND_ELEMENT, Layout, Rows
from app.engine.linear import ABSENT, Builder
from app.engine.problem import Problem
from app.engine.requirements import most_levels, net_requirements

COVER_CELLS = 200_000  # pairs of start and requirement up to which the strong formulation is made


def add_lots(builder: Builder, problem: Problem, layout: Layout, rows: Rows) -> None:
    """Add everything that is decided in whole numbers."""
    run = add_runs(builder, problem, layout)
    add_setup_draws(builder, problem, rows, run)
    add_multiples(builder, problem, layout)
    add_cover(builder, problem, layout, run)


def set_up(problem: Problem) -> NDArray[np.bool_]:
    """Say where running an activity is a decision of its own, [k, T]: it costs, draws or has a minimum."""
    lots = problem.lots
    needed = (lots.setup_cost > 0) | (lots.minimum > 0)
    row_of = np.full(len(problem.activities.codes), ABSENT)
    row_of[lots.activity] = np.arange(len(lots))
    for rows, amount in (
        (problem.setup_inputs.activity, problem.setup_inputs.quantity),
        (problem.setup_uses.activity, problem.setup_uses.hours),
    ):
        if len(rows):
            np.logical_or.at(needed, row_of[rows], amount != 0)
    return needed


def add_runs(builder: Builder, problem: Problem, layout: Layout) -> IntArray:
    """Rules 16 and 17: minimum x run <= level <= maximum x run; run is 0 or 1, costs the set-up, [k, T]."""
    lots = problem.lots
    level, kind = layout.level[lots.activity], problem.activities.kind[lots.activity]
    most = most_levels(problem)[lots.activity]
    run = builder.columns(set_up(problem) & (level >= 0), 0.0, 1.0)
    builder.whole(run)
    above = builder.rows(run >= 0, -np.inf, 0.0)
    builder.entries(above, level, 1.0)
    builder.entries(above, run, -np.where(run >= 0, most, 0.0))
    below = builder.rows((run >= 0) & (lots.minimum > 0), 0.0, np.inf)
    builder.entries(below, level, 1.0)
    builder.entries(below, run, -lots.minimum)
    for one, element in KIND_ELEMENT.items():
        builder.cost(element, np.where((kind == one)[:, None], run, ABSENT), lots.setup_cost)
    return run


def add_setup_draws(builder: Builder, problem: Problem, rows: Rows, run: IntArray) -> None:
    """Rule 16: a run draws material and hours once, whatever its level."""
    run_of = _run_of(problem, run)
    drawn, used = problem.setup_inputs, problem.setup_uses
    builder.entries(rows.balance[drawn.stock], run_of[drawn.activity], -drawn.quantity)
    builder.entries(rows.capacity[used.resource], run_of[used.activity], used.hours)


def add_multiples(builder: Builder, problem: Problem, layout: Layout) -> None:
    """Rule 18: level = multiple x whole number; a multiple of 1 makes the level itself whole."""
    lots = problem.lots
    level = layout.level[lots.activity]
    builder.whole(np.where((lots.multiple == 1.0)[:, None], level, ABSENT))
    counted = (level >= 0) & ((lots.multiple > 0) & (lots.multiple != 1.0))[:, None]
    count = builder.columns(counted, 0.0, np.inf)
    builder.whole(count)
    rows = builder.rows(counted, 0.0, 0.0)
    builder.entries(rows, level, 1.0)
    builder.entries(rows, count, -lots.multiple[:, None])


def add_cover(builder: Builder, problem: Problem, layout: Layout, run: IntArray) -> None:
    """Rule 38: which start covers which requirement, so that no more is covered than a run is set up for.

    With `cover[a, t, s]` the part of the net requirement of bucket s that the start in t covers: the cover of
    a requirement is the requirement, the covers of a start are at most its landing, and one cover is at most
    requirement x run (the plant location formulation of Krarup and Bilde, 1977).
    """
    lots, acts, periods = problem.lots, problem.activities, problem.periods
    need = net_requirements(problem)
    lotted = np.zeros(len(need), dtype=bool)
    lotted[acts.stock[lots.activity[(run >= 0).any(axis=1)]]] = True
    need = np.where(lotted[:, None], need, 0.0)
    sources = np.flatnonzero(lotted[acts.stock])
    wanted = need[acts.stock[sources]]
    level, landing = layout.level[sources], acts.arrival[sources]
    reach = (landing[:, :, None] <= np.arange(periods)) & (level >= 0)[:, :, None] & (wanted > 0)[:, None, :]
    if reach.sum() > COVER_CELLS:
        return
    cover = builder.columns(reach, 0.0, np.broadcast_to(wanted[:, None, :], reach.shape))
    met = builder.rows(need > 0, need, np.inf)
    builder.entries(met[acts.stock[sources]][:, None, :], cover, 1.0)
    room = builder.rows(level >= 0, -np.inf, 0.0)
    builder.entries(room[:, :, None], cover, 1.0)
    builder.entries(room, level, -acts.output[sources][:, None])
    tied = _run_of(problem, run)[sources][:, :, None]
    rows = builder.rows((cover >= 0) & (tied >= 0), -np.inf, 0.0)
    builder.entries(rows, cover, 1.0)
    builder.entries(rows, tied, -wanted[:, None, :])


def _run_of(problem: Problem, run: IntArray) -> IntArray:
    """Column of the run of each activity and bucket, [a, T]; ABSENT where running it is no decision."""
    run_of = np.full((len(problem.activities.codes), problem.periods), ABSENT)
    run_of[problem.lots.activity] = run
    return run_of
