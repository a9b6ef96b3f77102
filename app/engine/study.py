"""One component as a linear program whose limits move: parametric solves from the last basis (rule 61).

A study watches one quantity of the plan (a sum of columns) and answers: the least cost when that quantity is
held at a value, the least or greatest value it can have at all, and both of them with one limit moved. In
a problem with lots the whole numbers stay as the search found them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np

from app.engine.component import options_of
from app.engine.formulation import Formulation, formulate
from app.engine.highs import Outcome, Warm, search
from app.engine.layout import KIND_ELEMENT, Layout
from app.engine.linear import ABSENT, Program, with_fixed
from app.engine.problem import FloatArray, IntArray, Problem
from app.engine.solution import ELEMENTS
from app.errors import PlanningError

MOVED_IN_PLACE = ("regular", "overtime", "activity_upper", "activity_lower", "stock_maximum", "material")
REBUILT = ("closed", "lead_time")


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of a component: `row` on the axis of its kind, `amount` in its own unit.

    regular, overtime (resource, hours) | activity_upper, activity_lower (units) | stock_maximum (units) |
    material (stock: what is on hand or under way, units) | closed (an activity that is not possible in the
    bucket, units) | lead_time (of an activity, in buckets).
    """

    kind: str
    row: int
    bucket: int
    amount: float


def relaxed_by(problem: Problem, limit: Limit, delta: float) -> Problem:
    """Return the problem with a limit loosened by `delta` of its unit (tightened where negative)."""
    acts, stocks, resources = problem.activities, problem.stocks, problem.resources
    cell = limit.row, limit.bucket

    def moved(values: FloatArray, by: float) -> FloatArray:
        changed = values.copy()
        changed[cell] = max(changed[cell] + by, 0.0)
        return changed

    if limit.kind in {"regular", "overtime"}:
        hours = moved(getattr(resources, limit.kind), delta)
        if limit.kind == "regular":
            return replace(problem, resources=replace(resources, regular=hours))
        return replace(problem, resources=replace(resources, overtime=hours))
    if limit.kind in {"activity_upper", "closed"}:
        return replace(problem, activities=replace(acts, upper=moved(acts.upper, delta)))
    if limit.kind == "activity_lower":
        return replace(problem, activities=replace(acts, lower=moved(acts.lower, -delta)))
    if limit.kind == "stock_maximum":
        return replace(problem, stocks=replace(stocks, maximum=moved(stocks.maximum, delta)))
    if limit.kind == "material":
        receipts = stocks.receipts.copy()
        receipts[cell] += delta
        return replace(problem, stocks=replace(stocks, receipts=receipts))
    arrival = acts.arrival.copy()
    earlier = np.maximum(arrival[limit.row] - int(delta), np.arange(problem.periods))
    arrival[limit.row] = np.minimum(earlier, problem.periods)
    return replace(problem, activities=replace(acts, arrival=arrival))


