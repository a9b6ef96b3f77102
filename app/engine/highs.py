"""The only place that talks to HiGHS: arrays in, a point and its duals out, statuses translated.

A limit is never success: whatever HiGHS does not call optimal comes back under a status of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import highspy
import numpy as np

from app.engine.linear import AT_LOWER, AT_UPPER, BASIC, Basis, Program
from app.engine.problem import FloatArray, IntArray
from app.engine.scaling import scaled, uneven

COLUMNWISE, MINIMISE = 1, 1  # how HiGHS numbers them
FROM_BASIS: Mapping[str, str | int] = {
    "presolve": "off",
    "solver": "simplex",
    "simplex_scale_strategy": 0,
    "simplex_dual_edge_weight_strategy": 1,  # devex: exact steepest-edge weights cost more than they save
}
STRICT = 1e-10  # tolerance where units are changed: what is small there may be large in the planner's
_THREAD = threading.local()
FROM_POINT: Mapping[str, str | int] = {**FROM_BASIS, "simplex_strategy": 4}  # primal: the basis is feasible
_STATUS = np.array(  # in the order of AT_LOWER, BASIC, AT_UPPER
    [
        highspy.HighsBasisStatus.kLower,
        highspy.HighsBasisStatus.kBasic,
        highspy.HighsBasisStatus.kUpper,
    ],
    dtype=object,
)
LARGE = 5_000  # columns from which the interior-point method is the faster start (measured on plans)

Verdict: TypeAlias = Literal["optimal", "infeasible", "unbounded", "limit", "failed"]

_VERDICTS: dict[highspy.HighsModelStatus, Verdict] = {
    highspy.HighsModelStatus.kOptimal: "optimal",
    highspy.HighsModelStatus.kModelEmpty: "optimal",
    highspy.HighsModelStatus.kInfeasible: "infeasible",
    highspy.HighsModelStatus.kUnbounded: "unbounded",
    highspy.HighsModelStatus.kTimeLimit: "limit",
    highspy.HighsModelStatus.kIterationLimit: "limit",
    highspy.HighsModelStatus.kMemoryLimit: "limit",
    highspy.HighsModelStatus.kInterrupt: "limit",
}


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What one solve gave: `point` [k] and `duals` [m] are meaningful where `verdict` is optimal."""

    verdict: Verdict
    point: FloatArray
    duals: FloatArray
    objective: float
    iterations: int
    basis: Basis | None = None  # of an optimum, where the solver has one


@dataclass(frozen=True, slots=True, eq=False)
class WholeOutcome:
    """What a search in whole numbers gave: `point` None where none was found; `bound` holds in any case."""

    verdict: Verdict
    point: FloatArray | None
    bound: float


@dataclass(slots=True)
class Budget:
    """Seconds that a chain of solves may take, counted by the solver itself: the engine has no clock."""

    limit: float = float("inf")
    spent: float = 0.0

    @property
    def left(self) -> float:
        """Seconds left."""
        return max(self.limit - self.spent, 0.0)


@dataclass(frozen=True, slots=True)
class Options:
    """Settings handed to HiGHS; the defaults give the same run for the same arrays."""

    tolerance: float = 1e-7
    threads: int = 1
    budget: Budget = field(default_factory=Budget)


class _Quiet(highspy.Highs):
    """HiGHS without callbacks: turning them on, as its constructor does, writes a banner to stdout."""

    def __init__(self) -> None:
        super(highspy.Highs, self).__init__()


def minimise(
    program: Program, options: Options, *, narrowed: bool = False, start: Basis | None = None
) -> Outcome:
    """Solve a linear program, from a basis where one is given.

    With a `start` no presolve is done: the dual simplex repairs it, or, where the program is `narrowed` and
    it is the basis of the optimum before, the primal simplex goes on from it. Otherwise large programs go to
    the interior-point method with crossover, `narrowed` ones (restricted to the optima of another objective,
    so nearly solved) and small ones to the simplex. Where an attempt does not end in an optimum or a limit,
    the next one is made, and the simplex without presolve has the last word.
    """
    if uneven(program):
        return _evened(program, options, narrowed)
    if start is not None:
        outcome = _run(program, options, FROM_POINT if narrowed else FROM_BASIS, start)
        if outcome.verdict in {"optimal", "limit"}:
            return outcome
    large = not narrowed and len(program.cost) > LARGE
    outcome = _run(program, options, {"solver": "ipm"} if large else {})
    trusted = {"optimal", "limit"} if narrowed else {"optimal", "limit", "infeasible"}
    if outcome.verdict in trusted:
        return outcome
    return _run(program, options, {"presolve": "off"})


def _evened(program: Program, options: Options, narrowed: bool) -> Outcome:
    """Solve a program of very different numbers under other units, and carry the answer back."""
    even, by_column, by_row = scaled(program)
    strict = replace(options, tolerance=min(options.tolerance, STRICT))
    outcome = _run(even, strict, {} if narrowed else {"solver": "simplex"})
    if outcome.verdict not in {"optimal", "limit"}:
        outcome = _run(even, strict, {"presolve": "off"})
    point = np.clip(outcome.point * by_column, program.lower, program.upper)
    duals = outcome.duals * by_row
    return replace(outcome, point=point, duals=duals, objective=program.worth(point))


