"""What a point of service, an hour of overtime and a day of stock cost: parametric solves (rule 47).

Each is a sum over the whole network, so the whole is one program here: a point of service is given up or won
where it is cheapest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from app.engine.arrays import IntArray
from app.engine.network import whole
from app.engine.problem import FloatArray, Problem
from app.engine.solution import ELEMENTS
from app.engine.study import Study
from app.errors import PlanningError


@dataclass(frozen=True, slots=True)
class Price:
    """A quantity of a plan, and the change of least cost with one unit more and one unit less of it.

    service: points (per cent of the published demand neither lost nor open at a bucket's end); overtime:
    hours; stock: days of use, weighted by holding cost. None = no plan has it so.
    """

    name: str
    value: float
    more: float | None
    less: float | None


def prices(problem: Problem, weights: Mapping[str, float] | None = None) -> tuple[Price, ...]:
    """Price one unit more and one unit less of service, overtime and stock, in the eyes of `weights`.

    A quantity that the problem does not have (no demand, no overtime, no holding cost) is left out. Raises
    PlanningError where there is no plan.
    """
    part = whole(problem)
    eyes = np.array([1.0 if weights is None else weights.get(name, 0.0) for name in ELEMENTS])
    study = Study(part.problem, eyes)
    found = []
    for name, make in _QUANTITIES.items():
        quantity = make(study)
        if quantity is not None:
            found.append(_priced(study, name, *quantity))
    return tuple(found)


Quantity = tuple[IntArray, FloatArray, float]  # columns, factors, constant


def _priced(study: Study, name: str, columns: IntArray, factors: FloatArray, constant: float) -> Price:
    """Hold the quantity one unit higher and one unit lower; its value is constant + factors @ columns."""
    study.watch(columns, factors)
    base = study.solve()
    if base.verdict != "optimal":
        raise PlanningError(reason=f"there is no plan to price: the network is {base.verdict}")
    value = study.value(base.point)
    more = study.cost((value + 1.0, np.inf)) - base.objective
    less = study.cost((-np.inf, value - 1.0)) - base.objective
    return Price(name, constant + value, _money(more), _money(less))


def _money(change: float) -> float | None:
    return float(change) if np.isfinite(change) else None


def _service(study: Study) -> Quantity | None:
    """100 x (1 - units lost or open at a bucket's end / units asked for), over the published buckets."""
    problem, layout = study.problem, study.formulation.layout
    published = slice(0, problem.published)
    asked = float(problem.demands.quantity[:, published].sum())
    columns = np.concatenate((layout.short[:, published].ravel(), layout.backlog[:, published].ravel()))
    if asked <= 0 or not (columns >= 0).any():
        return None
    return columns, np.full(len(columns), -100.0 / asked), 100.0


def _overtime(study: Study) -> Quantity | None:
    """Hours of overtime used in the published buckets."""
    columns = study.formulation.layout.overtime[:, : study.problem.published].ravel()
    return (columns, np.ones(len(columns)), 0.0) if (columns >= 0).any() else None


def _stock(study: Study) -> Quantity | None:
    """Weigh by holding cost: that of the stock over the published buckets / that of a day of use."""
    problem, layout = study.problem, study.formulation.layout
    published = slice(0, problem.published)
    rate = problem.stocks.holding_cost[:, published] / problem.days[published]
    plan = study.formulation.decisions(study.solve().point)
    used = np.zeros(problem.stocks.target.shape)
    inputs, demands = problem.inputs, problem.demands
    np.add.at(used, inputs.stock, np.maximum(inputs.quantity, 0.0) * plan.level[inputs.activity])
    np.add.at(used, demands.stock, plan.deliver)
    days = float(problem.days[published].sum())
    per_day = float((rate * used[:, published]).sum()) / days if days else 0.0
    if per_day <= 0:
        return None
    factors = problem.stocks.holding_cost[:, published] / (per_day * days)
    return layout.stock[:, published].ravel(), factors.ravel(), 0.0


_QUANTITIES = {"service": _service, "overtime": _overtime, "stock": _stock}
