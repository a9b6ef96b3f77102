"""Values brought to periods: each series by the working days of its own site, quotients by their parts."""

from __future__ import annotations

from datetime import date

import numpy as np

from app.services.views.calendars import Timing, WorkingTime
from app.store.series import SeriesFrame
from app.store.transport import HEADER
from app.vocabulary import MEASURES, build_calendar

CALENDAR = build_calendar(
    {"plan_date": date(2026, 1, 1), "history_from": date(2026, 1, 1), "weeks": 0, "months": 1}
)
"""January 2026: 22 working days, Thursday the 1st and Friday the 2nd in the first week."""
ROWS = {
    "holiday": [
        {"site": None, "date": date(2026, 1, 1)},
        {"site": "S", "date": date(2026, 1, 2)},
        {"site": "OTHER", "date": date(2026, 1, 8)},
    ],
    "resource": [{"resource": "R-N", "site": "N"}, {"resource": "R-S", "site": "S"}],
}
WEEKLY = Timing("week", by_working_time=True)


def frame(dimension: str, *codes: str) -> SeriesFrame:
    """Return a frame of series that are kept by one dimension."""
    header = np.zeros(len(codes), HEADER)
    header[dimension] = np.arange(1, len(codes) + 1)
    names = {"measure": {}, "entity": dict(enumerate(codes, 1))}
    return SeriesFrame(np.arange(len(codes)), np.empty((len(codes), 0)), header, names)


def first_week(measure: str, dimension: str, codes: tuple[str, ...]) -> list[float]:
    """Return what the first week gets of a month with 2100 in it."""
    working = WorkingTime(CALENDAR, WEEKLY.spans(CALENDAR), ROWS)
    values = np.full((len(codes), 1), 2100.0)
    made, _ = working.convert(MEASURES[measure], frame(dimension, *codes), values, None)
    np.testing.assert_allclose(made.sum(axis=1), 2100.0)
    return list(np.round(made[:, 0], 9))


def test_each_series_goes_by_the_holidays_of_its_site() -> None:
    """Of seven days from Thursday the 1st, four are worked everywhere but at S, where three are."""
    everywhere, at_s = 2100 * 4 / 21, 2100 * 3 / 20
    assert first_week("productionPlan", "site", ("N", "S")) == [everywhere, at_s]
    assert first_week("capacityAvailable", "resource", ("R-N", "R-S")) == [everywhere, at_s]
    assert first_week("salesForecast", "customer", ("S",)) == [everywhere]


def test_a_quotient_stays_what_it_is_within_a_bucket() -> None:
    working = WorkingTime(CALENDAR, WEEKLY.spans(CALENDAR), ROWS)
    values, weights = np.array([[80.0]]), np.array([[210.0]])
    made, shares = working.convert(MEASURES["utilization"], frame("resource", "R-N"), values, weights)
    np.testing.assert_allclose(made, 80.0)
    assert shares is not None
    np.testing.assert_allclose(shares.sum(), 210.0)


def test_buckets_are_not_divided_unless_it_is_asked_for() -> None:
    assert not Timing("week").divides
    assert not Timing("bucket", by_working_time=True).divides
    assert len(Timing("week").spans(CALENDAR)) == 1
    assert len(WEEKLY.spans(CALENDAR)) == 5
