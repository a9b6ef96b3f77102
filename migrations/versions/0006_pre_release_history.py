"""The history of a party's own lines: an item is found in all releases without reading the other lines."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = ("released_projection", "released_answer")
COLUMNS = ("item", "party_item")


def upgrade() -> None:
    """Add an index for either party's code of an item; the party comes first, as in every key out here."""
    for table in TABLES:
        for column in COLUMNS:
            columns = f"party_id, {column}, ordinal DESC, line"
            op.execute(f"CREATE INDEX {table}_{column}_idx ON outside.{table} ({columns})")


def downgrade() -> None:
    """Drop the indexes."""
    for table in TABLES:
        for column in COLUMNS:
            op.execute(f"DROP INDEX outside.{table}_{column}_idx")
