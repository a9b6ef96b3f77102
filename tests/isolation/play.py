"""Sequences of requests, sent to both servers of a pair; the answers must be the same bytes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from random import Random

import httpx2 as httpx

from app.access import HOST
from app.store.branches import commit
from app.store.database import Database
from app.store.listings import version_page
from app.store.versions import content_hash, sealed_hash, version
from schema.ids import IdCodecs
from tests.access.company import principal
from tests.isolation.answers import Answer, Reader, data_of
from tests.isolation.companies import RUNS
from tests.isolation.documents import Document, Graph, Pool
from tests.isolation.worlds import Places, Serve, Server, Who, both, pair_for

CODES = {
    "internal": {
        "item": ["I1", "I2"],
        "site": ["S1", "S2", "ST-DE", "ST-US"],
        "supplier": ["V1", "V2", "V9"],
        "customer": ["C-DE", "C-US"],
        "party": ["P-DE", "P-US", "P-V1", "P-OUT", "D-EU"],
        "resource": ["R1", "R2"],
        "family": ["F1"],
        "region": ["EU", "DE", "US"],
        "level": ["market", "category", "nowhere"],
        "area": ["NA", "SA"],
        "suppliergroup": ["supplier_group-A", "supplier_group-B"],
        "unit": ["EA", "EUR", "X"],
    },
    "supplier": {
        "item": ["RIM", "BOLT", "TUBE", "pv1-rim", "pv2-secret-rim", "pb-tube", "BIKE"],
        "supplier": ["V1", "V1B", "V2", "V3"],
        "shipto": ["P", "W"],
        "other": ["S1", "C1", "PV1", "PV2", "X"],
    },
    "customer": {
        "item": ["BIKE", "CART", "RIM", "pc1-bike", "pc2-secret-bike"],
        "customer": ["C1", "C2", "C3"],
        "other": ["S1", "S2", "S3", "W", "V1", "PC1", "PC2", "X"],
    },
}
"""Codes that a caller may have heard of: its own, those of others, and one that nobody has."""
NAMES = (
    "main",
    "plan/weighted/1",
    "plan/weighted/2",
    "scenario/cheaper",
    "plan 1",
    "plan 2",
    "new/one",
    "new/two",
)


class Interference(AssertionError):  # noqa: N818  it is no error of the program but what the tests look for
    """The two servers gave different answers."""


@dataclass(frozen=True, slots=True)
class Step:
    """One request: an operation of the graph, what its document is drawn from, and what comes before it."""

    operation: tuple[str, str]
    seed: int


@dataclass
class Tally:
    """What was done in a run of the tests."""

    pairs: int = 0
    sequences: int = 0
    requests: int = 0
    answered: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)
    codes: Counter[str] = field(default_factory=Counter)

    def note(self, audience: str, step: Step, response: httpx.Response) -> None:
        """Count an answer, and whether it held data."""
        self.requests += 1
        answer = data_of(response)
        errors = answer.get("errors") or () if isinstance(answer, dict) else ()
        for error in errors:
            self.codes[error["extensions"]["code"]] += 1
        if isinstance(answer, dict) and (answer.get("data") or {}).get(step.operation[1]) is not None:
            self.answered.setdefault(audience, Counter())[step.operation] += 1

    def summary(self) -> str:
        """Return the figures in words."""
        parts = [f"{self.pairs} pairs, {self.sequences} sequences, {self.requests} requests"]
        for audience, answered in sorted(self.answered.items()):
            known = graph(audience)
            asked = len(known.asked & known.fields)
            missing = [name for kind, name in known.operations if (kind, name) not in answered]
            parts.append(
                f"{audience}: {len(answered)} of {len(known.operations)} operations answered with data, "
                f"{asked} of {len(known.fields)} fields asked for; not answered: {missing}"
            )
        return "; ".join([*parts, f"codes {dict(self.codes)}"])


TALLY = Tally()


@cache
def graph(audience: str) -> Graph:
    """Return a printed graph."""
    return Graph(audience)


async def play(
    who: Who,
    seed: int,
    sequences: Sequence[Sequence[Step]],
    places: Places,
    serve: Serve,
    *,
    statements: Sequence[str] = (),
) -> None:
    """Play sequences on a pair of databases; raises Interference at the first answer that differs.

    `statements` are run in both databases beforehand, by the administrator.
    """
    async with pair_for(who, places, seed) as settings, both(serve, settings) as servers:
        for one in settings:
            with places.administrator(one) as connection:
                for statement in statements:
                    connection.execute(statement)
        table = await _Table.laid(who, servers)
        TALLY.pairs += 1
        for steps in sequences:
            table.begin()
            TALLY.sequences += 1
            for step in steps:
                await table.play(step)


@dataclass
class _Table:
    """A pair at play: both servers with their readers and what the principal learnt from each."""

    who: Who
    servers: tuple[Server, Server]
    readers: tuple[Reader, Reader]
    foreign: tuple[list[str], list[str]]
    pools: tuple[Pool, Pool]

    @classmethod
    async def laid(cls, who: Who, servers: tuple[Server, Server]) -> _Table:
        since = datetime.now(UTC)
        codec = IdCodecs.load(servers[0].settings).of(principal(who.audience, who.role, who.party))
        one, other = [Reader(codec, since, await _seals(server)) for server in servers]
        readers = (one, other)
        foreign = ([], []) if who.audience == "internal" else await _given_to_neighbours(who, servers)
        table = cls(who, servers, readers, foreign, (Pool({}), Pool({})))
        table.begin()
        return table

    def begin(self) -> None:
        """Forget what was learnt: a sequence stands for itself, but for what it left in the databases."""
        codes, ids = CODES[self.who.audience], self.readers[0].ids
        self.pools = tuple(  # type: ignore[assignment]  # a tuple of two
            Pool(codes, foreign=foreign, names=NAMES) for foreign in self.foreign
        )
        for pool in self.pools:  # runs are listed nowhere: their ids were handed on by whoever asked for them
            pool.held["run"] += [ids.encode("Run", str(number)) for number in RUNS]

    async def play(self, step: Step) -> None:
        """Send one request to both servers, perhaps after the neighbour's, and compare."""
        chance = Random(step.seed)
        drawn = [graph(self.who.audience).document(step.operation, step.seed, pool) for pool in self.pools]
        if chance.random() < 0.25:
            await self._neighbour(step, drawn, chance)
        manner = chance.random()
        pairs = zip(self.servers, drawn, strict=True)
        responses = await asyncio.gather(*(self._send(*pair, manner) for pair in pairs))
        TALLY.note(self.who.audience, step, responses[0])
        answers = [reader.read(response) for reader, response in zip(self.readers, responses, strict=True)]
        assert b'"INTERNAL"' not in answers[0].body, f"a fault of ours, {self.who}: {drawn[0].body}"
        if answers[0] != answers[1]:
            raise Interference(_told(self.who, step, drawn, answers))
        for pool, response in zip(self.pools, responses, strict=True):
            pool.learn(data_of(response))

    async def _neighbour(self, step: Step, drawn: Sequence[Document], chance: Random) -> None:
        """Let another principal send the same document first; it may write only what is its own affair."""
        if self.who.audience == "internal" and step.operation[0] != "query":
            return
        role, party = self.who.neighbour
        reached = self.servers if chance.random() < 0.7 or step.operation[0] == "query" else self.servers[1:]
        for server, document in zip(reached, drawn, strict=False):
            token = server.token(self.who.audience, role, party)
            await server.http.post(
                "/graphql", json=document.body, headers={"Authorization": f"Bearer {token}"}
            )

    async def _send(self, server: Server, document: Document, manner: float) -> httpx.Response:
        token = server.token(self.who.audience, self.who.role, self.who.party)
        headers = {"Authorization": f"Bearer {token}"}
        if manner > 0.99:
            headers["Authorization"] += "x"
        elif manner > 0.98:
            return await server.http.get("/graphql/examples", headers=headers)
        elif manner > 0.97:
            headers["Accept"] = "text/plain"
        elif manner > 0.8:
            headers["Accept"] = "application/graphql-response+json"
        return await server.http.post("/graphql", json=document.body, headers=headers)


