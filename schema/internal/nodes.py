"""Objects by id, and the lists of the reference data."""

from collections.abc import Callable, Coroutine
from inspect import Parameter, Signature
from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from app.errors import LimitExceeded
from app.services.views import nodes as views
from app.services.views.records import Record, record_page
from app.vocabulary import ENTITIES, Entity
from schema.context import Context
from schema.internal.at import chosen_at
from schema.internal.reference import (
    KIND_OF_TYPE,
    REFERENCE_TYPES,
    attribute,
    camel,
    plural,
    to_node,
)
from schema.internal.selection import CONNECTION_PATHS, links_below, links_by_type
from schema.types.at import PlanAtArgument
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
from schema.types.node import Node

MAX_NODES = 100

IdArgument = Annotated[strawberry.ID, strawberry.argument(description="Id of the object.")]
IdsArgument = Annotated[
    list[strawberry.ID], strawberry.argument(description=f"Ids of the objects, at most {MAX_NODES}.")
]


def as_node(found: object) -> object:
    """Return what a service found as the graph serves it."""
    return to_node(found) if isinstance(found, Record) else found


async def resolve_nodes(
    info: Info[Context, None], ids: IdsArgument, at: PlanAtArgument = None
) -> list[object]:
    """Return the objects by id, each at its place; null where there is none that the role may read."""
    if len(ids) > MAX_NODES:
        raise LimitExceeded(what="ids", found=len(ids), limit=MAX_NODES)
    wanted = [info.context.ids.decode_any(str(text)) for text in ids]
    keys = [views.NodeKey(KIND_OF_TYPE.get(name, name), key) for name, key in wanted]
    async with info.context.read() as tx:
        found = await views.find_nodes(tx, chosen_at(info, at), keys, links_by_type(info))
    return [as_node(each) for each in found]


async def resolve_node(info: Info[Context, None], id: IdArgument, at: PlanAtArgument = None) -> object:
    """Return one object by id; null where there is none, or none that the role may read."""
    return (await resolve_nodes(info, [id], at))[0]


def _narrowing(entity: Entity) -> dict[str, str]:
    """Return what a list of a kind can be narrowed by: argument -> column ("code" = the record's own)."""
    references = [column.name for column in entity.columns.values() if column.references is not None]
    return {"code": "code", **{attribute(name): name for name in references}}


def _signature(entity: Entity) -> Signature:
    """Return the arguments of a kind's list, for Strawberry to read."""
    keyword = Parameter.KEYWORD_ONLY
    narrowing = []
    for argument, column in _narrowing(entity).items():
        words = "the record's own" if column == "code" else f"`{camel(column)}Code`"
        described = strawberry.argument(
            name=camel(column),
            description=f"Only records with one of these codes as {words}; null means all.",
        )
        annotation = Annotated[list[str] | None, described]
        narrowing.append(Parameter(argument, keyword, default=None, annotation=annotation))
    info = Parameter("info", Parameter.POSITIONAL_OR_KEYWORD, annotation=Info[Context, None])
    at = Parameter("at", keyword, default=None, annotation=PlanAtArgument)
    first = Parameter("first", keyword, default=DEFAULT_PAGE, annotation=FirstArgument)
    after = Parameter("after", keyword, default=None, annotation=AfterArgument)
    return Signature([info, at, *narrowing, first, after])


def list_resolver(kind: str) -> Callable[..., Coroutine[Any, Any, Connection[Node]]]:
    """Return the resolver of the list of a kind; raises `NotGranted` for one that the role may not read."""
    narrowing = _narrowing(ENTITIES[kind])

    async def resolve_list(info: Info[Context, None], **arguments: Any) -> Connection[Node]:
        matching = {
            column: codes
            for argument, column in narrowing.items()
            if (codes := arguments[argument]) is not None
        }
        limit, after = page_size(arguments["first"]), resume_key(info, arguments["after"])
        at, links = chosen_at(info, arguments["at"]), links_below(info, kind, CONNECTION_PATHS)
        async with info.context.read() as tx:
            page = await record_page(tx, at, kind, matching=matching, limit=limit, after=after, links=links)
        return connection(info, page.map(to_node))

    resolve_list.__signature__ = _signature(ENTITIES[kind])  # type: ignore[attr-defined]  # what inspect reads
    return resolve_list


def _connection_type(kind: str) -> Any:
    """Return the connection type of a kind, which only exists while the program runs."""
    node: Any = REFERENCE_TYPES[kind]
    return Connection[node]


def with_lists(cls: type) -> type:
    """Add the list of every kind of reference data to the query type."""
    for kind, entity in ENTITIES.items():
        name = plural(kind)
        cls.__annotations__[name] = _connection_type(kind) | None
        described = (
            f"{entity.doc.split('; ')[0].rstrip('.')}; null with NOT_GRANTED where your role reads none."
        )
        setattr(cls, name, served(list_resolver(kind), name=name, description=described))
    return cls
