"""Copies out of a sealed plan what each party may see: the only place where anything leaves the plan.

Whom a release goes to follows from the codes that a party owns; what is in it, from this package, as
policies/releases.toml declares it. Releases are counted per party: a number tells nothing about others.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.services.releasing.projections import projection_lines, purchase_orders, supplier_items
from app.services.releasing.reasons import Reasons
from app.services.releasing.supply_answers import answer_lines, customer_items, sales_orders
from app.services.releasing.view import PlanView
from app.store.announcements import announce_released
from app.store.branches import Commit
from app.store.database import Transaction
from app.store.identity import entity_ids
from app.store.inbox import included_through
from app.store.releases import (
    Contents,
    Release,
    ReleasedAnswer,
    ReleasedProjection,
    append_release,
    find_release,
    read_lines,
)

SUPPLIER, CUSTOMER = "supplier", "customer"
DRAFT, FINAL = "draft", "final"
AUDIENCES: Mapping[str, tuple[str, ...]] = {DRAFT: (SUPPLIER,), FINAL: (SUPPLIER, CUSTOMER)}
"""Who receives what kind: a draft round asks suppliers for commits, the final plan goes to everybody."""


@dataclass(frozen=True, slots=True)
class Addressee:
    """A party on one side."""

    party: str
    party_id: int
    audience: str


async def copy_out(tx: Transaction, commit: Commit, view: PlanView, kind: str, at: datetime) -> int:
    """Write a release to every party that a publication of this kind reaches; return how many.

    The caller holds the publication lock and seals the commit in the same transaction.
    """
    answered = await included_through(tx, commit)
    reasons = Reasons(view)
    addressees = await _addressees(tx, commit, view, AUDIENCES[kind])
    for addressee in addressees:
        previous = await find_release(tx, addressee.party_id, addressee.audience)
        through = answered.get((addressee.party_id, addressee.audience), 0)
        release = _head(view, addressee, previous, kind=kind, at=at, through=through)
        contents = await _contents(tx, view, addressee, previous, reasons=reasons)
        await append_release(tx, addressee.party_id, addressee.audience, release, contents)
    await announce_released(tx, AUDIENCES[kind])
    return len(addressees)


async def _addressees(
    tx: Transaction, commit: Commit, view: PlanView, audiences: Iterable[str]
) -> list[Addressee]:
    """Return the active outside parties that own codes of a side, in order."""
    reference = view.reference
    owned = {SUPPLIER: reference.suppliers, CUSTOMER: reference.customers}
    active = {
        code
        for code, row in reference.parties.items()
        if row["kind"] == "external" and row.get("active") is not False
    }
    wanted = [
        (party, audience) for audience in audiences for party in sorted(active & owned[audience].keys())
    ]
    ids = await entity_ids(tx, commit.plan_id, (("party", party) for party, _ in wanted))
    return [Addressee(party, ids["party", party], audience) for party, audience in wanted]


def _head(
    view: PlanView, addressee: Addressee, previous: Release | None, *, kind: str, at: datetime, through: int
) -> Release:
    days = timedelta(days=view.parameters.integer("response_days"))
    return Release(
        ordinal=1 if previous is None else previous.ordinal + 1,
        kind=kind,
        party_name=str(view.reference.parties[addressee.party]["name"]),
        released_at=at,
        plan_date=view.plan_date,
        response_due=at.date() + days if addressee.audience == SUPPLIER else None,
        answered_through=through,
        starts=tuple(bucket.start for bucket in view.buckets),
        ends=tuple(bucket.end for bucket in view.buckets),
        zones=view.zones,
    )


async def _contents(
    tx: Transaction, view: PlanView, addressee: Addressee, previous: Release | None, *, reasons: Reasons
) -> Contents:
    """Return the lines for one party; those of its previous release are read to say what has changed."""
    party, party_id = addressee.party, addressee.party_id
    if addressee.audience == SUPPLIER:
        bought = await read_lines(tx, ReleasedProjection, party_id, previous.ordinal) if previous else []
        return Contents(
            items=supplier_items(view, party),
            projections=projection_lines(view, party, previous, bought),
            purchase_orders=purchase_orders(view, party),
        )
    answered = await read_lines(tx, ReleasedAnswer, party_id, previous.ordinal) if previous else []
    return Contents(
        items=customer_items(view, party),
        answers=answer_lines(view, party, previous, answered, reasons=reasons),
        sales_orders=sales_orders(view, party),
    )
