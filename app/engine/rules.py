"""Rules by which stakeholders share what has to be given up: weighted sum and leximin of concessions (rules
42, 43).

A concession is (best - value) / (best - worst). Objectives are scaled back to currency before they reach
the solver, so that its tolerances mean what they say.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from app.engine.canonical import canonical_point
from app.engine.component import Result, certified, options_of, started, without_plan
from app.engine.formulation import Formulation, formulate
from app.engine.highs import Options, Outcome, minimise
from app.engine.lexicographic import lexicographic
from app.engine.linear import Builder, Program, extended, on_face
from app.engine.problem import FloatArray, Problem

ACTIVE = 1e-7  # share of the level's multiplier above which a stakeholder holds the level


@dataclass(frozen=True, slots=True, eq=False)
class Stakes:
    """What the rules need to know of the stakeholders."""

    losses: FloatArray  # [K, E] weights on contributions to cost; loss = -value
    best: FloatArray  # [K]
    ranges: FloatArray  # [K] best - worst; 1 where there is no conflict
    conflicting: np.ndarray  # [K] bool
    weights: FloatArray  # [K]
    money: FloatArray  # [K] currency per unit of value
    targets: FloatArray  # [K] values aimed at under `goals`; NaN = the best
    tolerances: FloatArray  # [K] concessions allowed under `lexicographic`

    @property
    def unit(self) -> float:
        """Currency-like size of one point of concession, by which objectives are scaled."""
        return float(self.ranges[self.conflicting].mean()) if self.conflicting.any() else 1.0

    @property
    def scale(self) -> FloatArray:
        """Weight of each loss in the rule `weighted`, [K]; without any conflict the money of all counts."""
        if not self.conflicting.any():
            return self.weights * self.money
        return np.where(self.conflicting, self.weights / self.ranges, 0.0) * self.unit

    @property
    def slack(self) -> FloatArray:
        """Loss beyond the optimum that each allows those after it (rule 44), in its own unit, [K]."""
        return np.where(self.conflicting, np.maximum(self.tolerances, 0.0) * self.ranges, 0.0)

    def per_currency(self, multipliers: FloatArray) -> float:
        """Currency per unit of an objective that weighs losses so: a currency is shared out in proportion."""
        return 1.0 / max(float((multipliers / self.money).sum()), 1e-12)

    @property
    def spare(self) -> FloatArray:
        """Weight of each loss once the rule is settled: those without conflict keep their best, [K]."""
        return np.where(self.conflicting, 0.0, self.money)


def weighted_component(
    problem: Problem, losses: FloatArray, scale: FloatArray, spare: FloatArray, seconds: float
) -> Result:
    """Rule 42 for one component: least sum of scale x loss, then of spare x loss."""
    formulation, options = formulate(problem), options_of(problem, seconds)
    costs = losses @ formulation.element_cost
    weighing = formulation.program.with_cost(
        scale @ costs, float(scale @ losses @ formulation.element_offset)
    )
    stages = [weighing.cost, spare @ costs] if spare.any() else [weighing.cost]
    last, outcome, first = lexicographic(
        weighing, stages, options, started(problem, formulation, weighing.cost)
    )
    if outcome.verdict != "optimal":
        return without_plan(outcome, formulation, options)
    point = settled(last, outcome, problem, formulation, options)
    return replace(certified(formulation, weighing, first, point, problem), seconds=options.budget.spent)


def leximin_component(problem: Problem, stakes: Stakes, seconds: float) -> tuple[Result, FloatArray]:
    """Rule 43 for the whole as one component; returns the result and the first level's multipliers, [K]."""
    formulation, options = formulate(problem), options_of(problem, seconds)
    run = leximin_stages(formulation.program, formulation, stakes, options)
    if run.outcome.verdict != "optimal":
        return without_plan(run.outcome, formulation, options), run.multipliers
    point = settled(run.stage, run.outcome, problem, formulation, options)[: len(run.program.cost)]
    return certified(formulation, run.program, run.first, point, problem), run.multipliers


@dataclass(frozen=True, slots=True, eq=False)
class Stages:
    """Levels of leximin run through: the first program with its outcome, the last stage with its own."""

    program: Program
    first: Outcome
    multipliers: FloatArray  # [K] of the first level
    stage: Program
    outcome: Outcome


def leximin_stages(
    feasible: Program, formulation: Formulation, stakes: Stakes, options: Options, *, narrowed: bool = False
) -> Stages:
    """Run the levels of leximin over the feasible set of a program, then spare those without conflict."""
    rest = np.flatnonzero(stakes.conflicting)
    program, rows = _level(feasible, formulation, stakes, rest)
    stage, outcome = program, minimise(program, options, narrowed=narrowed)
    first, multipliers = outcome, np.zeros(len(stakes.money))
    multipliers[rest] = np.abs(outcome.duals[rows])
    while outcome.verdict == "optimal":
        holds = np.abs(outcome.duals[rows]) * stakes.ranges[rest] > ACTIVE * stakes.unit
        rest = rest[~holds]
        if not len(rest) or not holds.any():
            break
        face = on_face(stage, outcome.duals)
        stage, rows = _level(face, formulation, stakes, rest)
        outcome = minimise(stage, options, narrowed=True)
    if outcome.verdict == "optimal" and stakes.spare.any():
        padding = np.zeros(len(stage.cost) - formulation.element_cost.shape[1])
        spare = np.append(stakes.spare @ stakes.losses @ formulation.element_cost, padding)
        stage, outcome, _ = _following(stage, outcome, spare, options)
    return Stages(program, first, multipliers, stage, outcome)


def _level(
    program: Program, formulation: Formulation, stakes: Stakes, rest: np.ndarray
) -> tuple[Program, np.ndarray]:
    """Add a level: minimise unit x theta with concession k <= theta for every k of `rest`; returns its rows.

    As a row: loss k (without constant) - range k x theta <= -(best k + constant k).
    """
    extra = Builder(("theta",), width=len(program.cost), height=len(program.row_lower))
    theta = extra.columns(np.ones(1, dtype=bool), -1.0, np.inf)
    constant = stakes.losses[rest] @ formulation.element_offset
    rows = extra.rows(np.ones(len(rest), dtype=bool), -np.inf, -(stakes.best[rest] + constant))
    costs = stakes.losses[rest] @ formulation.element_cost
    extra.entries(rows[:, None], np.arange(costs.shape[1])[None, :], costs)
    extra.entries(rows, np.broadcast_to(theta, rows.shape), -stakes.ranges[rest])
    extra.cost("theta", theta, stakes.unit)
    return extended(program, extra), rows


def _following(
    stage: Program, outcome: Outcome, cost: FloatArray, options: Options
) -> tuple[Program, Outcome, bool]:
    """Minimise a further cost over the optima of a stage; where noise defeats it, the stage stands."""
    following = on_face(stage, outcome.duals).with_cost(cost)
    answer = minimise(following, options, narrowed=True)
    return (following, answer, True) if answer.verdict == "optimal" else (stage, outcome, False)


def settled(
    stage: Program, outcome: Outcome, problem: Problem, formulation: Formulation, options: Options
) -> FloatArray:
    """Make the point of a stage the one answer among its optima (rule 30), where that is asked for."""
    if not problem.parameters.canonical:
        return outcome.point
    return canonical_point(stage, outcome, problem, formulation.layout, options)
