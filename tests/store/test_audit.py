"""The audit log: events with the act or not at all, append-only, chained; whatever is done to it is found."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from app.access import HOST, KEEPER, SEALER, on_behalf
from app.store.audit import Event, Filter, Recorded, Who, bookkeeping, erase, events, record
from app.store.audit_chain import GENESIS, check_chain, head, seal_pending
from app.store.branches import create_plan
from app.store.database import Database


async def log(database: Database, **wanted: object) -> list[Recorded]:
    """Return the newest events, with names, as a keeper of the log sees them; the migration's apart."""
    async with database.read(KEEPER) as tx:
        found = await events(tx, Filter(**wanted), first=100)  # type: ignore[arg-type]  # any of its fields
    return [event for event in found if event.act not in ("migrate", "policies.applied")]


async def write(database: Database, *targets: str) -> None:
    """Write one event for each target, each in a transaction of its own."""
    for target in targets:
        async with database.write(HOST) as tx:
            await record(tx, Event("write", "test", target=target, who=Who(subject=f"person {target}")))


async def findings(database: Database) -> tuple[str, ...]:
    """Check the chain as the command line does."""
    async with database.read(KEEPER) as tx:
        return (await check_chain(tx)).findings


def tamper(database: Database, *statements: str) -> None:
    """Do what only a superuser can: go past triggers, keys and checks."""
    with psycopg.connect(database.address.admin_conninfo()) as administrator:
        administrator.execute("SET session_replication_role = replica")
        for statement in statements:
            administrator.execute(statement)


async def test_an_event_says_who_as_what_from_where_and_under_which_policies(database: Database) -> None:
    who = Who("alice", "planner", "internal", "HQ", "192.0.2.0/24")
    detail = {"rule": "leximin", "parties": 3, "codes": ["A", "B"]}
    async with database.write(HOST) as tx:
        await record(tx, Event("publication", "planPublish", "2026-01", "main", 4, 5, detail=detail, who=who))
    (event,) = await log(database)
    assert (event.subject, event.role, event.audience, event.party, event.origin) == (
        "alice",
        "planner",
        "internal",
        "HQ",
        "192.0.2.0/24",
    )
    assert (event.act, event.target, event.branch, event.before_commit, event.after_commit) == (
        "planPublish",
        "2026-01",
        "main",
        4,
        5,
    )
    assert event.detail == detail
    assert event.policy_digest is not None
    assert len(event.policy_digest) == 64
    assert event.actor not in (None, "alice")


