"""The outside: what was released to suppliers and customers, and what they submit.

Nothing here refers to a commit, branch or anything else of the plan but the party's own id, which no party is
ever shown. Rows are only appended: publication writes released_*, a party writes inbox, the host writes
inbox_outcome. Primary keys start with the party, so that row security reads one stretch of one index.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

AUDIENCE = "audience text NOT NULL CHECK (audience IN ('supplier', 'customer'))"
PARTY = "party_id int NOT NULL REFERENCES plan.entity"
LINE = f"{PARTY}, ordinal int NOT NULL, line int NOT NULL CHECK (line >= 0)"
ITEM = "item text NOT NULL, party_item text, name text NOT NULL"

TABLES = {
    "release": f"""
        {PARTY}, {AUDIENCE}, ordinal int NOT NULL CHECK (ordinal >= 1),
        kind text NOT NULL CHECK (kind IN ('draft', 'final')),
        party_name text NOT NULL, released_at timestamptz NOT NULL, plan_date date NOT NULL,
        response_due date, answered_through int NOT NULL CHECK (answered_through >= 0),
        starts date[] NOT NULL, ends date[] NOT NULL, zones text[] NOT NULL,
        CHECK (cardinality(starts) = cardinality(ends) AND cardinality(starts) = cardinality(zones)),
        CHECK (zones <@ ARRAY['firm', 'tradeoff', 'forecast']),
        PRIMARY KEY (party_id, audience, ordinal)""",
    "released_item": f"""
        {PARTY}, {AUDIENCE}, ordinal int NOT NULL, line int NOT NULL CHECK (line >= 0), {ITEM},
        code text NOT NULL, unit text NOT NULL, base_factor float8 NOT NULL CHECK (base_factor > 0),
        PRIMARY KEY (party_id, audience, ordinal, line), UNIQUE (party_id, audience, ordinal, code, item)""",
    "released_projection": f"""
        {LINE}, {ITEM}, supplier text NOT NULL, site text NOT NULL, site_name text NOT NULL,
        unit text NOT NULL, base_factor float8 NOT NULL CHECK (base_factor > 0),
        lead_time_days float8 NOT NULL, quantities float8[] NOT NULL, previous float8[] NOT NULL,
        order_dates date[] NOT NULL,
        PRIMARY KEY (party_id, ordinal, line), UNIQUE (party_id, ordinal, supplier, item, site)""",
    "released_purchase_order": f"""
        {LINE}, order_number text NOT NULL, order_line int NOT NULL, {ITEM}, supplier text NOT NULL,
        site text NOT NULL, site_name text NOT NULL, unit text NOT NULL, quantity float8 NOT NULL,
        due_date date NOT NULL, status text NOT NULL,
        PRIMARY KEY (party_id, ordinal, line), UNIQUE (party_id, ordinal, order_number, order_line)""",
    "released_answer": f"""
        {LINE}, {ITEM}, customer text NOT NULL, ship_to text, ship_to_name text,
        unit text NOT NULL, requested float8[] NOT NULL, on_time float8[] NOT NULL, late float8[] NOT NULL,
        late_until date[] NOT NULL, not_supplied float8[] NOT NULL, firmness text[] NOT NULL,
        reason text[] NOT NULL, previous float8[] NOT NULL,
        PRIMARY KEY (party_id, ordinal, line),
        UNIQUE NULLS NOT DISTINCT (party_id, ordinal, customer, item, ship_to)""",
    "released_sales_order": f"""
        {LINE}, order_number text NOT NULL, order_line int NOT NULL, {ITEM}, customer text NOT NULL,
        ship_to text, unit text NOT NULL, quantity float8 NOT NULL, requested_date date NOT NULL,
        promised_date date,
        PRIMARY KEY (party_id, ordinal, line), UNIQUE (party_id, ordinal, order_number, order_line)""",
    "inbox": f"""
        {PARTY}, {AUDIENCE}, ordinal int NOT NULL CHECK (ordinal >= 1),
        kind text NOT NULL, payload jsonb NOT NULL,
        idempotency_key text NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 200),
        request_hash bytea NOT NULL CHECK (length(request_hash) = 32),
        submitted_by text NOT NULL, submitted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (party_id, audience, ordinal), UNIQUE (party_id, audience, idempotency_key)""",
    "inbox_outcome": f"""
        {PARTY}, {AUDIENCE}, ordinal int NOT NULL, kind text NOT NULL,
        state text NOT NULL CHECK (state IN ('included', 'rejected')),
        reason text, commit_id bigint, at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (party_id, audience, ordinal),
        FOREIGN KEY (party_id, audience, ordinal) REFERENCES outside.inbox""",
}

REFUSE = """
CREATE FUNCTION outside.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of %.% are only appended', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = '25006';
END $$
"""

# The payload is empty: whoever may connect can listen, and must not learn who submitted what.
ANNOUNCE = """
CREATE FUNCTION outside.announce() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('concord_inbox', '');
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.execute("CREATE SCHEMA outside")
    op.execute(REFUSE)
    op.execute(ANNOUNCE)
    for table, columns in TABLES.items():
        op.execute(f"CREATE TABLE outside.{table} ({columns})")
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON outside.{table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION outside.refuse_change()"
        )
    op.execute(
        "CREATE TRIGGER announce AFTER INSERT ON outside.inbox "
        "FOR EACH STATEMENT EXECUTE FUNCTION outside.announce()"
    )
    # What policies/ was compiled to (digest), what the catalogue then held (state), and when: the last row is
    # in force.
    op.execute(
        "CREATE TABLE plan.policy (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, digest text NOT NULL, "
        "state text NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())"
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON plan.policy "
        "FOR EACH STATEMENT EXECUTE FUNCTION outside.refuse_change()"
    )


def downgrade() -> None:
    op.execute("DROP TABLE plan.policy")
    op.execute("DROP SCHEMA outside CASCADE")
