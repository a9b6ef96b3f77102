"""The laboratory: any rows in the policed tables, read as any role, and everything undone afterwards."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

Connection = psycopg.Connection[tuple[Any, ...]]
Row = Mapping[str, Any]
Rows = Mapping[str, Sequence[Row]]

_COLUMNS = """
SELECT n.nspname || '.' || c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname IN ('plan', 'outside', 'identity', 'audit')
    AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY 1, a.attnum
"""
_CONSTRAINTS = """
SELECT DISTINCT ON (c.conname, c.conrelid) c.conrelid::regclass::text, quote_ident(c.conname)
FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
WHERE n.nspname IN ('plan', 'outside', 'identity', 'audit')
    AND c.contype IN ('c', 'f', 'u', 'p') AND c.coninhcount = 0
"""
_UNIQUE_INDEXES = """
SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('plan', 'outside', 'identity', 'audit')
    AND i.indisunique
"""
_READABLE = """
SELECT n.nspname || '.' || c.relname, a.attname, has_column_privilege(c.oid, a.attname, 'SELECT')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname IN ('plan', 'outside', 'identity', 'audit')
    AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
    AND has_schema_privilege(n.oid, 'USAGE') AND (%(all)s OR n.nspname || '.' || c.relname = ANY (%(tables)s))
    AND has_any_column_privilege(c.oid, 'SELECT')
ORDER BY 1, a.attnum
"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column as PostgreSQL has it."""

    name: str
    type: str
    required: bool


@dataclass(frozen=True, slots=True)
class Lab:
    """A connection as administrator, the policed tables, and the measures' names by id."""

    connection: Connection
    tables: Mapping[str, tuple[Column, ...]]
    measures: Mapping[int, str]

    @contextmanager
    def experiment(self) -> Iterator[Connection]:
        """Open a transaction whose every effect is undone."""
        with self.connection.transaction(force_rollback=True):
            yield self.connection

    def insert(self, rows: Rows) -> None:
        """Put rows into their tables, as the administrator."""
        with self.connection.cursor() as cursor:
            for table, listed in rows.items():
                for row in listed:
                    names = sql.SQL(", ").join(sql.Identifier(name) for name in row)
                    marks = sql.SQL(", ").join([sql.Placeholder()] * len(row))
                    text = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})")
                    values = [Jsonb(v) if isinstance(v, dict) else v for v in row.values()]
                    cursor.execute(text.format(_table(table), names, marks), values)

    def become(self, role: str, settings: Mapping[str, str]) -> None:
        """Become a database role for the rest of the experiment."""
        wanted = {"role": role, **settings}
        calls = ", ".join(["set_config(%s, %s, true)"] * len(wanted))
        self.connection.execute(f"SELECT {calls}", [part for pair in wanted.items() for part in pair])

    def observe(self, tables: Sequence[str] | None = None) -> list[str]:
        """Return all that the present role can find out about these relations (none given: about every one).

        Rows of the granted columns, their number, and how each column that is not granted is refused.
        """
        columns: dict[str, list[tuple[str, bool]]] = defaultdict(list)
        for table, column, granted in self.connection.execute(
            _READABLE, {"all": tables is None, "tables": list(tables or ())}
        ):
            columns[table].append((column, granted))
        seen: list[str] = []
        for table, listed in columns.items():
            granted_names = [name for name, granted in listed if granted]
            names = sql.SQL(", ").join(map(sql.Identifier, granted_names))
            rows = self.connection.execute(
                sql.SQL("SELECT {} FROM {}").format(names, _table(table))
            ).fetchall()
            seen += [f"{table} {granted_names} {row}" for row in sorted(map(repr, rows))]
            seen.append(
                f"{table} count {self._ask(sql.SQL('SELECT count(*) FROM {}').format(_table(table)))}"
            )
            for name, granted in listed:
                if not granted:
                    text = sql.SQL("SELECT max({}::text) FROM {}").format(sql.Identifier(name), _table(table))
                    seen.append(f"{table} {name} {self._ask(text)}")
        return seen

    def _ask(self, statement: sql.Composed) -> str:
        """Return the answer to a statement, or the code of its refusal."""
        try:
            with self.connection.transaction():
                return repr(self.connection.execute(statement).fetchall())
        except psycopg.Error as error:
            return f"refused {error.sqlstate}"


def _table(name: str) -> sql.Identifier:
    return sql.Identifier(*name.split("."))


def open_lab(connection: Connection) -> Lab:
    """Drop what stands in the way of arbitrary rows; row security and grants stay as they were applied."""
    measures: dict[int, str] = dict(connection.execute("SELECT id, name FROM plan.measure").fetchall())
    tables: dict[str, list[Column]] = defaultdict(list)
    for table, *column in connection.execute(_COLUMNS):
        tables[table].append(Column(*column))
    for table, constraint in connection.execute(_CONSTRAINTS).fetchall():
        connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {constraint} CASCADE")
    for (index,) in connection.execute(_UNIQUE_INDEXES).fetchall():
        connection.execute(f"DROP INDEX IF EXISTS {index}")
    for table in tables:
        connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    connection.execute(
        "TRUNCATE plan.measure, plan.policy, audit.event, audit.seal, audit.unsealed, audit.subject"
    )
    return Lab(connection, {table: tuple(columns) for table, columns in tables.items()}, measures)
