"""The audit log: events in the act's own transaction, a chain of seals over them, names apart from both.

An event names its actor by a pseudonym, the digest of a random key and the name; key and name stand in
audit.subject alone. Erasing them there leaves events and chain as they were and makes the pseudonym nobody's.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

CODE = 'text COLLATE "C"'
KINDS = ("write", "publication", "grant", "login", "refusal", "export", "read", "erasure")

TABLES = {
    "subject": (
        f"""pseudonym {CODE} PRIMARY KEY,
            subject text,
            key bytea CHECK (length(key) = 32),
            since timestamptz NOT NULL DEFAULT clock_timestamp(),
            erased_at timestamptz,
            UNIQUE (subject),
            CHECK ((subject IS NULL) = (key IS NULL) AND (subject IS NULL) = (erased_at IS NOT NULL))""",
        "Who a pseudonym is, until it is erased. The only place of the log with personal data.",
    ),
    "event": (
        f"""id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            at timestamptz NOT NULL DEFAULT clock_timestamp(),
            kind text NOT NULL CHECK (kind IN {KINDS}),
            act {CODE} NOT NULL CHECK (act ~ '^[A-Za-z][A-Za-z0-9._-]{{0,63}}$'),
            actor {CODE} REFERENCES audit.subject,
            role {CODE},
            audience {CODE},
            party {CODE},
            origin text NOT NULL,
            target text,
            branch {CODE},
            before_commit bigint,
            after_commit bigint,
            times int NOT NULL DEFAULT 1 CHECK (times >= 1),
            detail jsonb NOT NULL DEFAULT '{{}}',
            policy_digest {CODE}""",
        "An act: who, as what, from where, what, before and after by commit, under which policies.",
    ),
    "seal": (
        """position bigint PRIMARY KEY CHECK (position >= 1),
            event_id bigint NOT NULL UNIQUE REFERENCES audit.event,
            sealed_at timestamptz NOT NULL,
            hash bytea NOT NULL CHECK (length(hash) = 32)""",
        "The chain: each hash covers the one before, its position and its event.",
    ),
    "unsealed": (
        "event_id bigint PRIMARY KEY REFERENCES audit.event",
        "Events that the sealer has not taken yet.",
    ),
}

INDEXES = (
    "CREATE INDEX event_actor ON audit.event (actor, id)",
    "CREATE INDEX event_act ON audit.event (act, id)",
    "CREATE INDEX event_kind ON audit.event (kind, id)",
    "CREATE INDEX event_party ON audit.event (party, id)",
    "CREATE INDEX event_at ON audit.event (at)",
)

GUARDS = """
CREATE FUNCTION audit.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of %.% are only appended', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = '25006';
END $$;

CREATE FUNCTION audit.guard_subject() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.subject IS NOT NULL OR NEW.key IS NOT NULL
       OR NEW.pseudonym <> OLD.pseudonym OR NEW.since <> OLD.since THEN
        RAISE EXCEPTION 'a subject is only ever erased' USING ERRCODE = '25006';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION audit.guard_unsealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM audit.seal s WHERE s.event_id = OLD.event_id) THEN
        RAISE EXCEPTION 'event % waits for its seal', OLD.event_id USING ERRCODE = '25006';
    END IF;
    RETURN OLD;
