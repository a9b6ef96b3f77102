"""Putting the policies in force: once, again only when something changed, and never half."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from app.errors import PolicyInvalid
from app.store.address import Address
from app.store.database import Database
from app.store.migrate import migrate

Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture(scope="module")
def url(new_database: Callable[[], str]) -> str:
    return new_database()


async def migrate_again(url: str) -> None:
    database = Database(Address.from_url(url, b""))
    try:
        await migrate(database)
    finally:
        await database.close()


def applied(admin: Connection) -> int:
    row = admin.execute("SELECT count(*) FROM plan.policy").fetchone()
    assert row is not None
    return int(row[0])


async def test_policies_in_force_are_left_alone(url: str) -> None:
    with psycopg.connect(url) as reader, psycopg.connect(url, autocommit=True) as admin:
        before = applied(admin)
        reader.execute("SELECT * FROM plan.series_version")  # would wait for ever if policies were made anew
        admin.execute("ALTER ROLE concord_bootstrap SET lock_timeout = '3s'")
        try:
            await migrate_again(url)
        finally:
            admin.execute("ALTER ROLE concord_bootstrap RESET lock_timeout")
        assert applied(admin) == before


@pytest.mark.parametrize(
    "tampering",
    [
        "ALTER POLICY read_sales ON plan.series_version USING (true)",
        "GRANT SELECT ON plan.payoff TO concord_sales",
        "GRANT SELECT (shadow_price) ON plan.binding_limit TO concord_planner",
        "ALTER TABLE plan.run NO FORCE ROW LEVEL SECURITY",
        "GRANT USAGE ON SCHEMA plan TO concord_supplier_viewer",
        "DROP POLICY read_finance ON plan.payoff",
        "CREATE POLICY extra ON plan.payoff FOR SELECT TO concord_sales USING (true)",
    ],
)
async def test_what_was_altered_by_hand_is_put_right(url: str, tampering: str) -> None:
    with psycopg.connect(url, autocommit=True) as admin:
        before = state(admin)
        admin.execute(tampering)
        assert state(admin) != before
        await migrate_again(url)
        assert state(admin) == before


def state(admin: Connection) -> list[tuple[Any, ...]]:
    """Return row policies and grants as PostgreSQL shows them."""
    return [
        *admin.execute("SELECT * FROM pg_policies ORDER BY 1, 2, 3").fetchall(),
        *admin.execute(
            "SELECT grantee, table_schema, table_name, column_name, privilege_type "
            "FROM information_schema.column_privileges "
            "WHERE table_schema IN ('plan', 'outside', 'identity', 'audit') "
            "ORDER BY 1, 2, 3, 4, 5"
        ).fetchall(),
        *admin.execute(
            "SELECT c.oid::regclass::text, c.relrowsecurity, c.relforcerowsecurity FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname IN ('plan', 'outside', 'identity', 'audit') ORDER BY 1"
        ).fetchall(),
        *admin.execute(
            "SELECT nspname, has_schema_privilege('concord_supplier_viewer', oid, 'USAGE') FROM pg_namespace "
            "WHERE nspname IN ('plan', 'outside', 'identity', 'audit') ORDER BY 1"
        ).fetchall(),
    ]


@pytest.mark.parametrize(
    ("addition", "removal", "fault"),
    [
        ("CREATE TABLE plan.rumour (id int)", "DROP TABLE plan.rumour", "unlisted-table: .*rumour"),
        (
            "ALTER TABLE plan.run ADD COLUMN secret text",
            "ALTER TABLE plan.run DROP COLUMN secret",
            r"unlisted-column: fields\.toml plan\.run: secret",
        ),
        (
            "CREATE VIEW outside.everything AS SELECT 1 AS one",
            "DROP VIEW outside.everything",
            "unlisted-table: .*everything",
        ),
    ],
)
async def test_what_no_policy_lists_stops_the_migration(
    url: str, addition: str, removal: str, fault: str
) -> None:
    with psycopg.connect(url, autocommit=True) as admin:
        before = state(admin)
        admin.execute(addition)
        try:
            with pytest.raises(PolicyInvalid, match=fault):
                await migrate_again(url)
        finally:
            admin.execute(removal)
        assert state(admin) == before
