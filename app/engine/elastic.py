"""What stands in the way when no plan fulfils every requirement (rule 34).

The hard requirements (what must be supplied, contract minima, stock limits, final stock) are made elastic
and the least sum by which they must give way is found: what gives way and the limits that force it conflict.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from app.engine.component import options_of
from app.engine.formulation import Formulation, formulate, shortable
from app.engine.highs import Options, minimise, search
from app.engine.linear import Builder, Program, extended
from app.engine.problem import FloatArray, IntArray, Problem
from app.engine.solution import Conflict

SMALL = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class _Relaxation:
    """One family of elastic requirements: columns of the amounts by which they give way."""

    kind: str
    codes: tuple[str, ...]
    columns: IntArray
    text: str


def conflicts(problem: Problem, seconds: float) -> tuple[Conflict, ...]:
    """Find which requirements of a component give way, by how much, and which limits force them to."""
    relaxed = replace(
        problem,
        activities=replace(problem.activities, lower=np.zeros_like(problem.activities.lower)),
        stocks=replace(
            problem.stocks,
            maximum=np.full_like(problem.stocks.maximum, np.inf),
            target_cost=np.zeros_like(problem.stocks.target_cost),
            final_cost=np.ones_like(problem.stocks.final_cost),
        ),
        demands=replace(
            problem.demands,
            minimum=np.zeros_like(problem.demands.minimum),
            floor=np.zeros_like(problem.demands.floor),
        ),
    )
    formulation = formulate(relaxed)
    base = formulation.program
    extra = Builder(("given way",), width=len(base.cost), height=len(base.row_lower))
    families = _families(extra, problem, formulation)
    program = extended(base, extra)
    point, duals = _least(program, options_of(problem, seconds))
    if point is None:
        return ()
    padded = np.append(point, 0.0)
    found = [item for family in families for item in _given_way(family, padded[family.columns], problem)]
    reduced = program.cost - program.transposed(duals)
    return (*found, *_forcing(formulation, np.append(reduced, 0.0), problem))


def _least(program: Program, options: Options) -> tuple[FloatArray | None, FloatArray]:
    """Find the least that must give way, and multipliers (none in whole numbers)."""
    if len(program.whole):
        return search(program, options, SMALL).point, np.zeros(len(program.row_lower))
    outcome = minimise(program, options)
    return (outcome.point if outcome.verdict == "optimal" else None), outcome.duals


def _families(extra: Builder, problem: Problem, formulation: Formulation) -> list[_Relaxation]:
    stocks, acts, demands, layout = problem.stocks, problem.activities, problem.demands, formulation.layout
    allowed = shortable(problem)
    must = (demands.quantity > allowed) & (layout.short >= 0)
    floor = (demands.floor > 0) & (demands.floor < 1)
    most = (1.0 - demands.floor) * demands.quantity[:, : problem.published].sum(axis=1)
    hard_end = np.isinf(stocks.final_cost) & (layout.below_final >= 0)
    hard_target = np.isinf(stocks.target_cost) & (layout.below_target >= 0)
    return [
        _Relaxation(
            "demand",
            demands.codes,
            _excess(extra, must, layout.short, allowed),
            "must be supplied and cannot",
        ),
        _Relaxation(
            "floor",
            demands.codes,
            _excess(extra, floor, layout.short[:, : problem.published], most),
            "missing to the service floor",
        ),
        _Relaxation(
            "minimum",
            acts.codes,
            _missing(extra, (acts.lower > 0) & (layout.level >= 0), layout.level, acts.lower),
            "too much: the contract minimum or firm quantity cannot be taken",
        ),
        _Relaxation(
            "stock_maximum",
            stocks.codes,
            _excess(extra, np.isfinite(stocks.maximum), layout.stock, stocks.maximum),
            "more in stock than the limit allows",
        ),
        _Relaxation(
            "target",
            stocks.codes,
            _excess(extra, hard_target, layout.below_target, np.zeros(hard_target.shape)),
            "missing to the stock that must be held",
        ),
        _Relaxation(
            "final",
            stocks.codes,
            _excess(extra, hard_end, layout.below_final[:, None], np.zeros(len(hard_end))),
            "missing to the stock wanted at the end of the horizon",
        ),
    ]


def _excess(extra: Builder, mask: np.ndarray, columns: IntArray, limit: FloatArray) -> IntArray:
    """Columns e >= columns - limit; where `columns` has one axis more than `mask`, >= their sum - limit."""
    amount = extra.columns(mask, 0.0, np.inf)
    rows = extra.rows(mask, -np.inf, limit)
    extra.entries(rows if rows.ndim == columns.ndim else rows[:, None], columns, 1.0)
    extra.entries(rows, amount, -1.0)
    extra.cost("given way", amount, 1.0)
    return amount


def _missing(extra: Builder, mask: np.ndarray, columns: IntArray, least: FloatArray) -> IntArray:
    """Columns e >= least - columns."""
    amount = extra.columns(mask, 0.0, np.inf)
    rows = extra.rows(mask, least, np.inf)
    extra.entries(rows, columns, 1.0)
    extra.entries(rows, amount, 1.0)
    extra.cost("given way", amount, 1.0)
    return amount


def _given_way(family: _Relaxation, amounts: FloatArray, problem: Problem) -> list[Conflict]:
    table = np.where(family.columns >= 0, amounts, 0.0)
    found = []
    for cell in np.argwhere(table > SMALL).tolist():
        bucket = cell[1] if len(cell) > 1 else None
        when = "" if bucket is None else f" in {problem.buckets[bucket]}"
        amount = float(table[tuple(cell)])
        text = f"{family.codes[cell[0]]}{when}: {amount:,.6g} {family.text}."
        found.append(Conflict(family.kind, family.codes[cell[0]], bucket, amount, text))
    return found


def _forcing(formulation: Formulation, reduced: FloatArray, problem: Problem) -> list[Conflict]:
    """List limits whose multiplier shows that they force something to give way."""
    layout = formulation.layout
    limits = (
        ("regular", problem.resources.codes, layout.regular, "regular hours are used up"),
        ("overtime", problem.resources.codes, layout.overtime, "overtime hours are used up"),
        ("activity_upper", problem.activities.codes, layout.level, "the limit on the quantity is reached"),
    )
    found = []
    for kind, codes, columns, words in limits:
        for row, bucket in np.argwhere((columns >= 0) & (reduced[columns] < -SMALL)).tolist():
            text = f"{codes[row]} in {problem.buckets[bucket]}: {words}."
            found.append(Conflict(kind, codes[row], bucket, 0.0, text))
    return found
