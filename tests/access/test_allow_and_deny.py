"""Every line of the matrix, as the real login and role: what is granted is there, what is not is not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg
import pytest
from psycopg import sql

from app.access import HOST
from app.access.policies import load
from app.store.identity import SeriesKey
from app.vocabulary import DIMENSIONS, ENTITIES, MEASURES
from tests.access.company import CODES, SHIP_TO, Company, key_of

POLICIES = load()
INTERNAL = POLICIES.roles_of("internal")
OUTSIDE = [*POLICIES.roles_of("supplier"), *POLICIES.roles_of("customer")]
Connection = psycopg.Connection[tuple[Any, ...]]
REFUSED = psycopg.errors.InsufficientPrivilege


def expected(far: str | None, in_reach: Any, all_of_it: Any) -> Any:
    """Return what a caller whose reach is side A sees under a rule."""
    if far is None or far == "own":
        return set()
    return all_of_it if far == "all" else in_reach


@pytest.mark.parametrize("table", ["plan.series", "plan.series_version"])
@pytest.mark.parametrize("role", INTERNAL)
def test_measures(company: Company, role: str, table: str) -> None:
    key = "id" if table == "plan.series" else "series_id"
    with company.acting(HOST) as connection:
        codes = {number: series for series, number in named_series(connection).items()}
    with company.acting(company.scopes[role]) as connection:
        if role in ("administrator", "auditor"):
            with pytest.raises(REFUSED):
                connection.execute(f"SELECT {key} FROM {table}")
            return
        seen = {codes[number] for (number,) in connection.execute(f"SELECT {key} FROM {table}").fetchall()}
    for measure in MEASURES:
        a, b = key_of(measure, "A"), key_of(measure, "B")
        wanted = expected(POLICIES.measures[measure].get(role), {a}, {a, b})
        assert {series for series in seen if series.measure == measure} == wanted, measure


def named_series(connection: Connection) -> dict[Any, int]:
    """Return the company's series by key."""
    by_id = {
        number: (kind, code)
        for number, kind, code in connection.execute("SELECT id, kind, code FROM plan.entity")
    }
    names: dict[int, str] = dict(connection.execute("SELECT id, name FROM plan.measure").fetchall())
    columns = ", ".join(f"{name}_id" for name in DIMENSIONS)
    found: dict[Any, int] = {}
    for number, measure, *ids in connection.execute(f"SELECT id, measure_id, {columns} FROM plan.series"):
        codes = {name: by_id[one][1] for name, one in zip(DIMENSIONS, ids, strict=True) if one is not None}
        found[SeriesKey(names[measure], *(codes.get(name) for name in DIMENSIONS))] = number
    return found


@pytest.mark.parametrize("table", ["plan.entity", "plan.entity_version"])
@pytest.mark.parametrize("role", INTERNAL)
def test_kinds_of_reference_data(company: Company, role: str, table: str) -> None:
    key = "id" if table == "plan.entity" else "entity_id"
    with company.acting(HOST) as connection:
        rows = connection.execute("SELECT entity_id, kind, row FROM plan.entity_version").fetchall()
    with company.acting(company.scopes[role]) as connection:
        if role == "auditor":
            with pytest.raises(REFUSED):
                connection.execute(f"SELECT {key} FROM {table}")
            return
        seen = {number for (number,) in connection.execute(f"SELECT {key} FROM {table}")}
    for kind in ENTITIES:
        every = {number: row for number, found, row in rows if found == kind}
        far = POLICIES.kinds[kind].get(role)
        reached = {number for number, row in every.items() if within_a(kind, row, far or "")}
        assert seen & every.keys() == expected(far, reached, every.keys()), kind


def within_a(kind: str, row: dict[str, Any], rule: str) -> bool:
    """Say whether a row belongs to side A, as the rule (region or site) reads it."""
    if kind == "party":
        return row["party"] in ("P-DE", "D-EU")
    if kind == "site_membership" and rule == "region":
        return row["site"] != SHIP_TO["B"]
    if kind == "site" and rule.startswith("region"):
        return row.get("customer") in (None, CODES["A"]["customer"])
    name = "site" if rule == "site" else "customer" if "customer" in ENTITIES[kind].columns else "party"
    return (row.get(name) is None and "general" in rule) or row.get(name) == CODES["A"][name]


@pytest.mark.parametrize("role", INTERNAL)
def test_submitting_measures(company: Company, role: str) -> None:
    submits = POLICIES.actions.submits.get(role)
    scope = company.scopes[role]
    with company.acting(HOST) as connection:
        series = named_series(connection)
    with company.acting(scope) as connection:
        for measure in MEASURES:
            for letter in "AB":
                key = key_of(measure, letter)
                written = attempt(connection, *version_of(company, series[key], key))
                owned = submits is not None and measure in submits.measures
                bounded = owned and submits is not None and narrowed(measure, submits.within)
                assert written == (owned and (letter == "A" or not bounded or key == key_of(measure, "A"))), (
                    key
                )


def narrowed(measure: str, within: str | None) -> bool:
    """Say whether the scope of a submission has something to compare in the measure's key."""
    scope = POLICIES.parties.scope.get(within or "")
    return scope is not None and bool(set(scope.by) & set(MEASURES[measure].grain))


