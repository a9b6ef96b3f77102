"""Stand-alone planning cases (JSON, model "plan"): published textbook models, solved by the engine without
a database.

Everything is told in the engine's one shape. A resource is a stock of hours that cannot be kept: its
capacity and each tier of extra capacity are ways to obtain hours. A worker is a stock too: hired,
dismissed, or employed for a period, which gives hours and the worker back. A market's commitment and what
it takes beyond it are two demands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from app.engine.problem import (
    INFINITE,
    Activities,
    Demands,
    FloatArray,
    Inputs,
    Kind,
    Parameters,
    Problem,
    Resources,
    Stocks,
    Uses,
)
from app.errors import PlanningError

SINK = "nowhere"
NOT_YET = {
    "modes": ("setup_cost", "setup_uses", "min_lot", "max_lot", "integer", "big_m"),
    "resources": ("maintenance_units",),
    "workforce": ("integer",),
}
"""Features of the format that need whole-number decisions."""


@dataclass(slots=True)
class Draft:
    """Rows of the four axes as they are found in a case."""

    periods: int
    stocks: dict[str, dict[str, Any]] = field(default_factory=dict)
    activities: dict[str, dict[str, Any]] = field(default_factory=dict)
    inputs: list[tuple[str, str, FloatArray]] = field(default_factory=list)
    demands: dict[str, dict[str, Any]] = field(default_factory=dict)

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


def case_problem(case: Mapping[str, Any]) -> Problem:
    """Turn a case of the model "plan" into a Problem.

    Raises PlanningError where it asks for what the engine cannot do yet, or its lists do not fit its periods.
    """
    _refuse(case)
    draft = Draft(len(case["periods"]))
    for item, row in case["items"].items():
        _add_item(draft, item, row)
    for resource, row in case.get("resources", {}).items():
        _add_resource(draft, resource, row)
    if "workforce" in case:
        _add_workforce(draft, case["workforce"])
    return _assembled(draft, [str(period) for period in case["periods"]])


def _refuse(case: Mapping[str, Any]) -> None:
    if case.get("model") != "plan":
        raise PlanningError(reason=f"the case is of the model {case.get('model')}, not plan")
    rows: dict[str, Sequence[Mapping[str, Any]]] = {
        "modes": [mode for item in case["items"].values() for mode in item.get("modes", [])],
        "resources": list(case.get("resources", {}).values()),
        "workforce": [case["workforce"]] if "workforce" in case else [],
    }
    found = {name for kind, names in NOT_YET.items() for name in names for row in rows[kind] if row.get(name)}
    found |= {name for name in ("storage", "overtime_share") if case.get(name)}
    if found:
        raise PlanningError(
            reason=f"the case needs {', '.join(sorted(found))}, which the engine cannot do yet"
        )


def _add_item(draft: Draft, item: str, row: Mapping[str, Any]) -> None:
    exact = row.get("final_inventory_exact")
    maximum = np.array(draft.series(row.get("max_inventory"), INFINITE))
    if exact is not None:
        maximum[-1] = min(maximum[-1], float(exact))
    final = exact if exact is not None else row.get("final_inventory_min")
    draft.stocks[item] = {
        "opening": float(row.get("initial_inventory") or 0.0),
        "holding_cost": draft.series(row.get("holding_cost")),
        "maximum": maximum,
        "target": draft.series(row.get("min_inventory")),
        "target_cost": INFINITE,
        "final_target": float(final or 0.0),
        "final_cost": INFINITE,
    }
    for mode in row.get("modes", []):
        _add_mode(draft, item, mode)
    if "demand" in row:
        _add_demand(draft, item, row)
    for market, sale in row.get("sales", {}).items():
        _add_sale(draft, item, market, sale, row)


def _add_mode(draft: Draft, item: str, mode: Mapping[str, Any]) -> None:
    code = f"make:{item}:{mode['name']}"
    steps = np.arange(draft.periods)
    draft.activities[code] = {
        "stock": item,
        "kind": Kind.PURCHASE if mode.get("purchase") else Kind.MAKE,
        "arrival": np.minimum(steps + int(mode.get("lead_time") or 0), draft.periods),
        "cost": draft.series(mode.get("cost")),
        "lower": draft.series(mode.get("min")),
        "upper": draft.series(mode.get("max"), INFINITE),
    }
    for kind in ("components", "uses"):
        for name, amount in (mode.get(kind) or {}).items():
            draft.inputs.append(
                (code, name if kind == "components" else f"hours:{name}", draft.series(amount))
            )


def _add_demand(draft: Draft, item: str, row: Mapping[str, Any]) -> None:
    """Demand that must be met, may be late where a backlog has a cost, may be lost where that has one."""
    unmet, late = row["demand"].get("unmet_cost"), row.get("backlog_cost")
    steps = np.arange(draft.periods)
    draft.demands[f"back:{item}"] = {
        "stock": item,
        "quantity": draft.series(row["demand"]["quantity"]),
        "late_cost": draft.series(late),
        "latest": steps if late is None else np.full(draft.periods, draft.periods - 1),
        "short_cost": draft.series(unmet),
        "floor": 1.0 if unmet is None else 0.0,
        "final_backlog": float(row.get("final_backlog_max") or 0.0) if late is not None else 0.0,
    }


def _add_sale(draft: Draft, item: str, market: str, sale: Mapping[str, Any], row: Mapping[str, Any]) -> None:
    """Add optional sales: what is committed, then what the market takes beyond it."""
    least, price = draft.series(sale.get("min")), draft.series(sale["price"])
    penalty = sale.get("short_cost")
    if (least > 0).any():
        draft.demands[f"commit:{item}:{market}"] = {
            "stock": item,
            "quantity": least,
            "price": price,
            "short_cost": draft.series(penalty),
            "floor": 1.0 if penalty is None else 0.0,
        }
    most = draft.series(sale.get("max"), INFINITE)
    open_market = _within_reach(draft, row) if np.isinf(most).any() else INFINITE
    draft.demands[f"sell:{item}:{market}"] = {
        "stock": item,
        "quantity": np.maximum(np.where(np.isinf(most), open_market, most) - least, 0.0),
        "price": price,
    }


def _within_reach(draft: Draft, row: Mapping[str, Any]) -> float:
    """Most that a market without a limit can be sold in a period: what may be in stock, and what can be
    obtained.

    Where neither is limited, a sale may be resold at once without end: then the case has no answer of its
    own.
    """
    held = draft.series(row.get("max_inventory"), INFINITE).max() + float(row.get("initial_inventory") or 0.0)
    obtained = sum(draft.series(mode.get("max"), INFINITE).max() for mode in row.get("modes", []))
    dear = all(
        (draft.series(mode.get("cost")) >= draft.series(sale["price"])).all()
        for mode in row.get("modes", [])
        for sale in row["sales"].values()
    )
    reach = held + (0.0 if dear else obtained)
    if not np.isfinite(reach):
        raise PlanningError(reason="a market without a maximum can be sold without limit; give it a max")
    return float(reach)


def _add_resource(draft: Draft, resource: str, row: Mapping[str, Any]) -> None:
    """Hours that cannot be kept, obtained up to the capacity and then tier by tier."""
    draft.stocks[f"hours:{resource}"] = {"maximum": 0.0}
    if row.get("capacity") is not None:
        _add_hours(draft, f"capacity:{resource}", resource, draft.series(row["capacity"]), 0.0)
    for number, tier in enumerate(row.get("extra_capacity") or []):
        limit = draft.series(tier.get("max"), INFINITE)
        _add_hours(draft, f"extra:{resource}:{number}", resource, limit, draft.series(tier.get("cost")))


def _add_hours(
    draft: Draft, code: str, resource: str, limit: FloatArray | float, cost: FloatArray | float
) -> None:
    draft.activities[code] = {
        "stock": f"hours:{resource}",
        "kind": Kind.SUBCONTRACT,
        "upper": limit,
        "cost": cost,
    }


def _add_workforce(draft: Draft, row: Mapping[str, Any]) -> None:
    """Hire, dismiss or employ workers; employment gives hours and, in the next period, the worker back."""
    hours, spare = f"hours:{row['resource']}", f"overtime:{row['resource']}"
    draft.stocks.setdefault(hours, {"maximum": 0.0})
    draft.stocks[spare] = {"maximum": 0.0}
    draft.stocks["workers"] = {"opening": float(row.get("initial") or 0.0), "maximum": 0.0}
    ways = {
        "hire": ("workers", row.get("hire_cost")),
        "fire": (draft.sink(), row.get("fire_cost")),
        "workers": ("workers", row.get("wage")),
        "worked:overtime": (hours, row.get("overtime_cost")),
        "idle:overtime": (draft.sink(), 0.0),
    }
    if row.get("idle_allowed", True):
        ways["idle:regular"] = (draft.sink(), 0.0)
    for code, (stock, cost) in ways.items():
        draft.activities[code] = {"stock": stock, "kind": Kind.SUBCONTRACT, "cost": draft.series(cost)}
    draft.activities["workers"] |= {
        "arrival": np.arange(1, draft.periods + 1),
        "lower": draft.series(row.get("min")),
        "upper": draft.series(row.get("max"), INFINITE),
    }
    one = np.ones(draft.periods)
    draft.inputs += [("fire", "workers", one), ("workers", "workers", one), ("worked:overtime", spare, one)]
    draft.inputs.append(("workers", hours, -draft.series(row.get("hours_per_worker"))))
    draft.inputs.append(("workers", spare, -draft.series(row.get("overtime_hours_per_worker"))))
    draft.inputs.append(("idle:overtime", spare, one))
    if "idle:regular" in ways:
        draft.inputs.append(("idle:regular", hours, one))


def _assembled(draft: Draft, buckets: list[str]) -> Problem:
    periods = draft.periods
    stock_at = {code: row for row, code in enumerate(draft.stocks)}
    activity_at = {code: row for row, code in enumerate(draft.activities)}
    inputs = [entry for entry in draft.inputs if entry[1] in stock_at]
    if len(inputs) < len(draft.inputs):
        unknown = sorted({stock for _, stock, _ in draft.inputs} - set(stock_at))
        raise PlanningError(reason=f"the case names {', '.join(unknown)}, which it does not define")
    return Problem(
        buckets=tuple(buckets),
        days=np.ones(periods),
        published=periods,
        stocks=Stocks.of(list(draft.stocks), periods, **_fields(draft.stocks, periods)),
        activities=Activities.of(list(activity_at), periods, **_fields(draft.activities, periods, stock_at)),
        inputs=Inputs.of(
            [activity_at[code] for code, _, _ in inputs],
            [stock_at[stock] for _, stock, _ in inputs],
            np.array([amount for _, _, amount in inputs]).reshape(-1, periods),
            periods,
        ),
        resources=Resources.of((), periods),
        uses=Uses.of(periods=periods),
        demands=Demands.of(list(draft.demands), periods, **_demand_fields(draft, stock_at)),
        parameters=Parameters(rounding=False),
    )


DEFAULTS: dict[str, float] = {"upper": INFINITE, "maximum": INFINITE}
WHOLE = {"kind", "arrival", "latest"}
VECTORS = {"opening", "final_target", "final_cost", "floor", "final_backlog", "kind"}


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
