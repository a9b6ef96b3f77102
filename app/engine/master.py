"""Leximin over independent components: a small master decides the weights, the components answer (rule 43).

The greatest concession links all components, but only through K sums, one per stakeholder. So the master
knows of each component only the losses [K] of some of its plans, and mixes them (Dantzig and Wolfe, 1960).
Its multipliers are weights of the stakeholders; each component answers with its optimum under these weights;
their sum is a bound on the greatest concession, and where the master meets it, it is proven over the whole
network. Components whose answer is the only one under the last weights are settled; the few others are put
together and solved as one program under what is left for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from app.engine.canonical import snapped
from app.engine.component import Result, certified, options_of, started, without_plan
from app.engine.formulation import formulate
from app.engine.highs import Options, minimise
from app.engine.linear import Basis, Program, compress, on_face, only_point
from app.engine.network import Part, cut, labels, nested, rows_of, whole
from app.engine.problem import FloatArray, IntArray, Problem
from app.engine.rules import ACTIVE, Stakes, leximin_component, leximin_stages, settled
from app.engine.runner import Runner
from app.engine.solution import Certificate

ROUNDS = 60  # of master and components per level; what is not proven by then is stated with its gap


def priced_component(
    problem: Problem, before: Basis | None, losses: FloatArray, weights: FloatArray, seconds: float
) -> Result:
    """Return the optimum of a component under weights of the losses, and whether it is the only one.

    `before` is the basis of its optimum under other weights.
    """
    formulation, options = formulate(problem), options_of(problem, seconds)
    scale = weights @ losses
    program = formulation.program.with_cost(
        scale @ formulation.element_cost, float(scale @ formulation.element_offset)
    )
    start = started(problem, formulation, program.cost) if before is None else before
    outcome = minimise(program, options, narrowed=before is not None, start=start)
    if outcome.verdict != "optimal":
        return without_plan(outcome, formulation, options)
    face = on_face(program, outcome.duals)
    return replace(
        certified(formulation, program, outcome, snapped(outcome.point, program), problem),
        seconds=options.budget.spent,
        basis=outcome.basis,
        only=outcome.basis is not None and only_point(face, outcome.basis),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """What one level of leximin came to."""

    theta: float  # greatest concession of those still free
    bound: float  # proven by the components
    weights: FloatArray  # [K] multipliers of the losses
    answers: list[Result]  # of the components under these weights
    accept: float  # gap up to which a level is proven


@dataclass(slots=True)
class Master:
    """The plans known of each component, as losses [K], and what is settled of the stakeholders."""

    stakes: Stakes
    settled: FloatArray  # [K] concession at which a stakeholder is held; NaN = free
    owner: list[int] = field(default_factory=list)
    losses: list[FloatArray] = field(default_factory=list)
    bases: list[Basis | None] = field(default_factory=list)  # of each component's last answer

    def add(self, component: int, losses: FloatArray) -> None:
        """Learn of a further plan of a component."""
        self.owner.append(component)
        self.losses.append(losses)

    def mix(self, components: int) -> tuple[float, FloatArray, FloatArray]:
        """Mix the known plans: greatest free concession, weights [K], value of each component [C]."""
        stakes = self.stakes
        known = np.flatnonzero(stakes.conflicting)
        free = np.isnan(self.settled[known])
        plans, owner = np.array(self.losses)[:, known], np.array(self.owner)
        base = np.zeros((components, len(known)))  # differences keep the numbers small
        base[owner[::-1]] = plans[::-1]
        plans = plans - base[owner]
        limit = -stakes.best[known] - base.sum(axis=0)
        limit += np.where(free, 0.0, stakes.ranges[known] * np.nan_to_num(self.settled[known]))
        program = _mixing(plans, owner, limit, np.where(free, stakes.ranges[known], 0.0), stakes.unit)
        outcome = minimise(program, Options(tolerance=1e-9))
        weights = np.zeros(len(stakes.best))
        weights[known] = np.maximum(-outcome.duals[: len(known)], 0.0)
        value = outcome.duals[len(known) :] + base @ weights[known]
        return float(outcome.point[0]), weights, value


def _mixing(
    plans: FloatArray, owner: IntArray, limit: FloatArray, range_: FloatArray, unit: float
) -> Program:
    """Minimise unit x theta: mixed losses - range x theta <= limit, the shares of a component add up to 1."""
    count, known = plans.shape
    components = int(owner.max()) + 1
    rows, columns = np.meshgrid(np.arange(known), 1 + np.arange(count), indexing="ij")
    ones = 1 + np.arange(count)
    entries = [
        (np.arange(known), np.zeros(known, dtype=np.int64), -range_),
        (rows.ravel(), columns.ravel(), plans.T.ravel()),
        (known + owner, ones, np.ones(count)),
    ]
    start, index, value = compress(entries, count + 1, known + components)
    cost = np.zeros(count + 1)
    cost[0] = unit
    one = np.ones(components)
    return Program(
        cost,
        np.concatenate(([-1.0], np.zeros(count))),
        np.full(count + 1, np.inf),
        np.concatenate((np.full(known, -np.inf), one)),
        np.concatenate((limit, one)),
        start,
        index,
        value,
    )


def leximin_levels(runner: Runner, parts: Sequence[Part], master: Master) -> list[Level]:
    """Run the levels of leximin; the last one's answers are optimal for all of them together."""
    stakes, levels = master.stakes, []
    while True:
        rest = np.flatnonzero(stakes.conflicting & np.isnan(master.settled))
        level = _level(runner, parts, master)
        levels.append(level)
        holds = level.weights[rest] * stakes.ranges[rest] > ACTIVE * stakes.unit
        master.settled[rest[holds]] = level.theta
        if holds.all() or not holds.any() or any(answer.decisions is None for answer in level.answers):
            return levels


