"""The case company of ../shared/data: a full reconciliation, one changed demand, the peak of memory."""

from __future__ import annotations

import resource
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import app.exchange
from app.engine.cache import Cache
from app.engine.component import Result
from app.engine.reconcile import reconcile
from app.exchange import read_dataset
from app.services.planning.build import build
from app.services.planning.departments import departments_of

MAPPING = Path(app.exchange.__file__).parent / "mappings" / "adventureworks_plan.toml"


def measure_company(shared: Path) -> dict[str, Any]:
    """Reconcile the company's plan, then again after one changed demand, with the cache between."""
    dataset = read_dataset(shared / "data" / "adventureworks", MAPPING).dataset
    assert dataset is not None
    model = build(dataset, None)
    departments = departments_of(model.facts.parameters)
    cache: Cache[Result] = Cache()
    problem, found = model.problem, {}
    for name in ("reconcile", "after_one_change"):
        begun = time.process_time()
        answer = reconcile(problem, departments, "leximin", cache=cache)
        found[name] = {"cpu_s": round(time.process_time() - begun, 2), "status": answer.status}
        quantity = problem.demands.quantity.copy()
        quantity[0] *= 1.05
        problem = replace(problem, demands=replace(problem.demands, quantity=quantity))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sizes = {name: len(getattr(problem, name).codes) for name in ("stocks", "activities", "demands")}
    return found | {"peak_mb": round(peak), "problem": sizes | {"buckets": problem.periods}}
