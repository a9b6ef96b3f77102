"""What is kept of a plan to explain it by: its decisions, whose eyes it is least in, and what gave way.

Kept beside the reconciliation for the host alone. The problem itself is built again from the inputs; only
where it had to be loosened, what gave way is applied again (rule P28).
"""

from dataclasses import asdict, dataclass, fields
from io import BytesIO
from typing import Any

import numpy as np
import orjson

from app.engine.problem import Problem
from app.engine.solution import Conflict, Decisions
from app.services.planning.notes import Notes
from app.services.planning.relax import relaxed
from app.services.planning.run import Plan

HEADER = "header"


@dataclass(frozen=True)
class Working:
    """A plan as it was decided: `weights` by element of cost, in currency (rule 61)."""

    inputs_hash: str
    weights: dict[str, float]
    given_way: tuple[tuple[Conflict, ...], ...]
    codes: list[str]
    decisions: Decisions

    def fits(self, problem: Problem) -> bool:
        """Say whether the decisions are on the axes of a problem."""
        return self.codes == list(problem.activities.codes) and self.decisions.stock.shape == (
            len(problem.stocks.codes),
            problem.periods,
        )

    def loosened(self, problem: Problem) -> Problem:
        """Return the problem as it was solved, what had to give way applied again."""
        for conflicts in self.given_way:
            problem = relaxed(problem, conflicts, Notes()) or problem
        return problem


def packed(plan: Plan, inputs_hash: bytes) -> bytes:
    """Return what is kept of a plan, compressed."""
    header = {
        "inputs_hash": inputs_hash.hex(),
        "weights": dict(plan.reconciliation.weights),
        "given_way": [[asdict(conflict) for conflict in conflicts] for conflicts in plan.given_way],
        "codes": list(plan.model.problem.activities.codes),
    }
    arrays: dict[str, Any] = {item.name: getattr(plan.decisions, item.name) for item in fields(Decisions)}
    arrays[HEADER] = np.frombuffer(orjson.dumps(header), dtype=np.uint8)
    target = BytesIO()
    np.savez_compressed(target, **arrays)
    return target.getvalue()


def unpacked(kept: bytes) -> Working:
    """Return what `packed` has kept."""
    with np.load(BytesIO(kept), allow_pickle=False) as arrays:
        header = orjson.loads(arrays[HEADER].tobytes())
        decisions = Decisions(**{item.name: arrays[item.name] for item in fields(Decisions)})
    rounds = tuple(tuple(Conflict(**one) for one in conflicts) for conflicts in header.pop("given_way"))
    return Working(given_way=rounds, decisions=decisions, **header)
