"""A year of published plans with scenarios: how fast the internal graph travels in time.

    python benchmarks/history.py EXPORT [--months 12] [--scenarios 10] [--rounds 9]

EXPORT is the AdventureWorks export. Each month is imported with its own plan date, planned and published;
then the scenarios are forked and each changes a forecast of its own. The queries run through the graph as the
planner, under row security; each is told with its median time, its SQL statements and the size of its answer.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import orjson
from store import fresh_database

import app.exchange
from app.access import HOST, Scope
from app.auth import Principal
from app.config import Settings
from app.errors import InputError
from app.services.importing import import_directory
from app.services.publish import publish
from app.services.reconcile import request
from app.store.branches import At, branch, commits, fork, head
from app.store.commits import write_commit
from app.store.database import Database
from app.store.deltas import SeriesChanges
from app.store.directory import bind
from app.store.runs import run
from app.store.series import read_series
from app.store.versions import versions
from app.worker import work_off
from schema.context import Context
from schema.ids import IdCodecs
from schema.internal.graph import SCHEMA

MAPPING = Path(app.exchange.__file__).parent / "mappings" / "adventureworks_plan.toml"
LAST_PLAN = (2014, 2)
DEMAND = "consensusDemand"

WATERFALL = """query ($key: SeriesKeyInput!, $start: Date!) {
  waterfall(measure: consensusDemand, key: $key, start: $start) { version planDate value lag } }"""
COMPARE = """query ($base: String!, $target: String!) {
  compare(base: {version: $base}, target: {version: $target}) {
    summary { measure series cells net }
    series(first: 100) { nodes { measure itemCode cells { start base target } } } } }"""
SCENARIO = """query ($scenario: String!) {
  compare(base: {branch: "main"}, target: {branch: $scenario}) {
    summary { measure series cells net }
    series(first: 100) { nodes { measure itemCode cells { start base target } } } } }"""
AS_OF = """query ($at: PlanAt) {
  plan(at: $at) {
    series(measure: actualDemand, first: 1000) { nodes { itemCode customerCode values } } } }"""


@dataclass(frozen=True)
class Answered:
    """One query: its median seconds, its statements, and the bytes of its answer."""

    name: str
    seconds: float
    statements: int
    bytes: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("export", type=Path)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--scenarios", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    print("\n".join(asyncio.run(report(given.export, given.months, given.scenarios, given.rounds))))


async def report(export: Path, months: int, scenarios: int, rounds: int) -> list[str]:
    """Build the year and ask; returns the report's lines in markdown."""
    async with fresh_database() as database:
        started = time.perf_counter()
        for number, day in enumerate(_plan_dates(months)):
            await _publish_month(database, export, day, f"month {number + 1:02}")
        built = time.perf_counter() - started
        names = [await _scenario(database, number) for number in range(scenarios)]
        answers = [
            await _ask(database, *question, rounds) for question in await _questions(database, names[-1])
        ]
        size = await _size(database)
    return [
        f"{months} monthly versions, {scenarios} scenarios: {size}; made in {built / 60:.1f} minutes.",
        "",
        "| query | median ms | SQL statements | answer kB |",
        "|---|---|---|---|",
        *(
            f"| {one.name} | {one.seconds * 1000:.0f} | {one.statements} | {one.bytes / 1000:.0f} |"
            for one in answers
        ),
    ]


def _plan_dates(months: int) -> list[str]:
    """Return the first days of the months up to the last plan, oldest first."""
    year, month = LAST_PLAN
    last = year * 12 + month - 1
    return [f"{at // 12}-{at % 12 + 1:02}-01" for at in range(last - months + 1, last + 1)]


async def _publish_month(database: Database, export: Path, day: str, name: str) -> None:
    imported = await import_directory(
        database, export, mapping=MAPPING, author="benchmark", parameters={"plan_date": day}
    )
    if imported.commit is None:
        raise InputError(reason=str(imported.reading.findings[0]))
    asked = await request(database, HOST)
    await work_off(database)
    async with database.read(HOST) as tx:
        done = await run(tx, asked.id)
    if done.result_commit_id is None:
        raise InputError(reason=f"{day}: {done.error_code}")
    await publish(database, HOST, At(commit=done.result_commit_id), kind="final", name=name)
    print(f"{name}: planned as of {day} and published", flush=True)


async def _scenario(database: Database, number: int) -> str:
    """Fork main and raise ten forecasts of its own by a tenth."""
    name = f"what-if/{number}"
    async with database.write(HOST) as tx:
        made = await fork(tx, await head(tx), name, author="benchmark")
        frame = await read_series(tx, await head(tx, name), measures=["actualDemand"])
        chosen = slice(number * 10, number * 10 + 10)
        keys = [key._replace(measure=DEMAND) for key in frame.keys[chosen]]
        changed = SeriesChanges(keys, frame.values[chosen] * 1.1 + 1)
        await write_commit(tx, made, author="benchmark", reason="what if", series=changed)
    return name


async def _questions(database: Database, scenario: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Return what is asked: name, document, variables."""
    async with database.read(HOST) as tx:
        sealed = await versions(tx)
        found = await read_series(tx, await head(tx, sealed_branch := "main"), measures=["actualDemand"])
        middle = (await commits(tx, sealed_branch, first=1000))[len(sealed) // 2]
        assert (await branch(tx, scenario)).state == "open"
    key = found.keys[0]
    line = {"item": key.item, "site": key.site, "customer": key.customer}
    first, last = sealed[0].name, sealed[-1].name
    return [
        ("waterfall of one bucket over all versions", WATERFALL, {"key": line, "start": "2014-02-01"}),
        ("comparison, first and last version", COMPARE, {"base": first, "target": last}),
        ("comparison, two neighbouring versions", COMPARE, {"base": sealed[-2].name, "target": last}),
        ("comparison, a scenario with main", SCENARIO, {"scenario": scenario}),
        ("as of a version, 1,000 series", AS_OF, {"at": {"version": first}}),
        ("as of a time, 1,000 series", AS_OF, {"at": {"time": middle.at.isoformat()}}),
        ("the head of main, 1,000 series", AS_OF, {"at": {"branch": "main"}}),
    ]


async def _ask(
    database: Database, name: str, document: str, variables: Mapping[str, Any], rounds: int
) -> Answered:
    settings = Settings()
    async with database.read(HOST) as tx:
        party = await tx.fetch_value(
            "SELECT code FROM plan.entity e JOIN plan.entity_version v ON v.entity_id = e.id "
            "WHERE e.kind = 'party' AND v.row ->> 'kind' = 'department' ORDER BY code LIMIT 1"
        )
    principal = Principal("benchmark", "internal", party, "executive", 2**40, "benchmark", "benchmark")
    seconds, statements, size = [], 0, 0

    async def scope(caller: Principal) -> Scope:
        return await bind(database, caller)

    for _ in range(rounds):
        codec = IdCodecs.load(settings).of(principal)
        context = Context(principal, settings, database, codec, scope)
        started = time.perf_counter()
        result = await SCHEMA.execute(document, variable_values=dict(variables), context_value=context)
        size = len(orjson.dumps(result.data))
        seconds.append(time.perf_counter() - started)
        if result.errors:
            raise InputError(reason=f"{name}: {result.errors[0].message}")
        statements = context.reading.statements
    return Answered(name, median(seconds), statements, size)


async def _size(database: Database) -> str:
    async with database.read(HOST) as tx:
        rows = await tx.fetch_value("SELECT count(*) FROM plan.series_version")
        return f"{rows:,} rows of history"


if __name__ == "__main__":
    main()
