"""The audit log as auditors read it: who did what, newest first, and the end of the chain."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.services.grants import require_table
from app.services.views.pages import Page, page_of
from app.store.audit import Filter, Recorded, Value, events
from app.store.audit_chain import head
from app.store.database import Transaction

LOG = "audit.event"


@dataclass(frozen=True, slots=True)
class AuditEventView:
    """An event; `position` and `seal` are its place in the chain, None until it is sealed."""

    number: int
    at: datetime
    kind: str
    act: str
    subject: str | None
    pseudonym: str | None
    role: str | None
    audience: str | None
    party: str | None
    origin: str
    target: str | None
    branch: str | None
    before_commit: int | None
    after_commit: int | None
    times: int
    detail: Mapping[str, Value]
    policy_digest: str | None
    position: int | None
    seal: str | None


@dataclass(frozen=True, slots=True)
class AuditHeadView:
    """The end of the chain: how many events are sealed, and the last hash in hexadecimal digits."""

    position: int
    seal: str


async def audit_page(tx: Transaction, wanted: Filter, limit: int, after: str | None) -> Page[AuditEventView]:
    """Return events, newest first; raises `NotGranted` for whom the log is not for."""
    require_table(tx.scope, LOG)
    before = None if after is None else int(after)
    found = await events(tx, wanted, before=before, first=limit + 1)
    return page_of([_view(each) for each in found], limit, lambda each: str(each.number))


async def audit_head(tx: Transaction) -> AuditHeadView:
    """Return the end of the chain; raises `NotGranted` for whom the log is not for."""
    require_table(tx.scope, LOG)
    end = await head(tx)
    return AuditHeadView(end.position, end.hash.hex())


def _view(found: Recorded) -> AuditEventView:
    return AuditEventView(
        number=found.id,
        at=found.at,
        kind=found.kind,
        act=found.act,
        subject=found.subject,
        pseudonym=found.actor,
        role=found.role,
        audience=found.audience,
        party=found.party,
        origin=found.origin,
        target=found.target,
        branch=found.branch,
        before_commit=found.before_commit,
        after_commit=found.after_commit,
        times=found.times,
        detail=found.detail,
        policy_digest=found.policy_digest,
        position=found.position,
        seal=None if found.hash is None else found.hash.hex(),
    )
