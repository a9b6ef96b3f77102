"""The example queries of each graph fit it, and stay within the limits of one request."""

from __future__ import annotations

import pytest
from graphql import DocumentNode, OperationDefinitionNode, parse
from strawberry.schema.schema import validate_document

from app.auth import AUDIENCES, Audience
from app.config import Settings
from app.main import SCHEMAS
from schema.asgi.graphiql import examples_path
from schema.asgi.guarded import _RULES
from schema.asgi.limits import check_document


def examples(audience: Audience) -> tuple[DocumentNode, list[OperationDefinitionNode]]:
    document = parse(examples_path(audience).read_text(encoding="utf-8"))
    return document, [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]


@pytest.mark.parametrize("audience", AUDIENCES)
def test_examples_fit_their_graph(audience: Audience) -> None:
    document, operations = examples(audience)
    assert validate_document(SCHEMAS[audience]._schema, document, _RULES) == [], "as the server does"
    assert len(operations) >= 5
    assert all(operation.name for operation in operations), "GraphiQL offers operations by name"


@pytest.mark.parametrize("audience", AUDIENCES)
def test_examples_are_within_the_limits(audience: Audience) -> None:
    document, operations = examples(audience)
    for operation in operations:
        check_document(SCHEMAS[audience]._schema, operation, document, {}, Settings())
