"""Three small graphs behind the real endpoint; nothing of it needs a database."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import NewType, cast

import httpx2 as httpx
import pytest
import strawberry
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from strawberry.schema.config import StrawberryConfig
from strawberry.types import Info

from app.access import Scope
from app.auth import Principal, TokenValidator, issue_token
from app.config import Settings
from app.errors import DatabaseUnreachable, NotFound, NotGranted, ScopeMissing
from app.store.announcements import Announcements
from app.store.database import Database
from schema.asgi.callers import BearerCallers
from schema.asgi.guarded import GuardedSchema
from schema.asgi.routes import graphql_routes
from schema.context import Context
from schema.ids import IdCodecs

SECRET = "s3cret-host-and-password"

ItemNumber = NewType("ItemNumber", str)


def _parse_number(value: object) -> str:
    raise ValueError(f"codec {SECRET} cannot read this")


@strawberry.enum
class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"


@strawberry.input
class Line:
    quantity: float
    colour: Colour = Colour.RED


@strawberry.input(one_of=True)
class Choice:
    left: strawberry.Maybe[int]
    right: strawberry.Maybe[int]


@strawberry.type
class Part:
    name: str

    @strawberry.field
    def parts(self) -> list[Part]:
        return [Part(name=f"{self.name}.1")]


@strawberry.type
class PartConnection:
    nodes: list[Part]


@strawberry.type
class Query:
    @strawberry.field
    def viewer(self, info: Info[Context, None]) -> str:
        principal = info.context.principal
        return f"{principal.audience}/{principal.party}/{principal.role}"

    @strawberry.field
    def boom(self) -> str:
        raise RuntimeError(SECRET)

    @strawberry.field
    def absent(self) -> str | None:
        raise NotFound(kind="item", name="X1")

    @strawberry.field
    def part_by_id(self, info: Info[Context, None], id: strawberry.ID) -> Part | None:
        return Part(name=info.context.ids.decode("Part", id))

    @strawberry.field
    def withheld(self) -> float | None:
        raise NotGranted

    @strawberry.field
    def unreachable(self) -> str | None:
        raise DatabaseUnreachable(reason=SECRET)

    @strawberry.field
    def unbound(self) -> str | None:
        raise ScopeMissing

    @strawberry.field
    def wrong(self) -> int:
        return cast(int, "no number")

    @strawberry.field
    def echo(self, text: str) -> str:
        return text

    @strawberry.field
    def twice(self, number: float) -> float:
        return 2 * number

    @strawberry.field
    def total(self, lines: list[Line]) -> float:
        return sum(line.quantity for line in lines)

    @strawberry.field
    def chosen(self, choice: Choice) -> str:
        return "ok"

    @strawberry.field
    def numbered(self, number: ItemNumber) -> str:
        return "ok"

    @strawberry.field
    def part(self) -> Part:
        return Part(name="A")

    @strawberry.field
    def parts(self, first: int | None = None) -> PartConnection:
        return PartConnection(nodes=[Part(name=str(index)) for index in range(min(first or 1, 3))])


@strawberry.type
class InternalQuery(Query):
    @strawberry.field
    def margin(self) -> float:
        return 0.5


@strawberry.type
class Mutation:
    @strawberry.mutation
    def touch(self) -> bool:
        return True


LEFT: list[str] = []
"""What streams wrote when they were closed."""


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, to: int) -> AsyncGenerator[int, None]:
        for number in range(to):
            yield number

    @strawberry.subscription
    async def endless(self) -> AsyncGenerator[str, None]:
        try:
            while True:
                yield "x" * 10_000
                await asyncio.sleep(0)
        finally:
            LEFT.append("endless")

    @strawberry.subscription
    async def still(self) -> AsyncGenerator[int, None]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            LEFT.append("still")

    @strawberry.subscription
    async def breaking(self) -> AsyncGenerator[int, None]:
        yield 1
        raise RuntimeError(SECRET)


CONFIG = StrawberryConfig(
    disable_field_suggestions=True,
    scalar_map={ItemNumber: strawberry.scalar(name="ItemNumber", parse_value=_parse_number)},
)


def small_schema(query: type = Query) -> GuardedSchema:
    return GuardedSchema(query, Mutation, Subscription, config=CONFIG)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(
        home=tmp_path_factory.mktemp("home"),
        max_body_bytes=100_000,
        max_document_bytes=20_000,
        max_nodes=1000,
    )


async def bind(principal: Principal) -> Scope:
    return Scope("concord_internal", "concord_sales", principal=principal)


@pytest.fixture
def announcements() -> Announcements:
    """What the process hears: nothing but what a test tells it."""
    return Announcements(cast(Database, None))


@pytest.fixture
def app(settings: Settings, announcements: Announcements) -> Starlette:
    return make_app(settings, announcements)


def make_app(settings: Settings, announcements: Announcements) -> Starlette:
    """Return an application of the small graphs."""
    codecs = IdCodecs.load(settings)

    def make_context(principal: Principal, connection: HTTPConnection) -> Context:
        ids = codecs.of(principal)
        return Context(principal, settings, cast(Database, None), ids, bind, None, announcements)

    schemas = {
        "internal": small_schema(InternalQuery),
        "supplier": small_schema(),
        "customer": small_schema(),
    }
    return Starlette(
        routes=graphql_routes(settings, schemas, make_context, BearerCallers(TokenValidator(settings)))
    )  # type: ignore[arg-type]  # keys are text here


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://concord.test") as opened:
        yield opened


TokenFor = Callable[..., str]


@pytest.fixture
def token_for(settings: Settings) -> TokenFor:
    def make(audience: str = "internal", role: str = "sales", party: str | None = "P1") -> str:
        return issue_token(settings, audience, role, party)

    return make


Ask = Callable[..., object]


@pytest.fixture
def ask(client: httpx.AsyncClient, token_for: TokenFor) -> Callable[..., object]:
    """Send a GraphQL request as a sales planner; header values of None are left out."""

    async def send(
        query: str | None = None,
        audience: str = "internal",
        *,
        body: bytes | None = None,
        headers: dict[str, str | None] | None = None,
        **parameters: object,
    ) -> httpx.Response:
        sent: dict[str, str | None] = {
            "Authorization": f"Bearer {token_for(audience)}",
            "Content-Type": "application/json",
            **(headers or {}),
        }
        request = client.build_request(
            "POST",
            "/graphql",
            headers={name: value for name, value in sent.items() if value is not None},
            content=body
            if body is not None
            else httpx.Request("POST", "http://x", json={"query": query, **parameters}).content,
        )
        return await client.send(request)

    return send
