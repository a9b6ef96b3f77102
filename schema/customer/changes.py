"""What has changed between two releases to the calling customer, and how its answers came about."""

from datetime import date
from typing import Annotated

import strawberry
from strawberry.types import Info

from app.services.parties import changes, reading
from app.services.parties.answering import SupplyAnswerLine, answer_history
from app.store.releases import ReleasedSalesOrder
from schema.context import Context
from schema.customer.answers import SalesOrderLine
from schema.types.at import ReleaseAtArgument
from schema.types.changes import ChangeKind, SinceArgument
from schema.types.connections import DEFAULT_PAGE, AfterArgument, Connection, FirstArgument, connection
from schema.types.outside import HistoryItemArgument, ItemArgument, Release, chosen_release, paged
from schema.types.scalars import Numbers


def _dates(root: strawberry.Parent[changes.AnswerChange]) -> list[date]:
    return list(root.release.starts)


@strawberry.type(
    description="A supply answer that differs between two releases, in what you asked for or in what "
    "we confirmed. All lists are aligned with the later release's buckets; earlier figures are brought to "
    "the same dates, shared out by days."
)
class SupplyAnswerChange:
    """Serves `app.services.parties.changes.AnswerChange`."""

    kind: ChangeKind = strawberry.field(description="What became of the line.")
    since: Release = strawberry.field(description="The earlier release.")
    release: Release = strawberry.field(description="The later release.")
    customer: str = strawberry.field(description="Your sold-to code.")
    item: str = strawberry.field(description="Our code of the item.")
    party_item: str | None = strawberry.field(name="ownItem", description="Your code of the item, if known.")
    name: str = strawberry.field(name="itemName", description="Name of the item.")
    ship_to: str | None = strawberry.field(description="Your ship-to, if the request names one.")
    ship_to_name: str | None = strawberry.field(description="Name of that ship-to.")
    unit: str = strawberry.field(description="Unit of all quantities.")
    requested_before: Numbers = strawberry.field(
        description="Requested as of the earlier release; null for dates that it does not reach."
    )
    requested: Numbers = strawberry.field(description="Requested as of the later release.")
    confirmed_before: Numbers = strawberry.field(
        description="Confirmed by the earlier release, on time or late; null for dates beyond it."
    )
    confirmed: Numbers = strawberry.field(description="Confirmed by the later release, on time or late.")
    changes: Numbers = strawberry.field(description="Confirmed less confirmed before.")
    bucket_dates: list[date] = strawberry.field(resolver=_dates, description="First day of each bucket.")

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Serve the service's own objects."""
        return isinstance(obj, changes.AnswerChange)


@strawberry.type(description="A line of your open orders that differs between two releases.")
class SalesOrderChange:
    """Serves `app.services.parties.changes.OrderChange`."""

    kind: ChangeKind = strawberry.field(description="What became of the line.")
    before: SalesOrderLine | None = strawberry.field(
        description="The line in the earlier release; null where it was not there."
    )
    after: SalesOrderLine | None = strawberry.field(
        description="The line in the later release; null where it is no longer open."
    )

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Serve the service's own objects."""
        return isinstance(obj, changes.OrderChange)


CustomerArgument = Annotated[
    str | None, strawberry.argument(description="Only lines of this sold-to code of yours; null for all.")
]
ShipToArgument = Annotated[
    str | None, strawberry.argument(description="Only lines for this ship-to; null for all.")
]


async def resolve_answer_changes(
    info: Info[Context, None],
    *,
    changes_since: SinceArgument,
    at: ReleaseAtArgument = None,
    item: ItemArgument = None,
    first: FirstArgument = DEFAULT_PAGE,
    after: AfterArgument = None,
) -> Connection[changes.AnswerChange]:
    """Return the supply answers that differ between two releases."""
    stretch, since, until = paged(info, first, after), chosen_release(changes_since), chosen_release(at)
    async with info.context.read() as tx:
        page = await changes.answer_changes(tx, reading.CUSTOMER, stretch, since=since, at=until, item=item)
        return connection(info, page)


async def resolve_order_changes(
    info: Info[Context, None],
    *,
    changes_since: SinceArgument,
    at: ReleaseAtArgument = None,
    item: ItemArgument = None,
    first: FirstArgument = DEFAULT_PAGE,
    after: AfterArgument = None,
) -> Connection[changes.OrderChange[ReleasedSalesOrder]]:
    """Return the open order lines that differ between two releases."""
    stretch, since, until = paged(info, first, after), chosen_release(changes_since), chosen_release(at)
    async with info.context.read() as tx:
        page = await changes.order_changes(
            tx, reading.CUSTOMER, ReleasedSalesOrder, stretch, since=since, at=until, item=item
        )
        return connection(info, page)


async def resolve_answer_history(
    info: Info[Context, None],
    *,
    item: HistoryItemArgument,
    customer: CustomerArgument = None,
    ship_to: ShipToArgument = None,
    first: FirstArgument = DEFAULT_PAGE,
    after: AfterArgument = None,
) -> Connection[SupplyAnswerLine]:
    """Return what all releases answered on an item."""
    stretch = paged(info, first, after)
    async with info.context.read() as tx:
        page = await answer_history(tx, stretch, item=item, customer=customer, ship_to=ship_to)
        return connection(info, page)
