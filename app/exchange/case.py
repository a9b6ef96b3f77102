"""Stand-alone planning cases (JSON, model "plan"): published textbook models, solved by the engine without
a database.

Everything is told in the engine's one shape. A resource is a stock of hours that cannot be kept: its
capacity and each tier of extra capacity are ways to obtain hours, and a unit down for maintenance draws
some. A worker is a stock too: hired, dismissed, or employed for a period, which gives hours and the worker
back. A market's commitment and what it takes beyond it are two demands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from app.engine.problem import INFINITE, FloatArray, Kind, Problem
from app.errors import PlanningError
from app.exchange.case_draft import Draft, assembled
from app.exchange.case_reach import market_reach


def case_problem(case: Mapping[str, Any], time_limit: float = INFINITE) -> Problem:
    """Turn a case of the model "plan" into a Problem that may be solved for `time_limit` seconds.

    Raises PlanningError where the case is of another model, or its lists do not fit its periods.
    """
    if case.get("model") != "plan":
        raise PlanningError(reason=f"the case is of the model {case.get('model')}, not plan")
    draft = Draft(len(case["periods"]))
    for item, row in case["items"].items():
        _add_item(draft, item, row, market_reach(case, row))
    for resource, row in case.get("resources", {}).items():
        _add_resource(draft, resource, row)
    if "workforce" in case:
        _add_workforce(draft, case["workforce"])
        share = case.get("overtime_share") or case["workforce"].get("overtime_share")
        if share:
            _add_overtime_share(draft, share)
    for storage in case.get("storage") or []:
        _add_storage(draft, storage)
    return assembled(draft, [str(period) for period in case["periods"]], time_limit)


def _add_item(draft: Draft, item: str, row: Mapping[str, Any], reach: float) -> None:
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
        _add_sale(draft, item, market, sale, reach)


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
    _add_lot(draft, code, mode)
    for kind in ("components", "uses"):
        for name, amount in (mode.get(kind) or {}).items():
            draft.inputs.append(
                (code, name if kind == "components" else f"hours:{name}", draft.series(amount))
            )


def _add_lot(draft: Draft, code: str, mode: Mapping[str, Any]) -> None:
    """Add what is decided in whole numbers: set-ups, least and greatest lots, whole quantities."""
    for name, amount in (mode.get("setup_uses") or {}).items():
        draft.setup_inputs.append((code, f"hours:{name}", draft.series(amount)))
    if any(mode.get(name) for name in ("setup_cost", "setup_uses", "min_lot", "max_lot", "big_m", "integer")):
        limits = (draft.series(mode.get(name), INFINITE) for name in ("max_lot", "big_m"))
        draft.lots[code] = {
            "setup_cost": draft.series(mode.get("setup_cost")),
            "minimum": draft.series(mode.get("min_lot")),
            "maximum": np.minimum(*limits),
            "multiple": 1.0 if mode.get("integer") else 0.0,
        }


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


def _add_sale(draft: Draft, item: str, market: str, sale: Mapping[str, Any], reach: float) -> None:
    """Add optional sales: what is committed, then what the market takes beyond it (`reach`: no limit)."""
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
    draft.demands[f"sell:{item}:{market}"] = {
        "stock": item,
        "quantity": np.maximum(np.where(np.isinf(most), reach, most) - least, 0.0),
        "price": price,
    }


def _add_resource(draft: Draft, resource: str, row: Mapping[str, Any]) -> None:
    """Hours that cannot be kept, obtained up to the capacity and then tier by tier."""
    draft.stocks[f"hours:{resource}"] = {"maximum": 0.0}
    capacity = row.get("capacity")
    if capacity is None and row.get("units"):
        capacity = float(row["units"]) * float(row.get("hours_per_unit") or 0.0)
    if capacity is not None:
        _add_hours(draft, f"capacity:{resource}", resource, draft.series(capacity), 0.0)
    if row.get("maintenance_units"):
        _add_maintenance(draft, resource, row)
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


def _add_maintenance(draft: Draft, resource: str, row: Mapping[str, Any]) -> None:
    """Take whole units down, each once in the horizon: a unit down takes its hours of the period."""
    units = float(row["maintenance_units"])
    done = f"maintained:{resource}"
    draft.stocks[done] = {"maximum": units, "final_target": units, "final_cost": INFINITE}
    code = f"down:{resource}"
    most = min(units, float(row.get("units") or units))
    draft.activities[code] = {"stock": done, "kind": Kind.SUBCONTRACT, "upper": most}
    draft.inputs.append((code, f"hours:{resource}", draft.series(row.get("hours_per_unit"))))
    draft.lots[code] = {"multiple": 1.0}


def _add_overtime_share(draft: Draft, share: Mapping[str, Any]) -> None:
    """Limit what a mode makes, over all items, to units per worker employed."""
    stock, one = "overtime:share", np.ones(draft.periods)
    draft.stocks[stock] = {"maximum": 0.0}
    draft.activities["idle:share"] = {"stock": draft.sink(), "kind": Kind.SUBCONTRACT}
    draft.inputs.append(("idle:share", stock, one))
    draft.inputs.append(("workers", stock, -draft.series(share["units_per_worker"])))
    limited = [code for code in draft.activities if code.endswith(f":{share['mode']}")]
    limited = [code for code in limited if code.startswith("make:")]
    if not limited:
        raise PlanningError(reason=f"overtime_share names the mode {share['mode']}, which no item has")
    draft.inputs += [(code, stock, one) for code in limited]


def _add_storage(draft: Draft, row: Mapping[str, Any]) -> None:
    """Add room that several items share at the end of each period."""
    draft.spaces += [(len(draft.rooms), item, draft.series(amount)) for item, amount in row["space"].items()]
    draft.rooms.append(draft.series(row["capacity"]))


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
    if row.get("integer"):
        draft.lots |= {code: {"multiple": 1.0} for code in ("hire", "fire", "workers")}
    if "idle:regular" in ways:
        draft.inputs.append(("idle:regular", hours, one))
