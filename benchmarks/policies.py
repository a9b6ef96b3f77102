"""What the policies cost: a supplier's page under row security, beside the same without any.

    python benchmarks/policies.py [--parties 200] [--lines 500] [--releases 12] [--rounds 200]

Both sides run the same statements on the same pool: take on a role, find the release, read a page of its
lines and what was said to them. One side becomes the supplier's role, the other a role that reads the same
tables and is bound by no row policy. The same page as a request to the suppliers' graph, with and without
looking up who is calling, is measured both ways too.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import psycopg
from measuring import Case, measure
from store import fresh_database

from app.access import HOST, PUBLISHER, Scope
from app.auth import Principal
from app.config import Settings
from app.errors import InputError
from app.services.parties.reading import Paged, projections
from app.store.branches import create_plan
from app.store.commits import write_commit
from app.store.database import Database
from app.store.deltas import EntityChanges
from app.store.directory import bind
from app.store.releases import Contents, Release, ReleasedProjection, append_release
from app.vocabulary import Bucket, Calendar
from schema.context import Context
from schema.ids import IdCodecs
from schema.supplier.graph import SCHEMA

FREE_ROLE = "concord_benchmark"
BUCKETS = 26
PAGE = 100
START = date(2026, 1, 5)
DAYS = [START + timedelta(weeks=number) for number in range(BUCKETS + 1)]
DOCUMENT = """{ purchaseProjections(first: 100) {
    nodes { id item itemName shipTo unit quantities changes promisedQuantities orderDates state } } }"""

BindFor = Callable[[Principal], Awaitable[Scope]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--parties", type=int, default=200)
    parser.add_argument("--lines", type=int, default=500)
    parser.add_argument("--releases", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=200)
    given = parser.parse_args()
    print("\n".join(asyncio.run(report(given.parties, given.lines, given.releases, given.rounds))))


async def report(parties: int, lines: int, releases: int, rounds: int) -> list[str]:
    """Fill a database with releases and measure; returns the report's lines in markdown."""
    load = os.getloadavg()[0]
    async with fresh_database() as database:
        await _fill(database, parties, lines, releases)
        await asyncio.to_thread(_allow_free_role, database)
        outcomes = [await measure(case, rounds) for case in await _cases(database, f"P{parties // 2}")]
    return [
        f"{parties} suppliers of {lines} lines in {releases} releases; "
        f"a page of {PAGE} lines of {BUCKETS} buckets.",
        "",
        "| | under the policies, ms | without, ms | ratio |",
        "|---|---|---|---|",
        *(
            f"| {outcome.case.name} | {_ms(outcome.time('policies'))} | {_ms(outcome.time('plain'))} "
            f"| {outcome.ratio('policies'):.2f} |"
            for outcome in outcomes
        ),
        "",
        f"Medians of {rounds} rounds, both sides in turn; load of the machine {load:.1f} before, "
        f"{os.getloadavg()[0]:.1f} after, on {os.cpu_count()} cores.",
    ]


def _ms(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.2f}"


async def _fill(database: Database, parties: int, lines: int, releases: int) -> None:
    names = [f"P{number}" for number in range(parties)]
    rows = {
        "party": [{"party": name, "name": name, "kind": "external"} for name in names],
        "supplier": [{"supplier": name, "name": name, "party": name} for name in names],
    }
    calendar = Calendar(tuple(Bucket(n, DAYS[n], DAYS[n + 1]) for n in range(BUCKETS)), START)
    async with database.write(HOST) as tx:
        main_branch = await create_plan(tx, author="benchmark")
        await write_commit(
            tx,
            main_branch,
            author="benchmark",
            reason="import",
            entities=EntityChanges({kind: [dict(row) for row in of] for kind, of in rows.items()}),
            calendar=calendar,
        )
        ids = dict(await tx.fetch_rows("SELECT code, id FROM plan.entity WHERE kind = 'party'"))
    for name in names:
        async with database.write(PUBLISHER) as tx:
            for ordinal in range(1, releases + 1):
                await append_release(tx, ids[name], "supplier", _head(name, ordinal), _lines(name, lines))


def _head(party: str, ordinal: int) -> Release:
    return Release(
        ordinal=ordinal,
        kind="final",
        party_name=party,
        released_at=datetime(2026, 1, 2, tzinfo=UTC) + timedelta(days=ordinal),
        plan_date=START,
        response_due=None,
        answered_through=0,
        starts=tuple(DAYS[:-1]),
        ends=tuple(DAYS[1:]),
        zones=("firm",) * BUCKETS,
    )


def _lines(party: str, lines: int) -> Contents:
    quantities = tuple(float(number) for number in range(BUCKETS))
    rows = [
        ReleasedProjection(
            line=line,
            supplier=party,
            item=f"ITEM{line}",
            party_item=None,
            name=f"Item {line}",
            site="S",
            site_name="Site",
            unit="EA",
            base_factor=1.0,
            lead_time_days=5.0,
            quantities=quantities,
            previous=quantities,
            order_dates=tuple(DAYS[:-1]),
        )
        for line in range(lines)
    ]
    return Contents(projections=rows)


def _allow_free_role(database: Database) -> None:
    """Make the role that no policy binds, and let the suppliers' login become it; here and nowhere else."""
    with psycopg.connect(database.address.admin_conninfo(), autocommit=True) as connection:
        for statement in (
            f"DROP ROLE IF EXISTS {FREE_ROLE}",
            f"CREATE ROLE {FREE_ROLE} NOLOGIN BYPASSRLS",
            f"GRANT USAGE ON SCHEMA outside TO {FREE_ROLE}",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA outside TO {FREE_ROLE}",
            f"GRANT {FREE_ROLE} TO concord_supplier",
            "ANALYZE",
        ):
            connection.execute(statement.encode())


async def _cases(database: Database, party: str) -> list[Case]:
    principal = Principal("benchmark", "supplier", party, "supplier_planner", 2**40, "benchmark", "benchmark")
    bound = await bind(database, principal)
    free = replace(bound, role=FREE_ROLE)

    async def known(_: Principal) -> Scope:
        return bound

    async def known_free(_: Principal) -> Scope:
        return free

    async def looked_up(caller: Principal) -> Scope:
        return await bind(database, caller)

    async def looked_up_free(caller: Principal) -> Scope:
        return replace(await bind(database, caller), role=FREE_ROLE)

    def page(scope: Scope) -> Callable[[object], Awaitable[object]]:
        return lambda _: _read(database, scope)

    def request(scope: BindFor) -> Callable[[object], Awaitable[object]]:
        return lambda _: _ask(database, principal, scope)

    return [
        Case("the statements of a page", {"policies": page(bound)}, page(free)),
        Case("the request, caller known", {"policies": request(known)}, request(known_free)),
        Case("the request, caller looked up", {"policies": request(looked_up)}, request(looked_up_free)),
    ]


async def _read(database: Database, scope: Scope) -> int:
    async with database.read(scope) as tx:
        return len((await projections(tx, Paged(PAGE))).rows)


async def _ask(database: Database, principal: Principal, scope: BindFor) -> None:
    settings = Settings()
    context = Context(principal, settings, database, IdCodecs.load(settings).of(principal), scope)
    result = await SCHEMA.execute(DOCUMENT, context_value=context)
    if result.errors or len(result.data["purchaseProjections"]["nodes"]) != PAGE:
        raise InputError(reason=f"the page did not come: {result.errors}")


if __name__ == "__main__":
    main()
