"""Supply answers, open orders and the catalogue, as they were released to the calling customer."""

from datetime import date
from enum import Enum

import strawberry
from strawberry.types import Info

from app.services.parties import reading
from app.services.parties.answering import SupplyAnswerLine, supply_answers
from app.store.releases import ReleasedItem, ReleasedSalesOrder
from schema.context import Context
from schema.types.at import ReleaseAtArgument
from schema.types.connections import DEFAULT_PAGE, AfterArgument, Connection, FirstArgument, connection
from schema.types.node import Node
from schema.types.outside import ItemArgument, Release, chosen_release, paged
from schema.types.scalars import Numbers


@strawberry.enum(description="How far an answer binds us.")
class Firmness(Enum):
    """Values as they are stored."""

    FIRM = strawberry.enum_value("firm", description="We stand by it.")
    INDICATIVE = strawberry.enum_value("indicative", description="What the plan says today; it may change.")


@strawberry.enum(description="Why a quantity comes late or not at all.")
class SupplyReason(Enum):
    """Values of `app.services.releasing.reasons.Reason`."""

    NONE = strawberry.enum_value("none", description="All of it comes on time.")
    PORTFOLIO = strawberry.enum_value("portfolio", description="The item is not sold then.")
    LEAD_TIME = strawberry.enum_value("lead_time", description="It cannot be made or bought so soon.")
    MATERIAL = strawberry.enum_value("material", description="Material is short.")
    CAPACITY = strawberry.enum_value("capacity", description="Capacity is short.")
    ALLOCATION = strawberry.enum_value("allocation", description="What there is was shared out by our rules.")


@strawberry.type(
    description="Our answer to what you asked for of one item at one ship-to. All lists are aligned with the "
    "release's buckets; a quantity stands in the bucket for which it was requested."
)
class SupplyAnswer(Node):
    """Serves `SupplyAnswerLine`."""

    release: Release = strawberry.field(description="The release that it stands in.")
    customer: str = strawberry.field(description="Your sold-to code.")
    item: str = strawberry.field(description="Our code of the item.")
    party_item: str | None = strawberry.field(name="ownItem", description="Your code of the item, if known.")
    name: str = strawberry.field(name="itemName", description="Name of the item.")
    ship_to: str | None = strawberry.field(description="Your ship-to; null where none is known.")
    ship_to_name: str | None = strawberry.field(description="Name of that ship-to.")
    unit: str = strawberry.field(description="Unit of all quantities.")
    requested: Numbers = strawberry.field(
        description="What we plan for you: your open orders, and the agreed forecast that they do not cover."
    )
    on_time: Numbers = strawberry.field(description="Of it, delivered in its bucket.")
    late: Numbers = strawberry.field(description="Of it, delivered later.")
    late_until: list[date | None] = strawberry.field(
        description="Day by which the late part has arrived; null where nothing is late, or where it arrives "
        "after the last bucket."
    )
    not_supplied: Numbers = strawberry.field(description="Of it, not supplied.")
    firmness: list[Firmness] = strawberry.field(description="How far each answer binds us.")
    reason: list[SupplyReason] = strawberry.field(
        name="reasons", description="Why not all of it comes on time."
    )
    confirmed: Numbers = strawberry.field(description="On time and late together.")
    previous: Numbers = strawberry.field(
        name="previousConfirmed",
        description="Confirmed for the same dates in the release before, shared out by days where buckets "
        "differ; null where that release does not reach.",
    )
    changes: Numbers = strawberry.field(description="Confirmed less previously confirmed.")

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Serve the service's own objects."""
        return isinstance(obj, SupplyAnswerLine)


@strawberry.type(description="A line of one of your open orders.")
class SalesOrderLine(Node):
    """Serves `Released[ReleasedSalesOrder]`."""

    release: Release = strawberry.field(description="The release that it stands in.")
    order_number: str = strawberry.field(description="Our order number.")
    order_line: int = strawberry.field(description="Line of the order.")
    customer: str = strawberry.field(description="Your sold-to code.")
    ship_to: str | None = strawberry.field(description="Your ship-to, if the order names one.")
    item: str = strawberry.field(description="Our code of the item.")
    party_item: str | None = strawberry.field(name="ownItem", description="Your code of the item, if known.")
    name: str = strawberry.field(name="itemName", description="Name of the item.")
    unit: str = strawberry.field(description="Unit of the quantity.")
    quantity: float = strawberry.field(description="Open quantity.")
    requested_date: date = strawberry.field(description="Day that you asked for.")
    promised_date: date | None = strawberry.field(description="Day that we promised; null where we did not.")

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Serve the service's own objects."""
        return isinstance(obj, reading.Released) and isinstance(obj.line, ReleasedSalesOrder)


@strawberry.type(description="An item that you buy, ordered or forecast under one of your sold-to codes.")
class CatalogueItem(Node):
    """Serves `Released[ReleasedItem]`."""

    code: str = strawberry.field(name="customer", description="Your sold-to code.")
    item: str = strawberry.field(description="Our code of the item.")
    party_item: str | None = strawberry.field(name="ownItem", description="Your code of the item, if known.")
    name: str = strawberry.field(name="itemName", description="Name of the item.")
    unit: str = strawberry.field(description="Unit of all quantities of this item.")

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Serve the service's own objects."""
        return isinstance(obj, reading.Released) and isinstance(obj.line, ReleasedItem)


async def resolve_supply_answers(
    info: Info[Context, None],
    at: ReleaseAtArgument = None,
    item: ItemArgument = None,
    first: FirstArgument = DEFAULT_PAGE,
    after: AfterArgument = None,
) -> Connection[SupplyAnswerLine]:
    """Return supply answers of a release."""
    stretch, release = paged(info, first, after), chosen_release(at)
    async with info.context.read() as tx:
        return connection(info, await supply_answers(tx, stretch, at=release, item=item))


async def resolve_open_orders(
    info: Info[Context, None],
    at: ReleaseAtArgument = None,
    item: ItemArgument = None,
    first: FirstArgument = DEFAULT_PAGE,
    after: AfterArgument = None,
) -> Connection[reading.Released[ReleasedSalesOrder]]:
    """Return open order lines of a release."""
    stretch, release = paged(info, first, after), chosen_release(at)
    async with info.context.read() as tx:
        page = await reading.lines(tx, reading.CUSTOMER, ReleasedSalesOrder, stretch, at=release, item=item)
        return connection(info, page)


async def resolve_items(
    info: Info[Context, None],
    at: ReleaseAtArgument = None,
    item: ItemArgument = None,
    first: FirstArgument = DEFAULT_PAGE,
    after: AfterArgument = None,
) -> Connection[reading.Released[ReleasedItem]]:
    """Return the catalogue of a release."""
    stretch, release = paged(info, first, after), chosen_release(at)
    async with info.context.read() as tx:
        page = await reading.lines(tx, reading.CUSTOMER, ReleasedItem, stretch, at=release, item=item)
        return connection(info, page)
