"""Subscriptions against PostgreSQL: what is told, to whom, and what somebody who was away is told."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest

from app.access import HOST, PUBLISHER
from app.auth import AUDIENCES, TokenValidator
from app.config import Settings
from app.store import branches, runs
from app.store.announcements import Announcements, announce_released
from app.store.branches import Commit
from app.store.database import Database
from app.store.identity import SeriesKey
from app.store.versions import seal
from schema.asgi.graphiql import examples_path
from schema.ids import IdCodecs
from tests.outside import OPEN, PLAN, Served, head_of, release, result
from tests.sockets import Socket, in_app

PROJECTIONS = """subscription ($after: Int) { projectionPublished(after: $after) {
  release { number kind } purchaseProjections(first: 3) { nodes { supplier item quantities } } } }"""
ANSWERS = """subscription ($after: Int) { supplyAnswered(after: $after) {
  release { number } supplyAnswers { nodes { customer } } } }"""
PUBLISHED = "subscription ($after: ID) { planPublished(after: $after) { version { id name kind } } }"
ANSWERED = """subscription { supplyAnswered { version { name }
  plan { series(measure: supplyAnswer, first: 2) { nodes { customerCode } } } } }"""
PROGRESS = "subscription ($id: ID!) { runProgressed(id: $id) { state progress } }"

ANSWER = {SeriesKey("supplyAnswer", item="BIKE", customer="C1"): [5.0] * OPEN}

Publish = Callable[..., Awaitable[Commit]]


@pytest.fixture
def publish(database: Database) -> Publish:
    """A function that plans and publishes, as another process does."""

    async def publish_next(name: str, kind: Any = "final") -> Commit:
        plan = await result(database, await head_of(database), name, {**PLAN, **ANSWER})
        async with database.write(HOST) as tx:
            await seal(tx, plan, name, kind, by="somebody")
        await release(database, plan, kind)
        return plan

    return publish_next


@asynccontextmanager
async def listening(
    served: Served, audience: str, party: str, query: str, role: str | None = None, **variables: object
) -> AsyncIterator[Socket]:
    """Open a socket with one stream on it that has begun."""
    async with in_app(served.app) as socket:
        await socket.open(served.token(audience, party, role))
        await socket.subscribe(query, **variables)
        await asyncio.sleep(0.3)  # there is nothing yet to tell that the stream has begun
        yield socket


async def test_a_supplier_is_told_of_its_own_releases_as_they_are_made(
    served: Served, publish: Publish
) -> None:
    async with listening(served, "supplier", "PV1", PROJECTIONS) as socket:
        await publish("draft", "draft")
        told = (await socket.next())["projectionPublished"]
        assert told["release"] == {"number": 2, "kind": "DRAFT"}
        lines = told["purchaseProjections"]["nodes"]
        assert {line["supplier"] for line in lines} <= {"V1", "V1B"}
        assert len(lines) == 3
        await publish("final")
        assert (await socket.next())["projectionPublished"]["release"] == {"number": 3, "kind": "FINAL"}
        assert await socket.silent()


async def test_who_was_away_is_told_what_it_missed_and_nothing_twice(
    served: Served, publish: Publish
) -> None:
    for name in ("2", "3"):
        await publish(name)
    async with listening(served, "supplier", "PV1", PROJECTIONS, after=1) as socket:
        numbers = [(await socket.next())["projectionPublished"]["release"]["number"] for _ in range(2)]
        await publish("4")
        numbers.append((await socket.next())["projectionPublished"]["release"]["number"])
        assert numbers == [2, 3, 4]
        assert await socket.silent()


async def test_a_customer_hears_nothing_of_a_draft_round(served: Served, publish: Publish) -> None:
    async with listening(served, "customer", "PC1", ANSWERS) as socket:
        await publish("draft", "draft")
        assert await socket.silent(0.5)
        await publish("final")
        told = (await socket.next())["supplyAnswered"]
        assert told["release"] == {"number": 2}
        assert {line["customer"] for line in told["supplyAnswers"]["nodes"]} == {"C1"}


RELEASE_TO_PV1 = """
INSERT INTO outside.release
SELECT (jsonb_populate_record(r, '{"ordinal": 2}')).*
FROM outside.release r JOIN plan.entity e ON e.id = r.party_id WHERE e.code = 'PV1'
"""


async def test_who_is_released_nothing_is_told_nothing(served: Served, database: Database) -> None:
    async with (
        listening(served, "supplier", "PV1", PROJECTIONS) as socket,
        listening(served, "supplier", "PV2", PROJECTIONS) as other,
    ):
        async with database.write(PUBLISHER) as tx:
            await tx.execute(RELEASE_TO_PV1)
            await announce_released(tx, ["supplier"])
        assert (await socket.next())["projectionPublished"]["release"]["number"] == 2
        assert await other.silent()


async def test_departments_are_told_of_publications_and_of_answers(served: Served, publish: Publish) -> None:
    async with (
        listening(served, "internal", "PLAN", PUBLISHED, "planner") as socket,
        listening(served, "internal", "PLAN", ANSWERED, "sales") as sales,
    ):
        await publish("round", "draft")
        first = (await socket.next())["planPublished"]["version"]
        assert (first["name"], first["kind"]) == ("round", "draft")
        await publish("agreed")
        assert (await socket.next())["planPublished"]["version"]["name"] == "agreed"
        told = (await sales.next())["supplyAnswered"]
        assert told["version"] == {"name": "agreed"}
        assert told["plan"]["series"]["nodes"]
    async with listening(served, "internal", "PLAN", PUBLISHED, "planner", after=first["id"]) as socket:
        assert (await socket.next())["planPublished"]["version"]["name"] == "agreed"


async def test_a_role_without_the_measure_gets_no_answers(served: Served) -> None:
    async with listening(served, "internal", "PLAN", ANSWERED, "administrator") as socket:
        answer = await socket.receive()
    assert isinstance(answer, dict)
    assert "NOT_GRANTED" in str(answer)


async def test_a_run_is_followed_to_its_end(served: Served, database: Database) -> None:
    async with database.write(HOST) as tx:
        asked, _ = await runs.request_run(tx, await branches.branch(tx, "main"), "weighted", by="PLAN")
    query = "{ run: __typename }"
    async with in_app(served.app) as socket:
        await socket.open(served.token("internal", "PLAN", "planner"))
        await socket.subscribe(query)
        await socket.next()
        await socket.receive()
        await socket.subscribe(PROGRESS, id=await run_id(served, asked.id))
        assert (await socket.next())["runProgressed"] == {"state": "queued", "progress": 0}
        for act in (
            lambda tx: runs.start_run(tx, asked.id),
            lambda tx: runs.report_progress(tx, asked.id, 0.5),
            lambda tx: runs.fail_run(tx, asked.id, "INFEASIBLE", "no"),
        ):
            async with database.write(HOST) as tx:
                await act(tx)
            told = (await socket.next())["runProgressed"]
        assert told["state"] == "failed"
        assert await socket.receive() == {"id": "1", "type": "complete"}


async def run_id(served: Served, number: UUID) -> str:
    """Return the id by which the planner knows a run, as its own reading gives it."""
    principal = TokenValidator(served.settings).validate(served.token("internal", "PLAN", "planner"))
    return IdCodecs.load(served.settings).of(principal).encode("Run", str(number))


async def test_a_run_of_no_known_id_is_refused(served: Served) -> None:
    for name, code in ((await run_id(served, UUID(int=5)), "NOT_FOUND"), ("x", "BAD_ID")):
        async with listening(served, "internal", "PLAN", PROGRESS, "planner", id=name) as socket:
            answer = await socket.receive()
            assert isinstance(answer, dict)
            assert code in str(answer), answer


async def test_what_was_announced_while_nobody_heard_is_told_late(
    served: Served, publish: Publish, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Announcements, "tell", lambda self, topic: None)
    async with listening(served, "supplier", "PV1", PROJECTIONS) as socket:
        await publish("unheard")
        assert await socket.silent()
        assert settings.database_url is not None
        with psycopg.connect(settings.database_url.get_secret_value(), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND query LIKE 'LISTEN%' OR query = 'SELECT'"
            )
        assert (await socket.next())["projectionPublished"]["release"]["number"] == 2


async def test_over_http_a_subscription_is_refused_with_the_way_to_ask(served: Served) -> None:
    response = await served.client("supplier", "PV1").post(PROJECTIONS)
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize("audience", AUDIENCES)
async def test_the_example_streams_begin(served: Served, publish: Publish, audience: str) -> None:
    """Every example subscription is accepted, and those of releases are answered at once."""
    party = {"internal": "PLAN", "supplier": "PV1", "customer": "PC1"}[audience]
    text = examples_path(audience).read_text(encoding="utf-8")  # type: ignore[arg-type]  # one of the three
    names = re.findall(r"^subscription (\w+)", text, re.MULTILINE)
    assert names
    async with in_app(served.app) as socket:
        await socket.open(served.token(audience, party, "planner" if audience == "internal" else None))
        for name in names:
            given = {"run": await run_id(served, UUID(int=5))} if audience == "internal" else {"after": 0}
            payload = {"query": text, "operationName": name, "variables": given}
            await socket.send({"id": name, "type": "subscribe", "payload": payload})
            if audience != "internal":
                assert await socket.next()
        if audience == "internal":
            assert "NOT_FOUND" in str(await socket.receive())
