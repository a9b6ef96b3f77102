"""Mistakes that somebody could make, each a switch: statements run in both databases, a patch of the code.

Leaks need a way around row security. The statements make one as a careless migration would: a policy that
says true, a grant, a view or function that runs with its owner's rights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from app.errors import NotFound
from app.services.parties import reading, submitting
from app.services.releasing import copying, projections
from app.services.views import reconciliation
from app.store import inbox, releases
from app.store.database import Transaction
from tests.isolation.worlds import CUSTOMERS, INTERNAL, SUPPLIERS, Who

Patch = Callable[[pytest.MonkeyPatch], None]
SALES = INTERNAL[0]
OPERATIONS = INTERNAL[2]
SUPPLIER, CUSTOMER = SUPPLIERS[0], CUSTOMERS[0]


def nothing(patch: pytest.MonkeyPatch) -> None:
    """Leave the code as it is."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mistake, the principal that profits from it, and the operations in which it shows."""

    name: str
    who: Who
    operations: Sequence[tuple[str, str]]
    statements: Sequence[str] = ()
    patch: Patch = nothing


def rewriting(old: str, new: str) -> Patch:
    """Return the patch that sends callers' statements with another text."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("fetch", "fetch_rows"):
            original = getattr(Transaction, name)

            async def sent(
                tx: Transaction, sql: str, parameters: Any = None, original: Any = original
            ) -> Any:
                text = sql if tx.scope.principal is None else sql.replace(old, new)
                return await original(tx, text, parameters)

            monkeypatch.setattr(Transaction, name, sent)

    return patch


def on_lines(change: Callable[[Transaction, list[Any]], Any]) -> Patch:
    """Return the patch that changes the lines of a release after they are read."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        original = releases.read_lines

        async def read(tx: Transaction, *given: Any, **named: Any) -> Any:
            return await change(tx, await original(tx, *given, **named))

        monkeypatch.setattr(reading, "read_lines", read)

    return patch


def definer(name: str, returns: str, body: str) -> str:
    """Return the statement that makes a function with its owner's rights; anybody may call it."""
    return f"CREATE FUNCTION outside.{name}() RETURNS {returns} SECURITY DEFINER LANGUAGE sql AS $$ {body} $$"


async def add_total(tx: Transaction, lines: list[Any]) -> list[Any]:
    total = await tx.fetch_value("SELECT outside.total()")
    return [
        replace(line, lead_time_days=total) if hasattr(line, "lead_time_days") else line for line in lines
    ]


async def add_count(tx: Transaction, lines: list[Any]) -> list[Any]:
    count = await tx.fetch_value("SELECT outside.how_many()")
    return [replace(line, name=f"{line.name} (1 of {count})") for line in lines]


async def number_over_all(tx: Transaction, lines: list[Any]) -> list[Any]:
    before = await tx.fetch_value("SELECT outside.how_many()")
    return [replace(line, line=line.line + before) for line in lines]


def cache_without_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remember lines by all that was asked but for the party that asked."""
    original = releases.read_lines
    kept: dict[object, Any] = {}

    async def read(tx: Transaction, row_type: Any, party_id: int, *given: Any, **named: Any) -> Any:
        key = (tx.driver.info.dbname, row_type, given, tuple(sorted(named.items())))
        if key not in kept:
            kept[key] = await original(tx, row_type, party_id, *given, **named)
        return kept[key]

    monkeypatch.setattr(reading, "read_lines", read)


def numbers_from_a_sequence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer with the number of a submission among those of all parties."""
    original = inbox.submit

    async def submit(tx: Transaction, *given: Any, **named: Any) -> Any:
        made = await original(tx, *given, **named)
        return replace(made, ordinal=await tx.fetch_value("SELECT outside.next_number()"))

    monkeypatch.setattr(submitting, "submit", submit)


def helpful_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Say what releases there are where one was not found."""
    original = releases.find_release

    async def find(tx: Transaction, *given: Any, **named: Any) -> Any:
        found = await original(tx, *given, **named)
        if found is None and named.get("ordinal"):
            known = await tx.fetch_value("SELECT outside.names()")
            raise NotFound(kind="release", name=f"{named['ordinal']} among those of {known}")
        return found

    monkeypatch.setattr(reading, "find_release", find)


def one_row_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Release to every supplier a line of the next one."""
    original = projections.projection_lines

    def lines(view: Any, party: str, *given: Any) -> Any:
        own, parties = original(view, party, *given), sorted(view.reference.suppliers)
        others = original(view, parties[parties.index(party) - 1], *given)
        return [*own, *(replace(line, line=len(own)) for line in others[:1])]

    monkeypatch.setattr(copying, "projection_lines", lines)


