"""Bringing the database to this program's schema: roles, migrations, measures, policies, all or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from types import MappingProxyType

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, NullPool, create_engine
from sqlalchemy.exc import OperationalError

from app.access import policies
from app.config import Settings
from app.errors import DatabaseNotMigrated, DatabaseUnreachable
from app.store.address import LOGINS, Address, cause
from app.store.database import Database
from app.vocabulary import MEASURES

OWNER = "concord_owner"
QUEUE_WORKER, QUEUE_CLIENT = "concord_jobs", "concord_host"
VERSION_SCHEMA = "migration"
HEAD = "head"
NOBODY: Mapping[str, str] = MappingProxyType({"concord.subject": "concord"})
LOCK = 0x636F6E636F7264  # "concord": one migration at a time, whichever process starts it


async def upgrade(settings: Settings) -> None:
    """Open the database of these settings, bring it up to date and close it."""
    database = await Database.open(settings)
    try:
        await migrate(database)
    finally:
        await database.close()


async def migrate(database: Database, revision: str = HEAD, *, by: Mapping[str, str] = NOBODY) -> None:
    """Bring the database up to the newest schema, or back to an older `revision`; all of it, or nothing.

    `by` are the settings of a scope that say who migrates, for the audit log.
    """
    await asyncio.to_thread(_migrate, database.address, revision, by)


async def check_current(database: Database) -> None:
    """Refuse a database that was not migrated to this program's schema."""
    await asyncio.to_thread(_check_current, database.address)


def _check_current(address: Address) -> None:
    expected = ScriptDirectory.from_config(migration_config()).get_current_head()
    engine = _engine(address)
    try:
        with engine.connect() as connection:
            found = _revision(connection)
    except OperationalError as error:
        raise DatabaseUnreachable(reason=cause(error)) from None
    if found != expected:
        raise DatabaseNotMigrated(found=found or "none", expected=expected)


def _migrate(address: Address, revision: str, by: Mapping[str, str]) -> None:
    with owner_connection(address) as connection:
        ensure_roles(connection, address)
        connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {VERSION_SCHEMA} AUTHORIZATION {OWNER}")
        for name, value in by.items():
            connection.exec_driver_sql("SELECT pg_catalog.set_config(%s, %s, true)", (name, value))
        before = _revision(connection)
        config = migration_config()
        config.attributes["connection"] = connection
        config.attributes["to_head"] = revision == HEAD
        if revision == HEAD:
            command.upgrade(config, revision)
            _put_on_record(connection, before)
        else:
            command.downgrade(config, revision)


@contextmanager
def owner_connection(address: Address) -> Iterator[Connection]:
    """Open one transaction as the administrator; one process at a time has it, whoever asks."""
    try:
        with _engine(address).begin() as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
            yield connection
    except OperationalError as error:
        raise DatabaseUnreachable(reason=cause(error)) from None


def _revision(connection: Connection) -> str | None:
    """Return the revision that a database is at, None before the first migration."""
    context = MigrationContext.configure(connection, opts={"version_table_schema": VERSION_SCHEMA})
    return context.get_current_revision()


def _put_on_record(connection: Connection, before: str | None) -> None:
    """Write the audit event of a migration that did something."""
    after = _revision(connection)
    if after != before:
        detail = f'{{"from": "{before or "nothing"}", "to": "{after}"}}'
        connection.exec_driver_sql(f"SET LOCAL ROLE {OWNER}")
        connection.exec_driver_sql(
            "SELECT audit.note('write', 'migrate', %s, NULL, NULL, NULL, 1, %s::jsonb)", (after, detail)
        )
        connection.exec_driver_sql("RESET ROLE")


def _engine(address: Address) -> Engine:
    """Connect as the administrator, with nothing on the search path."""
    arguments = {**address.parameters, "options": "-c search_path= -c timezone=UTC"}
    return create_engine("postgresql+psycopg://", connect_args=arguments, poolclass=NullPool)


def migration_config() -> Config:
    """Return Alembic's configuration; the scripts are found as a package, wherever it is installed."""
    config = Config()
    config.set_main_option("script_location", str(files("migrations")))
    config.set_main_option("path_separator", "os")
    return config


