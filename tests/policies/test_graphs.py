"""schemas.toml classifies every field of every printed graph, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from graphql import DocumentNode, InputObjectTypeDefinitionNode, ObjectTypeDefinitionNode, parse

from app.access.graphs import ARGUMENT, check_graph
from app.access.policies import load

SCHEMA = Path(__file__).parents[2] / "schema"
GRAPHS = ("internal", "supplier", "customer")


def printed_fields(graph: str) -> Mapping[str, list[str]]:
    """Return the fields of the object and input types that a graph's SDL prints."""
    document = parse((SCHEMA / graph / f"{graph}.graphql").read_text(encoding="utf-8"))
    fields = {
        node.name.value: [field.name.value for field in node.fields or ()]
        for node in document.definitions
        if isinstance(node, ObjectTypeDefinitionNode | InputObjectTypeDefinitionNode)
    }
    return {**fields, ARGUMENT: sorted(arguments_of(document))}


def arguments_of(document: DocumentNode) -> set[str]:
    """Return the names of all arguments of the fields of a graph."""
    return {
        argument.name.value
        for node in document.definitions
        if isinstance(node, ObjectTypeDefinitionNode)
        for field in node.fields or ()
        for argument in field.arguments or ()
    }


@pytest.mark.parametrize("graph", GRAPHS)
def test_every_field_and_argument_is_classified(graph: str) -> None:
    assert [str(fault) for fault in check_graph(load(), graph, printed_fields(graph))] == []


LISTED = {
    "Query": {"everyone": ["viewer"]},
    "Stakeholder": {"everyone": ["name"], "finance executive": ["money"]},
    "Mutation": {
        "action": [
            "seriesSubmit",
            "seriesSpread",
            "scenarioCreate",
            "scenarioMerge",
            "scenarioRebase",
            "scenarioPromote",
            "planReconcile",
            "runCancel",
            "planPublish",
            "partySuspend",
            "partyReinstate",
        ],
    },
}
REAL = {
    type_name: [f for fields in classes.values() for f in fields] for type_name, classes in LISTED.items()
}


def faults(listed: dict[str, dict[str, list[str]]], real: Mapping[str, list[str]]) -> list[str]:
    """Return the codes of what is wrong with a graph."""
    policies = replace(load(), graphs={"internal": listed})
    return [fault.code for fault in check_graph(policies, "internal", real)]


def test_a_graph_as_listed_has_no_fault() -> None:
    assert faults(LISTED, REAL) == []


@pytest.mark.parametrize(
    ("listed", "real", "code"),
    [
        ({}, {"Rumour": ["text"]}, "unlisted-type"),
        ({"Rumour": {"everyone": ["text"]}}, {}, "stale-type"),
        ({}, {"Query": ["viewer", "everything"]}, "unlisted-field"),
        ({ARGUMENT: {"everyone": ["at"]}}, {ARGUMENT: ["at", "asWhom"]}, "unlisted-field"),
        ({ARGUMENT: {"everyone": ["at", "asWhom"]}}, {ARGUMENT: ["at"]}, "stale-field"),
        ({"Subscription": {"everyone": ["told"]}}, {"Subscription": ["told", "all"]}, "unlisted-field"),
        ({"Subscription": {"everyone": ["told", "all"]}}, {"Subscription": ["told"]}, "stale-field"),
        ({"Subscription": {"action": ["told"]}}, {"Subscription": ["told"]}, "no-action"),
        ({"Query": {"everyone": ["viewer", "everything"]}}, {}, "stale-field"),
        ({"Query": {"everyone": ["viewer"], "measure": ["viewer"]}}, {}, "listed-twice"),
        ({"Query": {"astrologer": ["viewer"]}}, {}, "unknown-role"),
        ({"Query": {"supplier_planner": ["viewer"]}}, {}, "unknown-role"),
        ({"Mutation": {"action": ["planPublish"]}}, {"Mutation": ["planPublish"]}, "stale-action"),
        (
            {"Mutation": {"action": [*LISTED["Mutation"]["action"], "planErase"]}},
            {"Mutation": [*REAL["Mutation"], "planErase"]},
            "unlisted-action",
        ),
        ({"Mutation": {"everyone": LISTED["Mutation"]["action"]}}, {}, "no-action"),
    ],
)
def test_a_fault_is_found_under_its_code(
    listed: dict[str, dict[str, list[str]]], real: dict[str, list[str]], code: str
) -> None:
    assert code in faults({**LISTED, **listed}, {**REAL, **real})
