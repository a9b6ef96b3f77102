"""What a reconciliation says of its result, as the store keeps it: proof, concessions, payoff, limits."""

from collections.abc import Iterator
from typing import Any

from app.engine.problem import Kind
from app.engine.solution import BindingLimit as Binding
from app.services.planning.run import Plan
from app.services.planning.sources import Source
from app.services.wording import Names, amount, when
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
    return Reconciliation(summary, _stakeholders(plan), _payoff(plan), tuple(_limits(plan))[:MOST_LIMITS])


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
    words = _Limits(plan)
    published = [limit for limit in plan.solution.binding if limit.bucket < model.problem.published]
    for limit in sorted(published, key=lambda one: (-one.value, one.kind, one.code, one.bucket)):
        yield words.of(limit)


class _Limits:
    """Turns the engine's limits into rows with codes and a sentence."""

    def __init__(self, plan: Plan) -> None:
        model = plan.model
        self._model = model
        self._names = Names(model.facts.dataset.entities)
        self._sources = dict(zip(model.problem.activities.codes, model.sources, strict=True))
        self._points = dict(zip(model.problem.stocks.codes, model.network.points, strict=True))
        sites = model.facts.dataset.entities["resource"]
        self._site_of = {str(row["resource"]): str(row["site"]) for row in sites}

    def of(self, limit: Binding) -> BindingLimit:
        bucket = self._model.facts.horizon.buckets[limit.bucket]
        codes, sentence = self._say(limit, when(bucket))
        return BindingLimit(
            kind=limit.kind,
            item=codes.get("item"),
            site=codes.get("site"),
            supplier=codes.get("supplier"),
            resource=codes.get("resource"),
            ordinal=bucket.ordinal,
            amount=float(limit.limit),
            shadow_price=float(limit.value),
            text=sentence,
        )

    def _say(self, limit: Binding, at: str) -> tuple[dict[str, str], str]:
        if limit.code in self._site_of:
            return self._capacity(limit, at)
        if limit.code.startswith("limit|"):
            return self._joint(limit, at)
        if limit.code in self._sources:
            return self._activity(self._sources[limit.code], limit, at)
        item, site = self._points[limit.code]
        goods = f"{self._names.of('item', item)} at {self._names.of('site', site)}"
        if limit.kind == "stock_maximum":
            sentence = f"No more than {amount(limit.limit)} of {goods} may be in stock in {at}."
        else:
            sentence = f"Stock of {goods} is short at the beginning of {at}: a unit more on hand would help."
        return {"item": item, "site": site}, sentence

    def _capacity(self, limit: Binding, at: str) -> tuple[dict[str, str], str]:
        name = self._names.of("resource", limit.code)
        hours = "overtime hours" if limit.kind == "overtime" else "hours"
        sentence = f"{name} is fully loaded in {at}: all {amount(limit.limit)} {hours} are used."
        return {"resource": limit.code, "site": self._site_of[limit.code]}, sentence

    def _joint(self, limit: Binding, at: str) -> tuple[dict[str, str], str]:
        kind, *parts = limit.code.split("|")[1:]
        if kind == "supplier":
            supplier, item = parts[:2]
            names = self._names.of("supplier", supplier), self._names.of("item", item)
            sentence = (
                f"{names[0]} delivers no more than {amount(limit.limit)} of {names[1]} to all sites in {at}."
            )
            return {"supplier": supplier, "item": item}, sentence
        origin, site = parts
        names = self._names.of("site", origin), self._names.of("site", site)
        sentence = (
            f"The lane from {names[0]} to {names[1]} carries no more than {amount(limit.limit)} in {at}."
        )
        return {"site": origin}, sentence

    def _activity(self, source: Source, limit: Binding, at: str) -> tuple[dict[str, str], str]:
        codes = {"item": source.item, "site": source.site}
        item, site = self._names.of("item", source.item), self._names.of("site", source.site)
        least = limit.kind == "activity_lower"
        quantity = amount(limit.limit)
        if source.kind is Kind.PURCHASE and source.partner:
            codes["supplier"] = source.partner
            supplier = self._names.of("supplier", source.partner)
            if least:
                return codes, f"The contract with {supplier} makes us take {quantity} of {item} in {at}."
            if limit.limit <= 0:
                return codes, f"{supplier} delivers no {item} to {site} in {at}."
            return codes, f"{supplier} delivers no more than {quantity} of {item} to {site} in {at}."
        if source.kind is Kind.TRANSFER and source.partner:
            origin = self._names.of("site", source.partner)
            return codes, f"No more than {quantity} of {item} can go from {origin} to {site} in {at}."
        if least:
            return codes, f"{quantity} of {item} are firmly planned at {site} in {at}."
        return codes, f"No more than {quantity} of {item} can be started at {site} in {at}."
