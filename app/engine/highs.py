"""The only place that talks to HiGHS: arrays in, a point and its duals out, statuses translated.

A limit is never success: whatever HiGHS does not call optimal comes back under a status of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import Literal, TypeAlias

import highspy
import numpy as np

from app.engine.linear import Program
from app.engine.problem import FloatArray

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


@dataclass(frozen=True, slots=True)
class Options:
    """Settings handed to HiGHS; the defaults give the same run for the same arrays."""

    tolerance: float = 1e-7
    deadline: float = float("inf")  # on the clock of time.monotonic
    threads: int = 1


class _Quiet(highspy.Highs):
    """HiGHS without callbacks: turning them on, as its constructor does, writes a banner to stdout."""

    def __init__(self) -> None:
        super(highspy.Highs, self).__init__()


def minimise(program: Program, options: Options) -> Outcome:
    """Solve a linear program from scratch.

    Where presolve cannot tell infeasible from unbounded, the solve is repeated without it; where rounding
    noise defeats presolve on a thin feasible set (verdict `failed` or a doubtful `infeasible`), likewise.
    """
    outcome = _run(program, options, presolve=True)
    return outcome if outcome.verdict in {"optimal", "limit"} else _run(program, options, presolve=False)


def _run(program: Program, options: Options, *, presolve: bool) -> Outcome:
    solver = _solver(options, presolve=presolve)
    solver.passModel(_model(program))
    solver.run()
    verdict = _VERDICTS.get(solver.getModelStatus(), "failed")
    solution = solver.getSolution()
    point = np.asarray(solution.col_value, dtype=np.float64)
    duals = np.asarray(solution.row_dual, dtype=np.float64)
    if len(point) != len(program.cost) or len(duals) != len(program.row_lower):
        point, duals = np.zeros(len(program.cost)), np.zeros(len(program.row_lower))
    point = np.clip(point, program.lower, program.upper)
    objective = float(program.cost @ point) + program.offset
    return Outcome(verdict, point, duals, objective, int(solver.getInfo().simplex_iteration_count))


def _solver(options: Options, *, presolve: bool) -> highspy.Highs:
    solver = _Quiet()
    settings: dict[str, bool | float | str | int] = {
        "output_flag": False,
        "threads": options.threads,
        "parallel": "off",
        "primal_feasibility_tolerance": options.tolerance,
        "dual_feasibility_tolerance": options.tolerance,
        "time_limit": max(options.deadline - monotonic(), 0.0),
        "presolve": "choose" if presolve else "off",
    }
    for name, value in settings.items():
        solver.setOptionValue(name, value)
    return solver


def _model(program: Program) -> highspy.HighsLp:
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
