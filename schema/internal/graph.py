"""The internal graph."""

from schema.internal.mutations.root import Mutation
from schema.internal.queries import Query
from schema.internal.reference import REFERENCE_TYPES
from schema.internal.streams import Subscription
from schema.types.graph import build_graph

SCHEMA = build_graph(Query, Mutation, Subscription, types=REFERENCE_TYPES.values())
