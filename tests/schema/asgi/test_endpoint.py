"""The endpoint: authentication, the choice of the graph, media types, and every malformed body."""

from __future__ import annotations

import gzip
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import httpx2 as httpx
import pytest
from starlette.applications import Starlette

from app.auth import Audience
from app.config import Settings
from app.errors import ConfigurationError
from schema.asgi.endpoint import GraphQLEndpoint

Ask = Callable[..., Awaitable[httpx.Response]]
TokenFor = Callable[..., str]


def code_of(response: httpx.Response) -> str:
    errors = response.json()["errors"]
    assert len(errors) == 1, errors
    return str(errors[0]["extensions"]["code"])


@pytest.mark.parametrize("audience", ["internal", "supplier", "customer"])
async def test_the_audience_of_the_token_chooses_the_graph(ask: Ask, audience: str) -> None:
    response = await ask("{ viewer }", audience)
    assert response.status_code == 200
    assert response.json() == {"data": {"viewer": f"{audience}/P1/sales"}}
    foreign = await ask("{ margin }", audience)
    if audience == "internal":
        assert foreign.json() == {"data": {"margin": 0.5}}
    else:
        assert code_of(foreign) == "GRAPHQL_VALIDATION_FAILED"


@pytest.mark.parametrize(
    ("headers", "challenge"),
    [
        ({"Authorization": None}, 'Bearer realm="concord"'),
        ({"Authorization": ""}, 'Bearer realm="concord", error="invalid_token"'),
        ({"Authorization": "Bearer"}, 'Bearer realm="concord", error="invalid_token"'),
        ({"Authorization": "Bearer "}, 'Bearer realm="concord", error="invalid_token"'),
        ({"Authorization": "Bearer x.y.z"}, 'Bearer realm="concord", error="invalid_token"'),
        ({"Authorization": "Basic YTpi"}, 'Bearer realm="concord", error="invalid_token"'),
        ({"Authorization": None, "Cookie": "token=x"}, 'Bearer realm="concord"'),
    ],
)
async def test_without_a_valid_token_nobody_gets_in(
    ask: Ask, headers: dict[str, str | None], challenge: str
) -> None:
    response = await ask("{ viewer }", headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == challenge
    assert response.json() == {
        "errors": [
            {"message": "A valid access token is required.", "extensions": {"code": "UNAUTHENTICATED"}}
        ]
    }


async def test_two_tokens_or_one_in_the_address_are_none(
    client: httpx.AsyncClient, token_for: TokenFor
) -> None:
    token = token_for()
    pair = [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")]
    body = {"query": "{ viewer }"}
    assert (await client.post("/graphql", json=body, headers=pair)).status_code == 401
    assert (await client.post(f"/graphql?access_token={token}", json=body)).status_code == 401
    assert (await client.post("/graphql", json=body, headers=pair[:1])).status_code == 200


async def test_the_scheme_is_spelt_in_any_case(ask: Ask, token_for: TokenFor) -> None:
    assert (await ask("{ viewer }", headers={"Authorization": f"bearer {token_for()}"})).status_code == 200


BODIES: dict[str, bytes] = {
    "empty": b"",
    "null": b"null",
    "a number": b"42",
    "a text": b'"{ viewer }"',
    "true": b"true",
    "invalid UTF-8": b'{"query": "\xff\xfe"}',
    "UTF-16": '{"query": "{ viewer }"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"query": "{ viewer }"}',
    "lone surrogate": b'{"query": "\\ud800"}',
    "null character": b'{"query": "{ viewer }", "variables": {"a": "x\\u0000"}}',
    "null character in a name": b'{"query": "{ viewer }", "variables": {"\\u0000": 1}}',
    "gzip": gzip.compress(b'{"query": "{ viewer }"}'),
    "cut short": b'{"query": "{ viewer }"',
    "100,000 deep": b'{"query": "{ viewer }", "variables": ' + b"[" * 49_000 + b"]" * 49_000 + b"}",
    "65 deep": b'{"query": "{ viewer }", "variables": {"a": ' + b"[" * 65 + b"]" * 65 + b"}}",
    "5,000 digits": b'{"query": "{ viewer }", "variables": {"a": ' + b"9" * 5000 + b"}}",
    "NaN": b'{"query": "{ viewer }", "variables": {"a": NaN}}',
    "no query": b"{}",
    "query null": b'{"query": null}',
    "query a number": b'{"query": 5}',
    "query a list": b'{"query": ["{ viewer }"]}',
    "query empty": b'{"query": "  "}',
    "query too long": b'{"query": "{ viewer } #' + b"x" * 20_001 + b'"}',
    "variables a list": b'{"query": "{ viewer }", "variables": [1]}',
    "variables a text": b'{"query": "{ viewer }", "variables": "{}"}',
    "operationName a number": b'{"query": "{ viewer }", "operationName": 5}',
    "operationName a list": b'{"query": "{ viewer }", "operationName": ["a"]}',
    "operationName unknown": b'{"query": "query a { viewer }", "operationName": "b"}',
    "no operationName for two": b'{"query": "query a { viewer } query b { viewer }"}',
    "fragments alone": b'{"query": "fragment a on Query { viewer }"}',
    "extensions a text": b'{"query": "{ viewer }", "extensions": "x"}',
    "a batch": b'[{"query": "{ viewer }"}]',
    "form": b"query=%7Bviewer%7D",
}


@pytest.mark.parametrize("name", BODIES)
async def test_malformed_bodies_are_the_senders_mistake(ask: Ask, name: str) -> None:
    response = await ask(body=BODIES[name])
    assert (response.status_code, code_of(response)) == (400, "BAD_REQUEST"), response.text
    assert response.json().keys() == {"errors"}
    assert "Traceback" not in response.text


@pytest.mark.parametrize("value", ["1e400", "99999999999", "1.5", '"1"', "[[[1]]]", "{}", "null", "true"])
async def test_odd_numbers_in_variables_never_end_in_an_error_of_ours(ask: Ask, value: str) -> None:
    body = b'{"query": "query($n: Int!) { parts(first: $n) { nodes { name } } }", "variables": {"n": %s}}'
    response = await ask(body=body % value.encode())
    assert response.status_code == 400
    assert code_of(response) in {"BAD_REQUEST", "GRAPHQL_VALIDATION_FAILED", "LIMIT_EXCEEDED"}


async def test_an_empty_operation_name_is_none(ask: Ask) -> None:
    assert (await ask("{ viewer }", operationName="")).status_code == 200
    assert (await ask('query a { viewer } query b { echo(text: "b") }', operationName="b")).json() == {
        "data": {"echo": "b"}
    }


async def test_a_body_over_the_limit_is_not_read_to_its_end(
    app: Starlette, settings: Settings, token_for: TokenFor
) -> None:
    """A sender that never ends is answered as soon as the limit is passed, told length or not."""
    read = 0

    async def receive() -> MutableMapping[str, Any]:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": b" " * 10_000, "more_body": True}

    status, answer = await _exchange(app, receive, [(b"authorization", f"Bearer {token_for()}".encode())])
    assert (status, answer["errors"][0]["extensions"]["code"]) == (413, "BODY_TOO_LARGE")
    assert read == settings.max_body_bytes // 10_000 + 1


async def _exchange(
    app: Starlette,
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    headers: list[tuple[bytes, bytes]],
) -> tuple[int, dict[str, Any]]:
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "server": ("concord.test", 80),
        "client": ("127.0.0.1", 1),
        "headers": [(b"content-type", b"application/json"), *headers],
    }
    await app(scope, receive, send)
    return sent[0]["status"], json.loads(sent[1]["body"])


@pytest.mark.parametrize("length", ["100001", "9" * 5000])
async def test_a_declared_length_over_the_limit_is_refused_unread(
    app: Starlette, token_for: TokenFor, length: str
) -> None:
    async def receive() -> MutableMapping[str, Any]:
        raise AssertionError("read")

    headers = [(b"authorization", f"Bearer {token_for()}".encode()), (b"content-length", length.encode())]
    status, answer = await _exchange(app, receive, headers)
    assert (status, answer["errors"][0]["extensions"]["code"]) == (413, "BODY_TOO_LARGE")


async def test_a_sender_that_hangs_up_is_no_error_of_ours(app: Starlette, token_for: TokenFor) -> None:
    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.disconnect"}

    status, answer = await _exchange(app, receive, [(b"authorization", f"Bearer {token_for()}".encode())])
    assert (status, answer["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": None},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/graphql"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "text/plain; application/json"},
        {"Content-Encoding": "gzip"},
        {"Content-Encoding": "br"},
    ],
)
async def test_only_plain_json_is_read(ask: Ask, headers: dict[str, str | None]) -> None:
    response = await ask("{ viewer }", headers=headers)
    assert (response.status_code, code_of(response)) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    "media_type", ["application/json; charset=UTF-8", 'Application/JSON;charset="utf-8"']
)
async def test_spellings_of_json(ask: Ask, media_type: str) -> None:
    assert (await ask("{ viewer }", headers={"Content-Type": media_type})).status_code == 200


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", "application/graphql-response+json"),
        (None, "application/graphql-response+json"),
        ("application/json", "application/json"),
        ("application/*", "application/graphql-response+json"),
        ("application/graphql-response+json, application/json;q=0.9", "application/graphql-response+json"),
        ("application/graphql-response+json;q=0.5, application/json", "application/json"),
        ("application/graphql-response+json;q=0, */*", "application/json"),
        ("text/html, */*;q=0.1", "application/graphql-response+json"),
        ("APPLICATION/JSON", "application/json"),
    ],
)
async def test_the_answer_is_of_the_type_that_is_accepted(
    ask: Ask, accept: str | None, expected: str
) -> None:
    headers = {"Accept": accept} if accept else {}
    good = await ask("{ viewer }", headers=headers)
    assert (good.status_code, good.headers["content-type"]) == (200, expected)
    bad = await ask("{ nothing }", headers=headers)
    assert bad.headers["content-type"] == expected
    assert bad.status_code == (200 if expected == "application/json" else 400)
    assert "data" not in bad.json()
    assert (await ask("{ viewer }", headers={**headers, "Authorization": None})).status_code == 401


