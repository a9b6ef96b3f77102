"""What the host keeps of a plan to explain it by: its decisions on the axes of the problem."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; plans made before have none and cannot be explained."""
    op.execute("ALTER TABLE plan.reconciliation ADD COLUMN working bytea")
    op.execute(
        "COMMENT ON COLUMN plan.reconciliation.working IS "
        "'Decisions, weights and what gave way, compressed; read by the host alone.'"
    )


def downgrade() -> None:
    """Drop the column: plans can no longer be explained."""
    op.execute("ALTER TABLE plan.reconciliation DROP COLUMN working")
