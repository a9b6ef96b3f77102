"""The versioned store beside a plain table that holds a full copy of the plan per version.

    python benchmarks/store.py --series 100000 [--series 1000000]

Both lie in the same server: the embedded one, or a fresh database on the server that CONCORD_DATABASE_URL
names (its user must be allowed to make databases). The store is used through its own functions under row
security, as the product runs it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
from cases import LATER, Bench
from measuring import Outcome, measure, table
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from app.config import Settings
from app.store.database import Database
from app.store.migrate import migrate

EXTERNAL = "CONCORD_DATABASE_URL"
SIDES = ("planner", "host")


def main() -> None:
    options = _options()
    for series in options.series or [100_000]:
        print("\n".join(asyncio.run(report(series, options.rounds, options.commits))), flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--series", type=int, action="append", help="size of the plan (repeatable; 100000)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each measurement (5)")
    parser.add_argument("--commits", type=int, default=1_000, help="commits after the last snapshot (1000)")
    return parser.parse_args()


async def report(series: int, rounds: int, commits: int) -> list[str]:
    """Measure a plan of this size; returns the report's lines in markdown."""
    load = os.getloadavg()[0]
    async with fresh_database() as database:
        bench = await Bench.create(database, series)
        lines = [f"## {series:,} series of 60 buckets", "", *bench.notes, ""]
        lines += ["Right after a snapshot:", "", *await _measured(bench, rounds), ""]
        spent = await bench.move_on(commits)
        lines += [
            f"{commits:,} commits of {LATER} series later, without another snapshot (they took "
            f"{spent / commits * 1000:.1f} ms each):",
            "",
            *await _measured(bench, rounds),
            "",
            *await bench.sizes(),
            "",
        ]
    lines.append(
        f"Medians of {rounds} rounds, both sides in turn; load of the machine {load:.1f} before, "
        f"{os.getloadavg()[0]:.1f} after, on {os.cpu_count()} cores."
    )
    return lines


async def _measured(bench: Bench, rounds: int) -> list[str]:
    outcomes: list[Outcome] = []
    for case in bench.cases():
        outcomes.append(await measure(case, rounds))
        print(f"{time.strftime('%H:%M:%S')} {table(outcomes, SIDES)[-1]}", file=sys.stderr, flush=True)
    await bench.full_copy.empty()
    return table(outcomes, SIDES)


@asynccontextmanager
async def fresh_database() -> AsyncIterator[Database]:
    """Make a database for one run, and remove it."""
    home = _private_home()
    address = os.environ.get(EXTERNAL)
    name = f"concord_benchmark_{os.getpid()}"
    try:
        if address is not None:
            await _administer(address, f"CREATE DATABASE {name}")
        url = None if address is None else SecretStr(make_conninfo(address, dbname=name))
        database = await Database.open(Settings(home=home, database_url=url))
        try:
            await migrate(database)
            yield database
        finally:
            await database.close()
    finally:
        if address is not None:
            await _administer(address, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        shutil.rmtree(home, ignore_errors=True)


def _private_home() -> Path:
    home = Path(tempfile.mkdtemp(prefix="concord-benchmark-"))
    home.chmod(0o711)  # as root the embedded server runs as another user, which has to pass
    return home


async def _administer(address: str, statement: str) -> None:
    async with await psycopg.AsyncConnection.connect(address, autocommit=True) as connection:
        await connection.execute(statement)


if __name__ == "__main__":
    main()
