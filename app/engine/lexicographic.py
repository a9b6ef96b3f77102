"""Several objectives in turn: each next one over the optima of those before it, by exact faces (rule 41)."""

from __future__ import annotations

from collections.abc import Sequence

from app.engine.highs import Options, Outcome, minimise
from app.engine.linear import Basis, Program, on_face, only_point
from app.engine.problem import FloatArray


def lexicographic(
    program: Program, costs: Sequence[FloatArray], options: Options, start: Basis | None = None
) -> tuple[Program, Outcome, Outcome]:
    """Minimise the costs [k] in turn over one feasible set.

    Returns the last program solved (its feasible set holds the earlier optima), its outcome, and the
    outcome of the first cost, whose duals prove the first optimum. A first solve that is not optimal is
    returned as it is.
    """
    stage = program.with_cost(costs[0])
    first = outcome = minimise(stage, options, start=start)
    for cost in costs[1:]:
        if outcome.verdict != "optimal":
            break
        following = on_face(stage, outcome.duals).with_cost(cost)
        if outcome.basis is not None and only_point(following, outcome.basis):
            break  # nothing is left to choose
        answer = minimise(following, options, narrowed=True, start=outcome.basis)
        if answer.verdict == "limit":
            return following, answer, first
        if answer.verdict != "optimal":
            break  # noise of a thin face: what is settled so far stands
        stage, outcome = following, answer
    return stage, outcome, first
