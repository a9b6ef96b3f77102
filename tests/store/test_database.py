"""The way to the database: scopes, transactions, pools."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import psycopg
import pytest
from alembic.script import ScriptDirectory

from app.access import HOST, Scope
from app.config import Settings
from app.errors import DatabaseNotMigrated, DatabaseVersion, NotGranted, ScopeMissing
from app.store.address import LOGINS
from app.store.database import Database
from app.store.external import check_version
from app.store.migrate import check_current, migrate, migration_config


async def test_without_a_scope_nothing_is_sent(database: Database) -> None:
    for scope in (None, Scope("concord_service", "")):
        with pytest.raises(ScopeMissing):
            async with database.read(scope):  # type: ignore[arg-type]  # what a careless caller passes
                pass
    assert not database._engines


async def test_a_transaction_carries_its_scope_in_one_statement_and_leaves_nothing(
    database: Database,
) -> None:
    scope = Scope("concord_internal", "concord_sales", {"concord.customer_ids": "{1,2}"})
    sql = (
        "SELECT current_user AS role, session_user AS login, "
        "current_setting('concord.customer_ids', true) AS ids"
    )
    async with database.read(scope) as tx:
        assert tx.statements == 1
        assert await tx.fetch_one(sql) == {
            "role": "concord_sales",
            "login": "concord_internal",
            "ids": "{1,2}",
        }
        assert tx.statements == 2
        backend = tx.driver.info.backend_pid
    async with database.read(Scope("concord_internal", "concord_finance")) as tx:
        assert tx.driver.info.backend_pid == backend, "the pool hands out the same connection"
        assert await tx.fetch_one(sql) == {"role": "concord_finance", "login": "concord_internal", "ids": ""}


@pytest.mark.parametrize(
    ("login", "role"),
    [
        ("concord_supplier", "concord_finance"),
        ("concord_internal", "concord_host"),
        ("concord_customer", "postgres"),
    ],
)
async def test_a_login_becomes_only_its_own_roles(database: Database, login: str, role: str) -> None:
    with pytest.raises((NotGranted, psycopg.Error)):
        async with database.read(Scope(login, role)):
            pass


async def test_logins_and_roles_have_no_power_of_their_own(database: Database) -> None:
    async with database.read(HOST) as tx:
        rows = await tx.fetch(
            "SELECT rolname FROM pg_catalog.pg_roles WHERE rolname LIKE 'concord%%' "
            "AND rolname <> 'concord_bootstrap' AND (rolsuper OR rolbypassrls OR rolinherit OR rolcreaterole)"
        )
        members = await tx.fetch_rows(
            "SELECT r.rolname FROM pg_catalog.pg_auth_members m "
            "JOIN pg_catalog.pg_roles r ON r.oid = m.roleid "
            "JOIN pg_catalog.pg_roles l ON l.oid = m.member WHERE l.rolname = 'concord_supplier'"
        )
    assert rows == []
    assert {name for (name,) in members} == {"concord_supplier_planner", "concord_supplier_viewer"}


async def test_a_read_is_read_only_and_sees_one_state(database: Database) -> None:
    async with database.write(HOST) as tx:
        await tx.execute("INSERT INTO plan.plan (name) VALUES ('one')")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        async with database.read(HOST) as tx:
            await tx.execute("INSERT INTO plan.plan (name) VALUES ('two')")
    count = "SELECT count(*) FROM plan.plan"
    async with database.read(HOST) as reading:
        before = await reading.fetch_value(count)
        async with database.write(HOST) as writing:
            await writing.execute("INSERT INTO plan.plan (name) VALUES ('three')")
        assert await reading.fetch_value(count) == before == 1


async def test_a_failed_write_leaves_nothing(database: Database) -> None:
    async def fail() -> None:
        async with database.write(HOST) as tx:
            await tx.execute("INSERT INTO plan.plan (name) VALUES ('lost')")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with database.read(HOST) as tx:
        assert await tx.fetch("SELECT * FROM plan.plan") == []


async def test_a_cancelled_transaction_gives_a_clean_connection_back(database: Database) -> None:
    scope = Scope("concord_internal", "concord_sales", {"concord.customer_ids": "{7}"})

    async def hang() -> None:
        async with database.read(scope) as tx:
            await tx.execute("SELECT pg_sleep(30)")

    for _ in range(3):
        task = asyncio.create_task(hang())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with database.read(Scope("concord_internal", "concord_sales")) as tx:
        assert await tx.fetch_value("SELECT current_setting('concord.customer_ids', true)") in ("", None)


async def test_a_connection_that_died_in_the_pool_is_replaced(database: Database) -> None:
    async with database.read(HOST) as tx:
        backend = tx.driver.info.backend_pid
    with psycopg.connect(database.address.admin_conninfo(), autocommit=True) as administrator:
        administrator.execute("SELECT pg_terminate_backend(%s, 5000)", (backend,))
    async with database.read(HOST) as tx:
        assert tx.driver.info.backend_pid != backend


async def test_migrating_down_and_up_again(settings: Settings, database: Database) -> None:
    await check_current(database)
    await migrate(database, "base")
    with pytest.raises(DatabaseNotMigrated):
        await check_current(database)
    await migrate(database)
    await migrate(database)
    await check_current(database)


@pytest.mark.parametrize("version", [140012, 150008, 160004, 170000])
def test_an_old_server_is_refused(version: int) -> None:
    with pytest.raises(DatabaseVersion):
        check_version(version)


@pytest.mark.parametrize("version", [150009, 160005, 170001, 180000, 190000])
def test_a_fixed_server_is_accepted(version: int) -> None:
    check_version(version)


def test_passwords_depend_on_secret_and_role(database: Database) -> None:
    assert len({database.address.password(login) for login in LOGINS}) == len(LOGINS)


def test_migrations_follow_each_other_and_say_when_they_run() -> None:
    scripts = ScriptDirectory.from_config(migration_config())
    assert len(scripts.get_heads()) == 1
    for script in scripts.walk_revisions():
        assert re.fullmatch(rf"{script.revision}_(pre|post)_[a-z_]+\.py", Path(script.path).name)
