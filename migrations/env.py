"""Runs migrations in the transaction that app.store.migrate opened, and then applies the policies in it.

There is no offline mode: the connection comes from `app.store.migrate`, which alone knows how to reach the
database and as whom; alembic.ini serves `alembic history` and `alembic revision`.
"""

from __future__ import annotations

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection, text

from app.access import compile as policies
from app.store.migrate import OWNER, VERSION_SCHEMA, after_upgrade


def run() -> None:
    """Run the migrations as the owner of the tables, then roles, rows and grants as the administrator."""
    if "connection" not in context.config.attributes:
        raise CommandError("migrations are applied by `python -m app migrate`")
    connection: Connection = context.config.attributes["connection"]
    context.configure(
        connection=connection, version_table_schema=VERSION_SCHEMA, transaction_per_migration=False
    )
    with context.begin_transaction():
        connection.execute(text(f"SET LOCAL ROLE {OWNER}"))
        context.run_migrations()
        connection.execute(text("RESET ROLE"))
        if context.config.attributes["to_head"]:
            after_upgrade(connection)
            policies.apply(connection)


run()
