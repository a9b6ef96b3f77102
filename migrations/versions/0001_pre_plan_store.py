"""The plan database: plans under version control, runs and their results.

Commits, series and their versions are written once and never changed: besides missing privileges (policies/),
triggers refuse it to everybody, the owner included. The only mutable rows are a branch's (its head), a run's
(its state) and those of derived tables.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

CODE = 'text COLLATE "C"'
ENTITY = "int REFERENCES plan.entity"
DIMENSIONS = ("item", "family", "site", "to_site", "supplier", "customer", "resource")
COMMIT = "bigint NOT NULL REFERENCES plan.commit"

IDENTITY_TABLES = {
    "plan": (
        f"""id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            name {CODE} NOT NULL UNIQUE,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp()""",
        "A plan: branches, commits and the identities of its series and reference data.",
    ),
    "measure": (
        f"""id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            name {CODE} NOT NULL UNIQUE,
            unit text NOT NULL,
            grain text[] NOT NULL,
            time_rule text NOT NULL CHECK (time_rule IN ('sum', 'last', 'weighted', 'recompute')),
            kind text NOT NULL CHECK (kind IN ('actual', 'input', 'derived', 'solver')),
            owner text NOT NULL,
            doc text NOT NULL""",
        "Measures of the vocabulary; filled by every migration, never by hand.",
    ),
    "entity": (
        f"""id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            plan_id int NOT NULL REFERENCES plan.plan,
            kind {CODE} NOT NULL,
            code {CODE} NOT NULL,
            UNIQUE (plan_id, kind, code)""",
        "Identity of a row of reference data: its kind and its key (key columns joined by |).",
    ),
    "series": (
        f"""id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            plan_id int NOT NULL REFERENCES plan.plan,
            measure_id smallint NOT NULL REFERENCES plan.measure,
            {", ".join(f"{name}_id {ENTITY}" for name in DIMENSIONS)},
            UNIQUE NULLS NOT DISTINCT (plan_id, measure_id, {", ".join(f"{n}_id" for n in DIMENSIONS)})""",
        "Identity of a series: one measure for one key. A party is part of the identity.",
    ),
    "calendar": (
        """id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            plan_id int NOT NULL REFERENCES plan.plan,
            digest bytea NOT NULL CHECK (length(digest) = 32),
            UNIQUE (plan_id, digest)""",
        "A sequence of buckets; equal sequences are one calendar (digest over all starts and ends).",
    ),
    "bucket": (
        """calendar_id int NOT NULL REFERENCES plan.calendar,
            ordinal int NOT NULL CHECK (ordinal >= 0),
            start_date date NOT NULL,
            end_date date NOT NULL,
            working_days int NOT NULL CHECK (working_days >= 0),
            PRIMARY KEY (calendar_id, ordinal),
            UNIQUE (calendar_id, start_date),
            CHECK (start_date < end_date)""",
        "A bucket from start_date up to and without end_date; unequal lengths are allowed. working_days "
        "counts Monday to Friday; holidays are reference data by site.",
    ),
}

HISTORY_TABLES = {
    "branch": (
        f"""id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            plan_id int NOT NULL REFERENCES plan.plan,
            name {CODE} NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
            state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
            head_id bigint,
            forked_from_id bigint,
            created_by text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            UNIQUE (plan_id, name)""",
        "A line of commits. Its head is the only thing in the history that moves.",
    ),
    "commit": (
        f"""id bigint PRIMARY KEY,
            branch_id int NOT NULL REFERENCES plan.branch,
            parent_id bigint REFERENCES plan.commit CHECK (parent_id < id),
            merged_id bigint REFERENCES plan.commit CHECK (merged_id < id),
            author text NOT NULL,
            at timestamptz NOT NULL,
            reason text NOT NULL CHECK (reason <> ''),
            message text NOT NULL DEFAULT '',
            plan_date date,
            calendar_id int REFERENCES plan.calendar,
            inputs_commit_id bigint REFERENCES plan.commit CHECK (inputs_commit_id < id),
            rule {CODE},
            CHECK ((plan_date IS NULL) = (calendar_id IS NULL))""",
        "One change of a branch. Ids are drawn under the branch's lock, so they rise along every path.",
    ),
    "branch_path": (
        f"""branch_id int NOT NULL REFERENCES plan.branch,
            ancestor_id int NOT NULL REFERENCES plan.branch,
            upto_commit_id {COMMIT},
            PRIMARY KEY (branch_id, ancestor_id)""",
        "What a branch sees of its ancestors; written once, at the fork, itself left out.",
    ),
    "series_version": (
        f"""branch_id int NOT NULL,
            series_id bigint NOT NULL,
            commit_id bigint NOT NULL,
            measure_id smallint NOT NULL,
            {", ".join(f"{name}_id int" for name in DIMENSIONS)},
            calendar_id int NOT NULL,
            first_ordinal int NOT NULL CHECK (first_ordinal >= 0),
            cells bytea CHECK (octet_length(cells) % 8 = 0 AND octet_length(cells) > 0),
            PRIMARY KEY (branch_id, series_id, commit_id)""",
        "What a commit set a series to: float64 little-endian from first_ordinal on, NaN = no value; "
        "NULL = the series was removed. Identity columns are copied for row security.",
    ),
    "entity_version": (
        f"""branch_id int NOT NULL,
            entity_id int NOT NULL,
            commit_id bigint NOT NULL,
            kind {CODE} NOT NULL,
            item_id int, site_id int, supplier_id int, customer_id int, party_id int, resource_id int,
            row jsonb,
            PRIMARY KEY (branch_id, entity_id, commit_id)""",
        "What a commit set a row of reference data to; NULL = the row was removed. The ids are those of the "
        "entities that the row names (or is), copied for row security.",
    ),
    "version": (
        f"""id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            plan_id int NOT NULL REFERENCES plan.plan,
            commit_id {COMMIT},
            name {CODE} NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
            kind text NOT NULL CHECK (kind IN ('draft', 'final')),
            sealed_hash bytea NOT NULL CHECK (length(sealed_hash) = 32),
            published_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            published_by text NOT NULL,
            UNIQUE (plan_id, name),
            UNIQUE (commit_id, kind)""",
        "A published state: a commit under a name, sealed by a hash over its series and reference data.",
    ),
    "snapshot_series": (
        f"""snapshot_commit_id {COMMIT},
            series_id bigint NOT NULL,
            measure_id smallint NOT NULL,
            {", ".join(f"{name}_id int" for name in DIMENSIONS)},
            calendar_id int NOT NULL,
            first_ordinal int NOT NULL,
            cells bytea NOT NULL,
            PRIMARY KEY (snapshot_commit_id, series_id)""",
        "Derived: all series visible at a sealed commit, so that reading it needs no history.",
    ),
}

RESULT_TABLES = {
    "run": (
        f"""id uuid PRIMARY KEY,
            plan_id int NOT NULL REFERENCES plan.plan,
            branch_id int NOT NULL REFERENCES plan.branch,
            rule {CODE} NOT NULL,
            state text NOT NULL DEFAULT 'queued'
                CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
            requested_by text NOT NULL,
            requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            started_at timestamptz,
            finished_at timestamptz,
            attempts int NOT NULL DEFAULT 0,
            progress real NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 1),
            inputs_commit_id bigint REFERENCES plan.commit,
            inputs_hash bytea,
            result_commit_id bigint REFERENCES plan.commit,
            error_code text,
            error_detail text,
            CHECK ((state = 'done') = (result_commit_id IS NOT NULL)),
            CHECK ((state = 'failed') = (error_code IS NOT NULL)),
            CHECK ((state IN ('done', 'failed', 'cancelled')) = (finished_at IS NOT NULL))""",
        "A reconciliation asked for: one active per branch and rule.",
    ),
    "reconciliation": (
        f"""commit_id bigint PRIMARY KEY REFERENCES plan.commit,
            rule {CODE} NOT NULL,
            inputs_hash bytea NOT NULL,
            status text NOT NULL,
            objective float8 NOT NULL,
            bound float8,
            gap float8,
            currency text NOT NULL,
            seconds float8 NOT NULL,
            components int NOT NULL,
            certificate jsonb NOT NULL""",
        "What a result commit claims of itself. A gap that was not closed stays visible.",
    ),
    "reconciliation_stakeholder": (
        f"""commit_id bigint NOT NULL REFERENCES plan.reconciliation,
            stakeholder {CODE} NOT NULL,
            objective text NOT NULL,
            unit text NOT NULL,
            best float8 NOT NULL,
            worst float8 NOT NULL,
            value float8 NOT NULL,
            concession float8 NOT NULL,
            no_conflict boolean NOT NULL,
            money float8,
            PRIMARY KEY (commit_id, stakeholder)""",
        "What each stakeholder could have had, got and gave up.",
    ),
    "payoff": (
        f"""commit_id bigint NOT NULL REFERENCES plan.reconciliation,
            row_stakeholder {CODE} NOT NULL,
            column_stakeholder {CODE} NOT NULL,
            value float8 NOT NULL,
            money float8,
            PRIMARY KEY (commit_id, row_stakeholder, column_stakeholder)""",
        "The column stakeholder's objective in the plan that is best for the row stakeholder.",
    ),
    "binding_limit": (
        f"""commit_id bigint NOT NULL REFERENCES plan.reconciliation,
            position int NOT NULL,
            kind {CODE} NOT NULL,
            item_id {ENTITY}, site_id {ENTITY}, supplier_id {ENTITY}, resource_id {ENTITY},
            ordinal int,
            amount float8 NOT NULL,
            shadow_price float8,
            text text NOT NULL,
            PRIMARY KEY (commit_id, position)""",
        "A limit that holds the plan back, most expensive first; shadow_price = worth of one more unit.",
    ),
    "idempotency": (
        f"""subject {CODE} NOT NULL,
            key {CODE} NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
            request_hash bytea NOT NULL CHECK (length(request_hash) = 32),
            answer jsonb NOT NULL,
            at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (subject, key)""",
        "Answers already given, per caller and key: the same request again gets the same answer.",
    ),
}

INDEXES = (
    "CREATE INDEX ON plan.commit (branch_id, id)",
    "CREATE INDEX ON plan.commit (branch_id, at)",
    "CREATE INDEX ON plan.commit (merged_id) WHERE merged_id IS NOT NULL",
    "CREATE INDEX ON plan.commit (inputs_commit_id, rule) WHERE inputs_commit_id IS NOT NULL",
    "CREATE INDEX ON plan.version (plan_id, id) WHERE kind = 'final'",
    "CREATE INDEX ON plan.series (plan_id, measure_id)",
    *(f"CREATE INDEX ON plan.series ({name}_id) WHERE {name}_id IS NOT NULL" for name in DIMENSIONS),
    *(
        f"CREATE INDEX ON plan.series_version (branch_id, {name}_id, series_id, commit_id) "
        f"WHERE {name}_id IS NOT NULL"
        for name in ("supplier", "customer")
    ),
    "CREATE INDEX ON plan.series_version USING brin (commit_id) WITH (pages_per_range = 32)",
    "CREATE INDEX ON plan.entity_version (branch_id, kind, entity_id, commit_id)",
    "CREATE UNIQUE INDEX run_active ON plan.run (branch_id, rule) WHERE state IN ('queued', 'running')",
    "CREATE INDEX ON plan.run (plan_id, requested_at)",
    "CREATE INDEX ON plan.run (inputs_hash, rule) WHERE state = 'done'",
)

IMMUTABLE = (
    "plan",
    "entity",
    "series",
    "calendar",
    "bucket",
    "commit",
    "branch_path",
    "series_version",
    "entity_version",
    "version",
    "reconciliation",
    "reconciliation_stakeholder",
    "payoff",
    "binding_limit",
    "idempotency",
)

FUNCTIONS = """
CREATE FUNCTION plan.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on %.% is refused: its rows never change', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = '25006';
END $$;

