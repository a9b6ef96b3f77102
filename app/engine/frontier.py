"""The frontier between two stakeholders: every trade between them that no plan improves (rule 46).

Weighted sums separate by component, so each component has a frontier of its own, found by dichotomy: between
two of its points the weights are those of the line through them; an optimum below the line is a further
point, none proves that the line is the frontier. The frontier of the whole is the sum of the components':
their edges, end to end, in the order of their slopes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.engine.checks import require_valid
from app.engine.component import options_of
from app.engine.formulation import formulate
from app.engine.highs import Options, Outcome, Warm
from app.engine.lexicographic import lexicographic
from app.engine.linear import Program
from app.engine.network import components
from app.engine.problem import FloatArray, Problem
from app.engine.solution import Stakeholder
from app.engine.stakeholders import loss_weights
from app.errors import PlanningError

CLOSE = 1e-9  # of the objective: what a point must gain on a line to lie below it
FLAT = 1e-9  # relative length below which an edge is none
MOST = 2_000  # points of one component


@dataclass(frozen=True, slots=True, eq=False)
class Frontier:
    """Breakpoints from the first stakeholder's optimum to the second's; between two all mixtures are plans.

    `values` are in own units; `rate[i]` is what the second gains per unit that the first gives up between
    point i and i + 1 (own units of each), and falls; `gap` is the most, in currency of a weighted sum with
    weights adding up to 1, by which any plan could lie beyond the frontier.
    """

    first: str
    second: str
    values: FloatArray  # [p, 2]
    rate: FloatArray  # [p - 1]
    gap: float
    solves: int


def frontier(problem: Problem, first: Stakeholder, second: Stakeholder, tolerance: float = 0.0) -> Frontier:
    """Find the frontier between two stakeholders, exactly to the tolerance of the solver (CLOSE).

    With a `tolerance` a stretch is left as it is found where no plan lies further beyond it than this share
    of the distance between its component's ends; `gap` says what that adds up to.

    Raises ProblemInvalid where the checks find errors, PlanningError with lots (their frontier has gaps) or
    where there is no plan.
    """
    require_valid(problem)
    if problem.whole:
        raise PlanningError(reason="with lots in whole numbers the frontier is not made of edges")
    losses = loss_weights([first, second]) * np.array([[first.money], [second.money]])
    found = [_Dichotomy.of(part.problem, losses, tolerance) for part in components(problem)]
    start = np.sum([one.points[0] for one in found], axis=0) if found else np.zeros(2)
    edges = [edge for one in found for edge in np.diff(np.array(one.points), axis=0)]
    points = _end_to_end(start, edges)
    values = -points / np.array([first.money, second.money])
    steps = np.diff(values, axis=0)
    rate = -steps[:, 1] / steps[:, 0] if len(steps) else np.zeros(0)
    return Frontier(
        first.name,
        second.name,
        values,
        np.asarray(rate, dtype=np.float64),
        float(sum(one.gap for one in found)),
        sum(one.solves for one in found),
    )


def _end_to_end(start: FloatArray, edges: Sequence[FloatArray]) -> FloatArray:
    """Lay edges (loss of the first up, of the second down) end to end, steepest gain first; [p, 2]."""
    size = 1.0 + float(np.abs(start).max(initial=0.0))
    kept = [edge for edge in edges if float(np.abs(edge).max()) > FLAT * size]
    kept.sort(key=lambda edge: float(np.arctan2(edge[1], edge[0])))
    points = [start]
    for number, edge in enumerate(kept):
        joint = number > 0 and _aligned(kept[number - 1], edge)
        point = points[-1] + edge
        if joint:
            points[-1] = point
        else:
            points.append(point)
    return np.array(points)


def _aligned(left: FloatArray, right: FloatArray) -> bool:
    """Say whether two edges have one slope."""
    cross = float(left[0] * right[1] - left[1] * right[0])
    return abs(cross) <= 1e-7 * float(np.linalg.norm(left) * np.linalg.norm(right))


@dataclass(slots=True, eq=False)
class _Dichotomy:
    """One component's frontier in losses (currency): points from the first's optimum to the second's."""

    program: Program
    costs: FloatArray  # [2, k]
    offsets: FloatArray  # [2]
    warm: Warm
    points: list[FloatArray]
    least: float = 0.0  # gain below which a stretch is left as it is
    gap: float = 0.0
    solves: int = 4

    @classmethod
    def of(cls, problem: Problem, losses: FloatArray, tolerance: float) -> _Dichotomy:
        formulation, options = formulate(problem), options_of(problem, np.inf)
        costs = losses @ formulation.element_cost
        made = cls(
            formulation.program,
            costs,
            losses @ formulation.element_offset,
            Warm(formulation.program, options),
            [],
        )
        ends = [made._end(order, options) for order in ((0, 1), (1, 0))]
        made.points = (
            ends if np.abs(ends[0] - ends[1]).max() > FLAT * (1 + np.abs(ends[0]).max()) else ends[:1]
        )
        made.least = tolerance * float(np.abs(ends[0] - ends[1]).max())
        if len(made.points) == 2:
            made._between(*ends)
        return made

    def _end(self, order: tuple[int, int], options: Options) -> FloatArray:
        _, outcome, _ = lexicographic(self.program, [self.costs[k] for k in order], options)
        return self._losses(outcome)

    def _losses(self, outcome: Outcome) -> FloatArray:
        if outcome.verdict != "optimal":
            raise PlanningError(reason=f"there is no frontier: a component is {outcome.verdict}")
        return np.asarray(self.costs @ outcome.point + self.offsets, dtype=np.float64)

    def _between(self, left: FloatArray, right: FloatArray) -> None:
        """Find all points between two, in order, by halving the range of weights."""
        open_ends, self.points = [(left, right)], [left]
        while open_ends:
            left, right = open_ends.pop()
            weights = np.array([left[1] - right[1], right[0] - left[0]])
            if weights.min() <= 0.0 or len(self.points) > MOST:
                self.points.append(right)
                continue
            weights = weights / weights.sum()
            point = self._losses(self.warm.minimise(weights @ self.costs))
            self.solves += 1
            gain = float(weights @ (left - point))
            if gain <= CLOSE * (1.0 + float(np.abs(weights * left).sum())):
                self.gap = max(self.gap, gain)
                self.points.append(right)
            elif gain <= self.least:
                self.gap = max(self.gap, gain)
                self.points += [point, right]
            else:
                open_ends += [(point, right), (left, point)]
