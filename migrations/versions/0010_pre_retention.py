"""Retention: a note of the states that are no longer kept, and the one role that may delete history."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

REFUSAL = """
    RAISE EXCEPTION '% on %.% is refused: its rows never change', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = '25006';
"""
RETENTION = """
    IF TG_OP = 'DELETE' AND current_user = 'concord_retention'
       AND TG_TABLE_NAME IN ('series_version', 'entity_version') THEN
        RETURN NULL;
    END IF;
"""


def _guard(exception: str) -> None:
    op.execute(
        "CREATE OR REPLACE FUNCTION plan.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN {exception} {REFUSAL} END $$"
    )


def upgrade() -> None:
    """Add the table and let the retention role past the guard of the two tables of history."""
    op.execute(
        "CREATE TABLE plan.retired_commit ("
        "commit_id bigint PRIMARY KEY REFERENCES plan.commit, "
        "at timestamptz NOT NULL DEFAULT clock_timestamp())"
    )
    op.execute(
        "COMMENT ON TABLE plan.retired_commit IS "
        "'A state that is no longer kept: its commit stays, part of what it showed may be gone.'"
    )
    op.execute(
        "CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON plan.retired_commit "
        "FOR EACH STATEMENT EXECUTE FUNCTION plan.refuse_change()"
    )
    _guard(RETENTION)


def downgrade() -> None:
    """Forget which states are gone: those that retention thinned out read incompletely after this."""
    _guard("")
    op.execute("DROP TABLE plan.retired_commit")
