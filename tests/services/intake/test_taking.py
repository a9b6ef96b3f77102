"""From the inbox to main: each submission once, in order, with its outcome, whatever happens in between."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from app.access import HOST
from app.services.intake import take_in, taking
from app.store.branches import commits, head
from app.store.database import Database
from app.store.identity import entity_ids
from app.store.inbox import list_submissions, lock_inbox, submit
from app.store.series import read_series
from tests.outside import CALENDAR, plant
from tests.services.intake.test_changes import ahead, series

CUSTOMER, SUPPLIER = "customer", "supplier"


async def hand_in(
    database: Database, party: str, audience: str, kind: str, payload: dict[str, Any], *, key: str
) -> int:
    """Put a submission into the inbox as the party's planner would; return the party's id."""
    async with database.read(HOST) as tx:
        party_id = (await entity_ids(tx, 1, [("party", party)]))["party", party]
    settings = {"concord.party_id": str(party_id), "concord.subject": f"planner@{party}"}
    scope = replace(HOST, login=f"concord_{audience}", role=f"concord_{audience}_planner", settings=settings)
    async with database.write(scope) as tx:
        await lock_inbox(tx, party_id, audience)
        await submit(
            tx,
            party_id,
            audience,
            kind=kind,
            payload=payload,
            idempotency_key=key,
            request_hash=hashlib.sha256(key.encode()).digest(),
        )
    return party_id


def forecast(*quantities: float, code: str = "C1") -> dict[str, Any]:
    """The payload of a forecast."""
    return series(*ahead(*quantities), code=code, kind="forecast", basis="gross")


async def signals(database: Database) -> dict[str, list[float]]:
    """The open buckets of main's customer signals, by customer, as far as there are values."""
    async with database.read(HOST) as tx:
        frame = await read_series(tx, await head(tx), measures=["customerSignal"])
    return {
        str(key.customer): [value for value in row[CALENDAR.first_open :].tolist() if not np.isnan(value)]
        for key, row in zip(frame.keys, frame.values, strict=True)
    }


async def states(database: Database, party_id: int, audience: str = CUSTOMER) -> list[str | None]:
    """States of a party's submissions, oldest first."""
    kinds = ("customerSignal", "supplierCommit", "acknowledgement")
    async with database.read(HOST) as tx:
        found = await list_submissions(tx, party_id, audience, kinds)
    return [submission.state for submission in reversed(found)]


async def length(database: Database) -> int:
    """Number of commits on main."""
    async with database.read(HOST) as tx:
        return len(await commits(tx))


async def test_one_submission_is_one_commit_by_its_party_and_the_later_one_wins(database: Database) -> None:
    await plant(database)
    before = await length(database)
    party_id = await hand_in(database, "PC1", CUSTOMER, "customerSignal", forecast(4, 5), key="a")
    await hand_in(database, "PC1", CUSTOMER, "customerSignal", forecast(9), key="b")
    outcomes = await take_in(database)
    assert [(o.party, o.ordinal, o.state) for o in outcomes] == [
        ("PC1", 1, "included"),
        ("PC1", 2, "included"),
    ]
    assert await signals(database) == {"C1": [9, 5]}
    assert await length(database) == before + 2
    assert await states(database, party_id) == ["included", "included"]
    async with database.read(HOST) as tx:
        assert (await head(tx)).author == "planner@PC1"


async def test_running_twice_changes_nothing(database: Database) -> None:
    await plant(database)
    await hand_in(database, "PC1", CUSTOMER, "customerSignal", forecast(4), key="a")
    await take_in(database)
    before = await length(database)
    assert await take_in(database) == ()
    assert await length(database) == before


async def test_two_workers_at_once_take_each_submission_in_once_and_in_order(database: Database) -> None:
    await plant(database)
    for number in range(6):
        await hand_in(database, "PC1", CUSTOMER, "customerSignal", forecast(number), key=f"k{number}")
    first, second = await asyncio.gather(take_in(database), take_in(database))
    assert sorted(outcome.ordinal for outcome in (*first, *second)) == [1, 2, 3, 4, 5, 6]
    assert await signals(database) == {"C1": [5]}


async def test_a_worker_that_dies_in_between_leaves_nothing_and_loses_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await plant(database)
    party_id = await hand_in(database, "PC1", CUSTOMER, "customerSignal", forecast(4), key="a")
    before = await length(database)

    async def die(*_: object) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as patch:
        patch.setattr(taking, "record_outcome", die)
        with pytest.raises(ConnectionResetError):
            await take_in(database)
    assert await length(database) == before
    assert await states(database, party_id) == [None]
    await take_in(database)
    assert await signals(database) == {"C1": [4]}
    assert await states(database, party_id) == ["included"]


@pytest.mark.parametrize(
    "payload",
    [
        forecast(4, code="C2"),
        {"release": 1},
        {"release": 1, "kind": "forecast", "basis": "gross", "series": [{"code": "C1"}]},
        {"release": 1, "kind": "nonsense", "series": []},
        forecast(-4),
    ],
)
async def test_what_is_not_the_partys_or_no_submission_is_rejected_and_stops_nobody(
    database: Database, payload: dict[str, Any]
) -> None:
    await plant(database)
    party_id = await hand_in(database, "PC1", CUSTOMER, "customerSignal", payload, key="a")
    await hand_in(database, "PC2", CUSTOMER, "customerSignal", forecast(3, code="C2"), key="b")
    rejected, included = await take_in(database)
    assert (rejected.state, included.state) == ("rejected", "included")
    assert rejected.reason
    assert await states(database, party_id) == ["rejected"]
    assert await signals(database) == {"C2": [3]}


async def test_an_acknowledgement_is_noted_without_a_commit(database: Database) -> None:
    await plant(database)
    before = await length(database)
    payload = {"release": 1, "note": None}
    party_id = await hand_in(database, "PV1", SUPPLIER, "acknowledgement", payload, key="a")
    await take_in(database)
    assert await length(database) == before
    assert await states(database, party_id, SUPPLIER) == ["included"]
