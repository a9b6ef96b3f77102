"""Errors: a stable code for each, and no word of ours that is not meant for the caller."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2 as httpx
import pytest

from schema.asgi import view

SECRET = "s3cret-host-and-password"
Ask = Callable[..., Awaitable[httpx.Response]]


def only_error(response: httpx.Response) -> dict[str, Any]:
    errors = response.json()["errors"]
    assert len(errors) == 1, errors
    assert set(errors[0]) <= {"message", "locations", "path", "extensions"}
    assert set(errors[0]["extensions"]) <= {"code", "details"}
    found: dict[str, Any] = errors[0]
    return found


@pytest.mark.parametrize("field", ["boom", "unreachable", "unbound", "wrong"])
async def test_faults_of_ours_are_logged_under_a_reference(
    ask: Ask, caplog: pytest.LogCaptureFixture, field: str
) -> None:
    with caplog.at_level(logging.DEBUG):
        response = await ask(f"{{ {field} }}")
    assert response.status_code == 200
    error = only_error(response)
    assert error["extensions"]["code"] == "INTERNAL"
    assert error["path"] == [field]
    reference = error["extensions"]["details"]["reference"]
    assert error["message"] == f"Something failed on our side. Quote reference {reference} to the operator."
    assert SECRET not in response.text
    records = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [reference in record.getMessage() for record in records] == [True]
    assert records[0].exc_info is not None


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("{ absent }", "NOT_FOUND", "There is no item X1 here."),
        ("{ withheld }", "NOT_GRANTED", "Your role may not read this."),
        (
            '{ partById(id: "x") { name } }',
            "BAD_ID",
            "This id or cursor is not one that you were given for this use.",
        ),
        (
            '{ partById(id: "") { name } }',
            "BAD_ID",
            "This id or cursor is not one that you were given for this use.",
        ),
    ],
)
async def test_deliberate_errors_keep_code_and_message_and_leave_no_traceback(
    ask: Ask, caplog: pytest.LogCaptureFixture, query: str, code: str, message: str
) -> None:
    with caplog.at_level(logging.DEBUG):
        response = await ask(query)
    error = only_error(response)
    assert (error["extensions"]["code"], error["message"]) == (code, message)
    assert response.json()["data"] is not None
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING or record.exc_info]


async def test_details_are_for_machines(ask: Ask) -> None:
    assert only_error(await ask("{ absent }"))["extensions"]["details"] == {"kind": "item", "name": "X1"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ viewer ", "GRAPHQL_PARSE_FAILED"),
        ("{ é }", "GRAPHQL_PARSE_FAILED"),
        ("{ viewerr }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ part { nam } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ part }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ echo }", "GRAPHQL_VALIDATION_FAILED"),
        ('{ echo(txt: "a", text: "b") }', "GRAPHQL_VALIDATION_FAILED"),
        ("{ ...Missing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ ... on Prt { name } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ viewer @skp(if: true) }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ total(lines: [{quantity: 1, colour: REDD}]) }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ total(lines: [{quantty: 1}]) }", "GRAPHQL_VALIDATION_FAILED"),
        ("query($l: [Lin!]!) { total(lines: $l) }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ chosen(choice: {left: 1, right: 2}) }", "GRAPHQL_VALIDATION_FAILED"),
        ('{ numbered(number: "a") }', "GRAPHQL_VALIDATION_FAILED"),
        ("{ viewer } fragment f on Query { ...f }", "GRAPHQL_VALIDATION_FAILED"),
        (
            "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
            "GRAPHQL_VALIDATION_FAILED",
        ),
    ],
)
async def test_mistakes_in_the_document(
    ask: Ask, caplog: pytest.LogCaptureFixture, query: str, code: str
) -> None:
    with caplog.at_level(logging.DEBUG):
        response = await ask(query, "supplier")
    assert response.status_code == 400
    for error in response.json()["errors"]:
        assert error["extensions"]["code"] == code, error
    assert "data" not in response.json()
    for leak in ("Did you mean", SECRET, "margin", "python", "Error(", "codec"):
        assert leak not in response.text
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("query($l: [Line!]!) { total(lines: $l) }", {"l": [{"quantity": "x", "color": 1}]}),
        ("query($l: [Line!]!) { total(lines: $l) }", {"l": [{"quantity": 1, "colour": "REDD"}]}),
        ("query($l: [Line!]!) { total(lines: $l) }", {"l": None}),
        ("query($l: [Line!]!) { total(lines: $l) }", {}),
        ("query($n: ItemNumber!) { numbered(number: $n) }", {"n": "a"}),
        ("query($c: Choice!) { chosen(choice: $c) }", {"c": {}}),
        ("query($c: Choice!) { chosen(choice: $c) }", {"c": {"left": 1, "right": 1}}),
        ("query($x: Int) { chosen(choice: {left: $x}) }", {"x": None}),
        ("query($x: Float) { twice(number: $x) }", {"x": 1}),
    ],
)
async def test_mistakes_in_variables(
    ask: Ask, caplog: pytest.LogCaptureFixture, query: str, variables: dict[str, object]
) -> None:
    with caplog.at_level(logging.DEBUG):
        response = await ask(query, variables=variables)
    for error in response.json()["errors"]:
        assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    for leak in ("Did you mean", SECRET, "ValueError", "<"):
        assert leak not in response.text
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_an_exception_in_the_layer_itself_is_masked_as_well(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> None:
        raise OSError(SECRET)

    monkeypatch.setattr(view, "read_request", fail)
    response = await ask("{ viewer }")
    assert response.status_code == 500
    assert only_error(response)["extensions"]["code"] == "INTERNAL"
    assert SECRET not in response.text
    assert SECRET in caplog.text


async def test_long_words_of_the_sender_are_cut(ask: Ask) -> None:
    response = await ask(f"{{ {'x' * 10_000} }}")
    assert len(response.text) < 1000
