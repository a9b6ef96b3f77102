"""One component: formulated, solved, made canonical and certified; the unit of work of executor and cache."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from app.engine.arrays import compact
from app.engine.canonical import canonical_point
from app.engine.certificate import verify, verify_whole
from app.engine.formulation import Formulation, formulate
from app.engine.highs import Budget, Options, Outcome, Verdict, minimise, search
from app.engine.linear import ABSENT, Basis, Program, with_fixed
from app.engine.problem import FloatArray, IntArray, Problem
from app.engine.solution import Certificate, Decisions
from app.engine.start import starting_basis


@dataclass(frozen=True, slots=True, eq=False)
class Prices:
    """What one more unit is worth in the objective, by the multipliers; `material` may be negative."""

    material: FloatArray  # [n, T] a unit more in stock in the bucket
    stock_maximum: FloatArray  # [n, T] a unit more of storage
    regular: FloatArray  # [r, T] a regular hour more
    overtime: FloatArray  # [r, T] an overtime hour more
    level_upper: FloatArray  # [a, T] a unit more of an activity's upper limit
    level_lower: FloatArray  # [a, T] a unit less of an activity's lower limit

    def scaled(self, factor: float) -> Prices:
        """Return the prices in another unit of the objective."""
        if factor == 1.0:
            return self
        return Prices(*(getattr(self, item.name) * factor for item in fields(self)))


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """Answer for one component on its own axes; `decisions` is None where there is none."""

    verdict: Verdict
    objective: float
    bound: float
    elements: FloatArray  # [E] contribution to cost; [K, E] for the rows of a payoff table
    decisions: Decisions | None = None
    prices: Prices | None = None
    certificate: Certificate | None = None
    seconds: float = 0.0  # solver time spent
    only: bool = False  # known to be the only optimum
    basis: Basis | None = None  # to go on from under other weights


def solve_component(problem: Problem, seconds: float) -> Result:
    """Solve one component to a certified, canonical optimum within `seconds`."""
    formulation = formulate(problem)
    options = options_of(problem, seconds)
    if len(formulation.program.whole):
        return solve_whole(formulation, problem, options)
    outcome = minimise(formulation.program, options, start=started(problem, formulation))
    if outcome.verdict != "optimal":
        return without_plan(outcome, formulation, options)
    point = outcome.point
    if problem.parameters.canonical:
        point = canonical_point(formulation.program, outcome, problem, formulation.layout, options)
    answer = certified(formulation, formulation.program, outcome, point, problem)
    if answer.certificate is not None and not answer.certificate.accepted and point is not outcome.point:
        # numbers too far apart for the tie-breaks: the proof goes before them
        answer = certified(formulation, formulation.program, outcome, outcome.point, problem)
    return replace(answer, seconds=options.budget.spent)


def started(problem: Problem, formulation: Formulation, cost: FloatArray | None = None) -> Basis:
    """Return the basis of the constructive plan for a cost [k] (None = the problem's own)."""
    program = formulation.program if cost is None else formulation.program.with_cost(cost)
    return starting_basis(problem, program, formulation.layout, formulation.rows)


def solve_whole(formulation: Formulation, problem: Problem, options: Options) -> Result:
    """Search in whole numbers, then settle the rest as a linear program with the whole numbers fixed.

    The answer is optimal where the search's bound is met, otherwise it is a limit with its gap (rule 37).
    """
    program, accept = formulation.program, problem.parameters.accept
    found = search(program, options, max(problem.parameters.gap, accept / 10.0))
    if found.point is None:
        verdict: Verdict = "failed" if found.verdict == "optimal" else found.verdict
        return replace(nothing(verdict, formulation, options), bound=found.bound)
    numbers = np.round(found.point[program.whole])
    fixed = with_fixed(program, numbers)
    outcome = minimise(fixed, Options(options.tolerance, options.threads))
    if outcome.verdict != "optimal":
        return replace(nothing("failed", formulation, options), bound=found.bound)
    point = outcome.point
    if problem.parameters.canonical:
        point = canonical_point(fixed, outcome, problem, formulation.layout, options)
    answer = certified(formulation, fixed, outcome, point, problem)
    residuals, _ = verify(fixed, point, outcome.duals, accept)
    certificate = verify_whole(program, residuals, point, found.bound, accept)
    return replace(
        answer,
        verdict="optimal" if certificate.gap <= accept else "limit",
        bound=found.bound,
        certificate=certificate,
        seconds=options.budget.spent,
    )


def without_plan(outcome: Outcome, formulation: Formulation, options: Options) -> Result:
    """Answer for a component whose solve ended in anything but an optimum."""
    return nothing(outcome.verdict, formulation, options)


def nothing(verdict: Verdict, formulation: Formulation, options: Options) -> Result:
    """Answer without a plan."""
    none = np.zeros_like(formulation.element_offset)
    return Result(verdict, np.inf, -np.inf, none, seconds=options.budget.spent)


def options_of(problem: Problem, seconds: float) -> Options:
    """Translate the problem's parameters into the solver's options."""
    given = problem.parameters
    return Options(given.tolerance, given.threads, Budget(seconds))


def certified(
    formulation: Formulation, program: Program, outcome: Outcome, point: FloatArray, problem: Problem
) -> Result:
    """Measure a point against the duals of `program` and read out decisions, elements and prices."""
    certificate, bound = verify(program, point, outcome.duals, problem.parameters.accept)
    return Result(
        verdict="optimal",
        objective=program.worth(point),
        bound=bound,
        elements=formulation.elements(point),
        decisions=formulation.decisions(point),
        prices=prices(formulation, program, outcome.duals),
        certificate=certificate,
    )


def prices(formulation: Formulation, program: Program, duals: FloatArray) -> Prices:
    """Read the multipliers: rows of balance for material, reduced costs at bounds for limits."""
    reduced = program.cost - program.transposed(duals)
    reduced[program.whole] = 0.0  # fixed by the search: their multipliers say nothing about limits
    layout, worth = formulation.layout, np.maximum(-reduced, 0.0)
    return Prices(
        material=_at(duals, formulation.rows.balance),
        stock_maximum=_at(worth, layout.stock),
        regular=_at(worth, layout.regular),
        overtime=_at(worth, layout.overtime),
        level_upper=_at(worth, layout.level),
        level_lower=_at(np.where(program.lower > 0, np.maximum(reduced, 0.0), 0.0), layout.level),
    )


def _at(values: FloatArray, index: IntArray) -> FloatArray:
    return compact(np.append(values, 0.0)[np.where(index >= 0, index, ABSENT)])
