"""How a plan was found: proof, outcomes of the departments, payoff table, binding limits.

Money in it has grants of its own, column by column: the store reads what the role may not see as None, and
`guarded` tells that from a value which is not there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from app.access import Scope
from app.errors import NotGranted
from app.services.grants import reads_column, require_table
from app.services.views.pages import Page, page_of
from app.services.views.plans import PlanView
from app.store.database import Transaction
from app.store.reconciliations import (
    BindingLimit,
    Payoff,
    Stakeholder,
    Summary,
    read_limits,
    read_payoff,
    read_stakeholders,
    read_summary,
)

SUMMARY, STAKEHOLDER = "plan.reconciliation", "plan.reconciliation_stakeholder"
PAYOFF, LIMIT = "plan.payoff", "plan.binding_limit"


@dataclass(frozen=True, slots=True)
class Note:
    """Something about the inputs or the plan that was taken differently from how it was stated."""

    code: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """Residuals of the optimality conditions, relative, and what a reader of the plan must know besides."""

    primal: float | None
    dual: float | None
    complementarity: float | None
    gap: float | None
    accepted: bool
    rounding: tuple[str, ...]
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Guarded:
    """A row of a table some of whose columns have grants of their own."""

    table: str
    row: Summary | Stakeholder | BindingLimit
    scope: Scope

    def guarded(self, column: str) -> float | None:
        """Return a number of the row; raises `NotGranted` where the role may not read the column."""
        if not reads_column(self.scope, self.table, column):
            raise NotGranted
        number: float | None = getattr(self.row, column)
        return number


@dataclass(frozen=True, slots=True)
class ReconciliationView(Guarded):
    """What a result says of itself."""

    plan: PlanView
    rule: str
    status: str
    gap: float | None
    currency: str
    seconds: float
    components: int
    stated: Mapping[str, object] | None

    def certificate(self) -> Certificate:
        """Return the proof; raises `NotGranted` where the role may not read it."""
        if not reads_column(self.scope, self.table, "certificate"):
            raise NotGranted
        stated = self.stated or {}
        return Certificate(
            primal=_number(stated, "primal"),
            dual=_number(stated, "dual"),
            complementarity=_number(stated, "complementarity"),
            gap=_number(stated, "gap"),
            accepted=stated.get("accepted") is True,
            rounding=tuple(str(text) for text in _list(stated, "rounding")),
            notes=tuple(_note(note) for note in _list(stated, "notes")),
        )


@dataclass(frozen=True, slots=True)
class StakeholderOutcome(Guarded):
    """What a department got and gave up (`concession`, share of 1)."""

    stakeholder: str
    objective: str
    unit: str
    concession: float
    no_conflict: bool


@dataclass(frozen=True, slots=True)
class LimitView(Guarded):
    """A limit that holds the plan back, with the first day of its bucket."""

    kind: str
    text: str
    item_code: str | None
    site_code: str | None
    supplier_code: str | None
    resource_code: str | None
    start: date | None
    amount: float


async def reconciliation(tx: Transaction, plan: PlanView) -> ReconciliationView | None:
    """Return how a plan was found; None for a state that is no result of a reconciliation."""
    require_table(tx.scope, SUMMARY)
    found = await read_summary(tx, plan.state)
    if found is None:
        return None
    return ReconciliationView(
        table=SUMMARY,
        row=found,
        scope=tx.scope,
        plan=plan,
        rule=found.rule,
        status=found.status,
        gap=found.gap,
        currency=found.currency,
        seconds=found.seconds,
        components=found.components,
        stated=found.certificate,
    )


async def outcomes(tx: Transaction, view: ReconciliationView) -> list[StakeholderOutcome]:
    """Return what the departments got: all that the role may read, its own at least."""
    require_table(tx.scope, STAKEHOLDER)
    return [
        StakeholderOutcome(
            table=STAKEHOLDER,
            row=found,
            scope=tx.scope,
            stakeholder=found.stakeholder,
            objective=found.objective,
            unit=found.unit,
            concession=found.concession,
            no_conflict=found.no_conflict,
        )
        for found in await read_stakeholders(tx, view.plan.state)
    ]


async def payoff(tx: Transaction, view: ReconciliationView) -> list[Payoff]:
    """Return the payoff table, by row and column."""
    require_table(tx.scope, PAYOFF)
    return await read_payoff(tx, view.plan.state)


async def limit_page(
    tx: Transaction, view: ReconciliationView, limit: int, after: str | None
) -> Page[LimitView]:
    """Return the limits that hold the plan back, most expensive first."""
    require_table(tx.scope, LIMIT)
    first = 0 if after is None else int(after) + 1
    found = list(enumerate(await read_limits(tx, view.plan.state)))[first : first + limit + 1]
    page = page_of(found, limit, lambda numbered: str(numbered[0]))
    return page.map(lambda numbered: _limit_view(tx.scope, view.plan, numbered[1]))


def _limit_view(scope: Scope, plan: PlanView, found: BindingLimit) -> LimitView:
    buckets = plan.calendar.buckets
    return LimitView(
        table=LIMIT,
        row=found,
        scope=scope,
        kind=found.kind,
        text=found.text,
        item_code=found.item,
        site_code=found.site,
        supplier_code=found.supplier,
        resource_code=found.resource,
        start=None if found.ordinal is None else buckets[found.ordinal].start,
        amount=found.amount,
    )


def _note(stated: object) -> Note:
    parts = stated if isinstance(stated, Mapping) else {}
    return Note(*(str(parts.get(name, "")) for name in ("code", "subject", "text")))


def _list(stated: Mapping[str, object], name: str) -> list[object]:
    value = stated.get(name)
    return value if isinstance(value, list) else []


def _number(stated: Mapping[str, object], name: str) -> float | None:
    value = stated.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
