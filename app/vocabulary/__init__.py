"""The words of the platform as data: entity kinds, measures, planning parameters and the calendar.

Everything here is read once from the files beside this module (`entities.toml`, `measures.csv`,
`parameters.toml`) and is immutable. The package imports nothing of Concord, so every layer may use it.
"""

from app.vocabulary.calendar import Bucket, Calendar, build_calendar, working_days
from app.vocabulary.entities import ENTITIES, Column, Entity, entity_key
from app.vocabulary.measures import DIMENSIONS, MEASURES, Measure
from app.vocabulary.parameters import PARAMETERS, Parameter, Parameters, ParameterValue, parse_parameter

__all__ = [
    "DIMENSIONS",
    "ENTITIES",
    "MEASURES",
    "PARAMETERS",
    "Bucket",
    "Calendar",
    "Column",
    "Entity",
    "Measure",
    "Parameter",
    "ParameterValue",
    "Parameters",
    "build_calendar",
    "entity_key",
    "parse_parameter",
    "working_days",
]
