"""`explain`: the limits behind a figure of a plan, what moving it costs, what would flip it (rules 61 to 63).

Who reads binding limits may ask about the figures that it reads. Limits are shown as far as the caller reads
the resource, supplier, item or site that they are limits of, money to whom the policies give shadow prices.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from app.engine.explain import Behind, Explanation
from app.engine.solution import BindingLimit as Binding
from app.errors import NotGranted
from app.services.explaining.cells import Decided, Figure, check_key, decided, require_sight
from app.services.explaining.state import PlanState, plan_state
from app.services.explaining.words import LimitWords
from app.services.grants import reads_column, require_measure, require_table
from app.services.wording import Names, amount, when
from app.store.branches import At
from app.store.database import Database, Transaction
from app.store.entities import read_entities
from app.store.reconciliations import BindingLimit

LIMITS = "plan.binding_limit"
MOST = 5  # decisions behind one figure that are explained
UNITS = {"regular": "hours", "overtime": "hours", "lead_time": "buckets", "cost": "currency per unit"}
NAMED = ("item", "site", "supplier", "resource")


@dataclass(frozen=True, slots=True)
class Reason:
    """A limit behind a figure; `more`, `less` in currency, `flip` in `unit` (None: it alone cannot)."""

    kind: str
    text: str
    codes: Mapping[str, str]
    start: date
    amount: float
    unit: str
    alone: bool
    flip: float | None
    more: float | None
    less: float | None


@dataclass(frozen=True, slots=True)
class ExplainedCell:
    """One decision behind a figure, in words and numbers."""

    text: str
    verdict: str
    value: float
    wanted: float
    possible: bool
    more: float | None
    less: float | None
    reasons: tuple[Reason, ...]
    money: bool
    """Whether the caller reads money: else more and less are not granted."""

    def priced(self, value: float | None) -> float | None:
        """Return an amount of money; raises NotGranted where the caller reads none."""
        if not self.money:
            raise NotGranted
        return value


async def explain(database: Database, tx: Transaction, at: At | None, figure: Figure) -> list[ExplainedCell]:
    """Explain a figure of the reconciled plan at a state, decision by decision, the largest first.

    `tx` is the caller's: what it does not see is not explained. Raises NotGranted, NotFound, BadValue,
    GrainMismatch, UnknownKey; Conflict for a state that is no reconciled plan.
    """
    require_table(tx.scope, LIMITS)
    require_measure(tx.scope, figure.measure)
    check_key(figure)
    state = await plan_state(database, at)
    await require_sight(tx, state, figure)
    cells = decided(state, figure, state.bucket(figure.start))[:MOST]
    found = await asyncio.to_thread(_ask, state, cells)
    limits = _limits_of(state, found)
    seen = await _seen(tx, state, limits)
    return [_shown(tx, state, one, limits, seen) for one in found]


def _ask(state: PlanState, cells: list[Decided]) -> list[Explanation]:
    with state.lock:
        explainer = state.explainer()
        return [explainer.explain(one.cell, one.value) for one in cells]


def _limits_of(state: PlanState, found: Iterable[Explanation]) -> dict[Behind, BindingLimit]:
    """Return every limit in words, costs apart."""
    words = LimitWords(state.model)
    behind = {one for explanation in found for one in explanation.behind if one.kind != "cost"}
    return {one: words.of(Binding(one.kind, one.code, one.bucket, one.limit, 0.0)) for one in behind}


async def _seen(
    tx: Transaction, state: PlanState, limits: Mapping[Behind, BindingLimit]
) -> dict[str, set[str]]:
    """Return the codes that the caller sees among those that the limits name, by kind."""
    named = {kind: {code for one in limits.values() if (code := getattr(one, kind))} for kind in NAMED}
    seen = {}
    for kind, codes in named.items():
        rows = (await read_entities(tx, state.commit, [kind], sorted(codes)))[kind] if codes else []
        seen[kind] = {str(row[kind]) for row in rows}
    return seen


def _shown(
    tx: Transaction,
    state: PlanState,
    found: Explanation,
    limits: Mapping[Behind, BindingLimit],
    seen: Mapping[str, set[str]],
) -> ExplainedCell:
    money = reads_column(tx.scope, LIMITS, "shadow_price")
    reasons = [
        _reason(state, one, limits.get(one), money)
        for one in found.behind
        if one.kind == "cost" or _visible(limits[one], seen)
    ]
    return ExplainedCell(
        text=_sentence(state, found),
        verdict=found.verdict,
        value=found.value,
        wanted=found.wanted,
        possible=found.possible,
        more=found.more if money else None,
        less=found.less if money else None,
        reasons=tuple(reasons),
        money=money,
    )


def _visible(limit: BindingLimit, seen: Mapping[str, set[str]]) -> bool:
    return all(getattr(limit, kind) is None or getattr(limit, kind) in seen[kind] for kind in NAMED)


def _reason(state: PlanState, one: Behind, limit: BindingLimit | None, money: bool) -> Reason:
    start = state.model.facts.horizon.buckets[one.bucket].start
    if limit is None:
        text = "It is possible, but dearer than leaving it as it is."
        flip = one.flip if money else None
        return Reason("cost", text, {}, start, 0.0, UNITS["cost"], one.alone, flip, None, None)
    codes = {kind: str(code) for kind in NAMED if (code := getattr(limit, kind)) is not None}
    return Reason(
        kind=one.kind,
        text=limit.text,
        codes=codes,
        start=start,
        amount=one.limit,
        unit=UNITS.get(one.kind, "units"),
        alone=one.alone,
        flip=one.flip,
        more=one.more if money else None,
        less=one.less if money else None,
    )


VERDICTS = {
    "met": "{what} is as wanted",
    "late": "{value} of {what} are late or not supplied",
    "early": "{value} of {what} are started earlier than needed: {more} could come later",
    "limited": "{what} is at its most: {value}",
    "held": "{what} is held at {value} by what is firm or contracted",
    "missing": "{value} of {what} are in stock, {more} less than the safety stock",
    "built_ahead": "{value} of {what} are in stock, {more} more than the safety stock",
    "free": "{what} is {value}; no limit holds it",
}


def _sentence(state: PlanState, found: Explanation) -> str:
    """Say what is the matter with a decision, without money."""
    bucket = when(state.model.facts.horizon.buckets[found.cell.bucket])
    text = VERDICTS[found.verdict].format(
        what=_what(state, found), value=amount(found.value), more=amount(abs(found.wanted - found.value))
    )
    return f"{text[:1].upper()}{text[1:]} in {bucket}."


def _what(state: PlanState, found: Explanation) -> str:
    names = Names(state.model.facts.dataset.entities)
    cell, model = found.cell, state.model
    if cell.kind == "hours":
        return f"the load of {names.of('resource', cell.code)}"
    if cell.kind == "demand":
        rank, item, site = model.groups.keys[model.problem.demands.codes.index(cell.code)]
        return f"{names.of('item', item)} for class {rank} from {names.of('site', site)}"
    if cell.kind == "stock":
        item, site = model.network.points[model.problem.stocks.codes.index(cell.code)]
        return f"{names.of('item', item)} at {names.of('site', site)}"
    source = model.sources[model.problem.activities.codes.index(cell.code)]
    way = {"MAKE": "made at", "PURCHASE": "bought for", "TRANSFER": "sent to"}.get(source.kind.name, "at")
    return f"{names.of('item', source.item)} {way} {names.of('site', source.site)}"