async def _seals(server: Server) -> dict[str, str]:
    """Return the hashes of the versions that both databases were given, as sealed and as published anew.

    The seals are given to both alike; what a second publication of such a state would be sealed with follows
    from all of its content, which is not, and stands for the seal.
    """
    database = await Database.open(server.settings)
    try:
        async with database.read(HOST) as tx:
            given = [await version(tx, one.name) for one in await version_page(tx, first=100, hashes=False)]
            sealed = [(await sealed_hash(tx, one)).hex() for one in given]
            anew = [(await content_hash(tx, await commit(tx, one.commit_id))).hex() for one in given]
    finally:
        await database.close()
    return {**dict(zip(anew, sealed, strict=True)), **dict(zip(sealed, sealed, strict=True))}


FIRST_LOOK = {
    "supplier": "{ releases { edges { cursor node { id } } } items { edges { cursor node { id } } } "
    "purchaseProjections { edges { cursor node { id } } } openOrders { edges { cursor node { id } } } }",
    "customer": "{ releases { edges { cursor node { id } } } items { edges { cursor node { id } } } "
    "supplyAnswers { edges { cursor node { id } } } openOrders { edges { cursor node { id } } } }",
}


async def _given_to_neighbours(who: Who, servers: tuple[Server, Server]) -> tuple[list[str], list[str]]:
    """Return ids and cursors that another party was given: the same ones are tried at both servers."""
    role, party = who.neighbour
    token = servers[0].token(who.audience, role, party)
    pool = Pool({})
    query = {"query": FIRST_LOOK[who.audience]}
    response = await servers[0].http.post(
        "/graphql", json=query, headers={"Authorization": f"Bearer {token}"}
    )
    pool.learn(data_of(response))
    found = [*pool.ids, *(cursor for cursors in pool.cursors.values() for cursor in cursors)]
    assert found, f"{party} was released nothing"
    return found, found


def _told(who: Who, step: Step, drawn: Sequence[Document], answers: Sequence[Answer]) -> str:
    """Say where two answers differ."""
    one, other = answers
    place = next((n for n, (a, b) in enumerate(zip(one.body, other.body, strict=False)) if a != b), 0)
    around = slice(max(place - 200, 0), place + 200)
    return (
        f"{who} told the databases apart by {step.operation} (seed {step.seed}):\n{drawn[0].body}\n"
        f"status {one.status} | {other.status}\nheaders {one.headers} | {other.headers}\n"
        f"body\n  {one.body[around]!r}\n  {other.body[around]!r}"
    )