CREATE FUNCTION plan.guard_branch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id <> OLD.id OR NEW.plan_id <> OLD.plan_id
       OR NEW.forked_from_id IS DISTINCT FROM OLD.forked_from_id THEN
        RAISE EXCEPTION 'the origin of a branch never changes' USING ERRCODE = '25006';
    END IF;
    IF NEW.head_id IS DISTINCT FROM OLD.head_id AND NOT EXISTS (
        SELECT FROM plan.commit c WHERE c.id = NEW.head_id AND c.branch_id = NEW.id
            AND c.parent_id IS NOT DISTINCT FROM OLD.head_id) THEN
        RAISE EXCEPTION 'a branch moves only to the child of its head' USING ERRCODE = '25006';
    END IF;
    RETURN NEW;
END $$;
"""


def upgrade() -> None:
    op.execute("CREATE SCHEMA plan")
    op.execute("CREATE SEQUENCE plan.commit_id")
    for tables in (IDENTITY_TABLES, HISTORY_TABLES, RESULT_TABLES):
        for name, (columns, comment) in tables.items():
            op.execute(f"CREATE TABLE plan.{name} ({columns})")
            quoted = comment.replace("'", "''")
            op.execute(f"COMMENT ON TABLE plan.{name} IS '{quoted}'")
    for column in ("head_id", "forked_from_id"):
        op.execute(f"ALTER TABLE plan.branch ADD FOREIGN KEY ({column}) REFERENCES plan.commit")
    for table in ("series_version", "snapshot_series"):
        op.execute(f"ALTER TABLE plan.{table} ALTER COLUMN cells SET STORAGE EXTERNAL")  # never worth packing
    for statement in INDEXES:
        op.execute(statement)
    _guard()


def _guard() -> None:
    """Refuse changes of what is immutable, to everybody; deleting anything but what is derived, too."""
    op.execute(FUNCTIONS)
    for table in IMMUTABLE:
        op.execute(
            f"CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON plan.{table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION plan.refuse_change()"
        )
    for table in ("branch", "run", "measure"):
        op.execute(
            f"CREATE TRIGGER kept BEFORE DELETE OR TRUNCATE ON plan.{table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION plan.refuse_change()"
        )
    op.execute(
        "CREATE TRIGGER guarded BEFORE UPDATE ON plan.branch "
        "FOR EACH ROW EXECUTE FUNCTION plan.guard_branch()"
    )


def downgrade() -> None:
    op.execute("DROP SCHEMA plan CASCADE")
