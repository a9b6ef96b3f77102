"""Suspensions: parties that are kept out for a while. Their data and codes stay as they are."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

CODE = 'text COLLATE "C"'


def upgrade() -> None:
    """Add the table; a party is named by its code, as in a token."""
    op.execute(
        f"""CREATE TABLE identity.suspension (
            party {CODE} NOT NULL,
            suspended_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            suspended_by text NOT NULL,
            reason text NOT NULL,
            reinstated_at timestamptz,
            reinstated_by text,
            PRIMARY KEY (party, suspended_at),
            CHECK ((reinstated_at IS NULL) = (reinstated_by IS NULL)))"""
    )
    op.execute("CREATE UNIQUE INDEX suspended ON identity.suspension (party) WHERE reinstated_at IS NULL")
    op.execute(
        "COMMENT ON TABLE identity.suspension IS "
        "'When a party was kept out, why, by whom, and who let it in again; one at a time.'"
    )


def downgrade() -> None:
    """Let everybody in again."""
    op.execute("DROP TABLE identity.suspension")
