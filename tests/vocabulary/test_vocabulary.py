from datetime import date

import pytest

from app.vocabulary import DIMENSIONS, ENTITIES, MEASURES, PARAMETERS, Parameters, entity_key, parse_parameter

TYPES = {"code", "text", "integer", "number", "boolean", "date"}
REQUIRED = {"plan_date": "2026-01-05", "history_from": "2024-01-01", "currency": "EUR"}


@pytest.mark.parametrize("entity", ENTITIES.values(), ids=lambda entity: entity.kind)
def test_entity_kinds_are_sound(entity):
    assert set(entity.key) <= set(entity.columns)
    for column in entity.columns.values():
        assert column.type in TYPES
        assert column.references is None or column.references in ENTITIES
        assert not (column.required and column.default is not None)
        assert column.doc


def test_measures_have_known_grain_rule_and_kind():
    assert len(MEASURES) > 40
    for measure in MEASURES.values():
        assert measure.grain
        assert list(measure.grain) == [name for name in DIMENSIONS if name in measure.grain]
        assert measure.time_rule in {"sum", "last", "weighted", "recompute"}
        assert measure.kind in {"actual", "input", "derived", "solver"}


def test_entity_key_joins_key_columns_with_iso_dates_and_blanks():
    row = {"item": "A", "site": None, "valid_from": date(2026, 1, 5)}
    assert entity_key("item_cost", row) == "A||2026-01-05"
    assert entity_key("item_cost", {"item": "A"}) == "A||"
    assert entity_key("sales_order", {"order": "SO1", "line": 2}) == "SO1|2"


def test_vocabulary_cannot_be_changed():
    with pytest.raises(TypeError):
        ENTITIES["item"].columns["item"] = None
    with pytest.raises(TypeError):
        MEASURES["x"] = None


def test_parameters_fill_defaults_and_convert_types():
    parameters = Parameters.of_texts({**REQUIRED, "weeks": "4", "rate.USD": "0.9"})
    assert parameters.integer("weeks") == 4
    assert parameters.integer("months") == PARAMETERS["months"].default
    assert parameters.date("plan_date") == date(2026, 1, 5)
    assert parameters.rates() == {"USD": 0.9, "EUR": 1.0}
    assert parameters.weights()["salesForecast"] == PARAMETERS["stream_weight.salesForecast"].default


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("weeks", "4.5", "expected integer"),
        ("weeks", "-1", "at least 0"),
        ("plan_date", "05.01.2026", "expected date"),
        ("holding_rate", "nan", "expected number"),
        ("unanswered_commit", "zero", "one of projection, none"),
        ("weekz", "4", "no such planning parameter"),
        ("currency", " ", "expected code"),
    ],
)
def test_wrong_parameters_are_refused_with_what_was_expected(name, text, expected):
    with pytest.raises(ValueError, match=expected):
        parse_parameter(name, text)


def test_a_parameter_of_an_earlier_program_is_left_out():
    parameters = Parameters.of_texts({**REQUIRED, "commit_tolerance": "0.05"})
    assert "commit_tolerance" not in parameters


def test_missing_parameters_are_named():
    with pytest.raises(ValueError, match="history_from, currency"):
        Parameters.of_texts({"plan_date": "2026-01-05"})
