"""What must hold of the store as a whole: each invariant as a statement that finds the rows breaking it.

Most of this is held by keys, checks and triggers as well. It is asked again because a restored backup, a
superuser or a damaged file goes past all of them.
"""

# ruff: noqa: S608  statements are composed of constants of this layer, values go as parameters

from __future__ import annotations

from dataclasses import dataclass

from app.store.database import Transaction
from app.store.identity import ID_COLUMNS

PLACES_NAMED = 5
COUNTED = ("branch", "commit", "version", "series", "series_version", "entity", "entity_version")
"""Tables of schema plan whose sizes say how much was looked at."""

CHANGING = ("branch", "run", "measure", "snapshot", "snapshot_series", "policy")
"""Tables of schema plan whose rows may change, by triggers of their own; all others never do."""


@dataclass(frozen=True, slots=True)
class Invariant:
    """A rule of the store; `broken` selects one column `place`, a row for each breach."""

    name: str
    says: str
    broken: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an invariant stands: the number of breaches, and the first few of them in words."""

    invariant: Invariant
    breaches: int
    places: tuple[str, ...]


def _identity(alias: str) -> str:
    return ", ".join(f"{alias}.{name}" for name in ("measure_id", *ID_COLUMNS))


INVARIANTS = (
    Invariant(
        "commit-order",
        "Commit ids and times rise along every path, and whatever a commit names is there and older.",
        """SELECT format('commit %s of branch %s', c.id, b.name) AS place
        FROM plan.commit c LEFT JOIN plan.branch b ON b.id = c.branch_id
        LEFT JOIN plan.commit p ON p.id = c.parent_id
        LEFT JOIN plan.commit m ON m.id = c.merged_id
        LEFT JOIN plan.commit i ON i.id = c.inputs_commit_id
        WHERE b.id IS NULL OR p.at > c.at OR p.id >= c.id OR m.id >= c.id OR i.id >= c.id
            OR (c.parent_id IS NOT NULL AND p.id IS NULL) OR (c.merged_id IS NOT NULL AND m.id IS NULL)
            OR (c.inputs_commit_id IS NOT NULL AND i.id IS NULL)
            OR (c.parent_id IS DISTINCT FROM b.forked_from_id
                AND p.branch_id IS DISTINCT FROM c.branch_id)""",
    ),
    Invariant(
        "commit-chain",
        "The commits of a branch follow one another in one line.",
        """SELECT format('branch %s after commit %s', b.name, c.parent_id) AS place
        FROM plan.commit c JOIN plan.branch b ON b.id = c.branch_id
        GROUP BY b.id, b.name, c.parent_id HAVING count(*) > 1""",
    ),
    Invariant(
        "branch-head",
        "Every branch shows its newest commit, or where it was forked while it has none.",
        """SELECT format('branch %s at commit %s', b.name, b.head_id) AS place
        FROM plan.branch b LEFT JOIN plan.commit h ON h.id = b.head_id
        WHERE h.id IS NULL OR h.id IS DISTINCT FROM coalesce(
            (SELECT max(c.id) FROM plan.commit c WHERE c.branch_id = b.id), b.forked_from_id)""",
    ),
    Invariant(
        "branch-path",
        "The path of a branch is that of the commit it was forked from.",
        """WITH expected AS (
            SELECT b.id AS branch_id, f.branch_id AS ancestor_id, f.id AS upto
            FROM plan.branch b JOIN plan.commit f ON f.id = b.forked_from_id
            UNION ALL
            SELECT b.id, p.ancestor_id, p.upto_commit_id
            FROM plan.branch b JOIN plan.commit f ON f.id = b.forked_from_id
            JOIN plan.branch_path p ON p.branch_id = f.branch_id)
        SELECT format('branch %s in ancestor %s', branch_id, ancestor_id) AS place
        FROM expected e FULL JOIN plan.branch_path p USING (branch_id, ancestor_id)
        WHERE e.upto IS DISTINCT FROM p.upto_commit_id""",
    ),
    Invariant(
        "series-on-path",
        "Every figure belongs to a commit of its own branch, on that commit's calendar.",
        """SELECT format('series %s at commit %s', v.series_id, v.commit_id) AS place
        FROM plan.series_version v LEFT JOIN plan.commit c ON c.id = v.commit_id
        WHERE c.branch_id IS DISTINCT FROM v.branch_id OR c.calendar_id IS DISTINCT FROM v.calendar_id""",
    ),
    Invariant(
        "series-identity",
        "What is copied beside a figure for row security is the key of its series.",
        f"""SELECT format('series %s at commit %s', v.series_id, v.commit_id) AS place
        FROM plan.series_version v LEFT JOIN plan.series s ON s.id = v.series_id
        WHERE s.id IS NULL OR ({_identity("v")}) IS DISTINCT FROM ({_identity("s")})""",
    ),
    Invariant(
        "series-cells",
        "Figures are whole numbers of cells within their calendar.",
        """SELECT format('series %s at commit %s', v.series_id, v.commit_id) AS place
        FROM plan.series_version v LEFT JOIN (
            SELECT calendar_id, count(*) AS buckets FROM plan.bucket GROUP BY calendar_id
        ) k USING (calendar_id)
        WHERE k.buckets IS NULL OR v.first_ordinal < 0 OR octet_length(v.cells) % 8 <> 0
            OR v.first_ordinal + octet_length(v.cells) / 8 > k.buckets""",
    ),
    Invariant(
        "snapshots",
        "What lies ready of a state is what its history shows (of published ones, the seal says so).",
        f"""WITH taken AS (
            SELECT c.id, c.branch_id FROM plan.snapshot n JOIN plan.commit c ON c.id = n.commit_id
            WHERE NOT EXISTS (SELECT FROM plan.version p WHERE p.commit_id = n.commit_id)),
        path AS (
            SELECT id AS snapshot, branch_id, id AS upto FROM taken
            UNION ALL SELECT t.id, p.ancestor_id, p.upto_commit_id
            FROM taken t JOIN plan.branch_path p ON p.branch_id = t.branch_id),
        shown AS (
            SELECT DISTINCT ON (path.snapshot, v.series_id) path.snapshot, v.*
            FROM path JOIN plan.series_version v ON v.branch_id = path.branch_id AND v.commit_id <= path.upto
            ORDER BY path.snapshot, v.series_id, v.commit_id DESC)
        SELECT format('series %s of the snapshot of commit %s', coalesce(h.series_id, s.series_id),
            coalesce(h.snapshot, s.snapshot_commit_id)) AS place
        FROM (SELECT * FROM shown WHERE cells IS NOT NULL) h
        FULL JOIN (SELECT * FROM plan.snapshot_series WHERE snapshot_commit_id IN (SELECT id FROM taken)) s
            ON s.snapshot_commit_id = h.snapshot AND s.series_id = h.series_id
        WHERE ({_identity("h")}, h.calendar_id, h.first_ordinal, h.cells)
            IS DISTINCT FROM ({_identity("s")}, s.calendar_id, s.first_ordinal, s.cells)""",
    ),
    Invariant(
        "reference-on-path",
        "Every row of reference data belongs to a commit of its own branch, under the key that it has.",
        """SELECT format('%s %s at commit %s', v.kind, e.code, v.commit_id) AS place
        FROM plan.entity_version v LEFT JOIN plan.commit c ON c.id = v.commit_id
        LEFT JOIN plan.entity e ON e.id = v.entity_id
        WHERE c.branch_id IS DISTINCT FROM v.branch_id OR e.kind IS DISTINCT FROM v.kind""",
    ),
    Invariant(
        "calendars",
        "The buckets of a calendar are those that its digest was taken of, counted from 0 without a gap.",
        """SELECT format('calendar %s', c.id) AS place
        FROM plan.calendar c LEFT JOIN plan.bucket k ON k.calendar_id = c.id GROUP BY c.id
        HAVING max(k.ordinal) + 1 IS DISTINCT FROM count(k.ordinal)
            OR sha256(convert_to(string_agg(to_char(k.start_date, 'YYYY-MM-DD') || '/'
                || to_char(k.end_date, 'YYYY-MM-DD'), ';' ORDER BY k.ordinal), 'UTF8'))
                IS DISTINCT FROM c.digest""",
    ),
    Invariant(
        "versions",
        "Every published version names a commit of its own plan.",
        """SELECT format('version %s', v.name) AS place
        FROM plan.version v LEFT JOIN plan.commit c ON c.id = v.commit_id
        LEFT JOIN plan.branch b ON b.id = c.branch_id WHERE b.plan_id IS DISTINCT FROM v.plan_id""",
    ),
    Invariant(
        "results",
        "A commit holds a reconciled plan exactly if its certificate is there.",
        """SELECT format('commit %s', coalesce(c.id, r.commit_id)) AS place
        FROM (SELECT id FROM plan.commit WHERE rule IS NOT NULL) c
        FULL JOIN plan.reconciliation r ON r.commit_id = c.id WHERE c.id IS NULL OR r.commit_id IS NULL""",
    ),
    Invariant(
        "commit-numbers",
        "The next commit gets an id above all there are.",
        """SELECT format('commit %s', max(id)) AS place FROM plan.commit
        HAVING max(id) > coalesce(pg_sequence_last_value('plan.commit_id'::regclass), 0)""",
    ),
    Invariant(
        "guards",
        "Triggers refuse every change of what never changes.",
        f"""SELECT format('table %s', t.relname) AS place FROM pg_catalog.pg_class t
        WHERE t.relnamespace = 'plan'::regnamespace AND t.relkind IN ('r', 'p')
            AND t.relname NOT IN {CHANGING} AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_trigger g WHERE g.tgrelid = t.oid AND g.tgenabled IN ('O', 'A')
                    AND g.tgfoid = to_regproc('plan.refuse_change') AND g.tgtype & 58 = 58)""",
    ),
)
"""`tgtype & 58 = 58`: BEFORE, on each of DELETE, UPDATE and TRUNCATE."""


async def check_invariant(tx: Transaction, invariant: Invariant) -> Outcome:
    """Return how an invariant stands; the caller must see all rows (the host does)."""
    found = await tx.fetch_rows(
        f"""SELECT count(*) OVER (), place FROM ({invariant.broken}) broken ORDER BY place
        LIMIT {PLACES_NAMED}"""
    )
    return Outcome(invariant, found[0][0] if found else 0, tuple(place for _, place in found))


async def sizes(tx: Transaction) -> dict[str, int]:
    """Return the number of rows of each table that the invariants are about."""
    columns = ", ".join(f"(SELECT count(*) FROM plan.{table}) AS {table}" for table in COUNTED)
    return await tx.fetch_one(f"SELECT {columns}") or {}
