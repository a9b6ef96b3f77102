"""Why a quantity of the plan is what it is: the limits behind it, what moving it costs, what would flip it.

Rules 61 to 63. Values come from parametric solves of the component one unit up and one unit down; multipliers
only propose which limits to try, for under degeneracy they mislead. `Explainer` keeps a component's program
in the solver, so that further cells of it start from the last basis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from app.engine.flip import smallest_flip
from app.engine.network import Part, components
from app.engine.problem import FloatArray, IntArray, Problem
from app.engine.solution import ELEMENTS
from app.engine.study import REBUILT, Limit, Study
from app.errors import PlanningError

CellKind: TypeAlias = Literal["demand", "level", "stock", "hours"]
Verdict: TypeAlias = Literal["met", "late", "early", "limited", "held", "missing", "built_ahead", "free"]

FLIPPED = 3  # limits of which the least move is looked for
PER_KIND = 2  # limits of one kind that are tried; of those that need another program one
HEAVIER = 1e3  # how much more a limit counts for what it gains than for what it weighs anyway
ONE_BUCKET = ("material", "closed", "lead_time")  # one bucket stands for all of a row
NEAR = 1e-6  # quantities closer than this, relative to 1 + size, are equal
WORTH = 1e-6  # values below this, in the unit of the objective, are none

AXIS = {"demand": "demands", "level": "activities", "stock": "stocks", "hours": "resources"}
LIMIT_AXIS = {
    "regular": "resources",
    "overtime": "resources",
    "activity_upper": "activities",
    "activity_lower": "activities",
    "closed": "activities",
    "lead_time": "activities",
    "stock_maximum": "stocks",
    "material": "stocks",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One quantity of a plan.

    demand: units asked for in the bucket or earlier that are open at its end, and units of it never supplied;
    level: units started; stock: units at the end of the bucket; hours: hours used, overtime included.
    """

    kind: CellKind
    code: str  # of the demand, activity, stock or resource
    bucket: int


@dataclass(frozen=True, slots=True)
class Behind:
    """A limit behind a quantity (rule 62); money is the change of least cost, None = no plan at all.

    `more`: what one unit more of the limit gains; `less`: what one unit less costs; `alone`: whether one
    unit more of this limit by itself brings the quantity nearer to what is wanted; `flip`: the least by which
    this limit alone must give way for the quantity to be as wanted, None where it alone cannot do it or a
    unit of it does not help; looked for with the FLIPPED limits worth most.
    For the kind "cost" `flip` is the currency per unit that it is dearer to have the quantity as wanted.
    """

    kind: str
    code: str
    bucket: int
    limit: float
    more: float | None
    less: float | None
    alone: bool
    flip: float | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """A quantity, what would be wanted of it, and why it is not so.

    `more` and `less`: change of least cost where the quantity is held one unit higher or lower; None where
    no plan can have it so. `possible`: whether any plan has the quantity as wanted.
    """

    cell: Cell
    value: float
    wanted: float
    verdict: Verdict
    possible: bool
    more: float | None
    less: float | None
    behind: tuple[Behind, ...]


class Explainer:
    """Explains cells of one plan; `weights` by element say in whose eyes (1 each = the plan's own money)."""

    def __init__(self, problem: Problem, weights: Mapping[str, float] | None = None) -> None:
        """Split the problem; components are formulated and solved when a cell of theirs is asked for."""
        self._problem = problem
        self._weights = np.array([1.0 if weights is None else weights.get(name, 0.0) for name in ELEMENTS])
        self._parts = components(problem)
        self._studies: dict[int, Study] = {}
        self._rows = {
            axis: {code: row for row, code in enumerate(getattr(problem, axis).codes)}
            for axis in ("demands", "activities", "stocks", "resources")
        }
        self._home = {axis: self._homes(axis) for axis in self._rows}

    def _homes(self, axis: str) -> IntArray:
        home = np.full(len(getattr(self._problem, axis).codes), -1)
        for number, part in enumerate(self._parts):
            home[getattr(part, axis)] = number
        return home

    def explain(self, cell: Cell, value: float | None = None) -> Explanation:
        """Explain a cell at its published value (None: at its value in the least-cost plan).

        Raises PlanningError for a cell that the problem does not have, or one without any plan.
        """
        axis = AXIS[cell.kind]
        row = self._rows[axis].get(cell.code)
        if row is None or not 0 <= cell.bucket < self._problem.periods:
            raise PlanningError(reason=f"there is no {cell.kind} {cell.code} in bucket {cell.bucket}")
        number = int(self._home[axis][row])
        if number < 0:
            raise PlanningError(reason=f"nothing is decided about {cell.code}")
        part = self._parts[number]
        study = self._studies.get(number) or Study(part.problem, self._weights)
        self._studies[number] = study
        local = int(np.flatnonzero(getattr(part, axis) == row)[0])
        return _Question(study, part, cell, local).answer(value)