def search(program: Program, options: Options, gap: float) -> WholeOutcome:
    """Solve a program with whole columns by branch and cut, to a relative gap of at most `gap`.

    Answers infeasible or unbounded only where that is sure: presolve alone cannot tell the two apart.
    """
    outcome = _search(program, options, gap, {})
    if outcome.verdict == "failed":
        return _search(program, options, gap, {"presolve": "off"})
    return outcome


def _search(program: Program, options: Options, gap: float, how: dict[str, str]) -> WholeOutcome:
    solver = _solver(options, how)
    for name in ("mip_rel_gap", "mip_abs_gap"):
        solver.setOptionValue(name, gap)
    solver.setOptionValue("mip_feasibility_tolerance", options.tolerance)
    model = _model(program)
    kinds = np.full(len(program.cost), highspy.HighsVarType.kContinuous)
    kinds[program.whole] = highspy.HighsVarType.kInteger
    model.integrality_ = list(kinds)
    solver.passModel(model)
    solver.run()
    options.budget.spent += solver.getRunTime()
    verdict = _VERDICTS.get(solver.getModelStatus(), "failed")
    info = solver.getInfo()
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    point = np.asarray(solver.getSolution().col_value, dtype=np.float64) if found else None
    return WholeOutcome(verdict, point, float(info.mip_dual_bound))


def _run(
    program: Program, options: Options, how: Mapping[str, str | int], start: Basis | None = None
) -> Outcome:
    with _lent(options, how) as solver:
        _pass(solver, program)
        if start is not None:
            solver.setBasis(_basis(start))
        solver.run()
        return _outcome(solver, program)


def _outcome(solver: highspy.Highs, program: Program) -> Outcome:
    """Read what the solver found for a program."""
    verdict = _VERDICTS.get(solver.getModelStatus(), "failed")
    solution, info = solver.getSolution(), solver.getInfo()
    point = np.asarray(solution.col_value, dtype=np.float64)
    duals = np.asarray(solution.row_dual, dtype=np.float64)
    if len(point) != len(program.cost) or len(duals) != len(program.row_lower):
        point, duals = np.zeros(len(program.cost)), np.zeros(len(program.row_lower))
    point = np.clip(point, program.lower, program.upper)
    objective = program.worth(point)
    iterations = int(info.simplex_iteration_count + info.ipm_iteration_count + info.crossover_iteration_count)
    basis = _final_basis(solver, program, point, duals) if verdict == "optimal" else None
    return Outcome(verdict, point, duals, objective, iterations, basis)


def _final_basis(
    solver: highspy.Highs, program: Program, point: FloatArray, duals: FloatArray
) -> Basis | None:
    """Read the basis of an optimum; None where there is none (no crossover, an empty program)."""
    if not solver.getBasis().valid:
        return None
    _, basic = solver.getBasicVariables()  # type: ignore[attr-defined]  # missing in highspy's stubs
    with np.errstate(invalid="ignore"):
        high = np.isfinite(program.upper) & (program.upper - point < point - program.lower)
        columns = np.where(high, AT_UPPER, AT_LOWER).astype(np.int8)
    high = np.isfinite(program.row_upper) & ((duals < 0) | np.isneginf(program.row_lower))
    rows = np.where(high, AT_UPPER, AT_LOWER).astype(np.int8)
    columns[basic[basic >= 0]] = BASIC
    rows[-1 - basic[basic < 0]] = BASIC
    return Basis(columns, rows)


@contextmanager
def _lent(options: Options, how: Mapping[str, str | int]) -> Iterator[highspy.Highs]:
    """Lend a solver of this thread; its seconds are counted on the budget.

    Solvers are used again, since making one and giving its memory back costs more than a small solve. Nothing
    of an earlier program is left: the options are reset here, model and basis by passing a new model.
    """
    spare: list[highspy.Highs] = _THREAD.__dict__.setdefault("spare", [])
    solver = spare.pop() if spare else _Quiet()
    solver.setOptionValue("output_flag", False)
    solver.resetOptions()
    before = solver.getRunTime()
    _set(solver, options, how)
    solver.setOptionValue("time_limit", before + options.budget.left)  # its clock runs on from model to model
    try:
        yield solver
    finally:
        options.budget.spent += solver.getRunTime() - before
        if not spare:
            spare.append(solver)


def _solver(options: Options, how: Mapping[str, str | int]) -> highspy.Highs:
    """Make a solver to keep."""
    solver = _Quiet()
    _set(solver, options, how)
    solver.setOptionValue("time_limit", options.budget.left)
    return solver


def _set(solver: highspy.Highs, options: Options, how: Mapping[str, str | int]) -> None:
    settings: dict[str, bool | float | str | int] = {
        **how,
        "output_flag": False,
        "threads": options.threads,
        "parallel": "off",
        "primal_feasibility_tolerance": options.tolerance,
        "dual_feasibility_tolerance": options.tolerance,
    }
    for name, value in settings.items():
        solver.setOptionValue(name, value)


