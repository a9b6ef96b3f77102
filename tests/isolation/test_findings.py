"""What the games have found stays mended: each finding as a short play of its own (docs/isolation.md)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import httpx2 as httpx

from tests.isolation.answers import data_of
from tests.isolation.worlds import INTERNAL, Places, Server, Who, both, in_process, pair_for

SALES, PLANNER = INTERNAL[0], INTERNAL[6]
ERRORS = "{ userErrors { code field } }"


async def ask(server: Server, who: Who, query: str) -> httpx.Response:
    token = server.token(who.audience, who.role, who.party)
    return await server.http.post(
        "/graphql", json={"query": query}, headers={"Authorization": f"Bearer {token}"}
    )


def answers(who: Who, places: Places, queries: Sequence[str], seed: int = 3) -> list[tuple[object, object]]:
    """Return what both servers of a pair say to each query."""

    async def told() -> list[tuple[object, object]]:
        async with pair_for(who, places, seed) as settings, both(in_process, settings) as servers:
            found = []
            for query in queries:
                one, other = [await ask(server, who, query) for server in servers]
                found.append((data_of(one), data_of(other)))
            return found

    return asyncio.run(told())


def test_a_key_of_no_use_is_refused_by_every_mutation(places: Places) -> None:
    queries = [query for key in ("", "k" * 201) for query in with_key(key)]
    for answer, _ in answers(PLANNER, places, queries):
        assert isinstance(answer, dict)
        (payload,) = answer["data"].values()
        assert payload["userErrors"] == [{"code": "BAD_VALUE", "field": ["idempotencyKey"]}]


def with_key(key: str) -> list[str]:
    """Return the mutations that take a key or go without."""
    return [
        f'mutation {{ scenarioCreate(input: {{name: "x", idempotencyKey: "{key}"}}) {ERRORS} }}',
        f'mutation {{ planReconcile(input: {{idempotencyKey: "{key}"}}) {ERRORS} }}',
        f'mutation {{ planPublish(input: {{plan: {{branch: "plan/weighted/2"}}, kind: FINAL, name: "y", '
        f'idempotencyKey: "{key}"}}) {ERRORS} }}',
    ]


def test_a_new_series_is_numbered_by_nothing_that_is_hidden(places: Places) -> None:
    """Numbers of series are drawn from one sequence for all departments: no cursor may hold one."""
    values = 'item: "I2", customer: "C-DE", start: "2026-01-12", values: [4]'
    submit = (
        f"mutation {{ seriesSubmit(input: {{series: [{{salesForecast: {{{values}}}}}], "
        'reason: "a new market", idempotencyKey: "new"}) { changedSeries userErrors { code message } } }'
    )
    differ = (
        '{ compare(base: {version: "plan 1"}, target: {branch: "main"}) '
        "{ series(measures: [salesForecast]) { edges { cursor node { itemCode cells { target } } } } } }"
    )
    (submitted, _), (one, other) = answers(SALES, places, [submit, differ])
    assert isinstance(submitted, dict)
    assert submitted["data"]["seriesSubmit"] == {"changedSeries": 1, "userErrors": []}
    assert isinstance(one, dict)
    assert "I2" in str(one), one
    assert one == other
