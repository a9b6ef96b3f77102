"""From `policies/` to PostgreSQL: the statements that make the database itself show each role its rows.

`statements` is pure and deterministic: the same policies over the same tables give the same text, and its
digest is kept in plan.policy. `apply` runs in the migration's transaction (migrations/env.py).

For every table: FORCE ROW LEVEL SECURITY, nothing for anybody, then per role the columns it reads, the rows
it sees and what it may write. Deny is the absence of a line.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from app.access.catalogue import SCHEMAS, Catalogue, read_catalogue, read_state
from app.access.checks import check, check_catalogue, raise_faults
from app.access.model import Action, Call, Rule
from app.access.policies import Policies, load
from app.access.predicates import Compiler, any_of, identifier, is_one_of, table_name
from app.errors import PolicyInvalid

OWNER = "concord_owner"
LOGIN_ONLY = "owner"
"""Role that owns the tables: needs policies (FORCE), but no grants."""


_ON_RECORD = "SELECT audit.note('grant', 'policies.applied', %s, NULL, NULL, NULL, 1, '{}')"


@dataclass(frozen=True, slots=True)
class Applied:
    """What `apply` did: the digest now in force, and whether anything was changed."""

    digest: str
    changed: bool


def database_roles() -> dict[str, str]:
    """Return every database role of the policies with the login role that may become it."""
    parties = load().parties
    return {role.database_role: parties.audience[role.audience].login for role in parties.role.values()}


def apply(connection: Connection, policies: Policies | None = None) -> Applied:
    """Check the policies against the database and put them in force, as the owner of the tables.

    Where they are in force already, and nobody has altered that by hand, nothing is touched. Raises
    `PolicyInvalid` with every fault: an unlisted table, column, measure or kind among them.
    """
    policies = policies or load()
    raise_faults(check(policies))
    connection.exec_driver_sql(f"SET LOCAL ROLE {OWNER}")
    catalogue = read_catalogue(connection)
    raise_faults(check_catalogue(policies, catalogue))
    wanted = statements(policies, catalogue)
    digest = hashlib.sha256("\n;\n".join(wanted).encode()).hexdigest()
    last = connection.exec_driver_sql(
        "SELECT digest, state FROM plan.policy ORDER BY id DESC LIMIT 1"
    ).first()
    changed = last is None or tuple(last) != (digest, read_state(connection))
    if changed:
        for statement in (*_removals(connection), *wanted):
            connection.exec_driver_sql(statement)
        record = "INSERT INTO plan.policy (digest, state) VALUES (%s, %s)"
        connection.exec_driver_sql(record, (digest, read_state(connection)))
        connection.exec_driver_sql(_ON_RECORD, (digest,))
    connection.exec_driver_sql("RESET ROLE")
    return Applied(digest, changed)


def _removals(connection: Connection) -> list[str]:
    """Return the statements that remove every row policy there is."""
    found = connection.exec_driver_sql(
        "SELECT schemaname, tablename, policyname FROM pg_catalog.pg_policies "
        "WHERE schemaname = ANY (%s) ORDER BY 1, 2, 3",
        (list(SCHEMAS),),
    )
    return [
        f"DROP POLICY {identifier(name)} ON {table_name(f'{schema}.{table}')}"
        for schema, table, name in found
    ]


def statements(policies: Policies, catalogue: Catalogue) -> list[str]:
    """Return the SQL of the policies for these tables."""
    compiler = Compiler(policies, catalogue.tables, catalogue.measure_ids)
    grantees = [role for role in policies.parties.role if role != LOGIN_ONLY]
    everyone = ", ".join(identifier(policies.database_role(role)) for role in grantees)
    lines = _closing(everyone, catalogue)
    lines += _usage(policies, grantees)
    lines += _executes(policies)
    writes = collect_writes(compiler)
    for table in sorted(catalogue.tables):
        lines += _reads(compiler, table)
        lines += [
            line for role in policies.parties.role for line in _table_writes(compiler, table, role, writes)
        ]
    return lines


def _closing(everyone: str, catalogue: Catalogue) -> list[str]:
    """Return the statements that take everything from everybody and switch row security on."""
    lines = []
    for schema in SCHEMAS:
        name = identifier(schema)
        lines += [
            f"REVOKE ALL ON SCHEMA {name} FROM PUBLIC, {everyone}",
            f"REVOKE ALL ON ALL TABLES IN SCHEMA {name} FROM PUBLIC, {everyone}",
            f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA {name} FROM PUBLIC, {everyone}",
            f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {name} FROM PUBLIC, {everyone}",
        ]
    for table in sorted(catalogue.tables):
        name = table_name(table)
        lines += [
            f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
        ]
    return lines


def _usage(policies: Policies, grantees: Sequence[str]) -> Iterator[str]:
    """Yield who may name objects of a schema: who has rows in it, reads it whole, or calls into it."""
    for schema in SCHEMAS:
        named = [
            identifier(policies.database_role(role))
            for role in grantees
            if schema in policies.parties.role[role].reads
            or any(role in rules for table, rules in policies.rows.items() if table.startswith(f"{schema}."))
            or any(role in policies.roles(call.roles) for call in _calls(policies, schema).values())
        ]
        yield f"GRANT USAGE ON SCHEMA {identifier(schema)} TO {', '.join(named)}"


def _calls(policies: Policies, schema: str) -> Mapping[str, Call]:
    """Return the functions of a schema that somebody may call."""
    return {name: call for name, call in policies.actions.call.items() if name.startswith(f"{schema}.")}


def _executes(policies: Policies) -> Iterator[str]:
    """Yield who may call which function."""
    for name, call in policies.actions.call.items():
        if not call.roles:
            continue  # the owner's own
        named = ", ".join(identifier(policies.database_role(role)) for role in policies.roles(call.roles))
        yield f"GRANT EXECUTE ON FUNCTION {table_name(name)} TO {named}"


def _reads(compiler: Compiler, table: str) -> Iterator[str]:
    """Yield the column grant and the row policy of every role that reads the table."""
    policies = compiler.policies
    for role, known in policies.parties.role.items():
        whole = policies.reads_whole(role, table)
        rule: Rule | None = "all" if whole else policies.rows[table].get(role)
        rows = None if rule is None else compiler.rows(table, role, rule)
        columns = [c for c in compiler.columns[table] if whole or role in policies.fields[table][c]]
        if rule is None:
            continue
        if rows is None or not columns:
            raise PolicyInvalid(reason=f"{table}: {role} has a line in rows.toml, but it comes to nothing")
        name = identifier(known.database_role)
        if role != LOGIN_ONLY:
            yield f"GRANT SELECT ({_names(columns)}) ON {table_name(table)} TO {name}"
        policy = f"CREATE POLICY {identifier(f'read_{role}')} ON {table_name(table)}"
        yield f"{policy} FOR SELECT TO {name} USING ({rows})"


@dataclass(frozen=True, slots=True)
class Writes:
    """What each role writes: (role, table) → tests of inserted rows, changed columns; and what it deletes."""

    inserts: Mapping[tuple[str, str], Sequence[str]]
    updates: Mapping[tuple[str, str], Sequence[str]]
    deletes: frozenset[tuple[str, str]]


def writers_of(policies: Policies, action: Action) -> list[str]:
    """Return the roles that write what an action writes: who may use it, or the one that carries it out."""
    return policies.roles(action.roles) if action.carried_out_by == "caller" else [action.carried_out_by]


def collect_writes(compiler: Compiler) -> Writes:
    """Gather what actions.toml lets each role write, from all its actions and works."""
    inserts: dict[tuple[str, str], list[str]] = defaultdict(list)
    updates: dict[tuple[str, str], list[str]] = defaultdict(list)
    policies = compiler.policies
    for action in policies.actions.action.values():
        for role in writers_of(policies, action):
            for table, rule in action.insert.items():
                test = compiler.rows(table, role, rule)
                if test is not None and action.submits:
                    test = f"({test}) AND {is_one_of('kind', action.submits)}"
                inserts[role, table] += [test] if test is not None else []
            for table, columns in action.update.items():
                updates[role, table] += columns
    for work in policies.actions.work.values():
        for table, rule in work.insert.items():
            test = compiler.rows(table, work.role, rule)
            inserts[work.role, table] += [test] if test is not None else []
        for table, columns in work.update.items():
            updates[work.role, table] += columns
    deletes = {(work.role, table) for work in policies.actions.work.values() for table in work.delete}
    return Writes(inserts, updates, frozenset(deletes))


def _table_writes(compiler: Compiler, table: str, role: str, writes: Writes) -> Iterator[str]:
    """Yield the grants and policies under which a role writes to a table."""
    name, to = table_name(table), identifier(compiler.policies.database_role(role))
    granted = role != LOGIN_ONLY
    test = any_of(list(dict.fromkeys(writes.inserts.get((role, table), ()))))
    if test is not None:
        if granted:
            yield f"GRANT INSERT ON {name} TO {to}"
        yield f"CREATE POLICY {identifier(f'insert_{role}')} ON {name} FOR INSERT TO {to} WITH CHECK ({test})"
        if table == "plan.commit" and granted:
            yield f"GRANT USAGE ON SEQUENCE plan.commit_id TO {to}"
    changed = set(writes.updates.get((role, table), ()))
    if changed:
        if granted:
            columns = [column for column in compiler.columns[table] if column in changed]
            yield f"GRANT UPDATE ({_names(columns)}) ON {name} TO {to}"
        yield f"CREATE POLICY {identifier(f'update_{role}')} ON {name} FOR UPDATE TO {to} USING (true)"
    if (role, table) in writes.deletes:
        yield f"GRANT DELETE ON {name} TO {to}"
        yield f"CREATE POLICY {identifier(f'delete_{role}')} ON {name} FOR DELETE TO {to} USING (true)"


def _names(columns: Sequence[str]) -> str:
    return ", ".join(identifier(column) for column in columns)
