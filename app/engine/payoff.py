"""The payoff table: what each stakeholder gets at the optimum of each (rule 41)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.engine.component import Result, options_of, started
from app.engine.formulation import formulate
from app.engine.lexicographic import lexicographic
from app.engine.problem import FloatArray, Problem

FLAT = 1e-6  # a range below FLAT x (1 + |best|) is no conflict


@dataclass(frozen=True, slots=True, eq=False)
class Payoff:
    """Values [K, K] of the stakeholders (columns) at the lexicographic optimum of each (rows)."""

    values: FloatArray

    @property
    def best(self) -> FloatArray:
        """Own optimum of each stakeholder, [K]."""
        return np.asarray(np.diagonal(self.values))

    @property
    def worst(self) -> FloatArray:
        """Least that each stakeholder gets in the table, [K]."""
        return np.asarray(self.values.min(axis=0))

    @property
    def conflicting(self) -> np.ndarray:
        """Say who stands to lose anything, [K]: range not about zero."""
        return np.asarray(self.best - self.worst > FLAT * (1.0 + np.abs(self.best)))


def payoff_component(problem: Problem, losses: FloatArray, seconds: float) -> Result:
    """Lexicographic optimum of each stakeholder in one component.

    `losses` [K, E] weigh contributions to cost. Row i minimises loss i, then the others in their stated
    order. The result's `elements` are [K, E]: those of row i at its optimum.
    """
    formulation, options = formulate(problem), options_of(problem, seconds)
    costs = losses @ formulation.element_cost
    rows = np.zeros((len(losses), losses.shape[1]))
    for own in range(len(losses)):
        order = [own, *(other for other in range(len(losses)) if other != own)]
        start = started(problem, formulation, costs[own])
        _, outcome, _ = lexicographic(formulation.program, [costs[k] for k in order], options, start)
        if outcome.verdict != "optimal":
            return Result(outcome.verdict, np.inf, -np.inf, rows, seconds=options.budget.spent)
        rows[own] = formulation.elements(outcome.point)
    return Result("optimal", 0.0, 0.0, rows, seconds=options.budget.spent)
