"""Rows of a stand-alone case while it is read, and the Problem that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from app.engine.lots import Lots, Storages
from app.engine.problem import (
    INFINITE,
    Activities,
    Demands,
    FloatArray,
    Inputs,
    Parameters,
    Problem,
    Resources,
    Stocks,
    Uses,
)
from app.errors import PlanningError

SINK = "nowhere"


@dataclass(slots=True)
class Draft:
    """Rows of the four axes as they are found in a case."""

    periods: int
    stocks: dict[str, dict[str, Any]] = field(default_factory=dict)
    activities: dict[str, dict[str, Any]] = field(default_factory=dict)
    inputs: list[tuple[str, str, FloatArray]] = field(default_factory=list)
    demands: dict[str, dict[str, Any]] = field(default_factory=dict)
    lots: dict[str, dict[str, Any]] = field(default_factory=dict)
    setup_inputs: list[tuple[str, str, FloatArray]] = field(default_factory=list)
    rooms: list[FloatArray] = field(default_factory=list)
    spaces: list[tuple[int, str, FloatArray]] = field(default_factory=list)

    def series(self, value: Any, default: float = 0.0) -> FloatArray:
        """One number per period: a scalar is repeated, a missing one is the default."""
        listed = value if isinstance(value, list) else [value]
        row = np.array([default if item is None else float(item) for item in listed])
        if len(row) not in {1, self.periods}:
            raise PlanningError(
                reason=f"a list of {len(row)} values where the case has {self.periods} periods"
            )
        return np.broadcast_to(row, (self.periods,))

    def sink(self) -> str:
        """Give a stock for what is given away."""
        self.stocks.setdefault(SINK, {})
        return SINK


def assembled(draft: Draft, buckets: list[str], time_limit: float) -> Problem:
    """Turn the draft into a Problem; raises PlanningError where a row names what no row defines."""
    periods = draft.periods
    stock_at = {code: row for row, code in enumerate(draft.stocks)}
    activity_at = {code: row for row, code in enumerate(draft.activities)}
    _require_known(draft)
    return Problem(
        buckets=tuple(buckets),
        days=np.ones(periods),
        published=periods,
        stocks=Stocks.of(list(draft.stocks), periods, **_fields(draft.stocks, periods)),
        activities=Activities.of(list(activity_at), periods, **_fields(draft.activities, periods, stock_at)),
        inputs=_drawn(draft.inputs, activity_at, stock_at, periods),
        resources=Resources.of((), periods),
        uses=Uses.of(periods=periods),
        demands=Demands.of(list(draft.demands), periods, **_demand_fields(draft, stock_at)),
        parameters=Parameters(rounding=False, time_limit=time_limit),
        lots=Lots.of([activity_at[code] for code in draft.lots], periods, **_fields(draft.lots, periods)),
        setup_inputs=_drawn(draft.setup_inputs, activity_at, stock_at, periods),
        storages=Storages.of(
            [f"storage {number}" for number in range(len(draft.rooms))],
            periods,
            capacity=np.array(draft.rooms).reshape(-1, periods),
            storage=[storage for storage, _, _ in draft.spaces],
            stock=[stock_at[item] for _, item, _ in draft.spaces],
            space=np.array([space for _, _, space in draft.spaces]).reshape(-1, periods),
        ),
    )


def _require_known(draft: Draft) -> None:
    named = {stock for _, stock, _ in (*draft.inputs, *draft.setup_inputs)}
    named |= {item for _, item, _ in draft.spaces}
    unknown = sorted(named - set(draft.stocks))
    if unknown:
        raise PlanningError(reason=f"the case names {', '.join(unknown)}, which it does not define")


def _drawn(
    rows: Sequence[tuple[str, str, FloatArray]],
    activity_at: Mapping[str, int],
    stock_at: Mapping[str, int],
    periods: int,
) -> Inputs:
    return Inputs.of(
        [activity_at[code] for code, _, _ in rows],
        [stock_at[stock] for _, stock, _ in rows],
        np.array([amount for _, _, amount in rows]).reshape(-1, periods),
        periods,
    )


DEFAULTS: dict[str, float] = {"upper": INFINITE, "maximum": INFINITE}
WHOLE = {"kind", "arrival", "latest"}
VECTORS = {"opening", "final_target", "final_cost", "floor", "final_backlog", "kind", "multiple"}


def _fields(
    rows: Mapping[str, Mapping[str, Any]], periods: int, stock_at: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """Columns of an axis from its rows; what a row does not say has its default."""
    names = sorted({name for row in rows.values() for name in row} - {"stock"})
    steps = np.arange(periods)
    columns: dict[str, Any] = {}
    for name in names:
        default = steps if name in {"arrival", "latest"} else DEFAULTS.get(name, 0.0)
        values = [np.asarray(row.get(name, default)) for row in rows.values()]
        shape = () if name in VECTORS else (periods,)
        columns[name] = np.array(
            [np.broadcast_to(value, shape) for value in values],
            dtype=np.int64 if name in WHOLE else np.float64,
        )
    if stock_at is not None:
        columns["stock"] = [stock_at[row["stock"]] for row in rows.values()]
    return columns


def _demand_fields(draft: Draft, stock_at: Mapping[str, int]) -> dict[str, Any]:
    columns = _fields(draft.demands, draft.periods, stock_at)
    columns.setdefault("stock", [])
    columns.setdefault("quantity", np.zeros((0, draft.periods)))
    return columns