def _level(runner: Runner, parts: Sequence[Part], master: Master) -> Level:
    stakes = master.stakes
    accept = parts[0].problem.parameters.accept
    for _ in range(ROUNDS):
        theta, weights, values = master.mix(len(parts))
        answers = runner.each(priced_component, parts, master.bases, stakes.losses, weights)
        master.bases = [answer.basis for answer in answers]
        held = np.where(np.isnan(master.settled), 0.0, stakes.ranges * np.nan_to_num(master.settled))
        given = float(weights @ (stakes.best - held))
        level = Level(
            theta, (sum(one.bound for one in answers) + given) / stakes.unit, weights, answers, accept
        )
        if any(one.decisions is None for one in answers):
            break
        gap = stakes.unit * (theta - level.bound)
        if gap <= accept / 10.0 * (1.0 + stakes.unit * abs(theta)):
            break
        gains = [value - one.objective for value, one in zip(values, answers, strict=True)]
        for number in np.flatnonzero(np.array(gains) > 1e-3 * gap / len(parts)).tolist():
            master.add(number, stakes.losses @ answers[number].elements)
    return level


def leximin_by_master(
    problem: Problem, stakes: Stakes, parts: Sequence[Part], plans: Sequence[FloatArray], runner: Runner
) -> tuple[list[Part], list[Result], FloatArray, Certificate, float]:
    """Rule 43 over independent components, from known plans of each (elements [., E]).

    Returns the parts that the plan is put together from, their results, the first level's multipliers [K],
    the certificate of that level over the whole network and its bound.
    """
    master = Master(stakes, np.full(len(stakes.best), np.nan))
    for number, elements in enumerate(plans):
        for row in elements:
            master.add(number, stakes.losses @ row)
    master.bases = [None] * len(parts)
    levels = leximin_levels(runner, parts, master)
    first, last = levels[0], levels[-1].answers
    if any(answer.decisions is None for answer in last):
        return list(parts), last, first.weights, _certificate(stakes, last, np.inf, first), -np.inf
    money = stakes.per_currency(first.weights)
    done = [number for number, answer in enumerate(last) if answer.only]
    chosen = [parts[number] for number in done]
    results = [_in_currency(last[number], money) for number in done]
    others = [part for part, answer in zip(parts, last, strict=True) if not answer.only]
    if others:
        label = labels(problem)
        piece = cut(problem, rows_of(label, np.array([label.stocks[part.stocks[0]] for part in others])))
        inner = whole(piece.problem)
        spent = sum((stakes.losses @ result.elements for result in results), start=np.zeros(len(stakes.best)))
        left = replace(stakes, best=stakes.best + spent)
        chosen.append(nested(inner, piece))
        results.append(_in_currency(_together(inner.problem, left, levels[-1].weights, runner.left), money))
    if any(result.decisions is None for result in results):
        return chosen, results, first.weights, _certificate(stakes, results, np.inf, first), first.bound
    losses = stakes.losses @ sum(
        (result.elements for result in results), start=np.zeros(stakes.losses.shape[1])
    )
    theta = float(((losses + stakes.best) / stakes.ranges)[stakes.conflicting].max())
    return (
        chosen,
        results,
        first.weights,
        _certificate(stakes, [*results, *first.answers], theta, first),
        first.bound,
    )


def _together(problem: Problem, stakes: Stakes, weights: FloatArray, seconds: float) -> Result:
    """Leximin over what the weights leave open: whatever costs under them is at its bound for good.

    The certificate is that of the weighted sum, as for every other component. Where noise empties the thin
    face, leximin is solved without it.
    """
    formulation, options = formulate(problem), options_of(problem, seconds)
    scale = weights @ stakes.losses
    program = formulation.program.with_cost(
        scale @ formulation.element_cost, float(scale @ formulation.element_offset)
    )
    outcome = minimise(program, options, start=started(problem, formulation, program.cost))
    if outcome.verdict != "optimal":
        return without_plan(outcome, formulation, options)
    run = leximin_stages(on_face(program, outcome.duals), formulation, stakes, options, narrowed=True)
    if run.outcome.verdict != "optimal":
        return leximin_component(problem, stakes, seconds)[0]
    point = settled(run.stage, run.outcome, problem, formulation, options)[: len(program.cost)]
    return certified(formulation, program, outcome, point, problem)


def _in_currency(result: Result, money: float) -> Result:
    return replace(result, prices=None if result.prices is None else result.prices.scaled(money))


def _certificate(stakes: Stakes, results: Sequence[Result], theta: float, first: Level) -> Certificate:
    """Join the residuals of the components with the gap between greatest concession and its bound."""
    rows = [result.certificate for result in results if result.certificate is not None]
    primal, dual, slack = (
        max((getattr(row, name) for row in rows), default=0.0)
        for name in ("primal", "dual", "complementarity")
    )
    gap = stakes.unit * abs(theta - first.bound) / (1.0 + stakes.unit * abs(theta))
    money = stakes.unit * (theta - first.bound) * stakes.per_currency(first.weights)
    accept = first.accept
    return Certificate(primal, dual, slack, gap, money, max(primal, dual, slack, gap) <= accept)