@dataclass(slots=True)
class _Question:
    """One cell under study; `row` is its row within the component."""

    study: Study
    part: Part
    cell: Cell
    row: int

    def answer(self, value: float | None) -> Explanation:
        study = self.study
        study.watch(*self._columns())
        base = study.solve()
        held = study.value(base.point) if value is None else value
        at = study.cost((held, held))
        if not np.isfinite(at):  # a published whole number that the linear plan cannot have exactly
            held = study.value(base.point)
            at = study.cost((held, held))
        verdict, wanted = self._judge(held)
        step = -min(1.0, held - wanted) if wanted < held else min(1.0, wanted - held)
        aim = 1 if wanted < held else -1
        reach = study.reach(aim) if step else held
        possible = not step or aim * (wanted - reach) >= -NEAR * (1.0 + abs(wanted))
        behind = self._behind(held, wanted, step, reach) if step else ()
        return Explanation(
            cell=self.cell,
            value=held,
            wanted=wanted,
            verdict=verdict,
            possible=possible,
            more=_change(study.cost((held + 1.0, held + 1.0)) - at),
            less=None if held < 1.0 - NEAR else _change(study.cost((held - 1.0, held - 1.0)) - at),
            behind=behind,
        )

    def _columns(self) -> tuple[IntArray, FloatArray]:
        layout, row, bucket = self.study.formulation.layout, self.row, self.cell.bucket
        blocks = {
            "demand": (layout.short, layout.backlog),
            "level": (layout.level,),
            "stock": (layout.stock,),
            "hours": (layout.regular, layout.overtime),
        }[self.cell.kind]
        columns = np.array([block[row, bucket] for block in blocks])
        return columns, np.ones(len(columns))

    def _judge(self, held: float) -> tuple[Verdict, float]:
        """Say what is the matter with a value, and which value would be wanted."""
        return {"demand": self._late, "level": self._started, "stock": self._kept, "hours": self._loaded}[
            self.cell.kind
        ](held)

    def _late(self, held: float) -> tuple[Verdict, float]:
        return ("late", 0.0) if held > NEAR else ("met", held)

    def _started(self, held: float) -> tuple[Verdict, float]:
        """Judge a start: early where more than the stock wanted is there as it lands, limited at its most."""
        problem, bucket = self.study.problem, self.cell.bucket
        acts = problem.activities
        lower, upper = acts.lower[self.row, bucket], acts.upper[self.row, bucket]
        if np.isfinite(upper) and held >= upper - NEAR * (1.0 + upper):
            return "limited", held + 1.0
        if lower > 0 and held <= lower + NEAR * (1.0 + lower):
            return "held", max(held - 1.0, 0.0)
        arrival, stock = int(acts.arrival[self.row, bucket]), int(acts.stock[self.row])
        if held > NEAR and arrival < problem.periods:
            point = self.study.solve((held, held)).point
            column = int(self.study.formulation.layout.stock[stock, arrival])
            ahead = point[column] - problem.stocks.target[stock, arrival]
            if ahead > NEAR * (1.0 + held) and arrival < problem.periods - 1:
                return "early", held - min(held, ahead / acts.output[self.row])
        return "free", held

    def _kept(self, held: float) -> tuple[Verdict, float]:
        target = float(self.study.problem.stocks.target[self.row, self.cell.bucket])
        if held < target - NEAR * (1.0 + target):
            return "missing", target
        return ("built_ahead", target) if held > target + NEAR * (1.0 + target) else ("met", held)

    def _loaded(self, held: float) -> tuple[Verdict, float]:
        resources, cell = self.study.problem.resources, (self.row, self.cell.bucket)
        room = float(resources.regular[cell])
        most = room + float(resources.overtime[cell])
        if held >= most - NEAR * (1.0 + held):
            return "limited", held + 1.0
        return ("limited", room) if held > room + NEAR * (1.0 + room) else ("free", held)

    def _behind(self, held: float, wanted: float, step: float, reach: float) -> tuple[Behind, ...]:
        """Try the limits that the multipliers propose, one unit more and one unit less each (rule 62)."""
        study, near = self.study, held + step
        possible = abs(reach - held) >= abs(step) - NEAR
        force = (-np.inf, near) if step < 0 else (near, np.inf)
        aim = 1 if step < 0 else -1
        pressed = study.solve(force) if possible else study.solve(aim=aim)
        found = study.pressures(pressed, 0 if possible else aim)
        known = study.pressures(study.solve()) if possible else None
        gap = study.cost(force) - study.cost() if possible else np.inf
        tried = [
            self._tried(limit, force, gap if possible else reach, aim if not possible else 0)
            for limit in self._proposed(found, known)
        ]
        whole = (-np.inf, wanted) if step < 0 else (wanted, np.inf)
        behind = self._flipped(tried, whole)
        if possible and gap > WORTH:
            price = (study.cost(whole) - study.cost()) / abs(wanted - held)
            flip = price if np.isfinite(price) else None
            behind.append(
                Behind("cost", self.cell.code, self.cell.bucket, 0.0, None, None, flip is not None, flip)
            )
        return tuple(sorted(behind, key=lambda one: (not one.alone, one.flip is None, -(one.more or 0.0))))

    def _flipped(self, tried: list[tuple[Limit, Behind]], whole: tuple[float, float]) -> list[Behind]:
        """Look for the least move of the limits that help alone, those worth most first."""
        order = sorted(
            range(len(tried)), key=lambda at: (not tried[at][1].alone, -(tried[at][1].more or 0.0))
        )
        chosen = {at for at in order[:FLIPPED] if tried[at][1].alone}
        return [
            replace(one, flip=smallest_flip(self.study, limit, whole)) if at in chosen else one
            for at, (limit, one) in enumerate(tried)
        ]

    def _proposed(
        self, found: Mapping[str, FloatArray], known: Mapping[str, FloatArray] | None
    ) -> list[Limit]:
        """Limits that weigh more where the quantity is as wanted than in the plan itself, dearest first.

        Then those that weigh on what the quantity is made of at all: others compete with it for them.
        """
        problem, proposed = self.study.problem, []
        chain = self._chain()
        for kind, values in found.items():
            rise = values if known is None else np.maximum(values - known[kind], 0.0)
            weight = rise * HEAVIER + np.where(chain[LIMIT_AXIS[kind]][:, None], values, 0.0)
            if kind == "material":
                weight = np.where(chain["bought"][:, None], weight, 0.0)
            if kind in REBUILT:  # what starts after the cell cannot help it
                weight = np.where(np.arange(problem.periods) <= self.cell.bucket, weight, 0.0)
            order = np.argsort(-weight, axis=None, kind="stable")
            seen: set[int] = set()
            for place in order[: 20 * PER_KIND].tolist():
                row, bucket = divmod(place, problem.periods)
                if weight[row, bucket] <= WORTH or len(seen) >= (1 if kind in REBUILT else PER_KIND):
                    break
                key = row if kind in ONE_BUCKET else place
                if key not in seen:
                    seen.add(key)
                    proposed.append(Limit(kind, row, bucket, self._amount(kind, row, bucket)))
        return proposed

    def _chain(self) -> dict[str, np.ndarray]:
        """Say which rows of each axis the quantity depends on: what it is made of, and with."""
        problem = self.study.problem
        acts, inputs, uses = problem.activities, problem.inputs, problem.uses
        stocks = np.zeros(len(problem.stocks.codes), dtype=bool)
        activities = np.zeros(len(acts.codes), dtype=bool)
        if self.cell.kind == "hours":
            activities[uses.activity[uses.resource == self.row]] = True
        elif self.cell.kind == "level":
            activities[self.row] = True
        else:
            stocks[problem.demands.stock[self.row] if self.cell.kind == "demand" else self.row] = True
        for _ in range(len(stocks)):
            before = int(stocks.sum()) + int(activities.sum())
            activities |= stocks[acts.stock]
            stocks[inputs.stock[activities[inputs.activity]]] = True
            if int(stocks.sum()) + int(activities.sum()) == before:
                break
        resources = np.zeros(len(problem.resources.codes), dtype=bool)
        resources[uses.resource[activities[uses.activity]]] = True
        made = np.zeros(len(stocks), dtype=bool)
        made[acts.stock[np.unique(inputs.activity)]] = True
        return {"stocks": stocks, "activities": activities, "resources": resources, "bought": ~made}

    def _amount(self, kind: str, row: int, bucket: int) -> float:
        problem = self.study.problem
        acts, stocks = problem.activities, problem.stocks
        if kind in {"regular", "overtime"}:
            return float(getattr(problem.resources, kind)[row, bucket])
        if kind == "material":
            return float(stocks.opening[row] + stocks.receipts[row, : bucket + 1].sum())
        if kind == "lead_time":
            return float(acts.arrival[row, bucket] - bucket)
        block = {"activity_lower": acts.lower, "stock_maximum": stocks.maximum}.get(kind, acts.upper)
        return float(block[row, bucket])

    def _tried(
        self, limit: Limit, force: tuple[float, float], before: float, aim: int
    ) -> tuple[Limit, Behind]:
        """Move one limit by a unit either way."""
        study = self.study
        base = study.cost()
        more = study.cost(None, limit, 1.0)
        tightened = limit.amount > 0 and limit.kind not in REBUILT
        less = study.cost(None, limit, -min(1.0, limit.amount)) if tightened else np.inf
        if aim:
            alone = aim * (before - study.reach(aim, limit, 1.0)) > NEAR
        else:
            alone = before - (study.cost(force, limit, 1.0) - more) > WORTH + NEAR * abs(before)
        codes = getattr(study.problem, LIMIT_AXIS[limit.kind]).codes
        gained, lost = _change(base - more), _change(less - base) if tightened else None
        at = (limit.kind, codes[limit.row], limit.bucket, limit.amount)
        return limit, Behind(*at, more=gained, less=lost, alone=alone, flip=None)


def _change(money: float) -> float | None:
    """Return a change of cost without the noise of a difference; None for one without end."""
    if not np.isfinite(money):
        return None
    return 0.0 if abs(money) < WORTH else float(money)
