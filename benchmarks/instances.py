"""The large neutral instances of ../shared/instances as problems, and plans in their checker's files.

Timing (generate.py of the instances): weekly buckets; a purchase ordered in week t with lead time L can be
used in week t + L, so it is booked in bucket t + L and its bucket must be at least L; what is made in a week
serves that week's demand. Costs are those of the common evaluation.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.engine.arrays import FloatArray, IntArray
from app.engine.problem import (
    INFINITE,
    Activities,
    Demands,
    Inputs,
    Kind,
    Parameters,
    Problem,
    Resources,
    Stocks,
    Uses,
)
from app.engine.solution import Decisions

NOISE = 1e-7  # quantities up to this are left out of the files


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """An instance as a problem, with what its plan's files and its controllable cost need."""

    problem: Problem
    makes: tuple[str, ...]  # item of each of the first activities
    supplier: tuple[str, ...]  # supplier of each purchase, the activities after those
    bought: tuple[str, ...]  # item of each purchase
    lead: IntArray  # [purchases] weeks
    premium: FloatArray  # [purchases] price above the item's first source

    def controllable(self, plan: Decisions) -> float:
        """Lateness + unmet + holding + premium of second sources: the part of the cost a plan decides."""
        problem = self.problem
        bought = plan.level[len(self.makes) :].sum(axis=1)
        late = float((problem.demands.late_cost * plan.backlog).sum())
        unmet = float((problem.demands.price * plan.short).sum())
        holding = float((problem.stocks.holding_cost * plan.stock).sum())
        return late + unmet + holding + float(self.premium @ bought)


def read_instance(directory: Path, parameters: Parameters) -> Instance:
    """Convert an instance's directory."""
    given = json.loads((directory / "params.json").read_text())
    weeks = int(given["weeks"])
    items = _rows(directory, "items")
    at = {row["item"]: number for number, row in enumerate(items)}
    goods = [row["item"] for row in items if row["type"] == "FG"]
    operations = {row["item"]: row for row in _rows(directory, "operations")}
    makes = tuple(row["item"] for row in operations.values())
    suppliers = _rows(directory, "suppliers")
    lead = np.array([int(row["lead_time_weeks"]) for row in suppliers], dtype=np.int64)
    problem = Problem(
        tuple(str(week) for week in range(weeks)),
        np.full(weeks, 7.0),
        weeks,
        _stocks(directory, items, at, weeks, float(given["holding_rate_per_year"]) / 52),
        _activities(operations, suppliers, lead, at, weeks),
        _inputs(directory, makes, at, weeks),
        *_capacity(directory, operations, weeks),
        _demands(directory, items, goods, at, weeks, float(given["late_rate_per_week_of_price"])),
        parameters,
    )
    price = {row["item"]: float(row["unit_price"]) for row in suppliers if row["priority"] == "1"}
    return Instance(
        problem,
        makes,
        tuple(row["supplier"] for row in suppliers),
        tuple(row["item"] for row in suppliers),
        lead,
        np.array([float(row["unit_price"]) - price[row["item"]] for row in suppliers]),
    )


def write_plan(instance: Instance, plan: Decisions, directory: Path) -> None:
    """Write a plan as production.csv, purchases.csv and deliveries.csv of the instances' checker."""
    directory.mkdir(parents=True, exist_ok=True)
    made, bought = np.split(plan.level, [len(instance.makes)])
    _write(
        directory / "production.csv",
        "item,week,quantity",
        (f"{instance.makes[row]},{week},{made[row, week]:.6f}" for row, week in _cells(made)),
    )
    _write(
        directory / "purchases.csv",
        "supplier,item,week,quantity",
        (
            f"{instance.supplier[row]},{instance.bought[row]},{week - instance.lead[row]},"
            f"{bought[row, week]:.6f}"
            for row, week in _cells(bought)
        ),
    )
    _write(
        directory / "deliveries.csv",
        "demand,week,quantity",
        (
            f"{instance.problem.demands.codes[row]}-{asked:02d},{week},{quantity:.6f}"
            for row, asked, week, quantity in _deliveries(instance.problem.demands, plan)
        ),
    )


def _deliveries(demands: Demands, plan: Decisions) -> list[tuple[int, int, int, float]]:
    """Match what is delivered with what was asked for, oldest request first: (demand, asked, week, units).

    Both are cumulative curves over the same quantity; every interval between two of their corners belongs to
    one request and one delivery.
    """
    supplied = np.cumsum(demands.quantity - plan.short, axis=1)
    given = np.minimum(np.cumsum(plan.deliver, axis=1), supplied[:, -1:])
    corners = np.sort(np.concatenate((supplied, given), axis=1), axis=1)
    width = np.diff(corners, axis=1, prepend=0.0)
    found: list[tuple[int, int, int, float]] = []
    for row, corner in np.argwhere(width > NOISE).tolist():
        middle = corners[row, corner] - width[row, corner] / 2
        if middle < given[row, -1]:
            asked = int(np.searchsorted(supplied[row], middle))
            week = int(np.searchsorted(given[row], middle))
            found.append((row, asked, max(week, asked), float(width[row, corner])))
    return found


