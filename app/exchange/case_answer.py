"""Solve a stand-alone case and answer in its own words: decisions, duals, scenarios."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import numpy as np

from app.engine.irreducible import given_way, irreducible
from app.engine.problem import INFINITE, FloatArray, Problem
from app.engine.solution import Solution
from app.engine.solve import solve
from app.errors import PlanningError
from app.exchange.case import case_problem
from app.exchange.case_reach import sold_without_end
from app.exchange.case_words import conflict_words, relaxation_words, requirement_words

OF_THE_MODEL = ("hours:", "overtime:", "maintained:", "nowhere")
"""Stocks that stand for hours: that they cannot be kept is no limit of the case."""


def solve_case(case: Mapping[str, Any], time_limit: float = INFINITE) -> dict[str, Any]:
    """Solve a case and its scenarios, each within `time_limit` seconds of the solver.

    The answer has `id`, `status`, `objective` and `bound` in the case's own sense, `decisions`, `duals`,
    `limits` (what holds the plan back, each with what one more unit of it changes in the objective),
    where there is no plan `conflicts` (requirements impossible together, none of them too many),
    `relaxation` (the least by which requirements must give way) and `relaxed_objective` (the best then),
    and `scenarios`, a list of the same.
    """
    answer = _answer(case, str(case.get("id", "")), time_limit)
    answer["scenarios"] = [
        _answer(with_changes(case, scenario["set"]), scenario["id"], time_limit)
        for scenario in case.get("scenarios", [])
    ]
    return answer


def with_changes(case: Mapping[str, Any], changes: list[Any]) -> dict[str, Any]:
    """Return the case with values replaced; a path is keys (or list positions) joined by "/".

    Raises PlanningError where a path leads nowhere.
    """
    changed = deepcopy(dict(case))
    for path, value in changes:
        *way, last = str(path).split("/")
        place: Any = changed
        try:
            for key in way:
                place = place[int(key)] if isinstance(place, list) else place[key]
            if isinstance(place, list):
                place[int(last)] = value
            else:
                place[last] = value
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise PlanningError(reason=f"the scenario's path {path} leads nowhere") from error
    return changed


def _answer(case: Mapping[str, Any], name: str, time_limit: float) -> dict[str, Any]:
    problem = case_problem(case, time_limit)
    solution = solve(problem)
    sign = -1.0 if case.get("sense") == "max" else 1.0
    answer: dict[str, Any] = {"id": name, "status": solution.status, "objective": None, "bound": None}
    answer |= {"decisions": {}, "duals": {}, "limits": [], "conflicts": [], "relaxation": []}
    if solution.status == "limit" and np.isfinite(solution.bound):
        answer["bound"] = sign * solution.bound
    if solution.status == "infeasible":
        answer |= _explained(problem, solution, sign)
    if solution.decisions is not None and sold_without_end(problem, solution.decisions):
        answer["status"] = "unbounded"
    elif solution.decisions is not None:
        answer["objective"], answer["bound"] = sign * solution.objective, sign * solution.bound
        answer["gap"] = solution.gap
        answer["decisions"] = _decisions(problem, solution)
        answer["duals"] = _duals(problem, solution, sign)
        answer["limits"] = _limits(problem, solution, sign)
    return answer


def _limits(problem: Problem, solution: Solution, sign: float) -> list[dict[str, Any]]:
    """List the limits that hold the plan back, dearest first: what one more unit changes in the objective."""
    return [
        {
            "kind": one.kind,
            "code": one.code,
            "period": problem.buckets[one.bucket],
            "limit": one.limit,
            "value": -sign * one.value + 0.0,
        }
        for one in solution.binding
        if not one.code.startswith(OF_THE_MODEL)
    ]


def _explained(problem: Problem, solution: Solution, sign: float) -> dict[str, Any]:
    """Say which requirements cannot hold together, the least that must give way, and the objective then."""
    gives = [conflict for conflict in solution.conflicts if conflict.amount > 0]
    found = [requirement_words(one, problem.buckets) for one in irreducible(problem)]
    after = solve(given_way(problem, gives))
    possible = bool(gives) and after.decisions is not None
    return {
        "conflicts": found or [conflict_words(one, problem.buckets) for one in gives],
        "relaxation": [relaxation_words(one, problem.buckets) for one in gives],
        "relaxed_objective": sign * after.objective if possible else None,
    }


def _decisions(problem: Problem, solution: Solution) -> dict[str, list[float]]:
    """Read the decisions under the keys of the format; a market's commitment counts as sold to it."""
    plan = solution.decisions
    if plan is None:
        return {}
    found: dict[str, FloatArray] = {}
    for code, row in zip(problem.activities.codes, plan.level, strict=True):
        if code.startswith(("make:", "extra:", "worked:", "down:")) or code in {"workers", "hire", "fire"}:
            found[code] = row
    for code, row in zip(problem.stocks.codes, plan.stock, strict=True):
        if not code.startswith(("hours:", "overtime:", "maintained:")) and code not in {"workers", "nowhere"}:
            found[f"inv:{code}"] = row
    for code, delivered, open_now in zip(problem.demands.codes, plan.deliver, plan.backlog, strict=True):
        kind, _, rest = code.partition(":")
        if kind == "back":
            found[code] = open_now
        else:
            found[f"sell:{rest}"] = found.get(f"sell:{rest}", np.zeros(problem.periods)) + delivered
    return {code: [float(value) + 0.0 for value in row] for code, row in found.items()}


def _duals(problem: Problem, solution: Solution, sign: float) -> dict[str, list[float]]:
    """Change of the objective by one more unit of each capacity, per period."""
    rows = {
        code: np.zeros(problem.periods) for code in problem.activities.codes if code.startswith("capacity:")
    }
    for limit in solution.binding:
        if limit.kind == "activity_upper" and limit.code in rows:
            rows[limit.code][limit.bucket] = -sign * limit.value
    return {code: [float(value) + 0.0 for value in row] for code, row in rows.items()}
