"""Edits at a level, cell by cell: they read back as they were made; what is closed or kept stays."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.errors import BadValue, BucketFrozen, FixedExceedsEdit, NothingToSplit, ProfileEmpty
from app.services.spreading.cells import Members, Sheet, lay, out_of_use, profile_values
from app.services.spreading.requests import SplitBy, SpreadEdit
from app.services.views.filters import SeriesFilter
from app.store.identity import SeriesKey
from app.vocabulary import build_calendar

NAN = np.nan
CALENDAR = build_calendar(
    {"plan_date": date(2025, 9, 15), "history_from": date(2025, 7, 1), "weeks": 2, "months": 4}
)
"""July, August, the closed half of September; two weeks, the stub to 1 October, then October to January."""
T, OPEN = len(CALENDAR), CALENDAR.first_open
N = 4
KEYS = [SeriesKey("salesForecast", item=f"I{n}", customer="C") for n in range(N)]
ONES = np.ones(N)
cells = arrays(np.float64, (N, T), elements=st.one_of(st.just(NAN), st.integers(0, 500).map(float)))
weights = arrays(np.float64, (N, T), elements=st.integers(0, 500).map(float))


def members(
    values: np.ndarray, profile: np.ndarray, kept: tuple[int, ...] = (), factors: np.ndarray = ONES
) -> Members:
    return Members(KEYS, values, profile, factors, np.isin(np.arange(N), kept), whole=True)


def edit(value: float, start: date, per: str = "quarter", measure: str = "salesForecast") -> SpreadEdit:
    by = SplitBy("proportional", None)
    return SpreadEdit(measure, SeriesFilter(), start, per, (value,), by)  # type: ignore[arg-type]  # a literal


def laid(made: SpreadEdit, on: Members) -> np.ndarray:
    """Return the values after an edit."""
    sheet = Sheet(CALENDAR, [])
    lay(sheet, made, on)
    after = on.values.copy()
    for entry in sheet.entries():
        row = KEYS.index(entry.series)
        first = CALENDAR.index_of(entry.start)
        assert first is not None
        values = [NAN if value is None else value for value in entry.values]
        after[row, first : first + len(values)] = values
    return after


QUARTER = slice(0, 6)
"""July to September: two and a half closed buckets, then two weeks and the stub."""


@given(
    values=cells,
    profile=weights,
    kept=st.sets(st.integers(0, N - 1), max_size=N - 1),
    total=st.integers(0, 20_000),
)
def test_an_edit_reads_back_and_leaves_the_rest_alone(
    values: np.ndarray, profile: np.ndarray, kept: set[int], total: int
) -> None:
    held = np.nan_to_num(values)
    fixed = held[:, :OPEN].sum() + held[sorted(kept), OPEN:6].sum()
    free = [row for row in range(N) if row not in kept]
    assume(total >= fixed)
    assume(profile[free][:, OPEN:6].any() or total == fixed)
    after = laid(edit(float(total), date(2025, 8, 1)), members(values, profile, tuple(kept)))
    assert np.nansum(after[:, QUARTER]) == total
    np.testing.assert_array_equal(after[:, :OPEN], values[:, :OPEN])
    np.testing.assert_array_equal(after[:, 6:], values[:, 6:])
    np.testing.assert_array_equal(after[sorted(kept)], values[sorted(kept)])
    changed = after[free][:, OPEN:6]
    assert (np.isnan(changed) | (changed == np.round(changed))).all()
    assert (np.nan_to_num(changed) >= 0).all()


@given(values=cells)
def test_an_edit_to_what_is_there_in_its_own_proportions_changes_nothing(values: np.ndarray) -> None:
    total = float(np.nansum(values[:, QUARTER]))
    after = laid(edit(total, date(2025, 9, 20)), members(values, np.nan_to_num(values)))
    np.testing.assert_array_equal(after, values)


@given(
    values=cells,
    profile=weights,
    sizes=arrays(np.float64, N, elements=st.sampled_from([0.25, 0.5, 2.0, 12.0])),
    total=st.integers(0, 100_000).map(float),
)
def test_an_edit_in_a_unit_reads_back_in_that_unit(
    values: np.ndarray, profile: np.ndarray, sizes: np.ndarray, total: float
) -> None:
    """Where items have sizes of their own, whole pieces cannot give every figure: parts are exact."""
    fixed = (np.nan_to_num(values) * sizes[:, None])[:, :OPEN].sum()
    assume(total >= fixed)
    assume(profile[:, OPEN:6].any())
    assume(len(set(sizes)) > 1)
    after = laid(edit(total, date(2025, 7, 1)), members(values, profile, factors=sizes))
    told = np.nansum(after[:, QUARTER] * sizes[:, None])
    assert told == pytest.approx(total, rel=1e-12)


def test_cartons_become_whole_pieces() -> None:
    profile = np.ones((N, T))
    twelfths = np.full(N, 1 / 12)
    after = laid(
        edit(10, date(2025, 12, 1), "month"), members(np.full((N, T), NAN), profile, factors=twelfths)
    )
    december = CALENDAR.index_of(date(2025, 12, 1))
    assert after[:, december].tolist() == [30.0, 30.0, 30.0, 30.0]


def test_signed_measures_take_less_than_what_is_fixed() -> None:
    values = np.full((N, T), NAN)
    values[0, 0] = 50.0
    made = edit(20, date(2025, 7, 1), measure="marketingUplift")
    keys = [key._replace(measure="marketingUplift") for key in KEYS]
    sheet = Sheet(CALENDAR, [])
    lay(sheet, made, Members(keys, values, np.ones((N, T)), ONES, np.zeros(N, dtype=bool), whole=True))
    assert sum(value or 0 for entry in sheet.entries() for value in entry.values) == -30


EMPTY = np.full((N, T), NAN)
FULL = np.ones((N, T))


@pytest.mark.parametrize(
    ("made", "on", "error", "field"),
    [
        (edit(9, date(2025, 7, 1), "month"), members(EMPTY, FULL), BucketFrozen, ["values", 0]),
        (edit(9, date(2025, 6, 1)), members(EMPTY, FULL), BadValue, ["start"]),
        (edit(9, date(2025, 9, 1)), members(EMPTY, FULL * 0), ProfileEmpty, ["by"]),
        (edit(9, date(2025, 9, 1)), members(EMPTY, -FULL), ProfileEmpty, ["by"]),
        (edit(9, date(2025, 9, 1)), members(EMPTY, FULL, (0, 1, 2, 3)), NothingToSplit, ["keep"]),
        (edit(9, date(2025, 9, 1)), members(FULL * 5, FULL), FixedExceedsEdit, ["values", 0]),
        (edit(9.5, date(2025, 9, 1)), members(EMPTY, FULL), BadValue, ["values", 0]),
    ],
)
def test_what_cannot_be_split_is_refused(
    made: SpreadEdit, on: Members, error: type[Exception], field: list[object]
) -> None:
    with pytest.raises(error) as refusal:
        lay(Sheet(CALENDAR, []), made, on)
    assert refusal.value.details["field"] == field  # type: ignore[attr-defined]  # of Concord's errors


def test_no_members_are_nothing_to_split() -> None:
    nobody = Members([], EMPTY[:0], FULL[:0], ONES[:0], np.zeros(0, dtype=bool), whole=True)
    with pytest.raises(NothingToSplit):
        lay(Sheet(CALENDAR, []), edit(9, date(2025, 9, 1)), nobody)


def test_a_figure_is_set_once_in_a_request() -> None:
    sheet = Sheet(CALENDAR, [])
    lay(sheet, edit(9, date(2025, 10, 1), "month"), members(EMPTY, FULL))
    lay(sheet, edit(9, date(2025, 11, 1), "month"), members(EMPTY, FULL))
    with pytest.raises(BadValue):
        lay(sheet, edit(9, date(2025, 10, 1)), members(EMPTY, FULL))


def test_more_values_than_periods_are_refused() -> None:
    many = SpreadEdit(
        "salesForecast", SeriesFilter(), date(2025, 12, 1), "month", (1.0,) * 3, SplitBy("even", None)
    )
    with pytest.raises(BadValue, match="at most 2 values"):
        lay(Sheet(CALENDAR, []), many, members(EMPTY, FULL))


def test_even_means_the_same_for_every_working_day() -> None:
    sheet = Sheet(CALENDAR, [date(2025, 10, 3)])
    even = profile_values(SplitBy("even"), EMPTY, sheet)
    assert even[:, CALENDAR.index_of(date(2025, 9, 15))].tolist() == [5.0] * N
    assert even[0, CALENDAR.index_of(date(2025, 10, 1))] == 22.0


def test_an_item_gets_nothing_while_it_is_not_valid() -> None:
    ends = CALENDAR.buckets[5].start
    rows = {
        "item": [
            {"item": "I0", "valid_from": None, "valid_to": ends},
            {"item": "I1", "valid_from": ends - timedelta(days=1), "valid_to": None},
        ]
    }
    unused = out_of_use(KEYS, rows, CALENDAR)
    assert unused[0].tolist() == [False] * 5 + [True] * (T - 5)
    assert unused[1].tolist() == [True] * 5 + [False] * (T - 5)
    assert not unused[2:].any()
