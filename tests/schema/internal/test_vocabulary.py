"""What the graph takes from the vocabulary and the policies is what they say."""

from __future__ import annotations

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLNonNull

from app.access import load
from app.engine.reconcile import RULES
from app.services.submit_checks import SUBMITTABLE
from app.services.views.levels import LEVEL_KINDS
from app.vocabulary import DIMENSIONS, ENTITIES, MEASURES
from schema.internal.graph import SCHEMA
from schema.internal.reference import camel, plural, type_name
from schema.internal.vocabulary import GroupBy, Rule

TYPES = SCHEMA._schema.type_map


def values(name: str) -> list[str]:
    enum = TYPES[name]
    assert isinstance(enum, GraphQLEnumType)
    return list(enum.values)


def test_the_enums_name_all_measures_and_dimensions() -> None:
    assert values("MeasureName") == list(MEASURES)
    assert values("DimensionName") == list(DIMENSIONS)


def test_every_rule_of_reconciliation_can_be_asked_for() -> None:
    assert sorted(str(rule.value) for rule in Rule) == sorted(RULES)


def test_every_level_is_one_that_series_have() -> None:
    assert [level.value for level in GroupBy] == list(LEVEL_KINDS)
    assert set(DIMENSIONS) <= set(LEVEL_KINDS)


def test_departments_submit_what_the_policies_let_them() -> None:
    granted = {measure for submits in load().actions.submits.values() for measure in submits.measures}
    assert set(SUBMITTABLE) == granted


def test_a_submitted_series_is_typed_by_the_grain_of_its_measure() -> None:
    one_of = TYPES["SeriesInput"]
    assert isinstance(one_of, GraphQLInputObjectType)
    assert list(one_of.fields) == list(SUBMITTABLE)
    for name, field in one_of.fields.items():
        assert isinstance(field.type, GraphQLInputObjectType)
        key = [camel(dimension) for dimension in MEASURES[name].grain]
        assert list(field.type.fields) == [*key, "start", "values"]
        assert all(isinstance(part.type, GraphQLNonNull) for part in field.type.fields.values())


def test_every_kind_has_a_type_and_a_list_of_its_own() -> None:
    query = SCHEMA._schema.query_type
    assert query is not None
    names = [plural(kind) for kind in ENTITIES]
    assert len(set(names)) == len(names)
    assert set(names) <= set(query.fields)
    assert {type_name(kind) for kind in ENTITIES} <= set(TYPES)
