"""Many writers on one branch lose nothing, and hardly ever have to ask twice."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from app.access import HOST
from app.config import Settings
from app.services.importing import import_dataset
from app.services.verify import verify_store
from app.store import branches
from app.store.calendars import load_calendar
from app.store.database import Database
from app.store.series import read_series
from tests.services.writers import KEYS, MEASURE, value, write_many

ROOT = Path(__file__).resolve().parents[2]
AT_MOST = 1.2
"""Attempts per submission on average, as the caller counts them."""


@pytest.fixture
async def imported(database, company):
    await import_dataset(database, company.dataset(), author="test")
    return database


async def check(database: Database, attempts: list[list[int]]) -> None:
    """Every submission is a commit, every last word stands, and the store is whole."""
    assert sum(map(sum, attempts)) <= AT_MOST * sum(map(len, attempts))
    async with database.read(HOST) as tx:
        head = await branches.head(tx)
        total = await tx.fetch_value("SELECT count(*) FROM plan.commit WHERE reason = 'forecast'")
        frame = await read_series(tx, head, measures=[MEASURE])
        first = (await load_calendar(tx, head)).first_open
    assert total == sum(map(len, attempts))
    rows = {(key.item, key.customer): row for key, row in zip(frame.keys, frame.values, strict=True)}
    for writer, sent in enumerate(attempts):
        for place, key in enumerate(KEYS):
            last = max(number for number in range(len(sent)) if number % len(KEYS) == place)
            assert rows[key["item"], key["customer"]][first + writer] == value(writer, last)
    assert not np.isnan(np.array([row[first] for row in rows.values()])).any()
    assert (await verify_store(database)).findings == []


async def test_writers_in_one_process_lose_nothing(imported: Database) -> None:
    await check(imported, await asyncio.gather(*(write_many(imported, writer, 8) for writer in range(4))))


@pytest.mark.slow
async def test_eight_processes_of_five_hundred_submissions_lose_nothing(
    imported: Database, settings: Settings
) -> None:
    assert settings.database_url is not None
    environment = {
        **os.environ,
        "CONCORD_HOME": str(settings.home),
        "CONCORD_DATABASE_URL": settings.database_url.get_secret_value(),
    }
    writers = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.services.writers", str(writer), "500"),
            cwd=ROOT,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
        )
        for writer in range(8)
    ]
    answers = await asyncio.gather(*(writer.communicate() for writer in writers))
    assert [writer.returncode for writer in writers] == [0] * 8
    attempts = [json.loads(printed) for printed, _ in answers]
    assert all(len(sent) == 500 for sent in attempts)
    print(f"attempts per submission: {np.mean(attempts):.3f}, at most {np.max(attempts)}")
    await check(imported, attempts)
