"""Purchase projections, open purchase orders and items, as they were released to the calling supplier."""

from datetime import date
from enum import Enum

import strawberry
from strawberry.types import Info

from app.services.parties import reading, states
from app.services.parties.states import ProjectionLine
from app.store.releases import ReleasedItem, ReleasedPurchaseOrder
from schema.context import Context
from schema.types.at import ReleaseAtArgument
from schema.types.connections import DEFAULT_PAGE, AfterArgument, Connection, FirstArgument, connection
from schema.types.node import Node
from schema.types.outside import ItemArgument, Release, Zone, chosen_release, paged
from schema.types.scalars import Numbers


@strawberry.enum(description="Where a projection line stands.")
class SupplierLineState(Enum):
    """Values of `app.services.parties.states.LineState`."""

    PUBLISHED = strawberry.enum_value("published", description="Released to you.")
    ACKNOWLEDGED = strawberry.enum_value(
        "acknowledged", description="You have confirmed reading the release."
    )
    COMMITTED = strawberry.enum_value("committed", description="You have answered at least one bucket.")
    EXPIRED = strawberry.enum_value("expired", description="A later release has replaced it.")


def _dates(root: strawberry.Parent[ProjectionLine]) -> list[date]:
    return list(root.release.starts)


def _zones(root: strawberry.Parent[ProjectionLine]) -> list[Zone]:
    return [Zone(zone) for zone in root.release.zones]


def _response_due(root: strawberry.Parent[ProjectionLine]) -> date | None:
    return root.release.response_due


@strawberry.type(
    description="What we expect to buy of one item from one of your supplier codes for one site, beyond open "
    "orders. All lists are aligned with the release's buckets."
)
class PurchaseProjection(Node):
    """Serves `ProjectionLine`."""

    release: Release = strawberry.field(description="The release that it stands in.")
    supplier: str = strawberry.field(description="Your supplier code.")
    item: str = strawberry.field(description="Our code of the item.")
    party_item: str | None = strawberry.field(name="ownItem", description="Your code of the item, if known.")
    name: str = strawberry.field(name="itemName", description="Name of the item.")
    site: str = strawberry.field(name="shipTo", description="Site that you ship to.")
    site_name: str = strawberry.field(name="shipToName", description="Name of that site.")
    unit: str = strawberry.field(
        description="Unit of all quantities: the purchase unit, or our base unit where it is not known how "
        "many base units a purchase unit holds."
    )
    lead_time_days: float = strawberry.field(description="Days from order to receipt, as agreed.")
    quantities: Numbers = strawberry.field(description="Quantity by bucket of receipt.")
    previous: Numbers = strawberry.field(
        name="previousQuantities",
        description="Quantity for the same dates in the release before, shared out by days where buckets "
        "differ; null where that release does not reach.",
    )
    changes: Numbers = strawberry.field(description="Quantity less previous quantity.")
    promised: Numbers = strawberry.field(
        name="promisedQuantities", description="Your last promise; null where you have not answered."
    )
    receipt_dates: list[date] = strawberry.field(
        resolver=_dates, description="First day of each bucket: the goods are expected from then on."
    )
    order_dates: list[date] = strawberry.field(
        description="Day on which we would order for a receipt on the receipt date."
    )
    zones: list[Zone] = strawberry.field(resolver=_zones, description="Zone of each bucket.")
    response_due: date | None = strawberry.field(
        resolver=_response_due, description="Last day on which an answer counts."
    )
    state: SupplierLineState = strawberry.field(description="Where the line stands.")

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Serve the service's own objects."""
        return isinstance(obj, states.ProjectionLine)


@strawberry.type(description="A line of an open purchase order with you.")
class PurchaseOrderLine(Node):
    """Serves `Released[ReleasedPurchaseOrder]`."""

    release: Release = strawberry.field(description="The release that it stands in.")
    order_number: str = strawberry.field(description="Our order number.")
    order_line: int = strawberry.field(description="Line of the order.")
    supplier: str = strawberry.field(description="Your supplier code.")
    item: str = strawberry.field(description="Our code of the item.")
    party_item: str | None = strawberry.field(name="ownItem", description="Your code of the item, if known.")
    name: str = strawberry.field(name="itemName", description="Name of the item.")
    site: str = strawberry.field(name="shipTo", description="Site that you ship to.")
    site_name: str = strawberry.field(name="shipToName", description="Name of that site.")
    unit: str = strawberry.field(description="Unit of the quantity.")
    quantity: float = strawberry.field(description="Open quantity.")
    due_date: date = strawberry.field(description="Day on which we expect it.")
    status: str = strawberry.field(description="open, or shipped: in transit.")

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Serve the service's own objects."""
        return isinstance(obj, reading.Released) and isinstance(obj.line, ReleasedPurchaseOrder)


@strawberry.type(description="An item that you supply under one of your supplier codes.")
class SuppliedItem(Node):
    """Serves `Released[ReleasedItem]`."""

    code: str = strawberry.field(name="supplier", description="Your supplier code.")
    item: str = strawberry.field(description="Our code of the item.")
    party_item: str | None = strawberry.field(name="ownItem", description="Your code of the item, if known.")
    name: str = strawberry.field(name="itemName", description="Name of the item.")
    unit: str = strawberry.field(description="Unit of all quantities of this item.")

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Serve the service's own objects."""
        return isinstance(obj, reading.Released) and isinstance(obj.line, ReleasedItem)


async def resolve_projections(
    info: Info[Context, None],
    at: ReleaseAtArgument = None,
    item: ItemArgument = None,
    first: FirstArgument = DEFAULT_PAGE,
    after: AfterArgument = None,
) -> Connection[ProjectionLine]:
    """Return projection lines of a release."""
    stretch, release = paged(info, first, after), chosen_release(at)
    async with info.context.read() as tx:
        return connection(info, await reading.projections(tx, stretch, at=release, item=item))


async def resolve_open_orders(
    info: Info[Context, None],
    at: ReleaseAtArgument = None,
    item: ItemArgument = None,
    first: FirstArgument = DEFAULT_PAGE,
    after: AfterArgument = None,
) -> Connection[reading.Released[ReleasedPurchaseOrder]]:
    """Return open purchase order lines of a release."""
    stretch, release = paged(info, first, after), chosen_release(at)
    async with info.context.read() as tx:
        page = await reading.lines(
            tx, reading.SUPPLIER, ReleasedPurchaseOrder, stretch, at=release, item=item
        )
        return connection(info, page)


async def resolve_items(
    info: Info[Context, None],
    at: ReleaseAtArgument = None,
    item: ItemArgument = None,
    first: FirstArgument = DEFAULT_PAGE,
    after: AfterArgument = None,
) -> Connection[reading.Released[ReleasedItem]]:
    """Return the items of a release."""
    stretch, release = paged(info, first, after), chosen_release(at)
    async with info.context.read() as tx:
        page = await reading.lines(tx, reading.SUPPLIER, ReleasedItem, stretch, at=release, item=item)
        return connection(info, page)
