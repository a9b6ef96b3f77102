"""The worker: carries out runs and takes in the inbox until it is told to stop."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.access import HOST
from app.services.importing import import_dataset
from app.services.reconcile import request
from app.store.runs import run
from app.worker import work

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0


@pytest.fixture
async def imported(database, company):
    await import_dataset(database, company.dataset(), author="test")
    return database


async def ended(database, asked):
    while True:
        async with database.read(HOST) as tx:
            found = await run(tx, asked.id)
        if not found.active:
            return found
        await asyncio.sleep(0.1)


async def test_a_worker_carries_out_what_is_asked_while_it_runs(imported):
    stop = asyncio.Event()
    working = asyncio.create_task(work(imported, stop))
    try:
        asked = await request(imported, HOST, rule="weighted")
        done = await asyncio.wait_for(ended(imported, asked), PATIENCE)
    finally:
        stop.set()
        await asyncio.wait_for(working, PATIENCE)
    assert done.state == "done", done.error_code


def test_a_worker_ends_when_its_parent_is_gone(settings):
    child = subprocess.Popen(
        [sys.executable, "-m", "app", "worker", "--with-parent"],
        stdin=subprocess.PIPE,
        cwd=ROOT,
        env={
            **os.environ,
            "CONCORD_HOME": str(settings.home),
            "CONCORD_DATABASE_URL": settings.database_url.get_secret_value(),
        },
    )
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(3)
        child.stdin.close()
        assert child.wait(PATIENCE) == 0
    finally:
        child.kill()
        child.wait()
