"""Series are partitioned by hash, and snapshots are counted on their own.

A snapshot was there because its commit was published; now any commit may have one (plan.snapshot says
which), and it can be dropped. The rows of one commit are found by an index of their own: what changed since a
snapshot, or between two states, is read without looking at the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

PARTITIONS = 4
DIMENSIONS = ("item", "family", "site", "to_site", "supplier", "customer", "resource")
COLUMNS = ", ".join(
    (
        "branch_id, series_id, commit_id, measure_id",
        *(f"{name}_id" for name in DIMENSIONS),
        "calendar_id, first_ordinal, cells",
    )
)
GUARD = (
    "CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON plan.{} "
    "FOR EACH STATEMENT EXECUTE FUNCTION plan.refuse_change()"
)
PAST = """
CREATE TRIGGER past AFTER INSERT ON plan.series_version REFERENCING NEW TABLE AS written FOR EACH STATEMENT
WHEN (current_user <> 'concord_host' AND row_security_active('plan.series_version'))
EXECUTE FUNCTION plan.guard_past()
"""
SCOPED = ("supplier", "customer")

SNAPSHOT = (
    """CREATE TABLE plan.snapshot (
        commit_id bigint PRIMARY KEY REFERENCES plan.commit,
        taken_at timestamptz NOT NULL DEFAULT clock_timestamp())""",
    "COMMENT ON TABLE plan.snapshot IS 'Derived: commits whose series lie ready in plan.snapshot_series. "
    "Can be dropped at any time, together with its rows.'",
    "INSERT INTO plan.snapshot (commit_id) SELECT DISTINCT commit_id FROM plan.version",
    "ALTER TABLE plan.snapshot_series DROP CONSTRAINT snapshot_series_snapshot_commit_id_fkey",
    *(
        f"CREATE INDEX snapshot_series_{name} ON plan.snapshot_series "
        f"(snapshot_commit_id, {name}_id, series_id) WHERE {name}_id IS NOT NULL"
        for name in SCOPED
    ),
    *(
        f"CREATE TRIGGER as_taken BEFORE UPDATE ON plan.{table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION plan.refuse_change()"
        for table in ("snapshot", "snapshot_series")
    ),
)


def upgrade() -> None:
    """Move the series to partitions; list the snapshots that there are."""
    _force(False, "series_version", "version")
    _rename_to_old()
    op.execute(
        "CREATE TABLE plan.series_version (LIKE plan.series_version_old INCLUDING CONSTRAINTS "
        "INCLUDING STORAGE INCLUDING COMMENTS) PARTITION BY HASH (series_id)"
    )
    names = [f"series_version_{number}" for number in range(PARTITIONS)]
    for number, name in enumerate(names):
        op.execute(
            f"CREATE TABLE plan.{name} PARTITION OF plan.series_version "
            f"FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {number})"
        )
        for held in ("ENABLE", "FORCE"):  # without a policy of its own: reached through the table alone
            op.execute(f"ALTER TABLE plan.{name} {held} ROW LEVEL SECURITY")
    _move(["series_version", *names])
    op.execute("CREATE INDEX series_version_commit ON plan.series_version (branch_id, commit_id)")
    for statement in SNAPSHOT:
        op.execute(statement)
    _force(True, "series_version", "version")


def downgrade() -> None:
    """Move the series back to one table, drop the snapshots of what is not published."""
    _force(False, "series_version", "version", "snapshot_series", "commit")
    _rename_to_old()
    op.execute(
        "CREATE TABLE plan.series_version (LIKE plan.series_version_old INCLUDING CONSTRAINTS "
        "INCLUDING STORAGE INCLUDING COMMENTS)"
    )
    _move(["series_version"])
    op.execute(
        "CREATE INDEX series_version_commit_id_idx ON plan.series_version "
        "USING brin (commit_id) WITH (pages_per_range = 32)"
    )
    op.execute("DROP TRIGGER as_taken ON plan.snapshot_series")
    for name in SCOPED:
        op.execute(f"DROP INDEX plan.snapshot_series_{name}")
    op.execute("DROP TABLE plan.snapshot")
    op.execute(
        "DELETE FROM plan.snapshot_series s "
        "WHERE NOT EXISTS (SELECT FROM plan.version v WHERE v.commit_id = s.snapshot_commit_id)"
    )
    op.execute(
        "ALTER TABLE plan.snapshot_series ADD CONSTRAINT snapshot_series_snapshot_commit_id_fkey "
        "FOREIGN KEY (snapshot_commit_id) REFERENCES plan.commit"
    )
    _force(True, "series_version", "version", "snapshot_series", "commit")


def _force(on: bool, *tables: str) -> None:
    """Hold the owner, who moves the data, to row security as everybody else, or for the time being not."""
    for table in tables:
        op.execute(f"ALTER TABLE plan.{table} {'FORCE' if on else 'NO FORCE'} ROW LEVEL SECURITY")


def _rename_to_old() -> None:
    """Give the table's name free, and the names of its key and partitions."""
    op.execute("ALTER TABLE plan.series_version RENAME TO series_version_old")
    op.execute("ALTER TABLE plan.series_version_old RENAME CONSTRAINT series_version_pkey TO series_old_pkey")


def _move(guarded: Sequence[str]) -> None:
    """Move all rows in the order they were written, then index and guard them."""
    op.execute(
        f"INSERT INTO plan.series_version ({COLUMNS}) SELECT {COLUMNS} FROM plan.series_version_old "
        "ORDER BY commit_id, series_id"
    )
    op.execute("DROP TABLE plan.series_version_old")
    op.execute("ALTER TABLE plan.series_version ADD PRIMARY KEY (branch_id, series_id, commit_id)")
    for name in SCOPED:
        op.execute(
            f"CREATE INDEX series_version_{name} ON plan.series_version "
            f"(branch_id, {name}_id, series_id, commit_id) WHERE {name}_id IS NOT NULL"
        )
    for table in guarded:
        op.execute(GUARD.format(table))
    op.execute(PAST)
