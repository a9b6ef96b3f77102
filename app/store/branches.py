"""Plans, branches and commits: where a state of the plan is found.

A state is a commit. It sees its own branch up to itself and each ancestor branch up to the fork; this list,
the commit's path, is all that reading needs and comes with the commit.
"""

# ruff: noqa: S608  statements are composed of constants of this layer, values go as parameters

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime

from psycopg.errors import UniqueViolation

from app.errors import CommitRetired, Conflict, InputError, NotFound
from app.store.database import Transaction

PLAN = "default"
MAIN = "main"
RETENTION_LOCK = "concord retention"


@dataclass(frozen=True, slots=True)
class Branch:
    """A line of commits; `head` is the commit that it shows."""

    id: int
    plan_id: int
    name: str
    state: str
    head: int
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Commit:
    """A change of a branch, and the state after it; `buckets` is the length of its calendar (0 = none).

    `path_branches` and `path_uptos` say what it sees, `snapshot_id` the newest state on that path that
    lies ready as a snapshot.
    """

    id: int
    plan_id: int
    branch_id: int
    branch: str
    parent_id: int | None
    merged_id: int | None
    author: str
    at: datetime
    reason: str
    message: str
    plan_date: date | None
    calendar_id: int | None
    inputs_commit_id: int | None
    rule: str | None
    buckets: int
    path_branches: tuple[int, ...]
    path_uptos: tuple[int, ...]
    snapshot_id: int | None = None
    retired: bool = False

    @property
    def path(self) -> dict[str, object]:
        """Parameters of `PATH`; raises CommitRetired where retention has given the state up."""
        if self.retired:
            raise CommitRetired(commit=self.id)
        return {"path_branches": list(self.path_branches), "path_uptos": list(self.path_uptos)}


@dataclass(frozen=True, slots=True)
class At:
    """An address of a state: one of branch, version or commit, or a time (on `branch`, by default on main).

    Empty, it is the latest published final version, or main's head before the first one.
    """

    branch: str | None = None
    version: str | None = None
    commit: int | None = None
    time: datetime | None = None


PATH = "unnest(%(path_branches)s::int[], %(path_uptos)s::bigint[]) AS path(branch_id, upto)"
"""What a commit sees, as a FROM item: branches, each up to a commit."""

_COMMIT = """
SELECT c.id, b.plan_id, c.branch_id, b.name AS branch, c.parent_id, c.merged_id, c.author, c.at, c.reason,
       c.message, c.plan_date, c.calendar_id, c.inputs_commit_id, c.rule,
       (SELECT count(*)::int FROM plan.bucket k WHERE k.calendar_id = c.calendar_id) AS buckets,
       c.branch_id || ARRAY(SELECT p.ancestor_id FROM plan.branch_path p
                            WHERE p.branch_id = c.branch_id ORDER BY p.ancestor_id) AS path_branches,
       c.id || ARRAY(SELECT p.upto_commit_id FROM plan.branch_path p
                     WHERE p.branch_id = c.branch_id ORDER BY p.ancestor_id) AS path_uptos,
       (SELECT max(s.commit_id) FROM plan.snapshot s JOIN plan.commit k ON k.id = s.commit_id
        WHERE (k.branch_id = c.branch_id AND k.id <= c.id) OR EXISTS (
            SELECT FROM plan.branch_path p WHERE p.branch_id = c.branch_id
                AND p.ancestor_id = k.branch_id AND k.id <= p.upto_commit_id)) AS snapshot_id,
       EXISTS (SELECT FROM plan.retired_commit r WHERE r.commit_id = c.id) AS retired
FROM plan.commit c JOIN plan.branch b ON b.id = c.branch_id
"""

_BRANCH = """
SELECT b.id, b.plan_id, b.name, b.state, b.head_id AS head, b.created_by, b.created_at
FROM plan.branch b JOIN plan.plan p ON p.id = b.plan_id
"""


