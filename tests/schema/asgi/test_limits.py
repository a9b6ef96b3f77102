"""Limits: what one document may ask for is known before anything is executed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx2 as httpx
import pytest
from graphql import get_introspection_query

from app.config import Settings

Ask = Callable[..., Awaitable[httpx.Response]]


async def refusal(ask: Ask, query: str, **parameters: object) -> dict[str, object] | None:
    """Return the details of a refusal by a limit, None where the query was executed."""
    response = await ask(query, **parameters)
    answer = response.json()
    if "errors" not in answer:
        return None
    assert response.status_code == 400
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["LIMIT_EXCEEDED"], answer
    details: dict[str, object] = answer["errors"][0]["extensions"]["details"]
    return details


def nested(depth: int, inner: str = "name") -> str:
    return "{ part { " + "parts { " * (depth - 2) + inner + " }" * depth


async def test_depth(ask: Ask, settings: Settings) -> None:
    settings = settings.model_copy(update={"max_nodes": 10**9})
    fifteen = "fragment a on Part { parts { name } } { part { parts { parts { ...a } } } }"
    assert await refusal(ask, fifteen) == {
        "what": "objects in its answer, up to",
        "found": 1111,
        "limit": 1000,
    }
    details = await refusal(
        ask, '{ __type(name: "Part") { ofType ' + "{ ofType " * 14 + "{ name }" + " }" * 15 + " }"
    )
    assert details == {"what": "a depth of", "found": 16, "limit": settings.max_depth}


async def test_depth_counts_through_fragments(ask: Ask) -> None:
    chain = "".join(f"fragment f{n} on __Type {{ ofType {{ ...f{n + 1} }} }} " for n in range(20))
    query = chain + 'fragment f20 on __Type { name } { __type(name: "Part") { ...f0 } }'
    details = await refusal(ask, query)
    assert details is not None
    assert details["what"] == "a depth of"


async def test_aliases(ask: Ask, settings: Settings) -> None:
    def aliases(count: int) -> str:
        return "{ " + " ".join(f"a{n}: viewer" for n in range(count)) + " }"

    assert await refusal(ask, aliases(settings.max_aliases)) is None
    details = await refusal(ask, aliases(settings.max_aliases + 1))
    assert details == {"what": "aliases:", "found": settings.max_aliases + 1, "limit": settings.max_aliases}


async def test_tokens(ask: Ask, settings: Settings) -> None:
    lines = (settings.max_tokens - 9) // 5
    assert await refusal(ask, "{total(lines:[" + "{quantity:1}" * lines + "])}") is None
    details = await refusal(ask, "{total(lines:[" + "{quantity:1}" * (lines + 1) + "])}")
    assert details is not None
    assert details["limit"] == settings.max_tokens
    details = await refusal(ask, "{ viewer }" + "\n#" * (settings.max_tokens + 1))
    assert details is not None


@pytest.mark.parametrize(
    ("selection", "variables", "allowed"),
    [
        ("parts(first: 499) { nodes { name } }", {}, True),
        ("parts(first: 501) { nodes { name } }", {}, False),
        ("parts(first: $n) { nodes { name } }", {"n": 499}, True),
        ("parts(first: $n) { nodes { name } }", {"n": 501}, False),
        ("parts(first: $n) { nodes { name } }", {}, False),  # the default value, 600
        ("parts { nodes { name } }", {}, True),  # 100 by default
        ("parts { nodes { parts { name } } }", {}, False),  # 100, 100, and 10 of each
        ("parts(first: 10) { nodes { parts { parts { name } } } }", {}, False),
        ("parts(first: -5) { nodes { name } }", {}, True),
        ("a: parts(first: 300) { nodes { name } } b: parts(first: 300) { nodes { name } }", {}, False),
        ("parts(first: 2000000000) { nodes { name } }", {}, False),
    ],
)
async def test_objects(ask: Ask, selection: str, variables: dict[str, int], allowed: bool) -> None:
    query = f"query($n: Int = 600) {{ {selection} }}" if "$n" in selection else f"{{ {selection} }}"
    details = await refusal(ask, query, variables=variables)
    assert (details is None) == allowed
    if details:
        assert details["what"] == "objects in its answer, up to"


async def test_fragments_that_multiply_are_stopped(ask: Ask) -> None:
    """Thirty fragments that each spread the next one twice are a billion fields, found out in no time."""
    chain = "".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }} " for n in range(30))
    details = await refusal(ask, "{ ...f0 } " + chain + "fragment f30 on Query { viewer }")
    assert details is not None
    assert details["what"] == "selections:"


async def test_a_fragment_within_itself_ends(ask: Ask) -> None:
    response = await ask("{ ...f } fragment f on Query { viewer ...f }")
    assert response.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


async def test_the_whole_introspection_of_clients_is_within_the_limits(ask: Ask) -> None:
    response = await ask(get_introspection_query(input_value_deprecation=True, specified_by_url=True))
    assert "errors" not in response.json()
    assert response.json()["data"]["__schema"]["queryType"]["name"] == "InternalQuery"


@pytest.mark.parametrize("length", ["9" * 20, "9" * 5000])
async def test_a_page_of_any_length_is_refused_by_code(ask: Ask, length: str) -> None:
    details = await refusal(ask, f"{{ parts(first: {length}) {{ nodes {{ name }} }} }}")
    assert details is not None
    assert details["what"] == "objects in its answer, up to"


async def test_a_page_as_long_as_a_number_can_say_is_refused_by_code(ask: Ask) -> None:
    query = "query($n: Int) { parts(first: $n) { nodes { name } } }"
    assert await refusal(ask, query, variables={"n": 1e308}) is not None


async def test_a_null_character_does_not_come_in_through_the_document(ask: Ask) -> None:
    for text in ('"\\u0000"', '"\\u{0}"'):
        response = await ask(f"{{ echo(text: {text}) }}")
        assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert (await ask('{ echo(text: "\\\\u0000") }')).json() == {"data": {"echo": "\\u0000"}}


async def test_a_document_is_validated_once_and_limited_each_time(ask: Ask) -> None:
    query = "query($n: Int) { parts(first: $n) { nodes { name } } }"
    for _ in range(2):
        assert await refusal(ask, query, variables={"n": 1}) is None
        assert await refusal(ask, query, variables={"n": 5000}) is not None
