"""Zones by days from the plan date, and figures of one calendar seen on another by date."""

from datetime import date, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.services.releasing.dates import adjoining, order_date, realign, zones
from app.vocabulary import Bucket

START = date(2026, 1, 5)


def buckets(*lengths: int, start: date = START) -> tuple[Bucket, ...]:
    """Adjoining buckets of these lengths in days."""
    edges = [start]
    for length in lengths:
        edges.append(edges[-1] + timedelta(days=length))
    return adjoining(edges[:-1], edges[1:])


def test_a_bucket_is_in_the_zone_of_its_first_day() -> None:
    assert zones(buckets(7, 7, 7, 7), START, 14, 21) == ("firm", "firm", "tradeoff", "forecast")


def test_part_of_a_day_of_lead_time_is_a_whole_one() -> None:
    assert order_date(date(2026, 1, 12), 2.5) == date(2026, 1, 9)
    assert order_date(date(2026, 1, 12), 3.0) == date(2026, 1, 9)


def test_the_same_dates_keep_their_figures_when_the_calendar_moves_on() -> None:
    before, after = buckets(7, 7, 7), buckets(7, 7, start=START + timedelta(days=7))
    moved = realign(np.array([[10.0, 20.0, 30.0]]), before, after)
    assert moved.tolist() == [[20.0, 30.0]]


def test_a_month_that_becomes_weeks_is_shared_out_by_days() -> None:
    moved = realign(np.array([[28.0]]), buckets(28), buckets(7, 14, 7))
    assert moved.tolist() == [[7.0, 14.0, 7.0]]


def test_dates_that_the_other_calendar_does_not_reach_have_no_figure() -> None:
    moved = realign(np.array([[10.0]]), buckets(7), buckets(7, 7))
    assert moved[0, 0] == 10.0
    assert np.isnan(moved[0, 1])


lengths = st.lists(st.integers(1, 31), min_size=1, max_size=12)


@given(source=lengths, target=lengths, seed=st.integers(0, 2**31))
def test_realigning_loses_nothing_over_dates_that_both_cover(
    source: list[int], target: list[int], seed: int
) -> None:
    values = np.random.default_rng(seed).uniform(0, 100, (3, len(source)))
    total = sum(source)
    covering = [*target, max(1, total - sum(target))] if sum(target) < total else target
    moved = realign(values, buckets(*source), buckets(*covering))
    if sum(covering) == total:
        np.testing.assert_allclose(moved.sum(axis=1), values.sum(axis=1))
    assert np.nansum(moved) <= values.sum() + 1e-6
