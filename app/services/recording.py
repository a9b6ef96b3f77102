"""What a reconciliation says of its result, as the store keeps it: proof, concessions, payoff, limits."""

from collections.abc import Iterator
from typing import Any

from app.services.explaining.words import LimitWords
from app.services.explaining.working import packed
from app.services.planning.run import Plan
from app.store.reconciliations import BindingLimit, Payoff, Reconciliation, Stakeholder, Summary

MOST_LIMITS = 500


def recorded(plan: Plan, inputs_hash: bytes, seconds: float) -> Reconciliation:
    """Return everything that is kept of a plan besides its series; `seconds` is what it took."""
    answer, solution = plan.reconciliation, plan.solution
    summary = Summary(
        rule=answer.rule,
        inputs_hash=inputs_hash,
        status=solution.status,
        objective=solution.objective,
        bound=solution.bound,
        gap=solution.gap,
        currency=plan.model.facts.parameters.text("currency"),
        seconds=seconds,
        components=solution.components,
        certificate=_certificate(plan),
    )
    return Reconciliation(
        summary,
        _stakeholders(plan),
        _payoff(plan),
        tuple(_limits(plan))[:MOST_LIMITS],
        working=packed(plan, inputs_hash),
    )


def _certificate(plan: Plan) -> dict[str, Any]:
    """Return the residuals, what rounding violates, and the notes; nothing of it is money."""
    proof, rounded = plan.solution.certificate, plan.solution.rounded
    residuals = (
        {}
        if proof is None
        else {name: getattr(proof, name) for name in ("primal", "dual", "complementarity", "gap", "accepted")}
    )
    notes = [{"code": note.code, "subject": note.subject, "text": note.text} for note in plan.notes]
    return {**residuals, "rounding": list(rounded.violations) if rounded else [], "notes": notes}


def _stakeholders(plan: Plan) -> tuple[Stakeholder, ...]:
    from_name = {one.name: one for one in plan.departments}
    return tuple(
        Stakeholder(
            stakeholder=one.stakeholder,
            objective=from_name[one.stakeholder].objective,
            unit=one.unit,
            best=one.best,
            worst=one.worst,
            value=one.value,
            concession=one.share,
            no_conflict=one.no_conflict,
            money=one.money,
        )
        for one in plan.reconciliation.concessions
    )


def _payoff(plan: Plan) -> tuple[Payoff, ...]:
    names, table = plan.reconciliation.stakeholders, plan.reconciliation.payoff
    if table is None:
        return ()
    money = {one.name: one.money for one in plan.departments}
    return tuple(
        Payoff(row, column, float(table[i, j]), float(table[i, j]) * money[column])
        for i, row in enumerate(names)
        for j, column in enumerate(names)
    )


def _limits(plan: Plan) -> Iterator[BindingLimit]:
    """Yield the limits of published buckets that hold the plan back, most expensive first."""
    model = plan.model
    words = LimitWords(plan.model)
    published = [limit for limit in plan.solution.binding if limit.bucket < model.problem.published]
    for limit in sorted(published, key=lambda one: (-one.value, one.kind, one.code, one.bucket)):
        yield words.of(limit)