def attempt(connection: Connection, statement: str | sql.Composed, parameters: Sequence[Any] = ()) -> bool:
    """Try a statement in a savepoint that is undone; say whether PostgreSQL let it pass."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement, parameters)
    except REFUSED:
        return False
    return True


def version_of(company: Company, series: int, key: Any) -> tuple[str, tuple[Any, ...]]:
    """Return the statement that appends a version of a series, identity columns as they are."""
    kinds = {name: "site" if name == "to_site" else name for name in DIMENSIONS}
    ids = [company.ids[kinds[n], code] if (code := getattr(key, n)) else None for n in DIMENSIONS]
    names = ", ".join(f"{name}_id" for name in DIMENSIONS)
    return (
        f"INSERT INTO plan.series_version (branch_id, series_id, commit_id, measure_id, {names}, "
        f"calendar_id, first_ordinal, cells) VALUES ({', '.join(['%s'] * 14)})",
        (company.branch, series, 10**9, company.measures[key.measure], *ids, 1, 0, b"\0" * 8),
    )


def test_a_series_cannot_be_passed_off_as_another(company: Company) -> None:
    """Sales may append to its forecasts, not to another series under a forecast's name."""
    mine, foreign = key_of("salesForecast", "A"), key_of("openOrders", "A")
    with company.acting(HOST) as connection:
        series = named_series(connection)
    with company.acting(company.scopes["sales"]) as connection:
        assert attempt(connection, *version_of(company, series[mine], mine))
        assert not attempt(connection, *version_of(company, series[foreign], mine))
        assert not attempt(connection, *version_of(company, series[key_of("salesForecast", "B")], mine))


PUT = (
    "INSERT INTO outside.inbox (party_id, audience, ordinal, kind, payload, idempotency_key, request_hash, "
    "submitted_by) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
)

KINDS = [*{kind for action in POLICIES.actions.action.values() for kind in action.submits}, "salesForecast"]


@pytest.mark.parametrize("role", [*OUTSIDE, *INTERNAL])
def test_submissions_to_the_inbox(company: Company, role: str) -> None:
    scope = company.scopes[role]
    audience = POLICIES.parties.role[role].audience
    mine = scope.party_id
    other = company.ids["party", "P-US"]
    may = {
        kind
        for action in POLICIES.actions.action.values()
        if role in POLICIES.roles(action.roles)
        for kind in action.submits
    }
    with company.acting(scope) as connection:
        for kind in KINDS:
            for party in (mine, other):
                for side in ("supplier", "customer"):
                    for subject in (scope.subject, "somebody else"):
                        row = (party, side, 1, kind, "{}", "k", b"\0" * 32, subject)
                        allowed = (
                            kind in may and party == mine and side == audience and subject == scope.subject
                        )
                        assert attempt(connection, PUT, row) == allowed, row


@pytest.mark.parametrize("role", INTERNAL)
def test_acts_of_a_department(company: Company, role: str) -> None:
    """A commit, a scenario, an answer kept: each for the roles of its action, and in one's own name."""
    scope = company.scopes[role]
    grants = {
        name for name, action in POLICIES.actions.action.items() if role in POLICIES.roles(action.roles)
    }
    commit = (
        "INSERT INTO plan.commit (id, branch_id, parent_id, author, at, reason) "
        "VALUES (nextval('plan.commit_id'), %s, %s, %s, %s, 'test')"
    )
    move = "UPDATE plan.branch SET head_id = head_id WHERE id = %s"
    fork = "INSERT INTO plan.branch (plan_id, name, head_id, created_by) VALUES (1, 'try', %s, %s)"
    keep = "INSERT INTO plan.idempotency (subject, key, request_hash, answer) VALUES (%s, 'k', %s, '{}')"
    now = datetime.fromisoformat("2030-01-01T00:00:00+00:00")
    branch, head, me = company.branch, company.head, scope.subject
    trials: list[tuple[str, tuple[Any, ...], bool]] = [
        (commit, (branch, head, me, now), "seriesSubmit" in grants),
        (commit, (branch, head, "somebody else", now), False),
        (move, (branch,), "seriesSubmit" in grants),
        (fork, (head, me), "scenarioCreate" in grants),
        (keep, (me, b"\0" * 32), bool(grants & {"seriesSubmit", "scenarioCreate"})),
        (keep, ("somebody else", b"\0" * 32), False),
        ("UPDATE plan.branch SET name = 'mine' WHERE id = %s", (branch,), False),
        (
            "INSERT INTO plan.version (plan_id, commit_id, name, kind, sealed_hash, published_by) "
            "VALUES (1, %s, 'v', 'final', %s, %s)",
            (head, b"\0" * 32, me),
            False,
        ),
        ("INSERT INTO plan.entity (plan_id, kind, code) VALUES (1, 'item', 'new')", (), False),
        ("DELETE FROM plan.series_version", (), False),
        ("TRUNCATE plan.snapshot_series", (), False),
    ]
    with company.acting(scope) as connection:
        for statement, parameters, allowed in trials:
            assert attempt(connection, statement, parameters) == allowed, statement


@pytest.mark.parametrize("role", OUTSIDE)
def test_the_outside_has_no_way_to_the_plan(company: Company, role: str) -> None:
    with company.acting(HOST) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('plan', 'queue', 'migration')"
        ).fetchall()
    assert len(tables) > 20
    with company.acting(company.scopes[role]) as connection:
        for schema, table in tables:
            statement = sql.SQL("SELECT 1 FROM {}").format(sql.Identifier(schema, table))
            assert not attempt(connection, statement), table