def _model(program: Program) -> highspy.HighsLp:
    """Make a model object, for what is kept or has whole columns; `_pass` is the fast way."""
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(program.cost), len(program.row_lower)
    model.col_cost_, model.offset_ = program.cost, program.offset
    model.col_lower_, model.col_upper_ = program.lower, program.upper
    model.row_lower_, model.row_upper_ = program.row_lower, program.row_upper
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = program.start
    model.a_matrix_.index_ = program.index
    model.a_matrix_.value_ = program.value
    return model


def _pass(solver: highspy.Highs, program: Program) -> None:
    """Hand the arrays over as they are; whole columns count as divisible."""
    solver.passModel(
        len(program.cost),
        len(program.row_lower),
        len(program.value),
        COLUMNWISE,
        MINIMISE,
        program.offset,
        program.cost,
        program.lower,
        program.upper,
        program.row_lower,
        program.row_upper,
        program.start.astype(np.int32),
        program.index.astype(np.int32),
        program.value,
        np.zeros(len(program.cost), dtype=np.int32),
    )


def _basis(start: Basis) -> highspy.HighsBasis:
    basis = highspy.HighsBasis()
    basis.col_status = _STATUS[start.columns].tolist()
    basis.row_status = _STATUS[start.rows].tolist()
    basis.valid = True
    basis.alien = True  # HiGHS completes it where it is not a basis
    return basis


class Warm:
    """A linear program kept in the solver: bounds and costs change in place, each solve starts from the last.

    One further row, the last, can be watched or forced (`watch`); everything changed is put back by `reset`.
    """

    def __init__(self, program: Program, options: Options, start: highspy.HighsBasis | None = None) -> None:
        """Pass the program and the basis of another to start from; without one the first solve is cold."""
        self._program, self._options = program, options
        self._solver = _solver(options, {})
        _pass(self._solver, program)
        if start is not None:
            self._solver.setBasis(start)
        self._started = start is not None
        self._watched = False
        self._columns: set[int] = set()
        self._rows: set[int] = set()

    @property
    def basis(self) -> highspy.HighsBasis:
        """Return the present basis, without a watched row; another program may start from it."""
        found = self._solver.getBasis()
        if self._watched:
            found.row_status = list(found.row_status)[: len(self._program.row_lower)]
        return found

    def watch(self, columns: IntArray, factors: FloatArray) -> None:
        """Add the row `factors @ x[columns]`, free until it is forced; one that was there goes first."""
        if self._watched:
            self._solver.deleteRows(1, np.array([len(self._program.row_lower)], dtype=np.int32))
        limit = highspy.kHighsInf
        self._solver.addRow(-limit, limit, len(columns), columns.astype(np.int32), factors)
        self._watched = True

    def force(self, lower: float, upper: float) -> None:
        """Hold the watched row between two values."""
        self._solver.changeRowBounds(len(self._program.row_lower), lower, upper)

    def bound_column(self, column: int, lower: float, upper: float) -> None:
        """Change the bounds of a column until the reset."""
        self._solver.changeColBounds(column, lower, upper)
        self._columns.add(column)

    def bound_row(self, row: int, lower: float, upper: float) -> None:
        """Change the bounds of a row until the reset."""
        self._solver.changeRowBounds(row, lower, upper)
        self._rows.add(row)

    def reset(self) -> None:
        """Put back the bounds of columns and rows, and free the watched row."""
        program = self._program
        for column in self._columns:
            self._solver.changeColBounds(column, program.lower[column], program.upper[column])
        for row in self._rows:
            self._solver.changeRowBounds(row, program.row_lower[row], program.row_upper[row])
        self._columns, self._rows = set(), set()
        if self._watched:
            self.force(-highspy.kHighsInf, highspy.kHighsInf)

    def minimise(self, cost: FloatArray | None = None) -> Outcome:
        """Minimise a cost [k] (None = the program's own) under the present bounds.

        The duals are those of the program's rows, that of a watched row comes after them.
        """
        program, solver = self._program, self._solver
        wanted = program.cost if cost is None else cost
        solver.changeColsCost(len(wanted), np.arange(len(wanted), dtype=np.int32), wanted)
        solver.setOptionValue("time_limit", solver.getRunTime() + self._options.budget.left)
        before = solver.getRunTime()
        solver.setOptionValue("presolve", "off" if self._started else "on")
        solver.run()
        self._started = True
        self._options.budget.spent += solver.getRunTime() - before
        verdict = _VERDICTS.get(solver.getModelStatus(), "failed")
        solution = solver.getSolution()
        point = np.asarray(solution.col_value, dtype=np.float64)
        duals = np.asarray(solution.row_dual, dtype=np.float64)
        objective = float(wanted @ point) if len(point) == len(wanted) else np.inf
        iterations = int(solver.getInfo().simplex_iteration_count)
        return Outcome(verdict, point, duals, objective + program.offset, iterations)
