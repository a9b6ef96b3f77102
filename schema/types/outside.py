"""What the graphs of suppliers and customers share: the viewer, releases, submissions and their states."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from enum import Enum
from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from app.errors import BadId
from app.services.parties import reading
from app.services.parties.signals import Entry
from app.services.parties.submitting import Caller
from app.store.database import Transaction
from app.store.releases import Release as StoredRelease
from schema.context import Context
from schema.types.at import ReleaseAt, ReleaseAtArgument
from schema.types.connections import (
    DEFAULT_PAGE,
    AfterArgument,
    Connection,
    FirstArgument,
    connection,
    page_size,
    resume_key,
)
from schema.types.node import Node

ItemArgument = Annotated[
    str | None,
    strawberry.argument(description="Only lines of this item, by your own code or ours; null for all."),
]
HistoryItemArgument = Annotated[str, strawberry.argument(description="The item, by your own code or ours.")]


@strawberry.enum(description="How binding a release is.")
class ReleaseKind(Enum):
    """Values as they are stored."""

    DRAFT = strawberry.enum_value("draft", description="A draft round: answers shape the plan that follows.")
    FINAL = strawberry.enum_value("final", description="The agreed plan.")


@strawberry.enum(description="Zone of a bucket, by the days between the plan date and its first day.")
class Zone(Enum):
    """Values as they are stored."""

    FIRM = strawberry.enum_value("firm", description="Quantities are meant to be kept.")
    TRADE_OFF = strawberry.enum_value("tradeoff", description="Quantities may move within agreed bounds.")
    FORECAST = strawberry.enum_value("forecast", description="Quantities are a forecast.")


@strawberry.enum(description="What became of a submission.")
class SubmissionState(Enum):
    """Values of `app.services.parties.states.SubmissionState`."""

    VALIDATED = strawberry.enum_value("validated", description="Checked and kept; waits to be taken in.")
    INCLUDED = strawberry.enum_value("included", description="Part of the inputs of the next plan.")
    REJECTED = strawberry.enum_value("rejected", description="Not taken in; the reason is given.")
    ANSWERED = strawberry.enum_value("answered", description="A release to you stands on a plan with it.")


@strawberry.type(description="A range of days that a release speaks about.")
class ReleaseBucket:
    """One released bucket."""

    start: date = strawberry.field(description="First day.")
    end: date = strawberry.field(description="First day after it.")
    days: int = strawberry.field(description="Length in calendar days.")
    zone: Zone = strawberry.field(description="How binding the quantities in it are.")


def _buckets(root: strawberry.Parent[StoredRelease]) -> list[ReleaseBucket]:
    edges = zip(root.starts, root.ends, root.zones, strict=True)
    return [
        ReleaseBucket(start=start, end=end, days=(end - start).days, zone=Zone(zone))
        for start, end, zone in edges
    ]


@strawberry.type(description="What was released to you at one publication; it never changes.")
class Release(Node):
    """Serves `app.store.releases.Release`."""

    ordinal: int = strawberry.field(
        name="number", description="Number of the release, counted from 1 for you alone."
    )
    kind: ReleaseKind = strawberry.field(description="Draft round or final.")
    released_at: datetime = strawberry.field(description="When it was released.")
    plan_date: date = strawberry.field(description="First day of its first bucket.")
    response_due: date | None = strawberry.field(
        description="Last day on which an answer counts; null where none is asked for."
    )
    answered_through: int = strawberry.field(
        description="The plan behind it has taken your submissions up to this number in; 0 for none."
    )
    buckets: list[ReleaseBucket] = strawberry.field(
        resolver=_buckets, description="The buckets that all its series are aligned with, in order."
    )

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Serve the store's own objects."""
        return isinstance(obj, StoredRelease)


@strawberry.type(description="Who is calling.")
class Viewer:
    """Serves `app.services.parties.reading.Viewer`."""

    party: str = strawberry.field(description="Code of your party.")
    name: str | None = strawberry.field(description="Name of your party; null before the first release.")
    role: str = strawberry.field(description="Your role.")
    subject: str = strawberry.field(description="You, as your token names you.")
    codes: list[str] = strawberry.field(description="Your codes on this side that the release names.")
    release: Release | None = strawberry.field(
        description="The release asked for; null before the first one."
    )