class Study:
    """A component under an objective; `weights` [E] weigh the elements of cost (1 = the plan's own money)."""

    def __init__(self, problem: Problem, weights: FloatArray, seconds: float = np.inf) -> None:
        """Formulate and solve the component; raises PlanningError where it has no optimum."""
        self.problem, self.weights = problem, weights
        self._options = options_of(problem, seconds)
        self.formulation: Formulation = formulate(problem)
        self.program = self._priced()
        self._warm = Warm(self.program, self._options)
        self._pressed: dict[int, Warm] = {}
        self._watched: tuple[IntArray, FloatArray] = (np.zeros(0, dtype=np.int64), np.zeros(0))
        self._others: dict[tuple[Limit, float], Study] = {}
        self.base = self._warm.minimise()
        if self.base.verdict != "optimal":
            raise PlanningError(reason=f"there is no plan to explain: the component is {self.base.verdict}")

    def _priced(self) -> Program:
        formulation = self.formulation
        cost = self.weights @ formulation.element_cost
        program = formulation.program.with_cost(cost, float(self.weights @ formulation.element_offset))
        if not len(program.whole):
            return program
        found = search(program, self._options, self.problem.parameters.accept / 10.0)
        if found.point is None:
            raise PlanningError(reason=f"there is no plan to explain: the component is {found.verdict}")
        return with_fixed(program, np.round(found.point[program.whole]))

    def watch(self, columns: IntArray, factors: FloatArray) -> None:
        """Watch a sum of decisions; columns that do not exist are always zero."""
        kept = columns >= 0
        self._watched = columns[kept], factors[kept]
        for warm in (self._warm, *self._pressed.values()):
            warm.watch(columns[kept], factors[kept])

    def value(self, point: FloatArray) -> float:
        """Value of what is watched at a point."""
        columns, factors = self._watched
        return float(factors @ point[columns])

    def solve(
        self,
        force: tuple[float, float] | None = None,
        limit: Limit | None = None,
        delta: float = 0.0,
        *,
        aim: int = 0,
    ) -> Outcome:
        """Find the least cost (`aim` 0), or the least (1) or greatest (-1) value watched, a limit moved."""
        if limit is not None and limit.kind in REBUILT:
            return self.rebuilt(limit, delta).solve(force, aim=aim)
        warm = self._warm if force is None and not aim else self._solver_for(aim)
        warm.reset()
        if limit is not None:
            self._move(warm, limit, delta)
        if force is not None:
            warm.force(*force)
        return warm.minimise(self._aimed(aim) if aim else None)

    def _solver_for(self, aim: int) -> Warm:
        """Return a solver of its own for what is forced or aimed at: each then moves only a little."""
        if aim not in self._pressed:
            self._pressed[aim] = Warm(self.program, self._options, self._warm.basis)
            self._pressed[aim].watch(*self._watched)
        return self._pressed[aim]

    def cost(
        self, force: tuple[float, float] | None = None, limit: Limit | None = None, delta: float = 0.0
    ) -> float:
        """Least cost under these circumstances, infinite where there is no plan."""
        outcome = self.solve(force, limit, delta)
        return outcome.objective if outcome.verdict == "optimal" else np.inf

    def reach(self, aim: int, limit: Limit | None = None, delta: float = 0.0) -> float:
        """Least (1) or greatest (-1) value that what is watched can have."""
        if limit is not None and limit.kind in REBUILT:
            return self.rebuilt(limit, delta).reach(aim)
        outcome = self.solve(None, limit, delta, aim=aim)
        return self.value(outcome.point) if outcome.verdict == "optimal" else np.nan

    def _aimed(self, aim: int) -> FloatArray:
        cost = np.zeros(len(self.program.cost))
        columns, factors = self._watched
        np.add.at(cost, columns, aim * factors)
        return cost

    def rebuilt(self, limit: Limit, delta: float) -> Study:
        """Study the changed problem itself: another arrival or a further column is another program."""
        if (limit, delta) not in self._others:
            changed = relaxed_by(self.problem, limit, delta)
            self._others[limit, delta] = Study(changed, self.weights, self._options.budget.left)
        other = self._others[limit, delta]
        columns, factors = self._watched
        other.watch(self.named_columns(other.formulation)[columns], factors)
        return other

    def named_columns(self, other: Formulation) -> IntArray:
        """Column of another formulation of the same axes for each column of this one, [k]."""
        found = np.full(len(self.program.cost), ABSENT)
        for name in (item.name for item in fields(Layout)):
            mine, theirs = getattr(self.formulation.layout, name), getattr(other.layout, name)
            found[mine[mine >= 0]] = theirs[mine >= 0]
        return found

    def _move(self, warm: Warm, limit: Limit, delta: float) -> None:
        program, layout = self.program, self.formulation.layout
        if limit.kind == "material":
            row = int(self.formulation.rows.balance[limit.row, limit.bucket])
            given = program.row_lower[row] - delta
            warm.bound_row(row, given, given)
            return
        block = {
            "regular": layout.regular,
            "overtime": layout.overtime,
            "stock_maximum": layout.stock,
        }.get(limit.kind, layout.level)
        column = int(block[limit.row, limit.bucket])
        lower, upper = float(program.lower[column]), float(program.upper[column])
        if limit.kind == "activity_lower":
            lower = max(lower - delta, 0.0)
            upper = max(upper, lower)
        else:
            upper = max(upper + delta, lower)
        warm.bound_column(column, lower, upper)

    def pressures(self, outcome: Outcome, aim: int = 0) -> Mapping[str, FloatArray]:
        """Say what a unit more of each limit is worth at an outcome, by the multipliers, [rows, T] by kind.

        In currency, or with an aim in units of what is watched.
        """
        rows = len(self.program.row_lower)
        cost = self._aimed(aim) if aim else self.program.cost
        duals, further = outcome.duals[:rows], outcome.duals[rows:]
        reduced = cost - self.program.transposed(duals)
        if len(further):
            np.add.at(reduced, self._watched[0], -further[0] * self._watched[1])
        reduced[self.program.whole] = 0.0
        layout = self.formulation.layout
        acts, worth = self.problem.activities, _at(duals, self.formulation.rows.balance)
        spent = np.zeros(acts.cost.shape) if aim else acts.cost * self._kind_weight()[:, None]
        made, now = self._profit(worth, _at(duals, self.formulation.rows.capacity), spent)
        delayed = (layout.level >= 0) & (acts.arrival > np.arange(self.problem.periods))
        shut = (acts.upper <= 0) & (layout.level < 0)
        return {
            "regular": np.maximum(-_at(reduced, layout.regular), 0.0),
            "overtime": np.maximum(-_at(reduced, layout.overtime), 0.0),
            "activity_upper": np.maximum(-_at(reduced, layout.level), 0.0),
            "activity_lower": np.where(acts.lower > 0, np.maximum(_at(reduced, layout.level), 0.0), 0.0),
            "stock_maximum": np.maximum(-_at(reduced, layout.stock), 0.0),
            "material": np.maximum(worth, 0.0),
            "closed": np.where(shut, np.maximum(made, 0.0), 0.0),
            "lead_time": np.where(delayed, now, 0.0),
        }

    def _kind_weight(self) -> FloatArray:
        kinds = self.problem.activities.kind
        table = np.array([self.weights[ELEMENTS.index(name)] for name in KIND_ELEMENT.values()])
        return np.asarray(table[kinds], dtype=np.float64)

    def _profit(
        self, worth: FloatArray, hours: FloatArray, spent: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Profit of a further unit of each activity, by the multipliers, [a, T]: as it lands, and at once."""
        problem, acts = self.problem, self.problem.activities
        burden = spent.copy()
        inputs, uses = problem.inputs, problem.uses
        np.add.at(burden, inputs.activity, inputs.quantity * worth[inputs.stock])
        np.add.at(burden, uses.activity, -uses.hours * hours[uses.resource])
        padded = np.concatenate((worth, np.zeros((len(worth), 1))), axis=1)
        landed = np.take_along_axis(padded[acts.stock], acts.arrival, axis=1)
        at_once = acts.output[:, None] * worth[acts.stock] - burden
        return acts.output[:, None] * landed - burden, np.maximum(at_once, 0.0)


def _at(values: FloatArray, index: IntArray) -> FloatArray:
    return np.append(values, 0.0)[np.where(index >= 0, index, ABSENT)]
