"""A GraphQL request out of an HTTP body: bounded, plain JSON, of the right shape, or refused."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from strawberry.http import GraphQLRequestData

from app.config import Settings
from app.errors import BadRequest, BodyTooLarge, UnsupportedMediaType

_JSON_TYPES = {"application/json", "application/json;charset=utf-8"}


async def read_request(request: Request, settings: Settings) -> GraphQLRequestData:
    """Read the body and return the request in it; raises an InputError for every other body."""
    check_media_type(request.headers)
    body = await _read_body(request, settings.max_body_bytes)
    return parse_request(body, settings)


def check_media_type(headers: Headers) -> None:
    """Refuse bodies that are not declared as plain JSON in UTF-8.

    A form of another site cannot declare that without asking first (CORS), which is not granted here.
    """
    media_type = headers.get("content-type", "").lower().replace(" ", "").replace('"', "")
    if media_type not in _JSON_TYPES:
        raise UnsupportedMediaType(expected="application/json in UTF-8")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType(expected="application/json without compression")


async def _read_body(request: Request, limit: int) -> bytes:
    """Return the body; stops reading as soon as it is longer than `limit` bytes."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise BodyTooLarge(limit=limit)
    chunks, size = [], 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise BodyTooLarge(limit=limit)
            chunks.append(chunk)
    except ClientDisconnect:
        raise BadRequest(reason="the connection ended within the body") from None
    return b"".join(chunks)


def parse_request(body: bytes, settings: Settings) -> GraphQLRequestData:
    """Return the request in a JSON body, of the shape that GraphQL over HTTP §5.1 gives it."""
    try:
        parameters = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(reason=f"the body is not JSON in UTF-8 ({error.msg})") from None
    if isinstance(parameters, list):
        raise BadRequest(reason="one GraphQL request at a time; lists of them are not executed")
    if not isinstance(parameters, dict):
        raise BadRequest(reason="the body must be a JSON object")
    check_parameters(parameters, settings, null_characters=b"\\u0000" in body)
    return request_of(parameters, settings)


def check_parameters(parameters: dict[str, object], settings: Settings, *, null_characters: bool) -> None:
    """Refuse JSON that is nested too deep, or (where its text says it may) holds a null character."""
    _check_depth(parameters, settings.max_json_depth)
    if null_characters:
        _refuse_null_characters(parameters)


def request_of(parameters: dict[str, object], settings: Settings) -> GraphQLRequestData:
    """Return the request in a JSON object that was checked; raises BadRequest for another shape."""
    return GraphQLRequestData(
        query=_query(parameters, settings.max_document_bytes),
        variables=_optional_object(parameters, "variables"),
        operation_name=_operation_name(parameters),
        extensions=_optional_object(parameters, "extensions"),
    )


def _query(parameters: dict[str, object], limit: int) -> str:
    query = parameters.get("query")
    if not isinstance(query, str) or not query.strip():
        raise BadRequest(reason="`query` must be a GraphQL document as text")
    if len(query.encode()) > limit:
        raise BadRequest(reason=f"`query` is longer than {limit} bytes")
    return query


def _operation_name(parameters: dict[str, object]) -> str | None:
    name = parameters.get("operationName")
    if name is not None and not isinstance(name, str):
        raise BadRequest(reason="`operationName` must be text or null")
    return name or None


def _optional_object(parameters: dict[str, object], name: str) -> dict[str, object] | None:
    value = parameters.get(name)
    if value is not None and not isinstance(value, dict):
        raise BadRequest(reason=f"`{name}` must be an object or null")
    return value


def _children(value: object) -> Iterator[object]:
    """Return what a JSON value holds, names included."""
    if isinstance(value, dict):
        yield from value
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _check_depth(value: object, limit: int) -> None:
    """Refuse JSON nested deeper than `limit`: code that walks it recursively need not fear it."""
    level = [value]
    for _ in range(limit):
        level = [child for parent in level for child in _children(parent) if isinstance(child, dict | list)]
        if not level:
            return
    raise BadRequest(reason=f"JSON nested deeper than {limit} levels")


def _refuse_null_characters(value: object) -> None:
    """Refuse the character that neither PostgreSQL nor a file name can hold."""
    pending = [value]
    while pending:
        child = pending.pop()
        if isinstance(child, str) and "\x00" in child:
            raise BadRequest(reason="text with a null character")
        pending.extend(_children(child))
