"""Reconcile stakeholders: payoff table over the common feasible set, then one plan under a named rule.

Rules 40 to 45. Each stakeholder's own optimum separates by component, and so does the rule `weighted`;
`lexicographic` without tolerances; the others link all components and are solved as one program.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from app.engine.cache import Cache
from app.engine.checks import require_valid
from app.engine.component import Result
from app.engine.master import leximin_by_master
from app.engine.network import Part, components, whole
from app.engine.payoff import Payoff, payoff_component
from app.engine.problem import FloatArray, Problem
from app.engine.rules import Stakes, leximin_component, weighted_component
from app.engine.runner import Cancelled, Executor, Progress, Runner
from app.engine.solution import ELEMENTS, Concession, Reconciliation, Solution, Stakeholder
from app.engine.solve import Frame, joined, status_of, why, worst_status
from app.engine.stakeholders import loss_weights
from app.engine.targets import goals_component, lexicographic_component, linked_order
from app.errors import PlanningError

LARGEST_SHARE = 0.5
"""Of all activities: a component that holds more would be solved again in every round of a master, and is
better solved once with the rest."""


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """What one reconciliation carries along."""

    problem: Problem
    stakeholders: tuple[Stakeholder, ...]
    losses: FloatArray  # [K, E]
    runner: Runner
    plans: list[FloatArray] = field(default_factory=list)  # [K, E] of each component: its rows of the payoff

    def stakes(self, payoff: Payoff) -> Stakes:
        """Return what the rules need to know."""
        return Stakes(
            losses=self.losses,
            best=payoff.best,
            ranges=np.where(payoff.conflicting, payoff.best - payoff.worst, 1.0),
            conflicting=payoff.conflicting,
            weights=np.array([one.weight for one in self.stakeholders]),
            money=np.array([one.money for one in self.stakeholders]),
            targets=np.array([np.nan if one.target is None else one.target for one in self.stakeholders]),
            tolerances=np.array([one.tolerance for one in self.stakeholders]),
        )

    def eyes(self, multipliers: FloatArray) -> dict[str, float]:
        """Return weights on the elements of cost, in currency, from multipliers of the losses, [K]."""
        return dict(zip(ELEMENTS, (multipliers @ self.losses).tolist(), strict=True))


def reconcile(
    problem: Problem,
    stakeholders: Sequence[Stakeholder],
    rule: str = "leximin",
    *,
    cache: Cache[Result] | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> Reconciliation:
    """Find the payoff table and the plan under `rule` (one of RULES), with each one's concession.

    Raises ProblemInvalid where the checks find errors, PlanningError for an unknown rule or lots,
    PlanCancelled when cancelled between two solves.
    """
    if rule not in RULES:
        raise PlanningError(reason=f"there is no rule {rule}; known are {', '.join(sorted(RULES))}")
    require_valid(problem)
    if problem.whole:
        raise PlanningError(reason="lots and set-ups can be solved, but not yet be reconciled")
    runner = Runner(problem.parameters.time_limit, cache, executor, progress, cancelled)
    session = Session(problem, tuple(stakeholders), loss_weights(stakeholders), runner)
    names, parts = tuple(one.name for one in stakeholders), components(problem)
    table = runner.run(payoff_component, parts, session.losses)
    failed = worst_status(table)
    if failed is not None:
        return Reconciliation(failed, rule, names, conflicts=why(parts, table, runner))
    rows = sum((answer.elements for answer in table), start=np.zeros_like(session.losses))
    session.plans.extend(answer.elements for answer in table)
    payoff = Payoff(-rows @ session.losses.T)
    ruled = RULES[rule](session, parts, session.stakes(payoff))
    if ruled.solution.decisions is None:
        return Reconciliation(ruled.solution.status, rule, names, payoff.values)
    concessions = _concessions(session, payoff, -session.losses @ ruled.elements)
    weights = session.eyes(ruled.multipliers)
    return Reconciliation(
        ruled.solution.status, rule, names, payoff.values, concessions, ruled.solution, weights=weights
    )


@dataclass(frozen=True, slots=True, eq=False)
class Ruled:
    """A plan under a rule: its contribution by element [E], and multipliers [K] of the stakeholders' losses
    in currency, under whose weighted sum it is least.
    """

    solution: Solution
    elements: FloatArray
    multipliers: FloatArray


def by_weights(session: Session, parts: Sequence[Part], stakes: Stakes) -> Ruled:
    """Rule 42, `weighted`: least sum of weight x concession; separates by component."""
    runner = session.runner
    results = runner.run(weighted_component, parts, session.losses, stakes.scale, stakes.spare)
    conflicting = stakes.conflicting
    constant = float((stakes.weights * stakes.best / stakes.ranges)[conflicting].sum())
    frame = Frame(stakes.unit, constant, stakes.per_currency(stakes.scale))
    return _answer(session, parts, results, frame, stakes.scale * frame.money)


def by_leximin(session: Session, parts: Sequence[Part], stakes: Stakes) -> Ruled:
    """Rule 43, `leximin`: the greatest concession is least, then the next greatest, and so on."""
    if not stakes.conflicting.any():
        return by_weights(session, parts, stakes)
    sizes = [len(part.activities) for part in parts]
    if max(sizes) <= LARGEST_SHARE * sum(sizes):
        ruled = _by_master(session, parts, stakes)
        if ruled.solution.status != "feasible":
            return ruled
    # What the master could not prove of its parts is proven as one program, which takes longer.
    part, (result, multipliers) = _linked(session, leximin_component, stakes)
    frame = Frame(stakes.unit, 0.0, stakes.per_currency(multipliers))
    return _answer(session, [part], [result], frame, multipliers * frame.money)


def _by_master(session: Session, parts: Sequence[Part], stakes: Stakes) -> Ruled:
    """Rule 43 over several components: a master of their losses coordinates them."""
    chosen, results, multipliers, certificate, bound = leximin_by_master(
        session.problem, stakes, parts, session.plans, session.runner
    )
    ruled = _answer(session, chosen, results, Frame(stakes.unit), multipliers)
    if ruled.solution.decisions is None:
        return ruled
    concessions = (stakes.losses @ ruled.elements + stakes.best) / stakes.ranges
    solution = replace(
        ruled.solution,
        status=status_of(results, certificate.accepted),
        objective=float(concessions[stakes.conflicting].max()),
        bound=bound,
        gap=certificate.gap,
        certificate=certificate,
        components=len(parts),
    )
    return Ruled(solution, ruled.elements, multipliers * stakes.per_currency(multipliers))


def by_order(session: Session, parts: Sequence[Part], stakes: Stakes) -> Ruled:
    """Rule 44, `lexicographic`: in the stated order, each within the tolerances of those before it.

    Without tolerances it separates by component.
    """
    slack = stakes.slack
    proven = int(np.flatnonzero(slack[:-1] > 0).max(initial=-1)) + 1
    first = np.zeros(len(slack))
    first[proven] = 1.0
    best, span = stakes.best[proven], stakes.ranges[proven]
    frame = Frame(float(span), float(best / span), float(stakes.money[proven]))
    if not slack[:-1].any():
        results = session.runner.run(lexicographic_component, parts, session.losses, slack)
        return _answer(session, parts, results, frame, first * frame.money)
    part, (result, multipliers) = _linked(session, linked_order, stakes)
    return _answer(session, [part], [result], frame, multipliers * frame.money)


def by_goals(session: Session, parts: Sequence[Part], stakes: Stakes) -> Ruled:
    """Rule 45, `goals`: least weighted sum, in currency, of what is missing to the targets."""
    part, (result, multipliers) = _linked(session, goals_component, stakes)
    return _answer(session, [part], [result], Frame(), multipliers)


Linked = Callable[[Problem, Stakes, float], tuple[Result, FloatArray]]


def _linked(session: Session, work: Linked, stakes: Stakes) -> tuple[Part, tuple[Result, FloatArray]]:
    """Solve a rule that links all components as one program."""
    session.runner.report(0, 1, work.__name__)
    part = whole(session.problem)
    answer = work(part.problem, stakes, session.runner.left)
    session.runner.report(1, 1, work.__name__)
    return part, answer


RULES: dict[str, Callable[[Session, Sequence[Part], Stakes], Ruled]] = {
    "weighted": by_weights,
    "leximin": by_leximin,
    "lexicographic": by_order,
    "goals": by_goals,
}


def _answer(
    session: Session, parts: Sequence[Part], results: Sequence[Result], frame: Frame, multipliers: FloatArray
) -> Ruled:
    elements = sum((result.elements for result in results), start=np.zeros(len(ELEMENTS)))
    failed = worst_status(results)
    if failed is not None:
        return Ruled(Solution(failed, np.inf, -np.inf, np.inf, components=len(parts)), elements, multipliers)
    cached = session.runner.cached
    return Ruled(joined(session.problem, parts, results, cached, frame), elements, multipliers)


def _concessions(session: Session, payoff: Payoff, values: FloatArray) -> tuple[Concession, ...]:
    """Rule 41: (best - value) / (best - worst), in own unit, as a share and in currency."""
    stakes = session.stakes(payoff)
    given = payoff.best - values
    return tuple(
        Concession(
            stakeholder=one.name,
            unit=one.unit,
            best=float(payoff.best[k]),
            worst=float(payoff.worst[k]),
            value=float(values[k]),
            share=float(given[k] / stakes.ranges[k]) if stakes.conflicting[k] else 0.0,
            money=float(given[k]) * one.money,
            no_conflict=not stakes.conflicting[k],
        )
        for k, one in enumerate(session.stakeholders)
    )
