"""The built-in issuer: registered clients, and what is kept about their attempts and tokens.

Nothing here refers to the plan, and nothing of the plan refers to it: a party is named by its code, as in a
token. Secrets are kept as hashes only.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

CODE = 'text COLLATE "C"'

TABLES = {
    "client": (
        f"""client_id {CODE} PRIMARY KEY CHECK (client_id ~ '^[a-z][a-z0-9-]{{0,62}}$'),
            method text NOT NULL CHECK (method IN ('client_secret', 'private_key_jwt')),
            secret_hash text,
            key_set jsonb,
            audience text NOT NULL CHECK (audience IN ('internal', 'supplier', 'customer')),
            role {CODE} NOT NULL,
            party {CODE} CHECK (party IS NOT NULL OR audience = 'internal'),
            ttl_seconds int CHECK (ttl_seconds > 0),
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            created_by text NOT NULL,
            revoked_at timestamptz,
            CHECK ((method = 'client_secret') = (secret_hash IS NOT NULL)),
            CHECK ((method = 'private_key_jwt') = (key_set IS NOT NULL))""",
        "A machine that gets tokens for itself. An id is never given again, so history names one machine.",
    ),
    "attempt": (
        f"""kind text NOT NULL CHECK (kind IN ('client')),
            name {CODE} NOT NULL,
            address {CODE} NOT NULL,
            failures int NOT NULL CHECK (failures > 0),
            last_at timestamptz NOT NULL,
            PRIMARY KEY (kind, name, address)""",
        "Failed proofs of a known client, by network address; deleted with the next good one.",
    ),
    "assertion": (
        f"""client_id {CODE} NOT NULL REFERENCES identity.client,
            token_id {CODE} NOT NULL,
            expires_at timestamptz NOT NULL,
            PRIMARY KEY (client_id, token_id)""",
        "Assertions that were used, until they expire: each is good for one token.",
    ),
    "revoked_token": (
        f"""token_id {CODE} PRIMARY KEY,
            expires_at timestamptz NOT NULL,
            revoked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            revoked_by text NOT NULL""",
        "Access tokens ended before their time, until they expire.",
    ),
}


def upgrade() -> None:
    op.execute("CREATE SCHEMA identity")
    for table, (columns, comment) in TABLES.items():
        op.execute(f"CREATE TABLE identity.{table} ({columns})")
        op.execute(f"COMMENT ON TABLE identity.{table} IS '{comment}'")
    op.execute("CREATE INDEX assertion_expires_at ON identity.assertion (expires_at)")
    op.execute("CREATE INDEX attempt_last_at ON identity.attempt (last_at)")


def downgrade() -> None:
    op.execute("DROP SCHEMA identity CASCADE")
