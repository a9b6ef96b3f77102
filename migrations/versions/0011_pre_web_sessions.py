"""The web login: logins that were begun, and sessions of people at Concord's own pages.

Both are found by the digest of a ticket that only a browser holds, and what they keep (state and verifier,
the provider's tokens) is sealed under a key that only the ticket gives: the tables alone open nothing.
"""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

CODE = 'text COLLATE "C"'
DIGEST = f"{CODE} PRIMARY KEY CHECK (key ~ '^[0-9a-f]{{64}}$')"

TABLES = {
    "web_login": (
        f"""key {DIGEST},
            sealed bytea NOT NULL,
            expires_at timestamptz NOT NULL""",
        "Logins that were begun, until the browser is back or ten minutes are over; each is finished once.",
    ),
    "web_session": (
        f"""key {DIGEST},
            provider {CODE} NOT NULL,
            subject {CODE} NOT NULL,
            sealed bytea NOT NULL,
            started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            idle_seconds int NOT NULL CHECK (idle_seconds > 0),
            expires_at timestamptz NOT NULL""",
        "People logged in at our own pages. A session that ended is deleted; the audit log remembers it.",
    ),
}


def upgrade() -> None:
    for table, (columns, comment) in TABLES.items():
        op.execute(f"CREATE TABLE identity.{table} ({columns})")
        op.execute(f"COMMENT ON TABLE identity.{table} IS '{comment}'")
        op.execute(f"CREATE INDEX {table}_expires_at ON identity.{table} (expires_at)")
    op.execute("CREATE INDEX web_session_subject ON identity.web_session (subject)")


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"DROP TABLE identity.{table}")