@pytest.mark.parametrize("accept", ["text/plain", "image/*", "application/json;q=0", "application/json;q=x"])
async def test_other_types_are_not_given(ask: Ask, accept: str) -> None:
    response = await ask("{ viewer }", headers={"Accept": accept})
    assert (response.status_code, code_of(response)) == (406, "NOT_ACCEPTABLE")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
async def test_other_methods_are_refused(client: httpx.AsyncClient, token_for: TokenFor, method: str) -> None:
    headers = {"Authorization": f"Bearer {token_for()}", "Accept": "application/json"}
    response = await client.request(method, "/graphql?query=%7Bviewer%7D", headers=headers)
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD, POST"


async def test_mutations_run_by_post_alone(ask: Ask) -> None:
    assert (await ask("mutation { touch }")).json() == {"data": {"touch": True}}
    assert code_of(await ask("subscription { touch }")) in {"BAD_REQUEST", "GRAPHQL_VALIDATION_FAILED"}


def test_an_audience_without_a_graph_is_a_mistake_at_the_start(settings: Settings) -> None:
    schemas: dict[Audience, Any] = {"internal": None}
    with pytest.raises(ConfigurationError, match="a graph is needed"):
        GraphQLEndpoint(settings, schemas, lambda *_: pytest.fail("called"), None)  # type: ignore[arg-type]  # unused