def _stocks(
    directory: Path, items: list[dict[str, str]], at: dict[str, int], weeks: int, rate: float
) -> Stocks:
    opening = np.zeros(len(items))
    for row in _rows(directory, "inventory"):
        opening[at[row["item"]]] += float(row["onhand"])
    cost = np.array([float(row["unit_cost"]) for row in items])
    return Stocks.of([row["item"] for row in items], weeks, opening=opening, holding_cost=cost * rate)


def _activities(
    operations: dict[str, dict[str, str]],
    suppliers: list[dict[str, str]],
    lead: IntArray,
    at: dict[str, int],
    weeks: int,
) -> Activities:
    codes = [f"make|{item}" for item in operations]
    codes += [f"purchase|{row['item']}|{row['supplier']}" for row in suppliers]
    made = len(operations)
    upper = np.full((len(codes), weeks), INFINITE)
    upper[made:][np.arange(weeks)[None, :] < lead[:, None]] = 0.0
    cost = [float(row["make_cost"]) for row in operations.values()]
    return Activities.of(
        codes,
        weeks,
        kind=[Kind.MAKE] * made + [Kind.PURCHASE] * len(suppliers),
        stock=[at[item] for item in operations] + [at[row["item"]] for row in suppliers],
        upper=upper,
        cost=np.array(cost + [float(row["unit_price"]) for row in suppliers]),
    )


def _inputs(directory: Path, makes: tuple[str, ...], at: dict[str, int], weeks: int) -> Inputs:
    activity = {item: number for number, item in enumerate(makes)}
    drawn: dict[tuple[int, int], float] = {}
    for row in _rows(directory, "bom"):
        pair = (activity[row["item"]], at[row["component"]])
        drawn[pair] = drawn.get(pair, 0.0) + float(row["qty_per"])
    pairs = np.array(list(drawn), dtype=np.int64).reshape(-1, 2)
    return Inputs.of(pairs[:, 0], pairs[:, 1], np.array(list(drawn.values())), weeks)


def _capacity(directory: Path, operations: dict[str, dict[str, str]], weeks: int) -> tuple[Resources, Uses]:
    rows = _rows(directory, "resources")
    codes = list(dict.fromkeys(row["resource"] for row in rows))
    place = {code: number for number, code in enumerate(codes)}
    hours, rate = np.zeros((len(codes), weeks)), np.zeros((len(codes), weeks))
    for row in rows:
        cell = (place[row["resource"]], int(row["week"]))
        hours[cell], rate[cell] = float(row["capacity"]), float(row["cost_per_hour"])
    used = [place[row["resource"]] for row in operations.values()]
    per_unit = np.array([float(row["hours_per_unit"]) for row in operations.values()])
    return (
        Resources.of(codes, weeks, regular=hours, regular_cost=rate),
        Uses.of(np.arange(len(used)), used, per_unit, weeks),
    )


def _demands(  # noqa: PLR0917 - private, called once
    directory: Path,
    items: list[dict[str, str]],
    goods: list[str],
    at: dict[str, int],
    weeks: int,
    late_rate: float,
) -> Demands:
    place = {item: number for number, item in enumerate(goods)}
    quantity = np.zeros((len(goods), weeks))
    for row in _rows(directory, "demand"):
        quantity[place[row["item"]], int(row["week"])] += float(row["quantity"])
    price = np.array([float(items[at[item]]["price"]) for item in goods])
    # the reference keeps what it never delivers in the backlog, at its cost, until the last week
    waiting = np.arange(weeks - 1, -1, -1.0)
    return Demands.of(
        goods,
        weeks,
        stock=[at[item] for item in goods],
        quantity=quantity,
        price=price,
        late_cost=late_rate * price,
        short_cost=late_rate * price[:, None] * waiting[None, :],
        latest=weeks - 1,
    )


def _rows(directory: Path, name: str) -> list[dict[str, str]]:
    with (directory / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def _cells(values: FloatArray) -> list[list[int]]:
    found: list[list[int]] = np.argwhere(values > NOISE).tolist()
    return found


def _write(path: Path, header: str, lines: Iterable[str]) -> None:
    with path.open("w") as file:
        file.write(header + "\n")
        file.writelines(f"{line}\n" for line in lines)
