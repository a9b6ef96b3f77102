"""The engine on large instances, beside a plain linear program of the same: time, memory, cost and proof.

    python benchmarks/engine.py                                   every instance, with the reference
    python benchmarks/engine.py --instance DIR --plan OUT         one instance; its plan for the checker
    python benchmarks/engine.py --adventureworks                  the case company: plan, one change

Every instance is measured in a process of its own, so that the peak of its memory is its own. CPU seconds are
those of the process and its children. The reference (lp_bound.py) runs right after the engine on the same
instance, since other work on the machine changes the speed of both.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from adventureworks import measure_company
from instances import Instance, read_instance, write_plan

from app.engine.cache import Cache
from app.engine.component import Result
from app.engine.problem import Parameters, Problem
from app.engine.reconcile import reconcile
from app.engine.replan import plan, replan
from app.engine.solution import Solution
from app.engine.solve import solve
from app.services.planning.departments import DEPARTMENTS
from app.services.planning.processes import Processes

SHARED = Path(os.environ.get("CONCORD_SHARED", Path(__file__).parents[2] / "shared"))
INSTANCES = (("1000",), ("5000",), ("20000",), ("1000", "--common", "0.3"), ("5000", "--common", "0.3"))
RECONCILED_UP_TO = 5_000  # items; beyond, only solving is measured


def main() -> None:
    """Run what is asked for and print one JSON object per instance."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--instance", type=Path, help="directory made by shared/instances/generate.py")
    parser.add_argument("--plan", type=Path, help="where to write the plan for the checker")
    parser.add_argument("--no-reconcile", action="store_true", help="leave the reconciliation out")
    parser.add_argument("--adventureworks", action="store_true", help="measure the case company instead")
    asked = parser.parse_args()
    if asked.adventureworks:
        print(json.dumps(measure_company(SHARED), indent=1))
    elif asked.instance is not None:
        with tempfile.TemporaryDirectory() as scratch:
            target = asked.plan or Path(scratch) / "plan"
            print(json.dumps(measure(asked.instance, target, not asked.no_reconcile), indent=1))
    else:
        run_all()


def run_all() -> None:
    """Make every instance, measure engine and reference in turn."""
    with tempfile.TemporaryDirectory() as scratch:
        for options in INSTANCES:
            directory = Path(scratch) / "-".join(options)
            _script("generate.py", *options, "--out", str(directory))
            command = [sys.executable, __file__, "--instance", str(directory)]
            found = json.loads(subprocess.check_output([*command, "--plan", str(directory / "plan")]))
            if "--common" not in options:
                found["reference"] = reference(directory)
            print(json.dumps(found, indent=1), flush=True)


def measure(directory: Path, target: Path, with_reconciliation: bool) -> dict[str, Any]:
    """Solve, check, change and reconcile one instance."""
    parameters = Parameters(rounding=False)
    instance = read_instance(directory, parameters)
    solution, cpu, wall = timed(lambda: solve(instance.problem))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {
        "instance": directory.name,
        "items": len(instance.makes),
        "components": solution.components,
        "status": solution.status,
        "solve_cpu_s": round(cpu, 2),
        "solve_wall_s": round(wall, 2),
        "peak_mb": round(peak),
        **judged(instance, solution, target, directory),
    }
    if solution.components > 1:
        found |= in_processes(instance.problem) | after_one_change(instance.problem, cpu)
    if with_reconciliation and len(instance.makes) <= RECONCILED_UP_TO and solution.components > 1:
        found |= reconciled(instance.problem, cpu)
    return found


def judged(instance: Instance, solution: Solution, target: Path, directory: Path) -> dict[str, Any]:
    """Write the plan, let the instances' checker price it, and relate the proof to what a plan decides."""
    if solution.decisions is None or solution.certificate is None:
        return {}
    write_plan(instance, solution.decisions, target)
    _script("evaluate.py", str(directory), str(target))
    checked = json.loads((target / "eval.json").read_text())
    own = instance.controllable(solution.decisions)
    return {
        "controllable": round(own),
        "controllable_by_checker": checked["controllable"],
        "violations": checked["violations"],
        "gap_on_controllable": abs(solution.certificate.gap_money) / own,
    }


def in_processes(problem: Problem) -> dict[str, Any]:
    """Solve in two processes, started beforehand."""
    processes = Processes(2)
    try:
        list(processes.map(abs, [1, 2, 3, 4]))
        _, _, wall = timed(lambda: solve(problem, executor=processes))
    finally:
        processes.close()
    return {"two_processes_wall_s": round(wall, 2)}


def after_one_change(problem: Problem, full: float) -> dict[str, Any]:
    """Change one item's demand and plan again, three times; the median."""
    planned = plan(problem)
    spent = []
    for row in range(3):
        quantity = problem.demands.quantity.copy()
        quantity[row * 20, 10:20] *= 1.1
        problem = replace(problem, demands=replace(problem.demands, quantity=quantity))
        planned, cpu, _ = timed(lambda before=planned, now=problem: replan(before, now))  # type: ignore[misc]
        spent.append(cpu)
    cpu = sorted(spent)[1]
    return {
        "one_change_cpu_s": round(cpu, 3),
        "one_change_share_of_solve": round(cpu / full, 4),
        "one_change_status": planned.solution.status,
    }


def reconciled(problem: Problem, full: float) -> dict[str, Any]:
    """Reconcile three departments: payoff table, leximin, the canonical answer."""
    cache: Cache[Result] = Cache()
    answer, cpu, _ = timed(lambda: reconcile(problem, DEPARTMENTS, "leximin", cache=cache))
    return {
        "reconcile_status": answer.status,
        "reconcile_cpu_s": round(cpu, 2),
        "reconcile_solves": round(cpu / full, 2),
        "concessions": {one.stakeholder: round(one.share, 6) for one in answer.concessions},
    }


def reference(directory: Path) -> dict[str, Any]:
    """Run the plain linear program on the same instance: its CPU seconds in the solver, and its cost."""
    target = directory / "reference"
    said = _script("lp_bound.py", str(directory), str(target))
    _script("evaluate.py", str(directory), str(target))
    seconds = re.search(r"cpu_s in HiGHS ([0-9.]+)", said)
    return {
        "solve_cpu_s": float(seconds.group(1)) if seconds else None,
        "controllable": json.loads((target / "eval.json").read_text())["controllable"],
    }


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Carry out work; returns its answer, CPU seconds and seconds on the clock."""
    cpu, wall = time.process_time(), time.perf_counter()
    answer = work()
    return answer, time.process_time() - cpu, time.perf_counter() - wall


def _script(name: str, *arguments: str) -> str:
    command = [sys.executable, str(SHARED / "instances" / name), *arguments]
    return subprocess.check_output(command, text=True)


if __name__ == "__main__":
    main()
