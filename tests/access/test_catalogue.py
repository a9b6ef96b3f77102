"""What is in force, read from PostgreSQL's own catalogue: grants, row security, who may become whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from app.access import HOST
from app.access.compile import database_roles, writers_of
from app.access.policies import load
from app.store.address import LOGINS
from tests.access.company import Company

Connection = psycopg.Connection[tuple[Any, ...]]
POLICIES = load()
OUTSIDE = [*POLICIES.roles_of("supplier"), *POLICIES.roles_of("customer")]
POLICED = "table_schema IN ('plan', 'outside', 'identity', 'audit') AND grantee <> 'concord_owner'"
COLUMN_GRANTS = (
    "SELECT grantee, table_schema || '.' || table_name, column_name "
    f"FROM information_schema.column_privileges WHERE {POLICED}"
)
BUSINESS = sorted(set(database_roles()) - set(LOGINS))


@pytest.fixture
def admin(company: Company) -> Iterator[Connection]:
    with psycopg.connect(company.address.admin_conninfo()) as connection:
        yield connection


def test_every_table_has_row_security_that_holds_for_its_owner_too(admin: Connection) -> None:
    tables = admin.execute(
        "SELECT c.relispartition, c.relrowsecurity, c.relforcerowsecurity, r.rolname FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles r ON r.oid = c.relowner "
        "WHERE n.nspname IN ('plan', 'outside', 'identity', 'audit') AND c.relkind IN ('r', 'p')"
    ).fetchall()
    assert sum(not is_partition for is_partition, *_ in tables) == len(POLICIES.fields)
    assert {(secured, forced, owner) for _, secured, forced, owner in tables} == {
        (True, True, "concord_owner")
    }


def test_partitions_are_reached_through_their_table_alone(admin: Connection) -> None:
    partitions = admin.execute(
        "SELECT c.oid::regclass::text, coalesce(c.relacl, acldefault('r', c.relowner)) = "
        "acldefault('r', c.relowner), EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid), "
        "EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL), "
        "EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'immutable') "
        "FROM pg_class c WHERE c.relispartition AND c.relkind = 'r' ORDER BY 1"
    ).fetchall()
    assert partitions == [(f"plan.series_version_{n}", True, False, False, True) for n in range(4)]


def test_views_run_with_the_rights_of_who_asks(admin: Connection) -> None:
    views = admin.execute(
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname IN ('plan', 'outside', 'identity', 'audit') AND (c.relkind = 'm' OR c.relkind = 'v' "
        "AND NOT coalesce('security_invoker=true' = ANY (c.reloptions), false))"
    ).fetchall()
    assert views == []


@pytest.mark.parametrize("role", OUTSIDE)
def test_the_outside_holds_grants_on_its_own_schema_alone(admin: Connection, role: str) -> None:
    name = POLICIES.database_role(role)
    schemas = admin.execute(
        "SELECT nspname FROM pg_namespace WHERE has_schema_privilege(%s, oid, 'USAGE') "
        "OR has_schema_privilege(%s, oid, 'CREATE')",
        (name, name),
    ).fetchall()
    assert {schema for (schema,) in schemas} == {"pg_catalog", "information_schema", "outside"}
    tables = admin.execute(
        "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') "
        "AND c.relkind IN ('r', 'p', 'v', 'm', 'S') "
        "AND (has_any_column_privilege(%(role)s, c.oid, 'SELECT, INSERT, UPDATE, REFERENCES') "
        "OR has_table_privilege(%(role)s, c.oid, 'DELETE, TRUNCATE, TRIGGER'))",
        {"role": name},
    ).fetchall()
    wanted = {table.removeprefix("outside.") for table, rules in POLICIES.rows.items() if role in rules}
    assert set(tables) == {("outside", table) for table in wanted}


def test_columns_are_granted_as_listed(admin: Connection) -> None:
    """SELECT by column, for every role and table: exactly what fields.toml says, and nothing for PUBLIC."""
    found = admin.execute(f"{COLUMN_GRANTS} AND privilege_type = 'SELECT'").fetchall()
    wanted = {
        (POLICIES.database_role(role), table, column)
        for table, columns in POLICIES.fields.items()
        for column, readers in columns.items()
        for role in {*readers, *(role for role in POLICIES.parties.role if POLICIES.reads_whole(role, table))}
        if role != "owner"
    }
    assert set(found) == wanted


def test_writes_are_granted_as_listed(admin: Connection) -> None:
    found = admin.execute(
        "SELECT grantee, table_schema || '.' || table_name, privilege_type "
        f"FROM information_schema.table_privileges WHERE {POLICED} AND privilege_type <> 'SELECT'"
    ).fetchall()
    wanted = set()
    for action in POLICIES.actions.action.values():
        writers = writers_of(POLICIES, action)
        wanted |= {
            (POLICIES.database_role(role), table, "INSERT") for role in writers for table in action.insert
        }
    for work in POLICIES.actions.work.values():
        wanted |= {(POLICIES.database_role(work.role), table, "INSERT") for table in work.insert}
        wanted |= {(POLICIES.database_role(work.role), table, "DELETE") for table in work.delete}
    assert set(found) == {line for line in wanted if line[0] != "concord_owner"}


def test_columns_are_updated_as_listed(admin: Connection) -> None:
    found = admin.execute(f"{COLUMN_GRANTS} AND privilege_type IN ('UPDATE', 'REFERENCES')").fetchall()
    wanted = set()
    for action in POLICIES.actions.action.values():
        writers = writers_of(POLICIES, action)
        for table, columns in action.update.items():
            wanted |= {
                (POLICIES.database_role(role), table, column) for role in writers for column in columns
            }
    for work in POLICIES.actions.work.values():
        for table, columns in work.update.items():
            wanted |= {(POLICIES.database_role(work.role), table, column) for column in columns}
    assert set(found) == {line for line in wanted if line[0] != "concord_owner"}


def test_no_role_has_a_power_that_passes_over_the_policies(admin: Connection) -> None:
    found = admin.execute(
        "SELECT rolname, rolcanlogin, rolinherit FROM pg_roles WHERE rolname LIKE 'concord\\_%%' "
        "AND NOT (rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole OR rolreplication)"
    ).fetchall()
    attributes = {name: (login, inherit) for name, login, inherit in found}
    assert {name for name, (login, _) in attributes.items() if login} == set(LOGINS)
    assert {name for name, (login, _) in attributes.items() if not login} == set(BUSINESS)
    assert not [name for name, (login, inherit) in attributes.items() if login and inherit]


def test_a_login_role_becomes_only_its_own_business_roles(admin: Connection) -> None:
    found = admin.execute(
        "SELECT m.rolname, r.rolname FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member "
        "JOIN pg_roles r ON r.oid = a.roleid WHERE m.rolname = ANY (%s) OR m.rolname = ANY (%s)",
        (list(LOGINS), BUSINESS),
    ).fetchall()
    wanted = {(login, role) for role, login in database_roles().items() if role != login}
    assert set(found) == wanted


@pytest.mark.parametrize("login", [login for login in LOGINS if login != "concord_owner"])
def test_a_login_role_by_itself_reads_nothing(company: Company, login: str) -> None:
    with psycopg.connect(company.address.login_conninfo(login)) as connection:
        seen = connection.execute(
            "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname IN ('plan', 'outside', 'identity', 'audit', 'queue', 'migration') "
            "AND c.relkind IN ('r', 'p', 'v') AND has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE')"
        ).fetchone()
    assert seen == (0,)


def test_jobs_are_the_queues_and_only_the_host_puts_them_in(admin: Connection) -> None:
    users = [
        role
        for role in BUSINESS
        if admin.execute("SELECT has_schema_privilege(%s, 'queue', 'USAGE')", (role,)).fetchone() == (True,)
    ]
    assert sorted(users) == ["concord_host", "concord_jobs"]
    changing = admin.execute(
        "SELECT DISTINCT grantee FROM information_schema.table_privileges WHERE table_schema = 'queue' "
        "AND privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE') AND grantee <> 'concord_owner'"
    ).fetchall()
    assert changing == [("concord_jobs",)]


def may(admin: Connection, role: str, *privileges: str) -> set[str]:
    """Return the tables of which a role holds one of the privileges on any column."""
    listed = ", ".join(privileges)
    found = admin.execute(
        "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname IN ('plan', 'outside', 'identity', 'audit', 'queue', 'migration') "
        "AND c.relkind IN ('r', 'p', 'v', 'm') AND (has_any_column_privilege(%(role)s, c.oid, %(listed)s) "
        "OR has_table_privilege(%(role)s, c.oid, 'DELETE, TRUNCATE'))",
        {"role": f"concord_{role}", "listed": listed},
    ).fetchall()
    return {table for (table,) in found}


EVERY = ("SELECT", "INSERT", "UPDATE")


def test_the_host_reads_no_identities_and_no_log(admin: Connection) -> None:
    seen = may(admin, "host", *EVERY)
    assert {table for table in seen if table.startswith(("identity.", "audit."))} == set()


def test_publication_alone_releases(admin: Connection) -> None:
    releases = {table for table in POLICIES.fields if table.startswith("outside.release")}
    writers = {role for role in BUSINESS if may(admin, role.removeprefix("concord_"), "INSERT") & releases}
    assert writers == {"concord_publisher"}
    assert may(admin, "publisher", "INSERT", "UPDATE") == {
        *releases,
        "plan.version",
        "plan.snapshot",
        "plan.snapshot_series",
        "plan.idempotency",
    }


def test_jobs_retention_sealer_and_recorder_hold_no_more_than_they_need(admin: Connection) -> None:
    assert {table.partition(".")[0] for table in may(admin, "jobs", *EVERY)} == {"queue"}
    assert {table.partition(".")[0] for table in may(admin, "retention", *EVERY)} == {"plan"}
    assert {table.partition(".")[0] for table in may(admin, "sealer", *EVERY)} == {"audit"}
    assert may(admin, "sealer", "INSERT", "UPDATE") == {"audit.seal", "audit.unsealed"}
    assert may(admin, "recorder", *EVERY) == set()
    assert may(admin, "administrator", "INSERT", "UPDATE") <= {"plan.idempotency"}


def test_who_calls_a_function_is_listed(admin: Connection) -> None:
    found = admin.execute(
        "SELECT n.nspname || '.' || p.proname, r.rolname FROM pg_proc p "
        "JOIN pg_namespace n ON n.oid = p.pronamespace CROSS JOIN pg_roles r "
        "WHERE n.nspname IN ('plan', 'outside', 'identity', 'audit') AND r.rolname = ANY (%s) "
        "AND has_function_privilege(r.oid, p.oid, 'EXECUTE')",
        (BUSINESS,),
    ).fetchall()
    wanted = {
        (name, POLICIES.database_role(role))
        for name, call in POLICIES.actions.call.items()
        for role in POLICIES.roles(call.roles)
    }
    assert set(found) == wanted
    assert not [role for name, role in wanted if "supplier" in role or "customer" in role]


def test_the_digest_in_force_is_kept(company: Company) -> None:
    with company.acting(HOST) as connection:
        rows = connection.execute("SELECT digest FROM plan.policy ORDER BY id").fetchall()
    assert len(rows) == 1
    assert len(rows[0][0]) == 64
