"""The suppliers' graph: its queries and mutations; `SCHEMA` is what the endpoint serves to suppliers."""

from collections.abc import Mapping

import strawberry

from app.services.parties import reading
from app.services.parties.states import ACKNOWLEDGEMENT, CAPACITY, COMMIT
from app.store.releases import ReleasedItem, ReleasedPurchaseOrder
from schema.supplier.changes import (
    ProjectionChange,
    PurchaseOrderChange,
    resolve_order_changes,
    resolve_projection_changes,
    resolve_projection_history,
)
from schema.supplier.projections import (
    PurchaseOrderLine,
    PurchaseProjection,
    SuppliedItem,
    resolve_items,
    resolve_open_orders,
    resolve_projections,
)
from schema.supplier.streams import Subscription
from schema.supplier.submissions import (
    Capacity,
    CapacitySubmitPayload,
    ForecastCommit,
    ForecastCommitSubmitPayload,
    ProjectionAcknowledgePayload,
    resolve_capacities,
    resolve_capacity_submit,
    resolve_forecast_commit_submit,
    resolve_forecast_commits,
    resolve_projection_acknowledge,
)
from schema.types.connections import Connection
from schema.types.graph import build_graph
from schema.types.node import Node
from schema.types.outside import Load, Release, Viewer, node_resolver, resolve_releases, resolve_viewer

LOADS: Mapping[str, Load] = {
    "Release": lambda tx, key: reading.release_node(tx, reading.SUPPLIER, key),
    "PurchaseProjection": reading.projection_node,
    "PurchaseOrderLine": lambda tx, key: reading.line_node(tx, reading.SUPPLIER, ReleasedPurchaseOrder, key),
    "SuppliedItem": lambda tx, key: reading.line_node(tx, reading.SUPPLIER, ReleasedItem, key),
    "ForecastCommit": lambda tx, key: reading.submission_node(tx, reading.SUPPLIER, (COMMIT,), key),
    "Capacity": lambda tx, key: reading.submission_node(tx, reading.SUPPLIER, (CAPACITY,), key),
    "Acknowledgement": lambda tx, key: reading.submission_node(tx, reading.SUPPLIER, (ACKNOWLEDGEMENT,), key),
}


@strawberry.type(description="What a supplier reads: what was released to it and what it handed in.")
class Query:
    """Root of all queries."""

    viewer = strawberry.field(resolver=resolve_viewer, graphql_type=Viewer, description="Who is calling.")
    node = strawberry.field(
        resolver=node_resolver(LOADS),
        graphql_type=Node | None,
        description="The object with an id; null if it is no longer there.",
    )
    releases = strawberry.field(
        resolver=resolve_releases,
        graphql_type=Connection[Release],
        description="What was released to you, the latest first; with `at` what was by then.",
    )
    purchase_projections = strawberry.field(
        resolver=resolve_projections,
        graphql_type=Connection[PurchaseProjection],
        description="What we expect to buy from you, by item and site.",
    )
    projection_changes = strawberry.field(
        resolver=resolve_projection_changes,
        graphql_type=Connection[ProjectionChange],
        description="The projections that differ between two releases, compared by date.",
    )
    projection_history = strawberry.field(
        resolver=resolve_projection_history,
        graphql_type=Connection[PurchaseProjection],
        description="What each release projected of an item, the latest first.",
    )
    open_orders = strawberry.field(
        resolver=resolve_open_orders,
        graphql_type=Connection[PurchaseOrderLine],
        description="Open purchase orders with you, by due date.",
    )
    open_order_changes = strawberry.field(
        resolver=resolve_order_changes,
        graphql_type=Connection[PurchaseOrderChange],
        description="The open order lines that came, went or differ between two releases.",
    )
    items = strawberry.field(
        resolver=resolve_items,
        graphql_type=Connection[SuppliedItem],
        description="The items that you supply.",
    )
    forecast_commits = strawberry.field(
        resolver=resolve_forecast_commits,
        graphql_type=Connection[ForecastCommit],
        description="Your promises, the latest first: all, or with `at` those to one release.",
    )
    capacities = strawberry.field(
        resolver=resolve_capacities,
        graphql_type=Connection[Capacity],
        description="The capacities you stated, the latest first: all, or with `at` those after one release.",
    )


@strawberry.type(description="What a supplier hands in. It is kept when the answer arrives.")
class Mutation:
    """Root of all mutations."""

    projection_acknowledge = strawberry.field(
        resolver=resolve_projection_acknowledge,
        graphql_type=ProjectionAcknowledgePayload,
        description="Confirm that you have read a release.",
    )
    forecast_commit_submit = strawberry.field(
        resolver=resolve_forecast_commit_submit,
        graphql_type=ForecastCommitSubmitPayload,
        description="Promise quantities for a release, bucket by bucket. The next plan buys no more from you "
        "than promised in the buckets that you answered.",
    )
    capacity_submit = strawberry.field(
        resolver=resolve_capacity_submit,
        graphql_type=CapacitySubmitPayload,
        description="State what you can deliver.",
    )


SCHEMA = build_graph(Query, Mutation, Subscription)