async def create_plan(tx: Transaction, *, author: str, name: str = PLAN) -> Branch:
    """Make a plan with an empty branch main; an existing one is left as it is."""
    found = await tx.fetch_one(f"{_BRANCH} WHERE p.name = %s AND b.name = %s", (name, MAIN))
    if found is not None:
        return Branch(**found)
    plan_id = await tx.fetch_value("INSERT INTO plan.plan (name) VALUES (%s) RETURNING id", (name,))
    branch_id = await tx.fetch_value(
        "INSERT INTO plan.branch (plan_id, name, created_by) VALUES (%s, %s, %s) RETURNING id",
        (plan_id, MAIN, author),
    )
    first = await tx.fetch_value(
        "INSERT INTO plan.commit (id, branch_id, author, at, reason) "
        "VALUES (nextval('plan.commit_id'), %s, %s, clock_timestamp(), 'create') RETURNING id",
        (branch_id, author),
    )
    await tx.execute("UPDATE plan.branch SET head_id = %s WHERE id = %s", (first, branch_id))
    return await branch(tx, MAIN, plan=name)


async def branch(tx: Transaction, name: str, *, plan: str = PLAN) -> Branch:
    """Return a branch by name."""
    found = await tx.fetch_one(f"{_BRANCH} WHERE p.name = %s AND b.name = %s", (plan, name))
    if found is None:
        raise NotFound(kind="branch", name=name)
    return Branch(**found)


async def branches(tx: Transaction, *, plan: str = PLAN, open_only: bool = False) -> list[Branch]:
    """Return all branches, oldest first."""
    only = "AND b.state = 'open'" if open_only else ""
    rows = await tx.fetch(f"{_BRANCH} WHERE p.name = %s {only} ORDER BY b.id", (plan,))
    return [Branch(**row) for row in rows]


async def head(tx: Transaction, name: str = MAIN, *, plan: str = PLAN) -> Commit:
    """Return the commit that a branch shows."""
    return await resolve(tx, At(branch=name), plan=plan)


async def commits(
    tx: Transaction, name: str = MAIN, *, plan: str = PLAN, first: int = 50, before: int | None = None
) -> list[Commit]:
    """Return what a branch sees, newest first: its own commits, then those before its fork."""
    found = await branch(tx, name, plan=plan)
    rows = await tx.fetch(
        f"""{_COMMIT}
        JOIN (SELECT %(branch)s::int AS branch_id, 9223372036854775807 AS upto
              UNION ALL SELECT ancestor_id, upto_commit_id FROM plan.branch_path
              WHERE branch_id = %(branch)s) seen ON seen.branch_id = c.branch_id AND c.id <= seen.upto
        WHERE c.id < coalesce(%(before)s::bigint, 9223372036854775807)
        ORDER BY c.id DESC LIMIT %(first)s""",
        {"branch": found.id, "before": before, "first": first},
    )
    return [_commit(row) for row in rows]


async def authors_of(tx: Transaction, of: Branch) -> set[str]:
    """Return who has made commits of the branch itself, those before its fork left out."""
    rows = await tx.fetch_rows("SELECT DISTINCT author FROM plan.commit WHERE branch_id = %s", (of.id,))
    return {author for (author,) in rows}


async def commit(tx: Transaction, commit_id: int) -> Commit:
    """Return a commit by id."""
    found = await tx.fetch_one(f"{_COMMIT} WHERE c.id = %s", (commit_id,))
    if found is None:
        raise NotFound(kind="commit", name=commit_id)
    return _commit(found)


async def commits_by_id(tx: Transaction, ids: Iterable[int]) -> dict[int, Commit]:
    """Return the commits with these ids, in one statement; one that is not there is left out."""
    rows = await tx.fetch(f"{_COMMIT} WHERE c.id = ANY(%s)", (sorted(set(ids)),))
    return {row["id"]: _commit(row) for row in rows}


async def resolve(tx: Transaction, at: At | None = None, *, plan: str = PLAN) -> Commit:
    """Return the commit that an address means, in one statement."""
    at = at or At()
    named = [part for part in (at.branch, at.version, at.commit) if part is not None]
    if len(named) > 1 or (at.time is not None and (at.version is not None or at.commit is not None)):
        raise InputError(
            reason="a state is named by a branch, a version or a commit; a time goes with a branch"
        )
    parameters = {"plan": plan, **asdict(at), "branch": at.branch or MAIN}
    if at.commit is not None:
        where, name = _BY_COMMIT, f"commit {at.commit}"
    elif at.version is not None:
        where, name = _BY_VERSION, f"version {at.version}"
    elif at.time is not None:
        where, name = _BY_TIME, f"state of {at.branch or MAIN} at {at.time.isoformat()}"
    elif at.branch is not None:
        where, name = _BY_BRANCH, f"branch {at.branch}"
    else:
        where, name = _BY_DEFAULT, f"plan {plan}"
    found = await tx.fetch_one(f"{_COMMIT} WHERE c.id = ({where})", parameters)
    if found is None:
        kind, _, rest = name.partition(" ")
        raise NotFound(kind=kind, name=rest)
    return _commit(found)


