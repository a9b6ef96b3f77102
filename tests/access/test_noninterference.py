"""Noninterference at the database: worlds equal in all that a caller is granted look the same to it.

The judge of "granted" is `oracle`, a second reading of policies/. Mutants prove that the test can fail.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from app.access.catalogue import Catalogue
from app.access.compile import statements
from app.access.policies import load, parse, read_files
from tests.access.lab import Connection, Lab
from tests.access.oracle import Oracle
from tests.access.worlds import Pair, pairs

POLICIES = load()
ROLES = tuple(POLICIES.parties.role)
READERS = {
    table: [role for role in ROLES if role in rules and role != "owner"]
    for table, rules in POLICIES.rows.items()
}
PATIENT = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]

Change = Callable[[Lab, Connection], None]
Files = dict[str, dict[str, object]]


def unchanged(lab: Lab, connection: Connection) -> None:
    """Leave the database as the policies made it."""


def look(lab: Lab, pair: Pair, change: Change, relations: list[str]) -> tuple[list[str], list[str]]:
    """Return what the caller finds out in either world."""
    found = []
    for world in (pair.one, pair.other):
        with lab.experiment() as connection:
            lab.insert(world)
            change(lab, connection)
            lab.become(POLICIES.database_role(pair.caller.role), pair.caller.settings)
            found.append(lab.observe(relations))
    return found[0], found[1]


def company_of(table: str) -> list[str]:
    """Return the tables that have to be drawn together with a table."""
    return ["plan.entity", "plan.entity_version"] if table == "plan.entity" else [table]


@pytest.mark.parametrize("table", sorted(POLICIES.rows))
def test_a_caller_sees_what_it_is_granted_and_learns_nothing_else(lab: Lab, table: str) -> None:
    oracle, tables = Oracle(POLICIES, lab.measures), company_of(table)

    @settings(suppress_health_check=PATIENT, deadline=None)
    @given(pairs(lab, oracle, tables, roles=READERS[table]))
    def indistinguishable(pair: Pair) -> None:
        granted = sum(bool(oracle.visible(pair.caller, table, row, pair.one)) for row in pair.one[table])
        one, other = look(lab, pair, unchanged, tables)
        assert one == other
        assert f"{table} count [({granted},)]" in one

    indistinguishable()


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mistake in what is in force: where it shows, to which roles, and the change that makes it."""

    name: str
    table: str
    roles: tuple[str, ...]
    change: Change
    relation: str | None = None
    measure: str | None = None
    kind: str | None = None


def running(text: str) -> Change:
    """Return the change that runs a statement."""

    def change(lab: Lab, connection: Connection) -> None:
        connection.execute(text)

    return change


def with_policies(table: str, edit: Callable[[Files], None]) -> Change:
    """Return the change that puts edited policies in force for a table."""

    def change(lab: Lab, connection: Connection) -> None:
        files = copy.deepcopy(read_files())
        edit(files)
        tables = {name: tuple(column.name for column in columns) for name, columns in lab.tables.items()}
        ids = {name: number for number, name in lab.measures.items()}
        schema, _, name = table.partition(".")
        for (policy,) in connection.execute(
            "SELECT quote_ident(policyname) FROM pg_policies WHERE schemaname = %s AND tablename = %s",
            (schema, name),
        ).fetchall():
            connection.execute(f"DROP POLICY {policy} ON {table}")
        for statement in statements(parse(files), Catalogue(tables, ids)):
            if statement.startswith("CREATE POLICY") and f' ON "{schema}"."{name}" ' in statement:
                connection.execute(statement)

    return change


def widen_measure(files: Files) -> None:
    files["measures"]["contributionMargin"] = {"finance": "all", "executive": "all", "sales": "all"}


def widen_kind(files: Files) -> None:
    kinds = files["rows"]["kind"]
    assert isinstance(kinds, dict)
    kinds["item_cost"] = {"finance": "all", "executive": "all", "operations": "all"}


VIEW = "CREATE VIEW plan.peek {} AS SELECT measure_id, count(*) FROM plan.series_version GROUP BY measure_id"
GRANT_VIEW = "; GRANT SELECT ON plan.peek TO concord_sales"
MUTANTS = [
    Mutant(
        "a row policy set to true",
        "plan.series_version",
        ("sales",),
        running("ALTER POLICY read_sales ON plan.series_version USING (true)"),
    ),
    Mutant(
        "a party's row policy set to true",
        "outside.released_projection",
        ("supplier_viewer",),
        running("ALTER POLICY read_supplier_viewer ON outside.released_projection USING (true)"),
    ),
    Mutant(
        "a hidden column granted",
        "plan.binding_limit",
        ("operations", "planner"),
        running("GRANT SELECT (shadow_price) ON plan.binding_limit TO concord_operations, concord_planner"),
    ),
    Mutant(
        "a hidden column of the inbox's outcome granted",
        "outside.inbox_outcome",
        ("customer_planner",),
        running("GRANT SELECT (commit_id) ON outside.inbox_outcome TO concord_customer_planner"),
    ),
    Mutant(
        "a view without security_invoker",
        "plan.series_version",
        ("sales",),
        running(VIEW.format("") + GRANT_VIEW),
        relation="plan.peek",
    ),
    Mutant(
        "a measure list widened",
        "plan.series_version",
        ("sales",),
        with_policies("plan.series_version", widen_measure),
        measure="contributionMargin",
    ),
    Mutant(
        "a kind widened",
        "plan.entity_version",
        ("operations",),
        with_policies("plan.entity_version", widen_kind),
        kind="item_cost",
    ),
    Mutant(
        "row security switched off",
        "outside.inbox",
        ("supplier_planner",),
        running("ALTER TABLE outside.inbox DISABLE ROW LEVEL SECURITY"),
    ),
    Mutant(
        "an unset scope taken for everything",
        "plan.snapshot_series",
        ("sales",),
        running(
            "ALTER POLICY read_sales ON plan.snapshot_series USING "
            "(customer_id = ANY (coalesce(nullif(current_setting('concord.customer_ids', true), '')::int[], "
            "ARRAY[1, 2, 3, 4])))"
        ),
    ),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_caught(lab: Lab, mutant: Mutant) -> None:
    with pytest.raises(AssertionError, match="told the worlds apart"):
        hunt(lab, mutant)


def test_a_view_with_security_invoker_is_no_mutant(lab: Lab) -> None:
    change = running(VIEW.format("WITH (security_invoker = true)") + GRANT_VIEW)
    hunt(lab, Mutant("a sound view", "plan.series_version", ("sales",), change, relation="plan.peek"))


def hunt(lab: Lab, mutant: Mutant) -> None:
    """Look for two worlds that the mutant lets a caller tell apart."""
    oracle = Oracle(POLICIES, lab.measures)
    relations = [mutant.relation or mutant.table]
    focus: dict[str, list[object]] = {"kind": [mutant.kind]} if mutant.kind else {}
    if mutant.measure:
        focus["measure_id"] = [number for number, name in lab.measures.items() if name == mutant.measure]

    @settings(max_examples=60, phases=[Phase.generate], suppress_health_check=PATIENT, deadline=None)
    @given(pairs(lab, oracle, [mutant.table], roles=mutant.roles, focus=focus))
    def indistinguishable(pair: Pair) -> None:
        one, other = look(lab, pair, mutant.change, relations)
        assert one == other, f"{mutant.name}: {pair.caller} told the worlds apart"

    indistinguishable()