END $$;
"""

TRIGGERS = (
    "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.event "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change()",
    "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.seal "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change()",
    "CREATE TRIGGER kept BEFORE DELETE OR TRUNCATE ON audit.subject "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change()",
    "CREATE TRIGGER guarded BEFORE UPDATE ON audit.subject "
    "FOR EACH ROW EXECUTE FUNCTION audit.guard_subject()",
    "CREATE TRIGGER kept BEFORE UPDATE OR TRUNCATE ON audit.unsealed "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change()",
    "CREATE TRIGGER guarded BEFORE DELETE ON audit.unsealed "
    "FOR EACH ROW EXECUTE FUNCTION audit.guard_unsealed()",
    "CREATE TRIGGER audited AFTER INSERT ON outside.inbox "
    "FOR EACH ROW EXECUTE FUNCTION audit.record_submission()",
)

# Runs as the owner, so that whoever acts needs no right on the log's tables and neither reads nor alters it.
# Who acts is what the transaction was opened with, unless a service that checked it before says otherwise.
RECORD = """
CREATE FUNCTION audit.pseudonym(whom text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    found text;
    fresh bytea;
BEGIN
    IF whom IS NULL THEN
        RETURN NULL;
    END IF;
    LOOP
        SELECT s.pseudonym INTO found FROM audit.subject s WHERE s.subject = whom;
        IF found IS NOT NULL THEN
            RETURN found;
        END IF;
        fresh := sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
        INSERT INTO audit.subject (pseudonym, subject, key)
        VALUES (left(encode(sha256(fresh || convert_to(whom, 'UTF8')), 'hex'), 32), whom, fresh)
        ON CONFLICT (subject) DO NOTHING;
    END LOOP;
END $$;

CREATE FUNCTION audit.note(
    kind text, act text, target text, branch text, before_commit bigint, after_commit bigint,
    times int, detail jsonb,
    subject text DEFAULT NULL, role text DEFAULT NULL, audience text DEFAULT NULL, party text DEFAULT NULL,
    origin text DEFAULT NULL
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    made bigint;
BEGIN
    INSERT INTO audit.event (
        kind, act, actor, role, audience, party, origin, target, branch, before_commit, after_commit,
        times, detail, policy_digest
    ) VALUES (
        note.kind, note.act,
        audit.pseudonym(coalesce(note.subject, nullif(current_setting('concord.subject', true), ''))),
        left(coalesce(note.role, nullif(current_setting('concord.as_role', true), ''),
            substring(current_setting('role') FROM '^concord_(.*)$')), 100),
        left(coalesce(note.audience, nullif(current_setting('concord.as_audience', true), ''),
            'service'), 100),
        left(coalesce(note.party, nullif(current_setting('concord.as_party', true), '')), 200),
        left(coalesce(note.origin, nullif(current_setting('concord.origin', true), ''), 'process'), 100),
        left(note.target, 300), left(note.branch, 300), note.before_commit, note.after_commit,
        coalesce(note.times, 1), coalesce(note.detail, '{}'),
        (SELECT p.digest FROM plan.policy p ORDER BY p.id DESC LIMIT 1)
    ) RETURNING id INTO made;
    INSERT INTO audit.unsealed (event_id) VALUES (made);
    RETURN made;
END $$;

CREATE FUNCTION audit.record_submission() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM audit.note('write', CASE NEW.kind
            WHEN 'acknowledgement' THEN 'projectionAcknowledge'
            WHEN 'supplierCommit' THEN 'forecastCommitSubmit'
            WHEN 'supplierCapacity' THEN 'capacitySubmit'
            ELSE 'demandSignalSubmit' END,
        format('%s submission %s', NEW.audience, NEW.ordinal), NULL, NULL, NULL, 1,
        jsonb_build_object('kind', NEW.kind, 'ordinal', NEW.ordinal));
    RETURN NULL;
END $$;
"""


def upgrade() -> None:
    op.execute("CREATE SCHEMA audit")
    for table, (columns, comment) in TABLES.items():
        op.execute(f"CREATE TABLE audit.{table} ({columns})")
        op.execute(f"COMMENT ON TABLE audit.{table} IS '{comment}'")
    for statement in INDEXES:
        op.execute(statement)
    bind = op.get_bind()
    for text in (GUARDS, RECORD):
        bind.exec_driver_sql(text.replace("%", "%%"))  # % marks the driver's placeholders
    for statement in TRIGGERS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TRIGGER audited ON outside.inbox")
    op.execute("DROP SCHEMA audit CASCADE")
