"""Export: a state of the plan as a dataset directory, with what a reconciliation claims in plan.json."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from app.access import HOST, RECORDER, Scope, on_behalf
from app.exchange import Dataset, write_dataset
from app.services.datasets import load_dataset
from app.services.planning.standard import cost_basis
from app.services.planning.totals import plan_totals
from app.store.audit import Event, record
from app.store.branches import At, Commit, commit, resolve
from app.store.database import Database, Transaction
from app.store.reconciliations import read_stakeholders, read_summary
from app.vocabulary import MEASURES

PLAN_FILE = "plan.json"


async def export(
    database: Database, at: At, directory: Path, *, scope: Scope = HOST, compress: bool = False
) -> Commit:
    """Write the state at an address into a new or empty directory and return its commit.

    The directory reads back as the same dataset. The result of a reconciliation comes with all its measures
    and `plan.json`: status, rule, objective and bound, totals by element, certificate, concessions.
    Raises Conflict where the directory holds something already.
    """
    async with database.read(scope) as tx:
        found = await resolve(tx, at)
        dataset = await load_dataset(tx, found, tuple(MEASURES))
        claims = await plan_claims(tx, found, dataset)
    async with database.write(on_behalf(RECORDER, scope)) as tx:  # what was read only has no event of its own
        await record(tx, Event("export", "export", directory.name, found.branch, after=found.id))
    await asyncio.to_thread(_write, dataset, claims, directory, compress)
    return found


async def plan_claims(tx: Transaction, found: Commit, dataset: Dataset) -> dict[str, Any] | None:
    """Return what the result of a reconciliation says of itself, as plan.json has it; None for inputs."""
    recorded = await read_summary(tx, found)
    if recorded is None:
        return None
    inputs = None if found.inputs_commit_id is None else await commit(tx, found.inputs_commit_id)
    return {
        "status": recorded.status,
        "rule": recorded.rule,
        "objective": recorded.objective,
        "bound": recorded.bound,
        "gap": recorded.gap,
        "currency": recorded.currency,
        "plan_date": dataset.calendar.plan_date.isoformat(),
        "inputs_of": None if inputs is None else inputs.branch,
        "seconds": recorded.seconds,
        "certificate": dict(recorded.certificate or {}),
        "costs": cost_basis(dataset.parameters),
        "totals": plan_totals(dataset),
        "concessions": [asdict(one) for one in await read_stakeholders(tx, found)],
    }


def _write(dataset: Dataset, claims: dict[str, Any] | None, directory: Path, compress: bool) -> None:
    write_dataset(dataset, directory, compress=compress)
    if claims is not None:
        text = orjson.dumps(claims, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
        (directory / PLAN_FILE).write_bytes(text + b"\n")
