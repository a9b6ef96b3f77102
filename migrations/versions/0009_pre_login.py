"""People at the built-in issuer: their accounts, sessions and grants.

Beside machines there are now applications that people log in to: a client is one or the other. Passwords
are kept as Argon2id hashes, and codes, refresh tokens and cookies as SHA-256 of 256 random bits, so that
whoever reads the tables can act as nobody.
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

CODE = 'text COLLATE "C"'

CLIENT = (
    """ADD COLUMN title text,
    ADD COLUMN redirect_uris text[],
    ADD COLUMN logout_uris text[],
    ADD COLUMN native boolean,
    ADD COLUMN first_party boolean,
    ALTER COLUMN audience DROP NOT NULL,
    ALTER COLUMN role DROP NOT NULL,
    DROP CONSTRAINT client_method_check,
    ADD CONSTRAINT client_method_check CHECK (method IN ('client_secret', 'private_key_jwt', 'none')),
    ADD CONSTRAINT client_machine_check CHECK ((audience IS NULL) = (role IS NULL)),
    ADD CONSTRAINT client_use_check CHECK ((role IS NULL) = (redirect_uris IS NOT NULL)),
    ADD CONSTRAINT client_login_check
        CHECK (num_nulls(title, redirect_uris, logout_uris, native, first_party) IN (0, 5)),
    ADD CONSTRAINT client_proof_check CHECK (method <> 'none' OR redirect_uris IS NOT NULL),
    ADD CONSTRAINT client_native_check CHECK (NOT (native AND first_party))""",
    """DROP CONSTRAINT client_native_check, DROP CONSTRAINT client_proof_check,
    DROP CONSTRAINT client_login_check, DROP CONSTRAINT client_use_check,
    DROP CONSTRAINT client_machine_check, DROP CONSTRAINT client_method_check,
    ADD CONSTRAINT client_method_check CHECK (method IN ('client_secret', 'private_key_jwt')),
    ALTER COLUMN role SET NOT NULL, ALTER COLUMN audience SET NOT NULL,
    DROP COLUMN title, DROP COLUMN redirect_uris, DROP COLUMN logout_uris, DROP COLUMN native,
    DROP COLUMN first_party""",
)

TABLES = {
    "account": (
        f"""name {CODE} PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9._@+-]{{0,62}}$'),
            password_hash text NOT NULL,
            audience text NOT NULL CHECK (audience IN ('internal', 'supplier', 'customer')),
            role {CODE} NOT NULL,
            party {CODE} CHECK (party IS NOT NULL OR audience = 'internal'),
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            created_by text NOT NULL,
            password_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            disabled_at timestamptz""",
        "A person who logs in. A name is never given again, so history names one person.",
    ),
    "session": (
        f"""session_id {CODE} PRIMARY KEY,
            cookie_hash {CODE} NOT NULL UNIQUE,
            account {CODE} NOT NULL REFERENCES identity.account,
            started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            expires_at timestamptz NOT NULL,
            ended_at timestamptz""",
        "A person logged in at a browser, from the password to the logout.",
    ),
    "token_family": (
        f"""family {CODE} PRIMARY KEY,
            client_id {CODE} NOT NULL,
            account {CODE} NOT NULL REFERENCES identity.account,
            session_id {CODE} NOT NULL,
            scope text NOT NULL,
            auth_time timestamptz NOT NULL,
            started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            expires_at timestamptz NOT NULL,
            ended_at timestamptz,
            ended_by text,
            CHECK ((ended_at IS NULL) = (ended_by IS NULL))""",
        "All tokens that one code led to: they end together.",
    ),
    "code": (
        f"""code_hash {CODE} PRIMARY KEY,
            family {CODE} NOT NULL UNIQUE REFERENCES identity.token_family ON DELETE CASCADE,
            redirect_uri text NOT NULL,
            challenge text NOT NULL,
            nonce text,
            expires_at timestamptz NOT NULL,
            redeemed_at timestamptz""",
        "Authorization codes: each is good for one redemption, and a second one ends its family.",
    ),
    "refresh_token": (
        f"""token_hash {CODE} PRIMARY KEY,
            family {CODE} NOT NULL REFERENCES identity.token_family ON DELETE CASCADE,
            issued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            used_at timestamptz""",
        "Refresh tokens: each is good for one use, and a second one ends its family.",
    ),
    "request_rate": (
        f"""address {CODE} PRIMARY KEY,
            remaining float8 NOT NULL,
            at timestamptz NOT NULL DEFAULT clock_timestamp()""",
        "How many requests an address has left this minute, over all server processes.",
    ),
}

INDEXES = (
    "token_family_account ON identity.token_family (account)",
    "token_family_session ON identity.token_family (session_id)",
    "token_family_expires_at ON identity.token_family (expires_at)",
    "refresh_token_family ON identity.refresh_token (family)",
    "session_account ON identity.session (account)",
    "request_rate_at ON identity.request_rate (at)",
)


def upgrade() -> None:
    op.execute(f"ALTER TABLE identity.client {CLIENT[0]}")
    _kinds_of_attempt("client", "login", "account", "address")
    for table, (columns, comment) in TABLES.items():
        op.execute(f"CREATE TABLE identity.{table} ({columns})")
        op.execute(f"COMMENT ON TABLE identity.{table} IS '{comment}'")
    for index in INDEXES:
        op.execute(f"CREATE INDEX {index}")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE identity.{table}")
    op.execute("DELETE FROM identity.attempt WHERE kind <> 'client'")
    _kinds_of_attempt("client")
    op.execute(
        "DELETE FROM identity.assertion USING identity.client c "
        "WHERE c.client_id = assertion.client_id AND c.role IS NULL"
    )
    op.execute("DELETE FROM identity.client WHERE role IS NULL")
    op.execute(f"ALTER TABLE identity.client {CLIENT[1]}")


def _kinds_of_attempt(*kinds: str) -> None:
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.execute("ALTER TABLE identity.attempt DROP CONSTRAINT attempt_kind_check")
    op.execute(f"ALTER TABLE identity.attempt ADD CONSTRAINT attempt_kind_check CHECK (kind IN ({listed}))")