def ensure_roles(connection: Connection, address: Address) -> None:
    """Create the login and business roles that are missing, and say who may become whom.

    A login role holds no right of its own and inherits none; it can only become its own business roles.
    """
    for login in LOGINS:
        _role(connection, login, can_login=True)
        if address.secret:
            verifier = _verifier(connection, address, login)
            connection.exec_driver_sql(f"ALTER ROLE {login} PASSWORD '{verifier}'")
    parties = policies.load().parties
    for role in parties.role.values():
        if role.database_role not in LOGINS:
            _role(connection, role.database_role, can_login=False)
            login = parties.audience[role.audience].login
            connection.exec_driver_sql(f"GRANT {role.database_role} TO {login}")
    connection.exec_driver_sql(f"GRANT {OWNER} TO CURRENT_USER")
    database = connection.exec_driver_sql("SELECT quote_ident(current_database())").scalar_one()
    connection.exec_driver_sql(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
    connection.exec_driver_sql(f"GRANT CONNECT ON DATABASE {database} TO {', '.join(LOGINS)}")
    connection.exec_driver_sql(f"GRANT CREATE ON DATABASE {database} TO {OWNER}")
    connection.exec_driver_sql("REVOKE ALL ON SCHEMA public FROM PUBLIC")


def _role(connection: Connection, name: str, *, can_login: bool) -> None:
    """Create a role, or take from an existing one every power it should not have.

    A role that is as it should be is left alone: only a superuser may so much as mention NOSUPERUSER again.
    """
    found = connection.exec_driver_sql(
        "SELECT rolcanlogin, rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole OR rolreplication "
        "OR rolinherit FROM pg_catalog.pg_roles WHERE rolname = %s",
        (name,),
    ).one_or_none()
    if found is None or tuple(found) != (can_login, False):
        connection.exec_driver_sql(
            f"{'CREATE' if found is None else 'ALTER'} ROLE {name} {'LOGIN' if can_login else 'NOLOGIN'} "
            "NOINHERIT NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION"
        )


def _verifier(connection: Connection, address: Address, login: str) -> str:
    """Return the SCRAM verifier of a login's password; the password itself never reaches the server."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError("migrations run over psycopg")
    return driver.pgconn.encrypt_password(
        address.password(login).encode(), login.encode(), b"scram-sha-256"
    ).decode()


def after_upgrade(connection: Connection) -> None:
    """Fill the measures from the vocabulary and open the queue to the host's role (for migrations/env.py)."""
    connection.exec_driver_sql(f"SET LOCAL ROLE {OWNER}")
    for measure in MEASURES.values():
        connection.exec_driver_sql(
            "INSERT INTO plan.measure (name, unit, grain, time_rule, kind, owner, doc) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (name) DO UPDATE SET unit = excluded.unit, "
            "grain = excluded.grain, time_rule = excluded.time_rule, kind = excluded.kind, "
            "owner = excluded.owner, doc = excluded.doc",
            (
                measure.name,
                measure.unit,
                list(measure.grain),
                measure.time_rule,
                measure.kind,
                measure.owner,
                measure.doc,
            ),
        )
    _open_queue(connection)
    connection.exec_driver_sql("RESET ROLE")


def _open_queue(connection: Connection) -> None:
    """Give the queue to the role of jobs; the host puts jobs in and sees them, and changes none."""
    connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA queue TO {QUEUE_WORKER}, {QUEUE_CLIENT}")
    for objects in ("TABLES", "SEQUENCES", "FUNCTIONS"):
        connection.exec_driver_sql(f"REVOKE ALL ON ALL {objects} IN SCHEMA queue FROM {QUEUE_CLIENT}, PUBLIC")
        connection.exec_driver_sql(f"GRANT ALL ON ALL {objects} IN SCHEMA queue TO {QUEUE_WORKER}")
    connection.exec_driver_sql(f"GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA queue TO {QUEUE_CLIENT}")
    connection.exec_driver_sql(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA queue TO {QUEUE_CLIENT}")
    connection.exec_driver_sql(f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA queue TO {QUEUE_CLIENT}")
