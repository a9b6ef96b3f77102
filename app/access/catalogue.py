"""What the policies must cover: the tables and columns that PostgreSQL has, and the measures' ids."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

SCHEMAS: Final = ("plan", "outside", "identity", "audit")
"""Schemas under policy. `queue` is the host's alone, `migration` the owner's (app.store.migrate)."""

_COLUMNS: Final = """
SELECT n.nspname || '.' || c.relname, a.attname
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = ANY (%s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
ORDER BY 1, a.attnum
"""

_FUNCTIONS: Final = """
SELECT n.nspname || '.' || p.proname
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = ANY (%s) AND p.prorettype <> 'pg_catalog.trigger'::regtype ORDER BY 1
"""
"""A trigger's function cannot be called, and runs whether its caller may execute it or not."""

_STATE: Final = """
SELECT encode(sha256(convert_to(string_agg(line, E'\\n' ORDER BY line COLLATE "C"), 'UTF8')), 'hex')
FROM (
    SELECT concat_ws('|', 'policy', schemaname, tablename, policyname, permissive, roles, cmd, qual,
                     with_check)
    FROM pg_catalog.pg_policies WHERE schemaname = ANY (%(schemas)s)
    UNION ALL SELECT concat_ws('|', 'schema', nspname, nspacl)
    FROM pg_catalog.pg_namespace WHERE nspname = ANY (%(schemas)s)
    UNION ALL
    SELECT concat_ws('|', 'table', c.oid::regclass, c.relacl, c.relrowsecurity, c.relforcerowsecurity)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY (%(schemas)s)
    UNION ALL SELECT concat_ws('|', 'column', a.attrelid::regclass, a.attname, a.attacl)
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY (%(schemas)s) AND a.attacl IS NOT NULL
    UNION ALL SELECT concat_ws('|', 'function', p.oid::regprocedure, p.proacl, p.prosecdef, p.prosrc)
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = ANY (%(schemas)s)
) AS lines(line)
"""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Tables and views of the schemas under policy with their columns in order, measure ids, functions."""

    tables: Mapping[str, tuple[str, ...]]
    measure_ids: Mapping[str, int]
    functions: frozenset[str] = frozenset()


def read_catalogue(connection: Connection) -> Catalogue:
    """Read the catalogue of the connected database."""
    columns: dict[str, list[str]] = defaultdict(list)
    for table, column in connection.exec_driver_sql(_COLUMNS, (list(SCHEMAS),)):
        columns[table].append(column)
    found = connection.exec_driver_sql("SELECT name, id FROM plan.measure")
    measures = {row.name: row.id for row in found}
    functions = frozenset(name for (name,) in connection.exec_driver_sql(_FUNCTIONS, (list(SCHEMAS),)))
    return Catalogue({table: tuple(names) for table, names in columns.items()}, measures, functions)


def read_state(connection: Connection) -> str:
    """Return a digest of what is really in force: row policies, grants, and where row security is on.

    It changes when somebody alters any of it by hand.
    """
    found: str = connection.exec_driver_sql(_STATE, {"schemas": list(SCHEMAS)}).scalar_one()
    return found
