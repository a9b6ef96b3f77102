"""Limits of a plan in a planner's words: codes, bucket and a sentence. No money: many roles read them."""

import numpy as np

from app.engine.problem import Kind
from app.engine.solution import BindingLimit as Binding
from app.services.planning.build import PlanModel
from app.services.planning.sources import Source
from app.services.wording import Names, amount, when
from app.store.reconciliations import BindingLimit


class LimitWords:
    """Turns the engine's limits into rows with codes and a sentence."""

    def __init__(self, model: PlanModel) -> None:
        """Index the names of a plan's problem."""
        self._model = model
        self._names = Names(model.facts.dataset.entities)
        self._sources = dict(zip(model.problem.activities.codes, model.sources, strict=True))
        self._points = dict(zip(model.problem.stocks.codes, model.network.points, strict=True))
        sites = model.facts.dataset.entities["resource"]
        self._site_of = {str(row["resource"]): str(row["site"]) for row in sites}

    def of(self, limit: Binding) -> BindingLimit:
        """Return a limit as it is kept: codes, first bucket and a sentence."""
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
        if limit.kind == "material":
            sentence = f"{amount(limit.limit)} of {goods} are on hand or under way until {at}."
        elif limit.kind == "stock_maximum":
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
        if limit.kind in {"closed", "lead_time"}:
            return codes, self._time(source, limit, at)
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

    def _time(self, source: Source, limit: Binding, at: str) -> str:
        """Say that an activity takes too long, or is not open in a bucket."""
        item, site = self._names.of("item", source.item), self._names.of("site", source.site)
        what = {
            Kind.MAKE: f"{item} made at {site}",
            Kind.PURCHASE: f"{item} for {site} from {self._names.of('supplier', source.partner or '')}",
            Kind.TRANSFER: f"{item} sent from {self._names.of('site', source.partner or '')} to {site}",
        }.get(source.kind, f"{item} at {site}")
        if limit.kind == "lead_time":
            return f"{what} in {at} is there {amount(limit.limit)} buckets later."
        opens = np.flatnonzero(source.upper > 0)
        early = source.kind is Kind.PURCHASE and len(opens) and limit.bucket < opens[0]
        return f"{what} cannot be there in {at}: {'the lead time is longer' if early else 'nothing is open'}."
