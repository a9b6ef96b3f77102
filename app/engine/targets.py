"""Rules with a stated order or stated targets: lexicographic with tolerances, and goals (rules 44, 45)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.engine.component import Result, certified, options_of, without_plan
from app.engine.formulation import formulate
from app.engine.highs import minimise
from app.engine.linear import Builder, ElementCosts, Program, extended, on_face
from app.engine.problem import FloatArray, Problem
from app.engine.rules import Stakes, settled


def lexicographic_component(
    problem: Problem, losses: FloatArray, slack: FloatArray, seconds: float
) -> Result:
    """Rule 44 for one component: the losses in turn, each within the slack of those before it."""
    return _in_order(problem, losses, slack, seconds)[0]


def linked_order(problem: Problem, stakes: Stakes, seconds: float) -> tuple[Result, FloatArray]:
    """Rule 44 for the whole as one component; returns the result and the multipliers of the losses, [K]."""
    return _in_order(problem, stakes.losses, stakes.slack, seconds)


def _in_order(
    problem: Problem, losses: FloatArray, slack: FloatArray, seconds: float
) -> tuple[Result, FloatArray]:
    """Minimise the losses [K, E] in turn; a loss k may then rise by `slack[k]` above its minimum.

    A slack of 0 is held by the exact face of optima, a greater one by a row. Proven is the last stage before
    which something was given: all later ones keep to its optima.
    """
    formulation, options = formulate(problem), options_of(problem, seconds)
    costs, offsets = losses @ formulation.element_cost, losses @ formulation.element_offset
    stage = formulation.program.with_cost(costs[0], float(offsets[0]))
    outcome = minimise(stage, options)
    proof, rows, number = (stage, outcome), [-1] * len(losses), 0
    for k in range(1, len(losses)):
        if outcome.verdict != "optimal":
            break
        given = slack[k - 1] > 0
        if given:
            rows[k - 1] = len(stage.row_lower)
            following = _at_most(stage, outcome.objective - stage.offset + float(slack[k - 1]))
        else:
            following = on_face(stage, outcome.duals)
        following = following.with_cost(costs[k], float(offsets[k]))
        answer = minimise(following, options, narrowed=not given)
        if answer.verdict != "optimal" and not given:
            continue  # noise of a thin face: what is settled so far stands
        stage, outcome = following, answer
        if given:
            proof, number = (stage, outcome), k
    multipliers = np.zeros(len(losses))
    multipliers[number] = 1.0
    if outcome.verdict != "optimal":
        return without_plan(outcome, formulation, options), multipliers
    for k, row in enumerate(rows):
        if 0 <= row < len(proof[1].duals):
            multipliers[k] = abs(float(proof[1].duals[row]))
    point = settled(stage, outcome, problem, formulation, options)
    answer_of = certified(formulation, proof[0], proof[1], point, problem)
    return replace(answer_of, seconds=options.budget.spent), multipliers


def _at_most(stage: Program, most: float) -> Program:
    """Add the row: the stage's own cost, without its constant, is at most so much."""
    extra = Builder(("none",), width=len(stage.cost), height=len(stage.row_lower))
    row = extra.rows(np.ones(1, dtype=bool), -np.inf, most)
    extra.entries(row[:, None], np.arange(len(stage.cost))[None, :], stage.cost[None, :])
    return extended(stage, extra)


def goals_component(problem: Problem, stakes: Stakes, seconds: float) -> tuple[Result, FloatArray]:
    """Rule 45 for the whole: least sum of weight x money x what is missing to the target.

    Among those, least loss of all in currency, so that a target that is easily met makes nobody idle.
    Returns the result and the multipliers of the losses in currency, [K].
    """
    formulation, options = formulate(problem), options_of(problem, seconds)
    program, rows = _missing(
        formulation.program, stakes, formulation.element_cost, formulation.element_offset
    )
    first = minimise(program, options)
    everyone = stakes.money
    if first.verdict != "optimal":
        return without_plan(first, formulation, options), everyone
    stage, outcome = program, first
    padding = np.zeros(len(program.cost) - formulation.element_cost.shape[1])
    following = on_face(program, first.duals).with_cost(
        np.append(everyone @ stakes.losses @ formulation.element_cost, padding)
    )
    answer = minimise(following, options, narrowed=True)
    if answer.verdict == "optimal":
        stage, outcome = following, answer
    point = settled(stage, outcome, problem, formulation, options)[: len(program.cost)]
    multipliers = np.abs(first.duals[rows])
    result = replace(certified(formulation, program, first, point, problem), seconds=options.budget.spent)
    return result, multipliers if multipliers.any() else everyone


def _missing(
    program: Program, stakes: Stakes, element_cost: ElementCosts, element_offset: FloatArray
) -> tuple[Program, np.ndarray]:
    """Add what each is missing: loss k (without constant) - missing k <= -(target k + constant k)."""
    every = np.ones(len(stakes.money), dtype=bool)
    extra = Builder(("missing",), width=len(program.cost), height=len(program.row_lower))
    missing = extra.columns(every, 0.0, np.inf)
    target = np.where(np.isnan(stakes.targets), stakes.best, stakes.targets)
    rows = extra.rows(every, -np.inf, -(target + stakes.losses @ element_offset))
    costs = stakes.losses @ element_cost
    extra.entries(rows[:, None], np.arange(costs.shape[1])[None, :], costs)
    extra.entries(rows, missing, -1.0)
    extra.cost("missing", missing, stakes.weights * stakes.money)
    return extended(program, extra), rows