def columns_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every column for granted in the service; the database decides by its own grants."""
    monkeypatch.setattr(reconciliation, "reads_column", lambda scope, table, column: True)


LINES = [("query", "purchaseProjections"), ("query", "openOrders"), ("query", "items")]
ANSWERS = [("query", "supplyAnswers"), ("query", "openOrders"), ("query", "items")]
ENTITIES = [
    ("query", "customers"),
    ("query", "sellingPrices"),
    ("query", "salesOrders"),
    ("query", "parties"),
]
VIEW = "CREATE VIEW plan.peek {} AS SELECT * FROM plan.entity_version"
GRANT = "GRANT SELECT ON plan.peek TO concord_sales"
PEEK = rewriting("plan.entity_version v", "plan.peek v")
FUNCTION = (
    "CREATE FUNCTION plan.peek() RETURNS SETOF plan.entity_version SECURITY {} LANGUAGE sql STABLE "
    "AS $$ SELECT * FROM plan.entity_version $$"
)
CALL = rewriting("plan.entity_version v", "plan.peek() v")
ANY_PARTY = rewriting(
    "FROM outside.released_projection WHERE party_id = %s",
    "FROM outside.released_projection WHERE %s::int > 0",
)
HOW_MANY = definer(
    "how_many",
    "int",
    "SELECT ((SELECT count(*) FROM outside.released_purchase_order) + (SELECT count(*) FROM outside.inbox) "
    "+ (SELECT count(*) FROM outside.released_projection))::int",
)

MUTANTS = (
    Mutant(
        "a row policy set to true",
        SALES,
        ENTITIES,
        ["ALTER POLICY read_sales ON plan.entity_version USING (true)"],
    ),
    Mutant(
        "a party's row policy set to true",
        SUPPLIER,
        LINES[:1],
        ["ALTER POLICY read_supplier_planner ON outside.released_projection USING (true)"],
        ANY_PARTY,
    ),
    Mutant(
        "a measure's rows for all",
        SALES,
        [("query", "plan"), ("query", "compare")],
        [
            f"ALTER POLICY read_sales ON plan.{table} USING (true)"
            for table in ("series", "series_version", "snapshot_series", "entity_version", "entity")
        ],
    ),
    Mutant(
        "a hidden column granted",
        OPERATIONS,
        [("query", "plan")],
        ["GRANT SELECT (shadow_price) ON plan.binding_limit TO concord_operations"],
        columns_for_all,
    ),
    Mutant("a view without security_invoker", SALES, ENTITIES, [VIEW.format(""), GRANT], PEEK),
    Mutant("a function with its owner's rights", SALES, ENTITIES, [FUNCTION.format("DEFINER")], CALL),
    Mutant(
        "a global total",
        SUPPLIER,
        LINES[:1],
        [
            definer(
                "total",
                "float8",
                "SELECT sum(q) FROM outside.released_projection, unnest(quantities) q",
            )
        ],
        on_lines(add_total),
    ),
    Mutant(
        "a sequence id in an answer",
        SUPPLIER,
        [("mutation", "projectionAcknowledge"), ("mutation", "capacitySubmit")],
        [
            "CREATE SEQUENCE outside.numbers",
            "SELECT setval('outside.numbers', (SELECT count(*) + 1 FROM outside.inbox))",
            definer("next_number", "int", "SELECT nextval('outside.numbers')::int"),
        ],
        numbers_from_a_sequence,
    ),
    Mutant("a count", CUSTOMER, ANSWERS, [HOW_MANY], on_lines(add_count)),
    Mutant("a cache keyed without scope", CUSTOMER, ANSWERS, [], cache_without_scope),
    Mutant(
        "an error text with a name",
        SUPPLIER,
        LINES,
        [definer("names", "text", "SELECT string_agg(DISTINCT party_name, ', ') FROM outside.release")],
        helpful_error,
    ),
    Mutant("a cursor that encodes a hidden id", SUPPLIER, LINES, [HOW_MANY], on_lines(number_over_all)),
    Mutant("a release that copies one row too many", SUPPLIER, LINES, [], one_row_too_many),
)

SOUND = (
    Mutant(
        "a view with security_invoker",
        SALES,
        ENTITIES,
        [VIEW.format("WITH (security_invoker = true)"), GRANT],
        PEEK,
    ),
    Mutant("a function with its caller's rights", SALES, ENTITIES, [FUNCTION.format("INVOKER")], CALL),
    Mutant("a statement that forgets the party", SUPPLIER, LINES[:1], [], ANY_PARTY),
    Mutant("a service that takes columns for granted", OPERATIONS, [("query", "plan")], [], columns_for_all),
)
"""Changes that row security and grants make harmless: no mutants, and not to be caught."""
