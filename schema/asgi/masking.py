"""Errors as the caller sees them: a stable code, a message of ours, and nothing else.

Shown are the ConcordErrors that tell callers about themselves and their input, and what GraphQL says about
their document. Everything else is a fault of ours: it is logged once, under a reference that the answer
quotes.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Sequence
from typing import Any

from graphql import FieldNode, GraphQLError, GraphQLSyntaxError

from app.errors import (
    AccessError,
    ConcordError,
    Conflict,
    DocumentInvalid,
    DocumentSyntax,
    InputError,
    InternalError,
    NotFound,
    PlanningError,
    ScopeMissing,
)

_log = logging.getLogger(__name__)

_SHOWN = (InputError, NotFound, Conflict, AccessError, PlanningError, InternalError)
_SUGGESTION = re.compile(r"\s*Did you mean [^?]*\?")
_LONGEST_MESSAGE = 500


def shown_error(error: BaseException) -> ConcordError:
    """Return the error that may be shown for `error`; one that may not is logged and replaced."""
    if isinstance(error, _SHOWN) and not isinstance(error, ScopeMissing):
        return error
    reference = secrets.token_hex(8)
    _log.error("internal error %s", reference, exc_info=error)
    return InternalError(reference=reference)


def formatted(error: ConcordError) -> dict[str, Any]:
    """Return an error in the form of the GraphQL specification §7.1.2, with the code in its extensions.

    Details are there for machines; a reason in words is in the message already.
    """
    extensions: dict[str, object] = {"code": error.code}
    details = {name: value for name, value in error.details.items() if name != "reason"}
    if details:
        extensions["details"] = details
    return {"message": error.message, "extensions": extensions}


def formatted_graphql(error: GraphQLError) -> dict[str, Any]:
    """Return a GraphQL error as the caller may see it, with its place in the document and the answer."""
    answer = formatted(_shown_graphql(error))
    if error.locations:
        answer["locations"] = [location.formatted for location in error.locations]
    if error.path is not None:
        answer["path"] = error.path
    return answer


def is_request_error(errors: Sequence[GraphQLError] | None, data: object) -> bool:
    """Return whether nothing was executed: no data, and no error that has a place in the answer (§7.1)."""
    return data is None and bool(errors) and all(error.path is None for error in errors or ())


def _shown_graphql(error: GraphQLError) -> ConcordError:
    """Return what may be shown of an error in the document, its variables, or a resolver."""
    innermost, cause = _origin(error)
    if isinstance(cause, ConcordError):
        return shown_error(cause)
    if isinstance(error, GraphQLSyntaxError):
        return DocumentSyntax(reason=_own_words(error.message.removeprefix("Syntax Error: "), None))
    if error.path is None and (cause is None or error.nodes):
        return DocumentInvalid(reason=_own_words(error.message, cause))
    if error.path is not None and cause is None and _is_about_an_argument(innermost):
        return DocumentInvalid(reason=_own_words(innermost.message, None))
    return shown_error(cause or error)


def _origin(error: GraphQLError) -> tuple[GraphQLError, BaseException | None]:
    """Return the innermost GraphQL error, and the exception of another kind that caused it, if any."""
    cause: BaseException | None = error.original_error
    while isinstance(cause, GraphQLError):
        error, cause = cause, cause.original_error
    return error, cause


def _is_about_an_argument(error: GraphQLError) -> bool:
    """Return whether an error met in execution points at the value of an argument, not at a field.

    Only the caller's own variables can cause those (a null in a required place of a literal object).
    """
    return bool(error.nodes) and not any(isinstance(node, FieldNode) for node in error.nodes or ())


def _own_words(message: str, cause: BaseException | None) -> str:
    """Return GraphQL's message without the words of a foreign exception and without suggested names."""
    if cause is not None and str(cause):
        message = message.replace(str(cause), "not accepted")
    return _SUGGESTION.sub("", message).rstrip(". ")[:_LONGEST_MESSAGE]
