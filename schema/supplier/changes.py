"""What has changed between two releases to the calling supplier, and how its lines came about."""

from datetime import date
from typing import Annotated

import strawberry
from strawberry.types import Info

from app.services.parties import changes, reading
from app.services.parties.states import ProjectionLine
from app.store.releases import ReleasedPurchaseOrder
from schema.context import Context
from schema.supplier.projections import PurchaseOrderLine
from schema.types.at import ReleaseAtArgument
from schema.types.changes import ChangeKind, SinceArgument
from schema.types.connections import DEFAULT_PAGE, AfterArgument, Connection, FirstArgument, connection
from schema.types.outside import HistoryItemArgument, ItemArgument, Release, chosen_release, paged
from schema.types.scalars import Numbers


def _dates(root: strawberry.Parent[changes.ProjectionChange]) -> list[date]:
    return list(root.release.starts)


@strawberry.type(
    description="A purchase projection that differs between two releases. All lists are aligned with the "
    "later release's buckets and in its unit; earlier figures are brought to the same dates, shared out by "
    "days."
)
class ProjectionChange:
    """Serves `app.services.parties.changes.ProjectionChange`."""

    kind: ChangeKind = strawberry.field(description="What became of the line.")
    since: Release = strawberry.field(description="The earlier release.")
    release: Release = strawberry.field(description="The later release.")
    supplier: str = strawberry.field(description="Your supplier code.")
    item: str = strawberry.field(description="Our code of the item.")
    party_item: str | None = strawberry.field(name="ownItem", description="Your code of the item, if known.")
    name: str = strawberry.field(name="itemName", description="Name of the item.")
    site: str = strawberry.field(name="shipTo", description="Site that you ship to.")
    site_name: str = strawberry.field(name="shipToName", description="Name of that site.")
    unit: str = strawberry.field(description="Unit of all quantities.")
    before: Numbers = strawberry.field(
        name="quantitiesBefore",
        description="Quantity in the earlier release; null for dates that it does not reach.",
    )
    quantities: Numbers = strawberry.field(description="Quantity in the later release.")
    changes: Numbers = strawberry.field(description="Quantity less quantity before.")
    receipt_dates: list[date] = strawberry.field(resolver=_dates, description="First day of each bucket.")

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Serve the service's own objects."""
        return isinstance(obj, changes.ProjectionChange)


@strawberry.type(description="An open purchase order line that differs between two releases.")
class PurchaseOrderChange:
    """Serves `app.services.parties.changes.OrderChange`."""

    kind: ChangeKind = strawberry.field(description="What became of the line.")
    before: PurchaseOrderLine | None = strawberry.field(
        description="The line in the earlier release; null where it was not there."
    )
    after: PurchaseOrderLine | None = strawberry.field(
        description="The line in the later release; null where it is no longer open."
    )

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Serve the service's own objects."""
        return isinstance(obj, changes.OrderChange)


SupplierArgument = Annotated[
    str | None, strawberry.argument(description="Only lines of this supplier code of yours; null for all.")
]
ShipToArgument = Annotated[
    str | None, strawberry.argument(description="Only lines for this site; null for all.")
]


async def resolve_projection_changes(
    info: Info[Context, None],
    *,
    changes_since: SinceArgument,
    at: ReleaseAtArgument = None,
    item: ItemArgument = None,
    first: FirstArgument = DEFAULT_PAGE,
    after: AfterArgument = None,
) -> Connection[changes.ProjectionChange]:
    """Return the projections that differ between two releases."""
    stretch, since, until = paged(info, first, after), chosen_release(changes_since), chosen_release(at)
    async with info.context.read() as tx:
        page = await changes.projection_changes(
            tx, reading.SUPPLIER, stretch, since=since, at=until, item=item
        )
        return connection(info, page)


async def resolve_order_changes(
    info: Info[Context, None],
    *,
    changes_since: SinceArgument,
    at: ReleaseAtArgument = None,
    item: ItemArgument = None,
    first: FirstArgument = DEFAULT_PAGE,
    after: AfterArgument = None,
) -> Connection[changes.OrderChange[ReleasedPurchaseOrder]]:
    """Return the open order lines that differ between two releases."""
    stretch, since, until = paged(info, first, after), chosen_release(changes_since), chosen_release(at)
    async with info.context.read() as tx:
        page = await changes.order_changes(
            tx, reading.SUPPLIER, ReleasedPurchaseOrder, stretch, since=since, at=until, item=item
        )
        return connection(info, page)


async def resolve_projection_history(
    info: Info[Context, None],
    *,
    item: HistoryItemArgument,
    supplier: SupplierArgument = None,
    ship_to: ShipToArgument = None,
    first: FirstArgument = DEFAULT_PAGE,
    after: AfterArgument = None,
) -> Connection[ProjectionLine]:
    """Return what all releases projected of an item."""
    stretch = paged(info, first, after)
    async with info.context.read() as tx:
        page = await reading.projection_history(tx, stretch, item=item, supplier=supplier, site=ship_to)
        return connection(info, page)
