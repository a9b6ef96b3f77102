"""The schema class of all three graphs: Strawberry's, with the limits that no transport may go around."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import strawberry
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSyntaxError,
    MaxIntrospectionDepthRule,
    get_operation_ast,
    parse,
    specified_rules,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import validate_document
from strawberry.types import ExecutionContext

from app.config import Settings
from app.errors import BadRequest, LimitExceeded
from schema.asgi.limits import check_document, check_text

_RULES = (*specified_rules, MaxIntrospectionDepthRule)
_CACHED_DOCUMENTS = 256
_CACHED_CHARACTERS = 8192


class HasSettings(Protocol):
    """What the limits need of a request's context."""

    @property
    def settings(self) -> Settings:
        """The settings of this server."""


class GuardedSchema(strawberry.Schema):
    """A graph that looks at each document before it executes anything.

    Every context value that it is executed with must have `settings`.
    """

    def __init__(
        self,
        query: type,
        mutation: type | None = None,
        subscription: type | None = None,
        *,
        types: Iterable[type] = (),
        config: StrawberryConfig | None = None,
        extensions: Iterable[type[SchemaExtension]] = (),
    ) -> None:
        """Take what Strawberry takes; the limits are the first of the extensions."""
        gate: Callable[[], SchemaExtension] = lambda: _DocumentGate(self)  # noqa: E731  one for each operation
        super().__init__(
            query=query,
            mutation=mutation,
            subscription=subscription,
            types=tuple(types),
            config=config,
            extensions=(gate, *extensions),
        )
        self.valid_documents: OrderedDict[str, DocumentNode] = OrderedDict()

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Log nothing here: `schema.asgi.masking` logs what is a fault of ours, once, under a reference."""

    def remember(self, text: str, document: DocumentNode) -> None:
        """Keep a valid document of ordinary length; the one not used for longest makes room."""
        if len(text) <= _CACHED_CHARACTERS:
            self.valid_documents[text] = document
            self.valid_documents.move_to_end(text)
            if len(self.valid_documents) > _CACHED_DOCUMENTS:
                self.valid_documents.popitem(last=False)


class _DocumentGate(SchemaExtension):
    """Parses, limits and validates the document of one operation, remembering the valid ones."""

    def __init__(self, schema: GuardedSchema) -> None:
        super().__init__()
        self._schema = schema

    def on_parse(self) -> Iterator[None]:
        """Parse with a limit on tokens, or take the document that was valid before."""
        context = self.execution_context
        text = context.query or ""
        context.graphql_document = self._schema.valid_documents.get(text)
        if context.graphql_document is None and text:
            context.graphql_document = _parse(text, _settings(context).max_tokens)
        yield

    def on_validate(self) -> Iterator[None]:
        """Check the limits, then validate what is not known to be valid."""
        context = self.execution_context
        document, core, text = context.graphql_document, self._schema._schema, context.query or ""
        if document is not None:
            operation = get_operation_ast(document, context._provided_operation_name)
            if operation is None:  # Strawberry would execute the first of several
                raise BadRequest(reason="`operationName` must say which of the operations is meant")
            check_document(core, operation, document, context.variables or {}, _settings(context))
            known = text in self._schema.valid_documents
            context.pre_execution_errors = [] if known else validate_document(core, document, _RULES)
            if not context.pre_execution_errors:
                self._schema.remember(text, document)
        yield


def _settings(context: ExecutionContext) -> Settings:
    """Return the settings of the request."""
    owner: HasSettings = context.context
    return owner.settings


def _parse(text: str, max_tokens: int) -> DocumentNode:
    """Return the document; too many tokens are told apart from a mistake in one of them."""
    try:
        document = parse(text, max_lexical_tokens=max_tokens, max_comments=max_tokens)
    except GraphQLSyntaxError as error:
        if "Parsing aborted" in error.message:
            raise LimitExceeded(
                what="tokens or comments: more than", found=max_tokens, limit=max_tokens
            ) from None
        raise
    check_text(document)
    return document
