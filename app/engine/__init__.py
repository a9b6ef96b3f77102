"""Pure planning: a `Problem` of named axes and arrays in, a `Solution` or `Reconciliation` out.

No input or output, no environment, no clock but for the time limit. `problem` says what is planned,
`solution` what comes back; docs/model.md numbers the rules. The verbs, each in the module of its name:

    check(problem) -> list[Finding]         every finding of every check_*, in a planner's words (checks)
    solve(problem, *, cache=None, executor=None, progress=None, cancelled=None) -> Solution
    reconcile(problem, stakeholders, rule="leximin", *, cache=None, executor=None, progress=None,
              cancelled=None) -> Reconciliation
    Explainer(problem, weights).explain(cell) -> Explanation   the limits behind a quantity (explain)
    peg_down(flows(problem, plan), roots) -> Pegs, peg_up      first in first out (pegging)
    irreducible(problem) -> tuple[Requirement, ...]   what cannot hold together, nothing in it too many
    explode(items) -> dict[str, MrpPlan]    the classic explosion of requirements, without optimisation (mrp)

`solve` and `reconcile` raise ProblemInvalid (with all findings) on errors and PlanCancelled when
`cancelled()` answers true between two solves; `progress(done, total, text)` is called between solves.
`cache` is a `Cache` (by content hash, safe to share between calls), `executor` anything with the `map`
of `concurrent.futures`.
"""
