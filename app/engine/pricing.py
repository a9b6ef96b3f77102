"""What a plan costs and earns, by element, from its quantities alone: no solver, no program."""

from __future__ import annotations

import numpy as np

from app.engine.formulation import finite
from app.engine.layout import KIND_ELEMENT
from app.engine.priority import class_premium
from app.engine.problem import FloatArray, Problem
from app.engine.solution import ELEMENTS, Decisions


def price(problem: Problem, plan: Decisions) -> FloatArray:
    """Contribution to cost by element, [E] in the order of ELEMENTS; revenue is negative (rule 36)."""
    stocks, acts = problem.stocks, problem.activities
    demands, resources = problem.demands, problem.resources
    premium = class_premium(problem)
    spent = (acts.cost * plan.level).sum(axis=1)
    values = {element: float(spent[acts.kind == kind].sum()) for kind, element in KIND_ELEMENT.items()}
    values |= {
        "revenue": -float((demands.price * (demands.quantity - plan.short)).sum()),
        "regular": float((resources.regular_cost * plan.regular).sum()),
        "overtime": float((resources.overtime_cost * plan.overtime).sum()),
        "holding": float((stocks.holding_cost * plan.stock).sum()),
        "lateness": float((demands.late_cost * plan.backlog).sum()),
        "shortfall": float((demands.short_cost * plan.short).sum()),
        "safety": float((finite(stocks.target_cost) * plan.below_target).sum()),
        "terminal": float((finite(stocks.final_cost) * plan.below_final).sum()),
        "smoothing": _smoothing(problem, plan.level),
        "priority": float((premium.short * plan.short + premium.late * plan.backlog).sum()),
    }
    return np.array([values[name] for name in ELEMENTS])


def _smoothing(problem: Problem, level: FloatArray) -> float:
    acts, days = problem.activities, problem.days
    before = np.zeros(level.shape)
    before[:, 0] = np.nan_to_num(acts.rate_before) * days[0]
    before[:, 1:] = level[:, :-1] * (days[1:] / days[:-1])[None, :]
    counted = acts.upper > 0
    counted[:, 0] &= np.isfinite(acts.rate_before)
    return float((np.abs(level - before) * counted * acts.smoothing_cost[:, None]).sum())
