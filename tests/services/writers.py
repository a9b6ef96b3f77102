"""A writer of many submissions, as a program of a planner would be: it keeps the head it was told.

Started as a process of its own (`python -m tests.services.writers WRITER COUNT`, settings by environment) it
prints, as JSON, how often each submission was sent.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import date

from app.access import HOST, Scope
from app.config import Settings
from app.errors import HeadMoved
from app.services.submit import SeriesEntry, SubmitRequest, submit_series
from app.store import branches
from app.store.calendars import load_calendar
from app.store.database import Database

KEYS = tuple({"item": item, "customer": customer} for item in ("BIKE", "EBIKE") for customer in ("C1", "C2"))
ATTEMPTS = 5
MEASURE = "salesForecast"


def sales(writer: int) -> Scope:
    """Return the scope of a sales planner without limits."""
    settings = {"concord.subject": f"writer {writer}", "concord.all_regions": "on"}
    return Scope("concord_internal", "concord_sales", settings)


def value(writer: int, number: int) -> float:
    """Return what a writer's submission says: another figure every time."""
    return float(1_000 * writer + number + 1)


async def own_bucket(database: Database, writer: int) -> tuple[date, int]:
    """Return the open bucket that this writer alone writes to, in all series, and main's head."""
    async with database.read(HOST) as tx:
        head = await branches.head(tx)
        calendar = await load_calendar(tx, head)
    return calendar.buckets[calendar.first_open + writer].start, head.id


async def write_many(database: Database, writer: int, count: int) -> list[int]:
    """Submit so often, each time on the head of the last answer; returns the attempts of each submission."""
    start, head = await own_bucket(database, writer)
    attempts: list[int] = []
    for number in range(count):
        for attempt in range(1, ATTEMPTS + 1):
            entry = SeriesEntry(MEASURE, KEYS[number % len(KEYS)], start, (value(writer, number),))
            request = SubmitRequest("main", "forecast", f"{writer}-{number}", head, (entry,))
            try:
                head = (await submit_series(database, sales(writer), request)).commit.number
            except HeadMoved:
                if attempt == ATTEMPTS:
                    raise
                _, head = await own_bucket(database, writer)
            else:
                attempts.append(attempt)
                break
    return attempts


async def main(writer: int, count: int) -> None:
    database = await Database.open(Settings())
    try:
        print(json.dumps(await write_many(database, writer, count)))
    finally:
        await database.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
