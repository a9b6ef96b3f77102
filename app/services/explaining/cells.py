"""From a figure of the plan (measure, key, bucket) to the decisions behind it, on the axes of the engine."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from app.engine.explain import Cell
from app.engine.problem import Kind
from app.errors import BadValue, GrainMismatch, NotFound, UnknownKey
from app.services.explaining.state import PlanState
from app.services.planning.build import MEASURE_OF
from app.store.database import Transaction
from app.store.series import read_series
from app.vocabulary import MEASURES

Codes = Mapping[str, str]

DEMAND = ("netDemand", "constrainedDemand", "backlog", "unmetDemand", "supplyAnswer", "serviceLevel")
STOCK = ("projectedBalance", "daysOfSupply", "inventoryValue")
HOURS = ("capacityRequired", "utilization", "overtime")
LEVELS = {measure: kind for kind, measure in MEASURE_OF.items()}
EXPLAINED = (*DEMAND, *LEVELS, *STOCK, *HOURS)


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a plan: a measure, the codes of its key, and a day of its bucket."""

    measure: str
    codes: Codes
    start: date


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision behind a figure; `row` on the axis of the cell's kind, `value` as published."""

    cell: Cell
    row: int
    value: float


def check_key(figure: Figure, known: tuple[str, ...] = EXPLAINED) -> None:
    """Raise BadValue for a measure without decisions behind it, GrainMismatch for a key that does not fit.

    A customer without ship-tos has none in its key.
    """
    if figure.measure not in known:
        raise BadValue(field=["measure"], expected="one of " + ", ".join(known), found=figure.measure)
    grain, codes = set(MEASURES[figure.measure].grain), set(figure.codes)
    optional = {"site"} if "customer" in grain else set()
    if codes - grain or grain - optional - codes:
        found = ", ".join(sorted(codes)) or "nothing"
        named = ", ".join(MEASURES[figure.measure].grain)
        raise GrainMismatch(field=["key"], measure=figure.measure, grain=named, found=found)


async def require_sight(tx: Transaction, state: PlanState, figure: Figure) -> None:
    """Raise NotFound unless the caller sees a series of the measure, or of the demand, under this key."""
    codes, demanded = figure.codes, figure.measure in DEMAND
    frame = await read_series(
        tx,
        state.commit,
        measures=[figure.measure, "netDemand"] if demanded else [figure.measure],
        **{f"{name}s": [code] for name, code in codes.items()},  # type: ignore[arg-type]  # by name
    )
    if not frame.keys:
        raise NotFound(kind=figure.measure, name="|".join(codes.values()))


def decided(state: PlanState, figure: Figure, bucket: int) -> list[Decided]:
    """Return the decisions behind a figure, largest first; raises UnknownKey where the plan has none."""
    measure, codes = figure.measure, figure.codes
    if measure in DEMAND:
        found = [_demand(state, group) for group in groups_of(state, codes, bucket)]
    elif measure in LEVELS:
        found = [_level(state, row, bucket) for row in activities_of(state, measure, codes)]
    elif measure in STOCK:
        found = [_stock(state, codes, bucket)]
    else:
        found = [_hours(state, codes, bucket)]
    if not found:
        raise UnknownKey(field=["key"], kind=measure, found="|".join(codes.values()))
    return sorted(found, key=lambda one: (-one.value, one.cell.code))


def parts_of(state: PlanState, codes: Codes) -> list[int]:
    """Return the parts (places as far as one lane supplies them) of an item, ship-to and customer."""
    places = state.model.demand.places
    wanted = (codes.get("item"), codes.get("site"), codes.get("customer"))
    return [
        row
        for row, part in enumerate(state.model.groups.parts)
        if all(code is None or code == own for code, own in zip(wanted, places[part.place], strict=True))
    ]


def groups_of(state: PlanState, codes: Codes, bucket: int) -> list[tuple[int, int]]:
    """Return the groups that a place's request of a bucket counts to, each with its bucket of departure."""
    groups = state.model.groups
    parts = parts_of(state, codes)
    return sorted({(int(groups.part_group[row]), int(groups.parts[row].due[bucket])) for row in parts})


def activities_of(state: PlanState, measure: str, codes: Codes) -> list[int]:
    """Return the activities that a figure of production, purchase or transfer adds up."""
    kind = LEVELS[measure]
    return [
        row
        for row, source in enumerate(state.model.sources)
        if source.kind is kind and _keyed(kind, source.item, source.site, source.partner) == dict(codes)
    ]


def _keyed(kind: Kind, item: str, site: str, partner: str | None) -> dict[str, str]:
    if kind is Kind.PURCHASE and partner:
        return {"item": item, "site": site, "supplier": partner}
    if kind is Kind.TRANSFER and partner:
        return {"item": item, "site": partner, "to_site": site}
    return {"item": item, "site": site}


def _demand(state: PlanState, group: tuple[int, int]) -> Decided:
    row, leaving = group
    code = state.model.problem.demands.codes[row]
    plan = state.decisions
    value = float(plan.short[row, leaving] + plan.backlog[row, leaving])
    return Decided(Cell("demand", code, leaving), row, value)


def _level(state: PlanState, row: int, bucket: int) -> Decided:
    code = state.model.problem.activities.codes[row]
    return Decided(Cell("level", code, bucket), row, float(state.decisions.level[row, bucket]))


def _stock(state: PlanState, codes: Codes, bucket: int) -> Decided:
    point = (codes.get("item", ""), codes.get("site", ""))
    row = state.model.network.index.get(point)
    if row is None:
        raise UnknownKey(field=["key"], kind="stock point", found="|".join(point))
    code = state.model.problem.stocks.codes[row]
    return Decided(Cell("stock", code, bucket), row, float(state.decisions.stock[row, bucket]))


def _hours(state: PlanState, codes: Codes, bucket: int) -> Decided:
    code, resources = codes.get("resource", ""), state.model.problem.resources
    rows = np.flatnonzero(np.array(resources.codes) == code)
    if not len(rows):
        raise UnknownKey(field=["key"], kind="resource", found=code)
    row = int(rows[0])
    used = state.decisions.regular[row, bucket] + state.decisions.overtime[row, bucket]
    return Decided(Cell("hours", code, bucket), row, float(used))
