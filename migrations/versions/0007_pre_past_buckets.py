"""What lies before a commit's plan date has happened: a department's figures cannot change it.

The checks in front of `seriesSubmit` say so with all their findings; this trigger holds whatever comes past
them. The host may: an import of corrected actuals is a commit of its own, and what was known before stays.
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NO_VALUE = "'\\x000000000000f87f'::bytea"
"""NaN as the store writes it, little-endian."""


def _cell(row: str, ordinal: str) -> str:
    """Return the expression for the eight bytes of a cell, NULL where it holds no value."""
    place = f"{ordinal} - {row}.first_ordinal"
    found = f"substring({row}.cells FROM 8 * greatest({place}, 0) + 1 FOR 8)"
    return f"CASE WHEN {place} >= 0 THEN nullif(nullif({found}, ''::bytea), {NO_VALUE}) END"


FUNCTION = f"""
CREATE FUNCTION plan.guard_past() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    closed date;
BEGIN
    WITH before AS MATERIALIZED (
        SELECT w.series_id, w.calendar_id, w.first_ordinal, w.cells, c.plan_date,
            o.calendar_id AS old_calendar_id, o.first_ordinal AS old_first_ordinal, o.cells AS old_cells
        FROM written w JOIN plan.commit c ON c.id = w.commit_id
        LEFT JOIN LATERAL (
            SELECT v.calendar_id, v.first_ordinal, v.cells FROM (
                SELECT w.branch_id AS branch_id, w.commit_id - 1 AS upto UNION ALL
                SELECT p.ancestor_id, p.upto_commit_id FROM plan.branch_path p WHERE p.branch_id = w.branch_id
            ) path JOIN plan.series_version v
                ON v.branch_id = path.branch_id AND v.series_id = w.series_id AND v.commit_id <= path.upto
            ORDER BY v.commit_id DESC LIMIT 1) o ON true)
    SELECT k.start_date INTO closed
    FROM before n
    JOIN plan.bucket k ON k.calendar_id = n.calendar_id AND k.start_date < n.plan_date
    LEFT JOIN LATERAL (SELECT n.old_first_ordinal AS first_ordinal, n.old_cells AS cells) o ON true
    LEFT JOIN plan.bucket m ON m.calendar_id = n.old_calendar_id
        AND m.start_date = k.start_date AND m.end_date = k.end_date
    WHERE {_cell("n", "k.ordinal")} IS DISTINCT FROM {_cell("o", "m.ordinal")}
    LIMIT 1;
    IF closed IS NOT NULL THEN
        RAISE EXCEPTION 'the bucket from % lies before the plan date: only the host corrects it', closed
            USING ERRCODE = '25006';
    END IF;
    RETURN NULL;
END $$
"""

TRIGGER = """
CREATE TRIGGER past AFTER INSERT ON plan.series_version REFERENCING NEW TABLE AS written FOR EACH STATEMENT
WHEN (current_user <> 'concord_host' AND row_security_active('plan.series_version'))
EXECUTE FUNCTION plan.guard_past()
"""
"""Administrators, whom row security does not bind, restore backups: they go past it."""


def upgrade() -> None:
    """Add the guard."""
    op.execute(FUNCTION)
    op.execute(TRIGGER)


def downgrade() -> None:
    """Take it away."""
    op.execute("DROP TRIGGER past ON plan.series_version")
    op.execute("DROP FUNCTION plan.guard_past")
