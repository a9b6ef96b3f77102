"""The audit log: for auditors, who see who did what and no business values."""

from datetime import datetime
from enum import Enum
from typing import Annotated, cast

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from app.services.views import audit as views
from app.store.audit import Filter, Kind
from schema.context import Context
from schema.types.connections import (
    DEFAULT_PAGE,
    AfterArgument,
    Connection,
    FirstArgument,
    connection,
    page_size,
    resume_key,
)
from schema.types.fields import served


@strawberry.enum(description="What sort of act an event tells of.")
class AuditKind(Enum):
    """Kinds of events, as the log spells them."""

    WRITE = strawberry.enum_value("write", description="Something was changed.")
    PUBLICATION = strawberry.enum_value("publication", description="A plan was sealed and released.")
    GRANT = strawberry.enum_value("grant", description="Somebody was given or lost rights.")
    LOGIN = strawberry.enum_value("login", description="Somebody proved who they are, or ended that.")
    REFUSAL = strawberry.enum_value("refusal", description="Something was refused; `times` may count many.")
    EXPORT = strawberry.enum_value("export", description="Data left as files.")
    READ = strawberry.enum_value("read", description="A sensitive measure was read.")
    ERASURE = strawberry.enum_value(
        "erasure", description="A name was erased from the log, or old history given up."
    )


def _commit_id(info: Info[Context, None], commit: int | None) -> strawberry.ID | None:
    return None if commit is None else strawberry.ID(info.context.ids.encode("Commit", str(commit)))


def _before_id(
    root: strawberry.Parent[views.AuditEventView], info: Info[Context, None]
) -> strawberry.ID | None:
    return _commit_id(info, root.before_commit)


def _after_id(
    root: strawberry.Parent[views.AuditEventView], info: Info[Context, None]
) -> strawberry.ID | None:
    return _commit_id(info, root.after_commit)


@strawberry.type(description="An act on record. It never changes.")
class AuditEvent:
    """Serves `AuditEventView`."""

    at: datetime = strawberry.field(description="When.")
    kind: str = strawberry.field(description="What sort of act: write, publication, grant, login, refusal …")
    act: str = strawberry.field(description="Mutation, command or protocol step; of a refusal its code.")
    subject: str | None = strawberry.field(
        description="Who; null where nobody was known or the name was erased."
    )
    pseudonym: str | None = strawberry.field(description="Who, as the sealed event names them.")
    role: str | None = strawberry.field(description="As what.")
    audience: str | None = strawberry.field(
        description="Graph of the caller; host or service for Concord's own."
    )
    party: str | None = strawberry.field(description="For which department or party.")
    origin: str = strawberry.field(description="From which network, or command line or process.")
    target: str | None = strawberry.field(description="What it was done to, by name.")
    branch: str | None = strawberry.field(description="Branch that it is about.")
    before_id: strawberry.ID | None = served(_before_id, description="Id of the commit before.")
    after_id: strawberry.ID | None = served(_after_id, description="Id of the commit after.")
    times: int = strawberry.field(description="How many acts of the same sort it counts.")
    detail: JSON = strawberry.field(description="More about the act; no business values.")
    policy_digest: str | None = strawberry.field(description="Digest of the policies then in force.")
    position: int | None = strawberry.field(
        description="Place in the chain; null until sealed, within a second."
    )
    seal: str | None = strawberry.field(description="Hash over it and all before it, in hexadecimal digits.")


@strawberry.type(description="The end of the chain over the audit log; kept elsewhere, it proves the log.")
class AuditHead:
    """Serves `AuditHeadView`."""

    position: int = strawberry.field(description="Number of sealed events.")
    seal: str = strawberry.field(description="Hash over them all, in hexadecimal digits.")


@strawberry.input(description="Which events are asked for; whatever is left out is not looked at.")
class AuditFilter:
    """Conditions, all of which hold."""

    kind: AuditKind | None = strawberry.field(default=None, description="Sort of act.")
    act: str | None = strawberry.field(default=None, description="Mutation, command, step or error code.")
    subject: str | None = strawberry.field(default=None, description="Who, by name.")
    role: str | None = strawberry.field(default=None, description="As what.")
    party: str | None = strawberry.field(default=None, description="For which department or party.")
    since: datetime | None = strawberry.field(default=None, description="From this moment on.")
    until: datetime | None = strawberry.field(default=None, description="Before this moment.")


FilterArgument = Annotated[
    AuditFilter | None, strawberry.argument(description="Only these events; null means all.")
]


def _filter(given: AuditFilter | None) -> Filter:
    if given is None:
        return Filter()
    kind = None if given.kind is None else cast(Kind, given.kind.value)
    return Filter(kind, given.act, given.subject, given.role, given.party, given.since, given.until)


async def resolve_audit_events(
    info: Info[Context, None],
    filter: FilterArgument = None,
    first: FirstArgument = DEFAULT_PAGE,
    after: AfterArgument = None,
) -> Connection[views.AuditEventView]:
    """Return events, newest first."""
    limit, key = page_size(first), resume_key(info, after)
    async with info.context.read() as tx:
        return connection(info, await views.audit_page(tx, _filter(filter), limit, key))


async def resolve_audit_head(info: Info[Context, None]) -> views.AuditHeadView:
    """Return the end of the chain."""
    async with info.context.read() as tx:
        return await views.audit_head(tx)
