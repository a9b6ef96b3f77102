"""Refusals on record: the first at once, the rest counted, a flood bounded."""

from __future__ import annotations

from app.access import KEEPER
from app.store.audit import Filter, Recorded, Who, events, network
from app.store.database import Database
from app.store.refusals import KINDS, WINDOW_SECONDS, Refusals


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def refused(database: Database) -> list[Recorded]:
    """Return the refusals on record, oldest first."""
    async with database.read(KEEPER) as tx:
        return list(reversed(await events(tx, Filter(kind="refusal"), first=1000)))


async def test_the_first_is_written_at_once_and_the_rest_as_a_number(database: Database) -> None:
    clock = Clock()
    refusals = Refusals(lambda: database, clock=clock)
    alice, bob = Who(subject="alice", origin="192.0.2.0/24"), Who(subject="bob", origin="192.0.2.0/24")
    for who in (alice, bob, alice, alice):
        await refusals.note("FORBIDDEN", "planPublish", who)
    assert [(event.subject, event.times) for event in await refused(database)] == [("alice", 1), ("bob", 1)]
    clock.now = WINDOW_SECONDS
    await refusals.flush_if_due()
    assert [(event.subject, event.target, event.times) for event in await refused(database)][2:] == [
        ("alice", "planPublish", 2)
    ]
    await refusals.note("FORBIDDEN", "planPublish", alice)
    assert len(await refused(database)) == 4, "a new window writes the first again"


async def test_a_flood_writes_a_bounded_number_of_events(database: Database) -> None:
    clock = Clock()
    refusals = Refusals(lambda: database, clock=clock)
    for number in range(5000):
        await refusals.note("UNAUTHENTICATED", None, Who(origin=f"net {number % 500}"))
    clock.now = WINDOW_SECONDS
    await refusals.flush_if_due()
    found = await refused(database)
    assert len(found) == 2 * KINDS + 1
    assert sum(event.times for event in found) == 5000, "every refusal is counted"
    assert found[-1].act == "refusals.more"


def test_a_network_is_kept_and_no_address() -> None:
    assert network("192.0.2.77") == "192.0.2.0/24"
    assert network("2001:db8:1:2::9") == "2001:db8:1::/48"
    assert network("::ffff:192.0.2.77") == "192.0.2.0/24"
    assert network("somewhere") == "unknown"


async def test_what_is_noted_beside_is_written_in_the_end(database: Database) -> None:
    clock = Clock()
    refusals = Refusals(lambda: database, clock=clock)
    alice = Who(subject="alice", origin="192.0.2.0/24")
    refusals.note_beside("login.refused", None, alice)
    clock.now = WINDOW_SECONDS
    refusals.note_beside("login.refused", None, alice)
    await refusals.close()
    assert sum(event.times for event in await refused(database)) == 2