async def test_an_act_that_fails_leaves_no_event(database: Database) -> None:
    async def act() -> None:
        async with database.write(HOST) as tx:
            await record(tx, Event("write", "test"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await act()
    assert await log(database) == []


async def test_what_nobody_named_is_on_record_as_unnamed(database: Database) -> None:
    """A service that forgets its event cannot write without one."""
    async with database.write(on_behalf(HOST, HOST)) as tx:
        await create_plan(tx, author="test")
    (event,) = await log(database)
    assert (event.act, event.role, event.subject) == ("unnamed", "host", "concord")


async def test_a_transaction_that_changes_nothing_leaves_nothing(database: Database) -> None:
    async with database.write(HOST) as tx:
        await tx.fetch("SELECT * FROM plan.branch")
    async with database.write(HOST) as tx:
        bookkeeping(tx, "progress of a run")
        await create_plan(tx, author="test")
    assert await log(database) == []


async def test_one_person_has_one_pseudonym_also_at_once(database: Database) -> None:
    async def one() -> None:
        async with database.write(HOST) as tx:
            await record(tx, Event("write", "test", who=Who(subject="alice")))

    await asyncio.gather(*(one() for _ in range(8)))
    assert len({event.actor for event in await log(database)}) == 1


async def test_events_are_filtered_and_paged(database: Database) -> None:
    await write(database, "one", "two", "three")
    assert [event.target for event in await log(database)] == ["three", "two", "one"]
    assert [event.target for event in await log(database, subject="person two")] == ["two"]
    assert await log(database, subject="nobody") == []
    assert await log(database, kind="login") == []
    newest, second, *_ = await log(database, act="test", role="host")
    async with database.read(KEEPER) as tx:
        after = await events(tx, Filter(until=newest.at), before=newest.id, first=1)
    assert after == [second]


async def test_sealing_chains_every_event_once_whoever_tries(database: Database) -> None:
    await seal_pending(database)
    async with database.read(KEEPER) as tx:
        before = (await head(tx)).position
    await write(database, "one", "two", "three")
    made = await asyncio.gather(*(seal_pending(database) for _ in range(4)))
    made.append(await seal_pending(database))
    assert sum(made) == 3
    assert await seal_pending(database) == 0
    async with database.read(KEEPER) as tx:
        outcome = await check_chain(tx)
        assert outcome.head == await head(tx)
    assert (outcome.head.position, outcome.waiting, outcome.findings) == (before + 3, 0, ())
    assert outcome.head.hash != GENESIS
    places = [event.position for event in reversed(await log(database))]
    assert places == [before + 1, before + 2, before + 3]


FORGE = "INSERT INTO audit.event (kind, act, origin) VALUES ('login', 'forged', 'x')"


@pytest.mark.parametrize(
    ("done", "said"),
    [
        (
            ["UPDATE audit.event SET target = 'X' WHERE id = {two}"],
            "seal {two} does not hold for event {two}",
        ),
        (
            ["UPDATE audit.event SET at = '2020-01-01' WHERE id = {three}"],
            "seal {three} does not hold",
        ),
        (["UPDATE audit.event SET actor = (SELECT min(pseudonym) FROM audit.subject)"], "does not hold"),
        (["UPDATE audit.seal SET sealed_at = now() WHERE position = {one}"], "seal {one} does not hold"),
        (["DELETE FROM audit.event WHERE id = {two}"], "seal {two}: its event {two} was removed"),
        (
            ["DELETE FROM audit.event WHERE id = {two}", "DELETE FROM audit.seal WHERE position = {two}"],
            "seal {two} missing before seal {three} (event {three}): removed",
        ),
        (
            [
                "UPDATE audit.seal SET event_id = -1 WHERE position = {two}",
                "UPDATE audit.seal SET event_id = {two} WHERE position = {three}",
                "UPDATE audit.seal SET event_id = {three} WHERE position = {two}",
            ],
            "seal {two} does not hold for event {three}",
        ),
        ([FORGE], "event {five} was inserted past the log"),
        (
            [
                FORGE,
                "UPDATE audit.seal SET position = {four} + 1000 WHERE position = {four}",
                "INSERT INTO audit.seal VALUES ({four}, {five}, now(), sha256('x'))",
                "UPDATE audit.seal SET position = {five} WHERE position = {four} + 1000",
            ],
            "seal {four} does not hold for event {five}",
        ),
        (["UPDATE audit.subject SET subject = 'bob' WHERE subject = 'person one'"], "given another name"),
        (["ALTER TABLE audit.event DISABLE TRIGGER append_only"], "nothing guards the table event"),
    ],
)
async def test_tampering_is_found_and_named(database: Database, done: list[str], said: str) -> None:
    await seal_pending(database)
    async with database.read(KEEPER) as tx:
        before = (await head(tx)).position
    await write(database, "one", "two", "three", "four")
    await seal_pending(database)
    assert await findings(database) == ()
    places = {name: before + n for n, name in enumerate(["one", "two", "three", "four", "five"], start=1)}
    tamper(database, *(statement.format(**places) for statement in done))
    found = await findings(database)
    assert any(said.format(**places) in text for text in found), found


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit.event SET act = 'x'",
        "DELETE FROM audit.event",
        "TRUNCATE audit.event CASCADE",
        "UPDATE audit.seal SET position = 9",
        "DELETE FROM audit.seal",
        "DELETE FROM audit.subject",
        "UPDATE audit.subject SET subject = 'bob'",
        "TRUNCATE audit.unsealed",
    ],
)
async def test_the_log_is_append_only_even_for_its_owner(database: Database, statement: str) -> None:
    await write(database, "one")
    await seal_pending(database)
    administrator = psycopg.connect(database.address.admin_conninfo())
    with administrator, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        administrator.execute(statement)


async def test_an_event_that_waits_cannot_be_kept_from_its_seal(database: Database) -> None:
    await write(database, "one")
    administrator = psycopg.connect(database.address.admin_conninfo())
    with administrator, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        administrator.execute("DELETE FROM audit.unsealed")


async def test_a_name_is_erased_and_the_chain_holds(database: Database) -> None:
    await write(database, "one", "two")
    await seal_pending(database)
    async with database.read(KEEPER) as tx:
        before = await head(tx)
    async with database.write(KEEPER) as tx:
        assert await erase(tx, "nobody") is None
        pseudonym = await erase(tx, "person one")
    assert pseudonym is not None
    assert await log(database, subject="person one") == []
    event = (await log(database, act="test"))[-1]
    assert (event.actor, event.subject) == (pseudonym, None)
    assert await findings(database) == ()
    async with database.read(KEEPER) as tx:
        assert await head(tx) == before
    await write(database, "one")
    assert (await log(database))[0].actor != pseudonym


async def test_the_sealer_sees_no_names_and_writes_no_events(database: Database) -> None:
    await write(database, "one")
    async with database.write(SEALER) as tx:
        bookkeeping(tx, "sealing")
        for statement in (
            "SELECT subject FROM audit.subject",
            "INSERT INTO audit.event (kind, act, origin) VALUES ('write', 'x', 'x')",
            "SELECT audit.note('write', 'x', NULL, NULL, NULL, NULL, 1, '{}')",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                async with tx.driver.transaction():
                    await tx.execute(statement)
