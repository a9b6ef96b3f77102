"""The job queue: Procrastinate's own tables, in a schema of their own that only the host's role may use."""

from __future__ import annotations

from importlib.resources import files

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA queue")
    op.execute("SET LOCAL search_path = queue")  # Procrastinate names its objects without a schema
    text = (files("procrastinate.sql") / "schema.sql").read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(text.replace("%", "%%"))  # % marks the driver's placeholders
    op.execute("SET LOCAL search_path = ''")


def downgrade() -> None:
    op.execute("DROP SCHEMA queue CASCADE")
