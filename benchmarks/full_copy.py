"""The yardstick: a plain table with a full copy of the plan per version, rows in the store's own format.

No row security, no triggers, no foreign keys, and the two indexes that its reads need: as fast as PostgreSQL
gets at this. Statements run as the administrator.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg

from app.store.branches import Commit
from app.store.cells import decode, encode
from app.store.database import SESSION_OPTIONS
from app.store.identity import ID_COLUMNS
from app.store.selecting import latest, path_parameters

_NAMES = ", ".join(("series_id", "measure_id", *ID_COLUMNS, "calendar_id", "first_ordinal"))
_COLUMNS = f"{_NAMES}, cells"
_SIGNATURE = np.dtype([("series", ">i8"), ("first", ">i4"), ("length", ">i4"), ("identity", ">i4", (9,))])
_SEND = " || ".join(
    [
        "int8send(series_id)",
        "int4send(first_ordinal)",
        "int4send(octet_length(cells) / 8)",
        "int4send(calendar_id)",
        "int4send(measure_id)",
        *(f"int4send(coalesce({name}, 0))" for name in ID_COLUMNS),
    ]
)

TABLE = f"""
CREATE SCHEMA full_copy;
CREATE TABLE full_copy.series (
    version_id int NOT NULL, series_id bigint NOT NULL, measure_id smallint NOT NULL,
    {", ".join(f"{name} int" for name in ID_COLUMNS)},
    calendar_id int NOT NULL, first_ordinal int NOT NULL, cells bytea NOT NULL,
    PRIMARY KEY (version_id, series_id));
CREATE INDEX ON full_copy.series (version_id, supplier_id, series_id) WHERE supplier_id IS NOT NULL;
CREATE INDEX ON full_copy.series (version_id, customer_id, series_id) WHERE customer_id IS NOT NULL;
ALTER TABLE full_copy.series ALTER COLUMN cells SET STORAGE EXTERNAL;
"""

Ids = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.float64]


class FullCopy:
    """A connection to the plain table."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self.connection = connection
        self._last = 0

    @classmethod
    async def create(cls, conninfo: str) -> FullCopy:
        """Connect as the administrator and make the table."""
        made = cls(await psycopg.AsyncConnection.connect(conninfo, autocommit=True, options=SESSION_OPTIONS))
        await made.connection.execute(TABLE)
        return made

    async def rows(self, sql: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        async with self.connection.cursor(binary=True) as cursor:
            await cursor.execute(sql, parameters)
            return await cursor.fetchall()

    async def settle(self) -> None:
        """Gather statistics and write dirty pages out, so that nobody pays for somebody else's writing."""
        await self.connection.execute("VACUUM ANALYZE")
        await self.connection.execute("CHECKPOINT")

    async def empty(self) -> None:
        """Give the space back."""
        await self.connection.execute("TRUNCATE full_copy.series")

    async def fill(self, state: Commit) -> int:
        """Copy what the store shows at a state; returns the version's number."""
        self._last += 1
        await self.connection.execute(
            f"INSERT INTO full_copy.series SELECT %(version)s, {_COLUMNS} FROM ({latest(state)}) q",
            {**path_parameters(state), "version": self._last},
        )
        return self._last

    async def read(self, version: int, where: str = "", parameters: object = None) -> tuple[Ids, Matrix]:
        """Return ids and values of a version, decoded as the store does it."""
        found = await self.rows(
            f"SELECT string_agg({_SEND}, ''), string_agg(cells, '') FROM (SELECT {_COLUMNS} "
            f"FROM full_copy.series WHERE version_id = %(version)s {where} ORDER BY series_id) q",
            {"version": version, "wanted": parameters},
        )
        header = np.frombuffer(found[0][0] or b"", _SIGNATURE)
        first, length = header["first"].astype(np.int64), header["length"].astype(np.int64)
        width = int((first + length).max(initial=0))
        return header["series"].astype(np.int64), decode(found[0][1] or b"", first, length, width)

    async def supplier(self, version: int, supplier_id: int) -> tuple[Ids, Matrix]:
        """Return one supplier's series."""
        return await self.read(version, "AND supplier_id = %(wanted)s", supplier_id)

    async def narrowed(self, version: int, customers: list[int]) -> tuple[Ids, Matrix]:
        """Return what a sales planner with these customers sees, by a condition of the program."""
        where = "AND (customer_id = ANY(%(wanted)s) OR customer_id IS NULL AND supplier_id IS NULL)"
        return await self.read(version, where, customers)

    async def commit(self, version: int, ids: Ids, values: Matrix) -> int:
        """Copy a version with these series altered; returns the copy's number."""
        self._last += 1
        first, cells = encode(values)
        await self.connection.execute(
            f"""INSERT INTO full_copy.series SELECT %(new)s, {_NAMES.replace("first_ordinal", "")}
                coalesce(n.first, first_ordinal), coalesce(n.cells, o.cells)
            FROM full_copy.series o
            LEFT JOIN unnest(%(ids)s::bigint[], %(first)s::int[], %(cells)s::bytea[]) n(id, first, cells)
                ON n.id = o.series_id WHERE version_id = %(old)s""",
            {"new": self._last, "old": version, "ids": ids.tolist(), "first": first, "cells": cells},
        )
        return self._last

    async def fork(self, version: int) -> int:
        """Copy a version."""
        return await self.commit(version, np.empty(0, np.int64), np.empty((0, 1)))

    async def diff(self, base: int, target: int) -> int:
        """Read the series that differ, before and after."""
        found = await self.rows(
            """SELECT b.series_id, b.first_ordinal, b.cells, t.first_ordinal, t.cells
            FROM full_copy.series b FULL JOIN full_copy.series t
                ON t.series_id = b.series_id AND t.version_id = %(target)s
            WHERE b.version_id = %(base)s
                AND (b.cells, b.first_ordinal) IS DISTINCT FROM (t.cells, t.first_ordinal)""",
            {"base": base, "target": target},
        )
        return len(found)

    async def merge(self, base: int, ours: int, theirs: int) -> int:
        """Copy `ours` with the series that `theirs` changed; clashes are not even looked for."""
        self._last += 1
        await self.connection.execute(
            f"""INSERT INTO full_copy.series
            SELECT %(new)s, {", ".join(f"o.{name}" for name in _NAMES.split(", "))},
                CASE WHEN t.cells = b.cells THEN o.cells ELSE t.cells END
            FROM full_copy.series o
            JOIN full_copy.series t ON t.series_id = o.series_id AND t.version_id = %(theirs)s
            JOIN full_copy.series b ON b.series_id = o.series_id AND b.version_id = %(base)s
            WHERE o.version_id = %(ours)s""",
            {"new": self._last, "base": base, "ours": ours, "theirs": theirs},
        )
        return self._last

    async def history(self, versions: list[int], series_id: int, ordinal: int) -> int:
        """Read one cell in these versions."""
        found = await self.rows(
            "SELECT version_id, substring(cells FROM 8 * (%(ordinal)s - first_ordinal) + 1 FOR 8) "
            "FROM full_copy.series WHERE version_id = ANY(%(versions)s) AND series_id = %(series)s "
            "ORDER BY version_id",
            {"versions": versions, "series": series_id, "ordinal": ordinal},
        )
        return len(found)
