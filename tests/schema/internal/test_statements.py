"""How many SQL statements a query takes: it depends on the question, never on the number of rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from app.auth import Principal
from app.config import Settings
from app.store.directory import bind
from schema.context import Context
from schema.ids import IdCodecs
from schema.internal.graph import SCHEMA
from tests.schema.internal.conftest import PARTIES, opened

Count = Callable[..., Awaitable[int]]


@pytest.fixture
async def count(shared_company: Settings) -> AsyncIterator[Count]:
    """A function that executes a query as a role and returns how many statements it took."""
    async with opened(shared_company) as database:

        async def statements(query: str, role: str = "planner") -> int:
            principal = Principal(role, "internal", PARTIES[role], role, 2**40, "i", "t")
            codec = IdCodecs.load(shared_company).of(principal)
            context = Context(principal, shared_company, database, codec, lambda p: bind(database, p))
            result = await SCHEMA.execute(query, context_value=context)
            assert result.errors is None
            return context.reading.statements

        yield statements


SERIES = "{ plan { series(measure: salesForecast, first: FIRST) { nodes { values FIELDS } } } }"
QUERIES = [
    ("{ viewer { role } measures { name } }", 0),
    ("{ items(first: FIRST) { nodes { code } } }", 3),
    ("{ items(first: FIRST) { nodes { code family { code } unit { code } } } }", 4),
    ("{ sites(first: FIRST) { nodes { customer { region { code } party { name } } } } }", 5),
    (SERIES.replace("FIELDS", ""), 6),
    (SERIES.replace("FIELDS", "item { name } customer { name }"), 7),
    (SERIES.replace("FIELDS", "item { family { name } } customer { region { name } }"), 9),
    ("{ branches(first: FIRST) { nodes { name head { id } } } }", 3),
    ("{ commits(first: FIRST) { nodes { id parentId } } }", 3),
]


@pytest.mark.parametrize(("query", "statements"), QUERIES)
async def test_more_rows_take_no_more_statements(count: Count, query: str, statements: int) -> None:
    """The first statement of each query binds the transaction to its caller."""
    for first in ("1", "200"):
        assert await count(query.replace("FIRST", first)) == statements


async def test_all_fields_of_a_query_share_one_transaction(count: Count) -> None:
    """Two lists side by side are bound once: together they take one statement less than apart."""
    items, sites = "items { nodes { code } }", "sites { nodes { code } }"
    apart = await count(f"{{ {items} }}") + await count(f"{{ {sites} }}")
    assert await count(f"{{ {items} {sites} }}") == apart - 1


async def test_a_grouped_series_takes_one_read_for_all_levels(count: Count) -> None:
    query = "{ plan { series(measure: salesForecast, groupBy: [LEVELS]) { nodes { values } } } }"
    by_key = await count(query.replace("LEVELS", "ITEM, CUSTOMER"))
    assert await count(query.replace("LEVELS", "FAMILY, REGION, CHANNEL")) == by_key + 1


GROUPED = (
    'groupBy: [REGION], levels: ["category"], structure: BUCKET, per: WEEK, divide: WORKING_TIME, unit: "KG"',
    'groupBy: [], unit: "CTN"',
    "groupBy: [], per: MONTH, divide: WORKING_TIME",
)


@pytest.mark.parametrize("how", GROUPED)
async def test_levels_units_and_working_time_share_that_read(count: Count, how: str) -> None:
    query = "{ plan { series(measure: salesForecast, HOW) { nodes { values } } } }"
    by_key = await count(query.replace("HOW", "groupBy: [ITEM, CUSTOMER]"))
    assert await count(query.replace("HOW", how)) == by_key + 1


async def test_hierarchies_take_one_read_and_one_for_the_members_of_each(count: Count) -> None:
    levels = await count("{ hierarchies { levels { code } groups(first: 5) { nodes { code } } } }")
    members = await count("{ hierarchies { members(first: 1) { nodes { code groups } } } }")
    assert (levels, members) == (3, 3 + 5)