@strawberry.interface(description="Something that you handed in.")
class Submission(Node):
    """Serves `SubmissionView`."""

    ordinal: int = strawberry.field(
        name="number", description="Number of the submission, counted from 1 for you alone."
    )
    release: int = strawberry.field(
        name="releaseNumber", description="Number of the release that it was checked against."
    )
    state: SubmissionState = strawberry.field(description="What became of it.")
    reason: str | None = strawberry.field(description="Why it was rejected; null otherwise.")
    submitted_by: str = strawberry.field(description="Who handed it in.")
    submitted_at: datetime = strawberry.field(description="When it was handed in.")
    decided_at: datetime | None = strawberry.field(description="When it was included or rejected.")


IDEMPOTENCY_KEY = (
    "A key of your choice, at most 200 characters: sent again with the same content it changes nothing and "
    "gives the same answer, with another content it is refused."
)
REFUSALS = "Why nothing was kept; empty on success."


@strawberry.input(description="A quantity for a bucket or a day.")
class QuantityEntryInput:
    """One entry."""

    day: date = strawberry.field(
        name="date", description="First day of the bucket, or the day that the quantity is of."
    )
    quantity: float = strawberry.field(description="Quantity, not negative.")


@strawberry.type(description="A quantity for a range of days.")
class QuantityEntry:
    """One entry."""

    start: date = strawberry.field(description="First day.")
    end: date = strawberry.field(description="First day after it.")
    quantity: float = strawberry.field(description="Quantity.")


def quantity_entries(entries: Sequence[QuantityEntryInput]) -> tuple[Entry, ...]:
    """Return entries as the service takes them."""
    return tuple(Entry(entry.day, entry.quantity) for entry in entries)


def entries_of(payload: Iterable[Mapping[str, Any]]) -> list[QuantityEntry]:
    """Return entries as the inbox keeps them."""
    return [
        QuantityEntry(
            start=date.fromisoformat(entry["start"]),
            end=date.fromisoformat(entry["end"]),
            quantity=entry["quantity"],
        )
        for entry in payload
    ]


def chosen_release(at: ReleaseAt | None) -> reading.At:
    """Return the release asked for as the service takes it; null is the latest."""
    if at is None:
        return reading.LATEST
    release = None if at.release is strawberry.UNSET else at.release
    return reading.At(release, None if at.time is strawberry.UNSET else at.time)


def paged(info: Info[Context, None], first: int | None, after: str | None) -> reading.Paged:
    """Return the stretch of a list that was asked for."""
    return reading.Paged(page_size(first), resume_key(info, after))


async def caller(info: Info[Context, None], idempotency_key: str) -> Caller:
    """Return who hands something in today."""
    return Caller(await info.context.scope(), datetime.now(UTC).date(), idempotency_key)


async def resolve_viewer(info: Info[Context, None], at: ReleaseAtArgument = None) -> reading.Viewer:
    """Return the calling party."""
    release = chosen_release(at)
    async with info.context.read() as tx:
        return await reading.viewer(tx, info.context.principal.audience, release)


async def resolve_releases(
    info: Info[Context, None],
    at: ReleaseAtArgument = None,
    first: FirstArgument = DEFAULT_PAGE,
    after: AfterArgument = None,
) -> Connection[StoredRelease]:
    """Return the releases to the calling party up to the one asked for, the latest first."""
    stretch, release = paged(info, first, after), chosen_release(at)
    async with info.context.read() as tx:
        return connection(info, await reading.releases(tx, info.context.principal.audience, stretch, release))


Load = Callable[[Transaction, str], Awaitable[object | None]]
"""Reads the object of one type that a key names."""

IdArgument = Annotated[strawberry.ID, strawberry.argument(description="An id that you were given.")]


def node_resolver(loads: Mapping[str, Load]) -> Callable[..., Awaitable[object | None]]:
    """Return the resolver of `node`; `loads` says by type name how to read an object."""

    async def resolve_node(info: Info[Context, None], id: IdArgument) -> Node | None:
        """Return the object with this id."""
        kind, key = info.context.ids.decode_any(id)
        if kind not in loads:
            raise BadId
        async with info.context.read() as tx:
            return await loads[kind](tx, key)  # type: ignore[return-value]  # served by attribute

    return resolve_node
