"""The customers' graph: its queries and mutation; `SCHEMA` is what the endpoint serves to customers."""

from collections.abc import Mapping

import strawberry

from app.services.parties import reading
from app.services.parties.answering import answer_node
from app.services.parties.states import SIGNALS
from app.store.releases import ReleasedItem, ReleasedSalesOrder
from schema.customer.answers import (
    CatalogueItem,
    SalesOrderLine,
    SupplyAnswer,
    resolve_items,
    resolve_open_orders,
    resolve_supply_answers,
)
from schema.customer.changes import (
    SalesOrderChange,
    SupplyAnswerChange,
    resolve_answer_changes,
    resolve_answer_history,
    resolve_order_changes,
)
from schema.customer.signals import (
    DemandSignal,
    DemandSignalSubmitPayload,
    resolve_demand_signal_submit,
    resolve_demand_signals,
)
from schema.customer.streams import Subscription
from schema.types.connections import Connection
from schema.types.graph import build_graph
from schema.types.node import Node
from schema.types.outside import Load, Release, Viewer, node_resolver, resolve_releases, resolve_viewer

LOADS: Mapping[str, Load] = {
    "Release": lambda tx, key: reading.release_node(tx, reading.CUSTOMER, key),
    "SupplyAnswer": answer_node,
    "SalesOrderLine": lambda tx, key: reading.line_node(tx, reading.CUSTOMER, ReleasedSalesOrder, key),
    "CatalogueItem": lambda tx, key: reading.line_node(tx, reading.CUSTOMER, ReleasedItem, key),
    "DemandSignal": lambda tx, key: reading.submission_node(tx, reading.CUSTOMER, SIGNALS, key),
}


@strawberry.type(description="What a customer reads: what was released to it and what it handed in.")
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
    supply_answers = strawberry.field(
        resolver=resolve_supply_answers,
        graphql_type=Connection[SupplyAnswer],
        description="Our answers to what you asked for, by item and ship-to.",
    )
    supply_answer_changes = strawberry.field(
        resolver=resolve_answer_changes,
        graphql_type=Connection[SupplyAnswerChange],
        description="The answers that differ between two releases, compared by date.",
    )
    supply_answer_history = strawberry.field(
        resolver=resolve_answer_history,
        graphql_type=Connection[SupplyAnswer],
        description="What each release answered on an item, the latest first.",
    )
    open_orders = strawberry.field(
        resolver=resolve_open_orders,
        graphql_type=Connection[SalesOrderLine],
        description="Your open orders, by requested date.",
    )
    open_order_changes = strawberry.field(
        resolver=resolve_order_changes,
        graphql_type=Connection[SalesOrderChange],
        description="The open order lines that came, went or differ between two releases.",
    )
    items = strawberry.field(
        resolver=resolve_items,
        graphql_type=Connection[CatalogueItem],
        description="The items that you deal in.",
    )
    demand_signals = strawberry.field(
        resolver=resolve_demand_signals,
        graphql_type=Connection[DemandSignal],
        description="Your demand signals, the latest first: all, or with `at` those after one release.",
    )


@strawberry.type(description="What a customer hands in. It is kept when the answer arrives.")
class Mutation:
    """Root of all mutations."""

    demand_signal_submit = strawberry.field(
        resolver=resolve_demand_signal_submit,
        graphql_type=DemandSignalSubmitPayload,
        description="Tell us your forecast, order forecast, sell-out or stock. It enters the next plan.",
    )


SCHEMA = build_graph(Query, Mutation, Subscription)
