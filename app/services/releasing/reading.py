"""Reads a sealed plan into the data that releases are made from."""

from collections.abc import Mapping
from operator import attrgetter

import numpy as np

from app.services.releasing.dates import Floats
from app.services.releasing.reference import KINDS, Reference
from app.services.releasing.view import MEASURES_READ, Key, Limit, Measured, PlanView
from app.store.branches import Commit
from app.store.calendars import load_calendar
from app.store.database import Transaction
from app.store.entities import read_entities
from app.store.series import SeriesFrame, read_series
from app.vocabulary import MEASURES, Parameters


async def read_plan(tx: Transaction, commit: Commit, limits: tuple[Limit, ...] = ()) -> PlanView:
    """Return the plan of a commit: everything that a release to any party is made from."""
    entities = await read_entities(tx, commit, KINDS)
    calendar = await load_calendar(tx, commit)
    frame = await read_series(tx, commit, measures=MEASURES_READ)
    texts = {str(row["parameter"]): str(row["value"]) for row in entities["planning_parameter"]}
    return PlanView(
        calendar=calendar,
        parameters=Parameters.of_texts(texts),
        reference=Reference(entities),
        series=_by_measure(frame, calendar.first_open),
        limits=limits,
    )


def _by_measure(frame: SeriesFrame, first_open: int) -> Mapping[str, Measured]:
    """Return the open buckets of every series by measure and by key in the order of the measure's grain.

    A gap (NaN) in a solved measure means nothing is planned there, so it reads as zero.
    """
    grains = {name: attrgetter(*MEASURES[name].grain) for name in MEASURES_READ}
    series: dict[str, dict[Key, Floats]] = {name: {} for name in MEASURES_READ}
    for key, values in zip(frame.keys, np.nan_to_num(frame.values[:, first_open:]), strict=True):
        series[key.measure][grains[key.measure](key)] = values
    return series