_OF_PLAN = "(SELECT id FROM plan.plan WHERE name = %(plan)s)"
_BY_COMMIT = f"""SELECT x.id FROM plan.commit x JOIN plan.branch y ON y.id = x.branch_id
    WHERE x.id = %(commit)s AND y.plan_id = {_OF_PLAN}"""
_BY_VERSION = f"""SELECT x.commit_id FROM plan.version x
    WHERE x.plan_id = {_OF_PLAN} AND x.name = %(version)s"""
_BY_BRANCH = f"""SELECT x.head_id FROM plan.branch x
    WHERE x.plan_id = {_OF_PLAN} AND x.name = %(branch)s"""
_BY_DEFAULT = f"""SELECT coalesce(
    (SELECT x.commit_id FROM plan.version x WHERE x.plan_id = {_OF_PLAN} AND x.kind = 'final'
     ORDER BY x.id DESC LIMIT 1), ({_BY_BRANCH}))"""
_BY_TIME = f"""SELECT max(x.id) FROM plan.commit x JOIN (
        SELECT y.id AS branch_id, 9223372036854775807 AS upto FROM plan.branch y
        WHERE y.plan_id = {_OF_PLAN} AND y.name = %(branch)s
        UNION ALL
        SELECT p.ancestor_id, p.upto_commit_id
        FROM plan.branch_path p JOIN plan.branch y ON y.id = p.branch_id
        WHERE y.plan_id = {_OF_PLAN} AND y.name = %(branch)s) seen
    ON seen.branch_id = x.branch_id AND x.id <= seen.upto WHERE x.at <= %(time)s"""


async def lock_names(tx: Transaction, prefix: str) -> None:
    """Hold back others who are about to name branches with this prefix, until the transaction ends."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('branch ' || %s, 0))", (prefix,))


async def hold(tx: Transaction, *states: Commit) -> None:
    """Keep retention from giving up states that are about to be built on, until the transaction ends.

    Raises CommitRetired for one that it has given up.
    """
    await tx.execute("SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0))", (RETENTION_LOCK,))
    gone = await tx.fetch_value(
        "SELECT min(commit_id) FROM plan.retired_commit WHERE commit_id = ANY(%s)",
        ([state.id for state in states],),
    )
    if gone is not None:
        raise CommitRetired(commit=gone)


async def fork(tx: Transaction, source: Commit, name: str, *, author: str) -> Branch:
    """Make a branch that starts as `source` shows; nothing is copied."""
    await hold(tx, source)
    try:
        branch_id = await tx.fetch_value(
            "INSERT INTO plan.branch (plan_id, name, head_id, forked_from_id, created_by) "
            "VALUES (%(plan)s, %(name)s, %(at)s, %(at)s, %(author)s) RETURNING id",
            {"plan": source.plan_id, "name": name, "at": source.id, "author": author},
        )
    except UniqueViolation:
        raise Conflict(reason=f"there is a branch {name} already") from None
    await tx.execute(
        f"INSERT INTO plan.branch_path SELECT %(branch)s, path.branch_id, path.upto FROM {PATH}",
        {"branch": branch_id, **source.path},
    )
    found = await tx.fetch_one(f"{_BRANCH} WHERE b.id = %s", (branch_id,))
    if found is None:
        raise NotFound(kind="branch", name=name)
    return Branch(**found)


def _commit(row: dict[str, object]) -> Commit:
    """Turn a row of `_COMMIT` into a Commit."""
    for column in ("path_branches", "path_uptos"):
        values = row[column]
        row[column] = tuple(values) if isinstance(values, list) else ()
    return Commit(**row)  # type: ignore[arg-type]  # the columns are the fields
