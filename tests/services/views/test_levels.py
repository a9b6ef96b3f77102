"""Series under the labels of their groups: who moves is there once for each group, and nothing is lost."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.services.views.aggregate import add_up, group_index
from app.services.views.keyed import SeriesKeys
from app.services.views.levels import Grouping, label_series
from app.store.identity import SeriesKey
from app.vocabulary import MEASURES, build_calendar

CALENDAR = build_calendar(
    {"plan_date": date(2025, 9, 1), "history_from": date(2025, 1, 1), "weeks": 4, "months": 4}
)
ITEMS = ["I0", "I1", "I2"]
GROUPS = ["F0", "F1"]
LEVELS = [{"level": "category", "hierarchy": "family", "name": "Category", "position": 2}]
days = st.integers(-30, 400).map(lambda number: date(2025, 1, 1) + timedelta(days=number))


@st.composite
def moves(draw: st.DrawFn) -> dict[str, list[dict[str, object]]]:
    """Draw three items in two families below two categories, with a dated membership or two."""
    dated = []
    for item in draw(st.lists(st.sampled_from(ITEMS), max_size=2, unique=True)):
        begin, end = sorted([draw(days), draw(days)])
        dated.append(
            {"item": item, "family": draw(st.sampled_from(GROUPS)), "valid_from": begin, "valid_to": end}
        )
    moved = [
        {"hierarchy": "family", "group": "F1", "parent": "TOP", "valid_from": None, "valid_to": draw(days)}
    ]
    return {
        "item": [{"item": item, "family": draw(st.sampled_from([None, *GROUPS]))} for item in ITEMS],
        "family": [
            {"family": "TOP", "parent": None, "level": "category"},
            {"family": "SIDE", "parent": None, "level": "category"},
            {"family": "F0", "parent": "TOP", "level": None},
            {"family": "F1", "parent": "SIDE", "level": None},
        ],
        "level": LEVELS,
        "item_membership": dated,
        "group_membership": moved if draw(st.booleans()) else [],
    }


@given(rows=moves(), dated=st.booleans(), data=st.data())
def test_each_cell_counts_under_exactly_one_group(
    rows: dict[str, list[dict[str, object]]], dated: bool, data: st.DataObject
) -> None:
    keys = SeriesKeys([SeriesKey("salesForecast", item=item, customer="C") for item in ITEMS])
    shape = (len(ITEMS), len(CALENDAR))
    values = np.array(data.draw(st.lists(st.integers(0, 99), min_size=shape[0] * shape[1], max_size=500)))
    values = values[: shape[0] * shape[1]].reshape(shape).astype(float)
    grouping = Grouping(("family",), ("category",), dated)
    labels = label_series(MEASURES["salesForecast"], keys, grouping, rows, CALENDAR.starts)
    spread = labels.spread(values)
    np.testing.assert_array_equal(np.nansum(spread, axis=0), values.sum(axis=0))
    for row in range(len(ITEMS)):
        held = ~np.isnan(spread[labels.source == row])
        assert (held.sum(axis=0) == 1).all()
    names, index = group_index(labels.labels)
    np.testing.assert_array_equal(np.nansum(add_up(spread, index, len(names)), axis=0), values.sum(axis=0))
    if not dated:
        assert len(labels.labels) == len(ITEMS)


def test_a_bucket_counts_where_it_starts() -> None:
    """The item moves on 20 September: the week from the 15th still counts where it was."""
    rows = {
        "item": [{"item": "I0", "family": "F1"}],
        "family": [{"family": group, "parent": None, "level": None} for group in GROUPS],
        "item_membership": [
            {"item": "I0", "family": "F0", "valid_from": None, "valid_to": date(2025, 9, 20)}
        ],
    }
    keys = SeriesKeys([SeriesKey("salesForecast", item="I0", customer="C")])
    found = label_series(
        MEASURES["salesForecast"], keys, Grouping(("family",), (), dated=True), rows, CALENDAR.starts
    )
    values = found.spread(np.ones((1, len(CALENDAR))))
    before = {label[0]: ~np.isnan(row) for label, row in zip(found.labels, values, strict=True)}
    third_week = CALENDAR.index_of(date(2025, 9, 15))
    assert before["F0"][third_week]
    assert before["F1"][third_week + 1 :].all()
