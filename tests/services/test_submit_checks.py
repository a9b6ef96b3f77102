"""What can be wrong with submitted series: each check by itself, also what the graph's types rule out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import pytest

from app.access import HOST, Scope
from app.auth import Principal
from app.errors import ConcordError
from app.services.submit_checks import (
    MAX_SERIES,
    SeriesEntry,
    grant_problems,
    key_problems,
    request_problems,
    value_problems,
)
from app.vocabulary import build_calendar

CALENDAR = build_calendar(
    {"plan_date": date(2026, 1, 1), "history_from": date(2025, 11, 1), "weeks": 4, "months": 3}
)
KEY = {"item": "A", "customer": "C"}
KNOWN = {("item", "A"), ("customer", "C"), ("site", "S")}
SALES = Scope(
    "concord_internal", "concord_sales", principal=Principal("s", "internal", "S", "sales", 0, "i", "t")
)


def entry(
    measure: str = "salesForecast",
    key: dict[str, str] | None = None,
    start: date = date(2026, 1, 1),
    values: tuple[float | None, ...] = (1.0,),
) -> SeriesEntry:
    return SeriesEntry(measure, KEY if key is None else key, start, values)


def codes(problems: Iterable[ConcordError]) -> list[str]:
    return [problem.code for problem in problems]


def test_a_sound_submission_has_no_problem() -> None:
    entries = [entry(values=(1.0, None, 0.0))]
    assert codes(request_problems(entries, "why", "key")) == []
    assert codes(grant_problems(SALES, entries)) == []
    assert codes(key_problems(entries, KNOWN)) == []
    assert codes(value_problems(entries, CALENDAR)) == []


@pytest.mark.parametrize("count", [0, MAX_SERIES + 1])
def test_the_number_of_series_is_bounded(count: int) -> None:
    entries = [entry(key={**KEY, "item": str(n)}) for n in range(count)]
    assert codes(request_problems(entries, "why", "key")) == ["BAD_VALUE"]


def test_a_measure_that_is_computed_is_read_only() -> None:
    assert codes(grant_problems(HOST, [entry("netDemand")])) == ["MEASURE_READ_ONLY"]
    assert codes(grant_problems(HOST, [entry("supplierCommit")])) == ["MEASURE_READ_ONLY"]


def test_a_role_submits_its_own_measures() -> None:
    assert codes(grant_problems(SALES, [entry("annualPlan", {"family": "F"})])) == ["FORBIDDEN"]
    assert codes(grant_problems(HOST, [entry("annualPlan", {"family": "F"})])) == []


@pytest.mark.parametrize("key", [{"item": "A"}, {**KEY, "site": "S"}])
def test_a_key_fits_the_grain(key: dict[str, str]) -> None:
    assert codes(key_problems([entry(key=key)], KNOWN)) == ["GRAIN_MISMATCH"]


def test_each_unknown_code_is_named() -> None:
    (problem,) = key_problems([entry(key={**KEY, "customer": "X"})], KNOWN)
    assert problem.details["field"] == ["series", 0, "salesForecast", "customer"]
    assert problem.message == "There is no customer X in this plan."


def test_a_signed_measure_may_be_negative() -> None:
    """An uplift may take away; a forecast may not."""
    assert codes(value_problems([entry("marketingUplift", values=(-1.0,))], CALENDAR)) == []
    assert codes(value_problems([entry(values=(-1.0,))], CALENDAR)) == ["BAD_VALUE"]


def test_every_closed_bucket_is_named() -> None:
    problems = list(value_problems([entry(start=date(2025, 11, 1), values=(1.0, 1.0, 1.0))], CALENDAR))
    assert [problem.details["start"] for problem in problems] == [date(2025, 11, 1), date(2025, 12, 1)]
    assert codes(problems) == ["BUCKET_FROZEN", "BUCKET_FROZEN"]


@pytest.mark.parametrize("value", [1.1e12, 1e308, float("inf"), float("nan")])
def test_an_absurd_value_is_refused(value: float) -> None:
    assert codes(value_problems([entry(values=(1e12, value))], CALENDAR)) == ["BAD_VALUE"]
