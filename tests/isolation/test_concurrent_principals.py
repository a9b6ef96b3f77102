"""Forty principals at once on few connections, some giving up midway: no row of anybody else's in 100,000.

Everything that could leak between them is shared: one server, its pools, prepared statements and plan caches.
What a principal reads names its owner, so that a wrong row shows by itself.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app.access import HOST, PUBLISHER
from app.config import Settings
from app.store.database import Database
from app.store.releases import Contents, Release, ReleasedAnswer, ReleasedProjection, append_release
from tests.conftest import SLOW
from tests.outside import Row, Served, plant, serving

PRINCIPALS = 40
LINES = 120
ROWS = 100_000 if SLOW else 8_000
PATIENCE_SECONDS = 0.02
"""How long an impatient client waits: long enough to be served sometimes, short enough to give up often."""

QUERIES = {
    "supplier": """query ($first: Int) { viewer { party }
        purchaseProjections(first: $first) { nodes { supplier item itemName } } }""",
    "customer": """query ($first: Int) { viewer { party }
        supplyAnswers(first: $first) { nodes { customer item itemName } } }""",
}
WRONG = '{ purchaseProjections(first: 0) { nodes { item } } supplyAnswers(after: "x") { nodes { item } } }'


def parties() -> dict[str, str]:
    """Return the audience of every party."""
    return {f"PARTY{number}": ("supplier", "customer")[number % 2] for number in range(PRINCIPALS)}


def entities() -> dict[str, list[Row]]:
    """Return the parties, each with one code, that is its own name."""
    rows: dict[str, list[Row]] = {"party": [], "supplier": [], "customer": []}
    for party, audience in parties().items():
        rows["party"].append({"party": party, "name": party, "kind": "external"})
        rows[audience].append({audience: party, "name": party, "party": party})
    return rows


def head(party: str) -> Release:
    """Return the head of a release of one bucket."""
    day = date(2026, 1, 5)
    return Release(
        ordinal=1,
        kind="final",
        party_name=party,
        released_at=datetime(2026, 1, 2, tzinfo=UTC),
        plan_date=day,
        response_due=None,
        answered_through=0,
        starts=(day,),
        ends=(day + timedelta(weeks=1),),
        zones=("firm",),
    )


def contents(party: str, audience: str) -> Contents:
    """Return lines that all name their owner."""
    if audience == "supplier":
        projections = [
            ReleasedProjection(
                line=line,
                supplier=party,
                item=f"{party}-{line}",
                party_item=None,
                name=party,
                site="P",
                site_name="Plant",
                unit="EA",
                base_factor=1.0,
                lead_time_days=0.0,
                quantities=(1.0,),
                previous=(float("nan"),),
                order_dates=(date(2026, 1, 5),),
            )
            for line in range(LINES)
        ]
        return Contents(projections=projections)
    answers = [
        ReleasedAnswer(
            line=line,
            customer=party,
            item=f"{party}-{line}",
            party_item=None,
            name=party,
            ship_to=None,
            ship_to_name=None,
            unit="EA",
            requested=(1.0,),
            on_time=(1.0,),
            late=(0.0,),
            late_until=(None,),
            not_supplied=(0.0,),
            firmness=("firm",),
            reason=("none",),
            previous=(float("nan"),),
        )
        for line in range(LINES)
    ]
    return Contents(answers=answers)


async def released(database: Database) -> None:
    """Write a release to each party."""
    await plant(database, entities())
    async with database.read(HOST) as tx:
        ids = dict(await tx.fetch_rows("SELECT code, id FROM plan.entity WHERE kind = 'party'"))
    async with database.write(PUBLISHER) as tx:
        for party, audience in parties().items():
            await append_release(tx, ids[party], audience, head(party), contents(party, audience))


class Tally:
    """Rows that were read, and what ended otherwise."""

    def __init__(self) -> None:
        self.rows = 0
        self.given_up = 0
        self.refused = 0

    def check(self, party: str, data: Mapping[str, Any]) -> None:
        """Count the rows of an answer; each must be the party's."""
        assert data["viewer"]["party"] == party
        (lines,) = (value["nodes"] for name, value in data.items() if name != "viewer")
        for line in lines:
            owner = line.get("supplier") or line.get("customer")
            assert (owner, line["itemName"]) == (party, party)
            assert line["item"].rpartition("-")[0] == party
        self.rows += len(lines)


async def reading(served: Served, party: str, audience: str, tally: Tally) -> None:
    """Read as one party, now and then impatiently or wrongly, until all have read enough together."""
    client, chance = served.client(audience, party), random.Random(party)
    while tally.rows < ROWS:
        kind = chance.random()
        if kind < 0.1:
            answer = (await client.post(WRONG)).json()
            assert "data" not in answer or not any((answer["data"] or {}).values())
            tally.refused += 1
        elif kind < 0.3:
            try:
                async with asyncio.timeout(chance.random() * PATIENCE_SECONDS):
                    await client.post(QUERIES[audience], first=LINES)
            except TimeoutError:
                tally.given_up += 1
        else:
            tally.check(party, await client.ask(QUERIES[audience], first=chance.randint(1, LINES)))


# A request given up between two fields leaves the second one's coroutine unstarted, as the executor stops.
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_no_wrong_row_for_forty_principals_at_once(settings: Settings, database: Database) -> None:
    await released(database)
    tally = Tally()
    async with serving(settings) as served:
        await asyncio.gather(*(reading(served, *party, tally) for party in parties().items()))
    assert tally.rows >= ROWS
    assert tally.given_up > 0
    assert tally.refused > 0
