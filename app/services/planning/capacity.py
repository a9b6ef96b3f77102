"""Capacity: hours per bucket from the working calendar, or as submitted (rule P12)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from app.services.planning.facts import Facts
from app.services.planning.horizon import Horizon
from app.services.planning.lookup import Row, number, text

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Capacity:
    """Hours (r, T) of each resource, demonstrated, and what an hour costs; inf = no limit stated."""

    resources: tuple[str, ...]
    regular: Values
    overtime: Values
    regular_cost: Values
    overtime_cost: Values


def plan_capacity(facts: Facts) -> Capacity:
    """Return the capacity of every resource.

    Hours = hours per day x days of the basis x efficiency x target utilisation, day by day of validity;
    overtime alike, where an overtime cost is stated. Submitted series win cell by cell. A resource without
    any statement has no limit, which is noted.
    """
    rows = {str(row["resource"]): row for row in facts.dataset.entities["resource"]}
    resources = tuple(sorted(rows))
    overtime_cost = np.array([facts.prices.overtime_hour(code) for code in resources]).reshape(
        -1, facts.horizon.periods
    )
    regular = np.array(
        [_hours(facts, rows[code], "hours_per_day", "capacityAvailable") for code in resources]
    )
    extra = np.array(
        [_hours(facts, rows[code], "overtime_hours_per_day", "overtimeAvailable") for code in resources]
    )
    shape = (len(resources), facts.horizon.periods)
    unlimited = np.isnan(regular).reshape(shape)
    for code in np.array(resources)[unlimited.all(axis=1)] if resources else ():
        facts.notes.add("no-capacity", str(code), f"No capacity is stated for {code}; it is not limited.")
    return Capacity(
        resources=resources,
        regular=np.where(unlimited, np.inf, regular.reshape(shape)),
        overtime=np.where(np.isnan(overtime_cost), 0.0, np.nan_to_num(extra).reshape(shape)),
        regular_cost=np.array([facts.prices.regular_hour(code) for code in resources]).reshape(shape),
        overtime_cost=np.nan_to_num(overtime_cost),
    )


def _hours(facts: Facts, resource: Row, column: str, measure: str) -> Values:
    """Return hours (T,) of a resource; NaN where nothing is stated."""
    code = str(resource["resource"])
    stated = [row for row in facts.dataset.entities["capacity"] if row["resource"] == code]
    daily = np.full(len(_days(facts.horizon)), np.nan)
    basis = _bases(facts, text(resource, "site"))
    for row in stated:
        valid = _valid_days(facts.horizon, row)
        hours = number(row, column, 0.0) * basis[str(row["day_basis"])]
        daily[valid] = hours[valid]
    share = number(resource, "efficiency", 1.0) * number(resource, "utilization_target", 1.0)
    known = np.add.reduceat(~np.isnan(daily), facts.horizon.starts.astype(np.int64)) > 0
    total = np.add.reduceat(np.nan_to_num(daily), facts.horizon.starts.astype(np.int64)) * share
    submitted = facts.series.cell(measure, resource=code)
    return np.where(np.isnan(submitted), np.where(known, total, np.nan), submitted)


def _days(horizon: Horizon) -> npt.NDArray[np.datetime64]:
    """Return every day of the horizon."""
    first, last = np.datetime64(horizon.buckets[0].start), np.datetime64(horizon.buckets[-1].end)
    days: npt.NDArray[np.datetime64] = np.arange(first, last, dtype="datetime64[D]")
    return days


def _valid_days(horizon: Horizon, row: Row) -> npt.NDArray[np.bool_]:
    days, begin, end = _days(horizon), row.get("valid_from"), row.get("valid_to")
    valid = np.ones(len(days), dtype=np.bool_)
    if isinstance(begin, date):
        valid &= days >= np.datetime64(begin)
    if isinstance(end, date):
        valid &= days < np.datetime64(end)
    return valid


def _bases(facts: Facts, site: str | None) -> Mapping[str, Values]:
    """Return 1 for each day that counts and 0 for the others, by day basis."""
    days = _days(facts.horizon)
    rows = facts.dataset.entities["holiday"]
    closed = [np.datetime64(str(row["date"])) for row in rows if text(row, "site") in {None, site}]
    open_days = np.is_busday(days, holidays=np.array(closed, dtype="datetime64[D]"))
    return {"calendar": np.ones(len(days)), "working": open_days.astype(np.float64)}
